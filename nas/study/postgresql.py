"""PostgreSQL as the storage of a study: which driver library connects to it, and how long it may stay silent."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from nas.errors import StudyError

DRIVERS = ("psycopg", "psycopg2", "pg8000")
"""Driver libraries by their names in Python and in SQLAlchemy; the first one is the one that is tested."""
CONNECT_SECONDS = 5
"""Seconds to wait for a host that does not answer; Optuna tries five times to add a trial."""
SILENT_SECONDS = 10
"""A connection on which nothing is acknowledged for so many seconds counts as broken."""
_OF_LIBPQ = DRIVERS[:2]
_SCHEME = re.compile(r"postgres(?:ql)?(?:\+(\w+))?://")


def is_postgresql(url: str) -> bool:
    """Whether a storage URL names a PostgreSQL database."""
    return _SCHEME.match(url) is not None


def connection(url: str) -> tuple[str, dict[str, Any]]:
    """A PostgreSQL URL in SQLAlchemy's form, with the first driver that is installed if the URL names none.

    Returns:
        The URL, and keyword arguments of the engine.

    Raises:
        StudyError: No driver is installed, or the one that the URL names is not.
    """
    scheme = _SCHEME.match(url)
    assert scheme is not None
    wanted = DRIVERS if scheme[1] is None else (scheme[1],)
    driver = next((name for name in wanted if find_spec(name) is not None), None)
    if driver is None:
        raise StudyError(
            f"a PostgreSQL storage needs a driver, and {' or '.join(wanted)} is not installed: "
            "pip install 'psycopg[binary]' (the extra shufflenas[postgresql])"
        )
    arguments: dict[str, int] = {}
    if driver in _OF_LIBPQ:
        # Without these options the kernel decides, and it takes 2 to 15 minutes.
        # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
        arguments = {
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 30,
            "tcp_user_timeout": 1000 * SILENT_SECONDS,
        }
    arguments = {key: value for key, value in arguments.items() if f"{key}=" not in urlsplit(url).query}
    # A connection that the server, or a firewall, has closed in the meantime is replaced before it is used.
    return f"postgresql+{driver}://{url[scheme.end() :]}", {"pool_pre_ping": True, "connect_args": arguments}
