"""Which driver holds a study: one at a time, known by a sign of life in the study itself.

The lock of the output folder keeps two drivers from one folder; this keeps two folders, or two machines, from one study.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from typing import TYPE_CHECKING, Any, TypeGuard

from nas.errors import StudyError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

RENEW_SECONDS = 20.0
"""A driver renews its sign of life this often."""
STALE_SECONDS = 120.0
"""A sign of life older than this is that of a dead driver."""
_KEY = "driver"


class StudyHolder:
    """This process's hold on a study.

    Args:
        storage: Where the study is.
        study_id: Which one.
    """

    def __init__(self, storage: BaseStorage, study_id: int) -> None:
        self._storage = storage
        self._study_id = study_id
        self._token = uuid.uuid4().hex
        self._renewed = 0.0

    def look(self) -> dict[str, Any]:
        """The last sign of life, which is not that of a driver that lives.

        Raises:
            StudyError: Another driver holds the study; tells where.
        """
        holder = self._read()
        if holder and _is_alive(holder):
            raise StudyError(
                f"the study is in use by another running search (process {holder['pid']} on {holder['host']}); "
                "wait for it, stop it, or choose another --search.study"
            )
        return holder

    def take(self) -> dict[str, Any]:
        """Takes the study; returns the last sign of life before.

        Raises:
            StudyError: Another driver holds it; tells where.
        """
        holder = self.look()
        self._write()
        return holder

    def renew(self) -> None:
        """Shows that this driver lives, if the last sign is old enough.

        Raises:
            StudyError: Another driver has taken the study in the meantime.
        """
        if time.monotonic() - self._renewed < RENEW_SECONDS:
            return
        if self._read().get("token") != self._token:
            raise StudyError("another search has taken over the study; this one stops and leaves it as it is")
        self._write()

    def release(self) -> None:
        """Gives the study back."""
        if self._read().get("token") == self._token:
            self._storage.set_study_user_attr(self._study_id, _KEY, {})

    def _read(self) -> dict[str, Any]:
        holder = self._storage.get_study_user_attrs(self._study_id).get(_KEY)
        return holder if _is_sign(holder) else {}

    def _write(self) -> None:
        sign = {"host": socket.gethostname(), "pid": os.getpid(), "token": self._token, "time": time.time()}
        self._storage.set_study_user_attr(self._study_id, _KEY, sign)
        self._renewed = time.monotonic()


def _is_sign(holder: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is what a driver writes, and not what another hand made of it."""
    kinds = {"host": str, "pid": int, "token": str, "time": int | float}
    return isinstance(holder, dict) and all(isinstance(holder.get(key), kind) for key, kind in kinds.items())


def _is_alive(holder: dict[str, Any]) -> bool:
    """Whether a driver other than this process shows life: on this machine its process, elsewhere a recent sign."""
    if time.time() - float(holder["time"]) > STALE_SECONDS:
        return False
    if holder["host"] != socket.gethostname():
        return True
    pid = int(holder["pid"])
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
