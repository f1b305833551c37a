"""Which driver holds a study: one at a time, known by a sign of life in the study itself.

The lock of the output folder keeps two drivers from one folder; this keeps two folders, or two machines, from one study.

Clocks of two machines may differ by hours, and one that is set back makes signs of the future. So no clock ever says that a driver
is dead. Of one whose process can be seen from here, the process says it. Any other is watched: one that lives renews its sign. All
that the clock is for is to refuse at once, without watching, where a sign of another machine is fresh.
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
"""A sign of life that has not been renewed for so long is that of a dead driver."""
LOOK_SECONDS = 0.5
"""How often a sign that is watched is read."""
_KEY = "driver"


class StudyHolder:
    """This process's hold on a study.

    Args:
        storage: Where the study is.
        study_id: Which one.
        tell: Is told when another driver's sign of life is watched, which takes a while.
    """

    def __init__(self, storage: BaseStorage, study_id: int, tell: Callable[[str], object] = lambda _text: None) -> None:
        self._storage = storage
        self._study_id = study_id
        self._tell = tell
        self._token = uuid.uuid4().hex
        self._renewed = 0.0

    def look(self) -> dict[str, Any]:
        """The last sign of life, which is not that of a driver that lives.

        Where the clock does not tell whether another driver lives, it is watched for up to 2 minutes.

        Raises:
            StudyError: Another driver holds the study; tells where, and the way out.
        """
        sign = self._read()
        # A search of before in this process, as of a notebook, is over.
        alive = False if not sign or is_of_this_process(sign) else _is_alive(sign)
        if alive is None:
            alive = self._renews(sign)
        if alive:
            raise StudyError(
                f"the study is in use by another running search ({_whose(sign)}); wait for it, stop it, or choose another "
                f"--search.study. If that process is gone, its sign of life counts for {STALE_SECONDS:.0f} s more: give the same "
                "command again then"
            )
        return sign

    def take(self, seen: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Takes the study; returns the last sign of life before.

        Args:
            seen: What `look` gave a moment ago; if the sign is still this one, it is not looked at again.

        Raises:
            StudyError: Another driver holds it; tells where, and the way out.
        """
        sign = self._read()
        if seen is None or sign != seen:
            sign = self.look()
        self._write()
        return sign

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

    def _renews(self, sign: Mapping[str, Any]) -> bool:
        """Whether the sign is renewed while it is watched; not so too if it is taken away."""
        self._tell(
            f"the study was last held by another search ({_whose(sign)}), and the clock does not tell whether that still runs; "
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
    """Whether it is what a driver writes, and not what another hand made of it."""
    kinds = {"host": str, "pid": int, "token": str, "time": int | float}
    return isinstance(found, dict) and all(isinstance(found.get(key), kind) for key, kind in kinds.items())


def _is_alive(sign: Mapping[str, Any]) -> bool | None:
    """Whether a driver lives; None if only watching it will tell."""
    running = is_running(sign)
    if running is not None:
        return running
    return True if _is_fresh(sign) and not _may_have_ended_here(sign) else None


def _is_fresh(sign: Mapping[str, Any]) -> bool:
    return bool(abs(time.time() - sign["time"]) <= STALE_SECONDS)


def _may_have_ended_here(sign: Mapping[str, Any]) -> bool:
    """Whether it is of a machine of this one's name that was started at another time, or of another container in it.

    Most likely this machine or container was started again, and then the driver is dead.
    """
    own = process_sign()
    return sign.get("host") == own["host"] and any(
        key in sign and sign[key] != own.get(key) for key in ("boot", "namespace")
    )


def _whose(sign: Mapping[str, Any]) -> str:
    return f"process {sign.get('pid')} on {sign.get('host')}"
