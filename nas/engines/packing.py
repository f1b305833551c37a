"""Decides which trainings may use a device now: at any time no more than its memory holds.

Before its first full batch, a training asks to be let in, with the memory need that its worker has measured, and waits for
the answer. Trainings are let in in the order in which they asked, so that small networks do not keep a large one waiting
for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

from nas.records import MemoryNeed


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """How full a device is, by the memory needs of its trainings."""

    device: str
    held: int
    """Bytes that trainings hold."""
    capacity: int
    """Bytes that trainings may hold together."""
    training: int
    """Number of trainings that were let in and have not ended."""
    waiting: int


class Packing:
    """The trainings on each device, by their trial numbers."""

    def __init__(self) -> None:
        self._inside: dict[int, MemoryNeed] = {}
        self._waiting: dict[int, MemoryNeed] = {}

    def ask(self, trial: int, need: MemoryNeed) -> None:
        """Records that a training asks to be let in. If it held memory before, it no longer does."""
        self._inside.pop(trial, None)
        self._waiting[trial] = need

    def leave(self, trial: int) -> None:
        """Records that a training has ended, was paused or lost its worker, whether it had been let in or not."""
        self._inside.pop(trial, None)
        self._waiting.pop(trial, None)

    def let_in(self) -> list[int]:
        """The trials that may begin now, longest waiting first, each returned once. A training that is alone is always let in."""
        named, full = [], set()
        for trial, need in list(self._waiting.items()):
            held = self._held(need.device)
            if need.device not in full and (held == 0 or held + need.bytes <= need.capacity):
                self._inside[trial] = self._waiting.pop(trial)
                named.append(trial)
            else:
                full.add(need.device)
        return named

    def devices(self) -> list[DeviceUse]:
        """The use of each device on which trainings run or wait, by the name of the device."""
        names = sorted({need.device for need in (*self._inside.values(), *self._waiting.values())})
        return [self._use(name) for name in names]

    def _held(self, device: str) -> int:
        return sum(need.bytes for need in self._inside.values() if need.device == device)

    def _use(self, device: str) -> DeviceUse:
        inside = [need for need in self._inside.values() if need.device == device]
        waiting = [need for need in self._waiting.values() if need.device == device]
        return DeviceUse(
            device=device,
            held=sum(need.bytes for need in inside),
            capacity=min(need.capacity for need in (*inside, *waiting)),
            training=len(inside),
            waiting=len(waiting),
        )
