"""Opening the storage of a study, and naming it without its password."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from nas.errors import StudyError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

ALLOWED = "sqlite:///FILE, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, journal:FILE"
HIDDEN = "***"
BUSY_SECONDS = 5
"""A SQLite file that somebody else has locked is tried for so long at a time; Optuna tries five times to add a trial."""
_PASSWORD = re.compile(r"(:/*[^:/@\s]*):(.*)@")
_PASSWORD_PARAMETER = re.compile(r"([?&][^=&]*(?:password|passwd|pwd)[^&=]*=)([^&\s]*)", re.IGNORECASE)


def redact(url: str) -> str:
    """The URL, or a text that holds one, without its password: what logs, messages and reports show.

    >>> redact("postgresql://ann:secret@host/db")
    'postgresql://ann:***@host/db'
    """
    return _PASSWORD_PARAMETER.sub(rf"\1{HIDDEN}", _PASSWORD.sub(rf"\1:{HIDDEN}@", url))


def sqlite_url(path: Path) -> str:
    """Storage URL of a SQLite file."""
    special = re.compile("[%?#{}]")  # of URLs, and of the template as which Optuna reads them
    return "sqlite:///" + special.sub(lambda found: f"%{ord(found[0]):02X}", str(path.resolve()))


def open_storage(url: str) -> BaseStorage:
    """The storage that a URL names: a SQLite file, a PostgreSQL database, or a journal file.

    Other databases that Optuna knows are left to it.

    Raises:
        StudyError: It cannot be reached, read or written, or there is no such kind; the message shows no password.
    """
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

    from nas.journal_file import open_journal

    _refuse_unreadable_password(url)
    try:
        return open_journal(url.removeprefix("journal:")) if url.startswith("journal:") else _open_database(url)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        reason, hint = _reason(error, url), f"; allowed: {ALLOWED}"
    except (SQLAlchemyError, ImportError, RuntimeError, OSError) as error:
        reason, hint = _reason(error, url), ""
    # Here and not above, so that no traceback shows a cause whose text might hold the password.
    raise StudyError(f"cannot open the study's storage {redact(url)}: {reason}{hint}")


def close_storage(storage: BaseStorage) -> None:
    """Ends the connections to a storage; it may be used again, which makes new ones."""
    from optuna.storages import RDBStorage

    storage.remove_session()
    if isinstance(storage, RDBStorage):
        storage.engine.dispose()


def _open_database(url: str) -> BaseStorage:
    from optuna.storages import RDBStorage

    from nas.postgresql import connection, is_postgresql

    if is_postgresql(url):
        url, engine = connection(url)
    else:
        engine = {"connect_args": {"timeout": BUSY_SECONDS}} if url.startswith("sqlite") else {}
    # Optuna fills in the URL as a template.
    return RDBStorage(url.replace("{", "%7B").replace("}", "%7D"), engine_kwargs=engine)


def _refuse_unreadable_password(url: str) -> None:
    """A second `@` would make the password's end a part of the host, and show it; a redacted one is none."""
    found = _PASSWORD.search(url)
    if found and "@" in found[2]:
        raise StudyError(f"the storage {redact(url)}: write an @ in the password as %40")
    if any(secret == HIDDEN for secret in _secrets(url)):
        raise StudyError(
            f"the storage {redact(url)}: the password was left out of a written file, give --search.storage"
        )


def _secrets(url: str) -> list[str]:
    return [match[2] for pattern in (_PASSWORD, _PASSWORD_PARAMETER) for match in pattern.finditer(url) if match[2]]


def _reason(error: BaseException, url: str) -> str:
    """The first line of what went wrong, in the words of the database, where they are there."""
    text = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    line = redact(text.splitlines()[0])
    for secret in _secrets(url):
        for form in (secret, unquote(secret)):
            line = line.replace(form, HIDDEN)
    return line
