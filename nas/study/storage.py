"""Opens the storage of a study, and names it in messages without its password."""

from __future__ import annotations

import re
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from nas.errors import StudyError
from nas.values.local_path import local_path, path_fault
from nas.values.redaction import HIDDEN, hide, redact, secrets_of, shown_url

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session, scoped_session

ALLOWED = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, journal:FILE"
BUSY_SECONDS = 5
"""Seconds to wait for a SQLite file that another process has locked; Optuna tries five times to add a trial."""
_OF_HOME = re.compile(r"(sqlite(?:\+\w+)?:///)(~[^/?]*)")


def sqlite_url(path: Path) -> str:
    """The storage URL of a SQLite file."""
    special = re.compile("[%?#{}]")  # of URLs, and of the template as which Optuna reads them
    return "sqlite:///" + special.sub(lambda found: f"%{ord(found[0]):02X}", str(path.resolve()))


def open_storage(url: str) -> BaseStorage:
    """The storage that a URL names: a SQLite file, a PostgreSQL database, or a journal file.

    The URLs of other databases are passed to Optuna.

    Raises:
        StudyError: The storage cannot be reached, read or written, or is of an unknown kind; the message shows no password.
    """
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    from nas.study.journal_file import open_journal

    _refuse_unreadable_password(url)
    _refuse_impossible_file(url)
    try:
        return open_journal(url.removeprefix("journal:")) if url.startswith("journal:") else _open_database(url)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        reason, hint = _reason(error, url), f"; allowed: {ALLOWED}"
    except (SQLAlchemyError, ImportError, RuntimeError, OSError) as error:
        reason, hint = _reason(error, url), ""
    # It is raised here and not above, so that no traceback shows a cause whose text might contain the password.
    raise StudyError(f"cannot open the study's storage {shown_url(url)}: {reason}{hint}")


def close_storage(storage: BaseStorage) -> None:
    """Closes the connections to a storage. The storage can still be used, which opens new ones."""
    from optuna.storages import RDBStorage

    storage.remove_session()
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()


def _open_database(url: str) -> BaseStorage:
    from optuna.storages import RDBStorage

    from nas.study.postgresql import connection, is_postgresql

    if is_postgresql(url):
        url, engine = connection(url)
    else:
        engine = {"connect_args": {"timeout": BUSY_SECONDS}} if url.startswith("sqlite") else {}
    # Optuna fills in the URL as a template.
    storage = RDBStorage.__new__(RDBStorage)
    try:
        RDBStorage.__init__(storage, _at_home(url).replace("{", "%7B").replace("}", "%7D"), engine_kwargs=engine)
    except BaseException:
        if hasattr(storage, "engine"):
            storage.engine.dispose()
        raise
    weakref.finalize(storage, _end, storage.scoped_session, storage.engine)
    return storage


def _end(sessions: scoped_session[Session], engine: Engine) -> None:
    """Closes, as `close_storage` does, the connections of a storage that is no longer referred to."""
    sessions.remove()
    engine.dispose()


def _refuse_unreadable_password(url: str) -> None:
    """Refuses a URL with a second `@`, which would make the end of the password part of the host, and one that was redacted."""
    secrets = secrets_of(url)
    if HIDDEN in url:
        raise StudyError(
            f"the storage {shown_url(url)}: the password was left out of a written file, give --search.storage"
        )
    if any("@" in secret for secret in secrets):
        raise StudyError(f"the storage {shown_url(url)}: write an @ in the password as %40")


def _refuse_impossible_file(url: str) -> None:
    file = re.fullmatch(r"(?:sqlite(?:\+\w+)?:///|journal:)([^?]+)(?:\?.*)?", url, re.DOTALL)
    fault = path_fault(file[1]) if file else None
    if fault:
        raise StudyError(f"cannot open the study's storage {shown_url(url)}: the path {fault}; allowed: {ALLOWED}")


def _reason(error: BaseException, url: str) -> str:
    """The first line of the database's own error message, if there is one."""
    text = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return hide(redact(text.splitlines()[0]), secrets_of(url))


def _at_home(url: str) -> str:
    """The URL of a SQLite file with `~` replaced by the home folder."""
    return _OF_HOME.sub(lambda found: found[1] + str(local_path(found[2])), url)
