"""Which driver holds a study: only one at a time, known by a sign of life in the study itself.

The lock of the output folder keeps two drivers from one folder; this keeps two folders, or two machines, from one study.

Clocks of two machines may differ by hours, and a clock that is set back makes signs from the future. So a clock never
proves that a driver is dead. If the driver's process can be seen from here, the process itself shows it. Any other driver
is watched, since one that is alive renews its sign. The clock only serves to refuse at once, without watching, where the
sign of another machine is fresh.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from nas.errors import StudyError
from nas.output.process_sign import is_of_this_process, is_running, process_sign

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

RENEW_SECONDS = 20.0
"""A driver renews its sign of life this often."""
STALE_SECONDS = 120.0
"""A sign of life that has not been renewed for so many seconds belongs to a dead driver."""
LOOK_SECONDS = 0.5
"""Seconds between two readings of a sign that is watched."""
_KEY = "driver"


class StudyHolder:
    """This process's hold on a study.

    Args:
        storage: The storage that holds the study.
        study_id: Optuna's identifier of the study.
        tell: Called with a line when another driver's sign of life is watched, which takes a while.
    """

    def __init__(self, storage: BaseStorage, study_id: int, tell: Callable[[str], object] = lambda _text: None) -> None:
        self._storage = storage
        self._study_id = study_id
        self._tell = tell
        self._token = uuid.uuid4().hex
        self._renewed = 0.0

    def look(self) -> dict[str, Any]:
        """The last sign of life, after making sure that its driver is not alive.

        If it is not clear at once whether another driver is alive, its sign is watched for up to 2 minutes.

        Raises:
            StudyError: Another driver holds the study; the message says where, and what to do.
        """
        sign = self._read()
        # An earlier search in this process, such as a notebook's, has ended.
        alive = False if not sign or is_of_this_process(sign) else _is_alive(sign)
        if alive is None:
            alive = self._renews(sign)
        if alive:
            raise StudyError(
                f"the study is in use by another running search ({_whose(sign)}); wait for it, stop it, or choose another "
                f"--search.study. If that process has ended, its sign of life still counts for {STALE_SECONDS:.0f} s: give the "
                "same command again after that"
            )
        return sign

    def take(self, seen: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Takes hold of the study, and returns the last sign of life before that.

        Args:
            seen: The sign that `look` returned a moment ago; if it has not changed, it is not examined again.

        Raises:
            StudyError: Another driver holds the study; the message says where, and what to do.
        """
        sign = self._read()
        if seen is None or sign != seen:
            sign = self.look()
        self._write()
        return sign

    def renew(self) -> None:
        """Shows that this driver is alive, if its last sign is old enough.

        Raises:
            StudyError: Another driver has taken the study in the meantime.
        """
        if time.monotonic() - self._renewed < RENEW_SECONDS:
            return
        if self._read().get("token") != self._token:
            raise StudyError("another search has taken over the study; this one stops and leaves it as it is")
        self._write()

    def release(self) -> None:
        """Releases the study."""
        if self._read().get("token") == self._token:
            self._storage.set_study_user_attr(self._study_id, _KEY, {})

    def _renews(self, sign: Mapping[str, Any]) -> bool:
        """Whether the sign is renewed while it is watched. A sign that is removed meanwhile is not renewed."""
        self._tell(
            f"the study was last held by another search ({_whose(sign)}), and it is not clear whether that is still running; "
            f"watching it for up to {STALE_SECONDS:.0f} s"
        )
        end = time.monotonic() + STALE_SECONDS
        while time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
            now = self._read()
            if now != sign:
                return bool(now)
        return False

    def _read(self) -> dict[str, Any]:
        found = self._storage.get_study_user_attrs(self._study_id).get(_KEY)
        return found if _is_sign(found) else {}

    def _write(self) -> None:
        sign = {**process_sign(), "token": self._token, "time": time.time()}
        self._storage.set_study_user_attr(self._study_id, _KEY, sign)
        self._renewed = time.monotonic()


def _is_sign(found: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a value has the form of a driver's sign, and was not changed by somebody else."""
    kinds = {"host": str, "pid": int, "token": str, "time": int | float}
    return isinstance(found, dict) and all(isinstance(found.get(key), kind) for key, kind in kinds.items())


def _is_alive(sign: Mapping[str, Any]) -> bool | None:
    """Whether the driver of a sign is alive; None if only watching it can tell."""
    running = is_running(sign)
    if running is not None:
        return running
    return True if _is_fresh(sign) and not _may_have_ended_here(sign) else None


def _is_fresh(sign: Mapping[str, Any]) -> bool:
    return bool(abs(time.time() - sign["time"]) <= STALE_SECONDS)


def _may_have_ended_here(sign: Mapping[str, Any]) -> bool:
    """Whether a sign is from this machine's name but another start of it, or from another container in it.

    Most likely this machine or container was restarted, and then the driver is dead.
    """
    own = process_sign()
    return sign.get("host") == own["host"] and any(
        key in sign and sign[key] != own.get(key) for key in ("boot", "namespace")
    )


def _whose(sign: Mapping[str, Any]) -> str:
    return f"process {sign.get('pid')} on {sign.get('host')}"
