"""Opening the database of a study, and naming it without its password."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from nas.errors import StudyError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


def redact(url: str) -> str:
    """The URL without its password: what logs, messages and reports show.

    >>> redact("postgresql://ann:secret@host/db")
    'postgresql://ann:***@host/db'
    """
    url = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&][^=&]*(?:password|passwd|pwd)[^=&]*=)[^&\s]*", r"\1***", url, flags=re.IGNORECASE)


def sqlite_url(path: Path) -> str:
    """Storage URL of a SQLite file."""
    return f"sqlite:///{path.resolve()}"


def open_storage(url: str) -> BaseStorage:
    """An Optuna storage.

    Raises:
        StudyError: The database cannot be reached or read; the message shows the URL without its password.
    """
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 60}} if url.startswith("sqlite") else None)
    except (SQLAlchemyError, ImportError, RuntimeError, ValueError) as error:
        reason = redact(str(error).splitlines()[0])
        raise StudyError(f"cannot open the study's storage {redact(url)}: {reason}") from error
