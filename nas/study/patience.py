"""Waits for a storage that is briefly unavailable, so that no trial is lost to a server restart or a locked file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

AWAY_SECONDS = 60.0
"""A storage may be unavailable for so many seconds. With the time of the attempts, this is less than the age at which other
drivers take a driver for dead.
"""
PAUSE_SECONDS = 1.0
_PASSING = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
)

T = TypeVar("T")


def patiently(action: Callable[[], T], tell: Callable[[str], object], again: Callable[[], T] | None = None) -> T:
    """The result of an action on a storage, which is repeated while the storage is unavailable.

    Args:
        action: The action.
        tell: Called with a line when waiting begins and when it ends.
        again: The action from the second attempt on, where the first may have succeeded and only its answer was lost.
            Default: the same action, which must then be safe to repeat.

    Raises:
        Exception: The last exception of the action, after `AWAY_SECONDS` or for a reason that will not pass.
    """
    began = time.monotonic()
    waited = False
    while True:
        try:
            result = action()
        except Exception as error:
            if not is_away(error) or time.monotonic() - began > AWAY_SECONDS:
                raise
            if not waited:
                tell(f"the study's storage is unavailable ({reason_of(error)}); trying again for {AWAY_SECONDS:.0f} s")
            waited = True
            time.sleep(PAUSE_SECONDS)
            action = again or action
        else:
            if waited:
                tell(f"the study's storage is back after {time.monotonic() - began:.0f} s; nothing was lost")
            return result


def is_away(error: BaseException) -> bool:
    """Whether a storage may be available again later: no connection, locked, disk full, or a file system that does not answer."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    if isinstance(cause, OSError):
        return True
    if not isinstance(cause, DBAPIError):
        return False
    if isinstance(cause.orig, sqlite3.Error):
        return getattr(cause.orig, "sqlite_errorcode", 0) & 0xFF in _PASSING
    return cause.connection_invalidated or isinstance(cause, (OperationalError, InterfaceError))


def reason_of(error: BaseException) -> str:
    """The first line of a storage's error, in the words of the database and without a password."""
    from nas.values.redaction import redact

    cause = error.__cause__ if isinstance(error, StorageInternalError) and error.__cause__ is not None else error
    text = str(getattr(cause, "orig", None) or cause).strip()
    return redact(text.splitlines()[0]) if text else type(cause).__name__
