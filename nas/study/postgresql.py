"""PostgreSQL as the storage of a study: which driver library reaches it, and how long it may stay silent."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from nas.errors import StudyError

DRIVERS = ("psycopg", "psycopg2", "pg8000")
"""Libraries, the one that is tested first, by the names of both Python and SQLAlchemy."""
CONNECT_SECONDS = 5
"""A host that does not answer is waited for so long at a time; Optuna tries five times to add a trial."""
SILENT_SECONDS = 10
"""A connection on which nothing is acknowledged for so long is broken."""
_OF_LIBPQ = DRIVERS[:2]
_SCHEME = re.compile(r"postgres(?:ql)?(?:\+(\w+))?://")


def is_postgresql(url: str) -> bool:
    """Whether a storage URL names a PostgreSQL database."""
    return _SCHEME.match(url) is not None


def connection(url: str) -> tuple[str, dict[str, Any]]:
    """SQLAlchemy's form of a PostgreSQL URL, with the first driver that is installed where it names none.

    Returns:
        The URL, and keyword arguments of the engine.

    Raises:
        StudyError: No driver is installed, or not the one that the URL names.
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
        # Without them it is as long as the kernel likes, 2 to 15 minutes.
        # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
        arguments = {
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": 30,
            "tcp_user_timeout": 1000 * SILENT_SECONDS,
        }
    arguments = {key: value for key, value in arguments.items() if f"{key}=" not in urlsplit(url).query}
    # A connection that the server, or a firewall, has closed in the meantime is replaced before it is used.
    return f"postgresql+{driver}://{url[scheme.end() :]}", {"pool_pre_ping": True, "connect_args": arguments}
