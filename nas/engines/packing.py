"""Who may train on a device now: no more at a time than its memory holds.

Measured by their workers, trainings ask to be let in before their first full batch, and wait for the answer. Nobody overtakes on a
device, so that a large network is not kept waiting for ever by small ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from nas.records import MemoryNeed


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """How full a device is, by what its trainings said."""

    device: str
    held: int
    """Bytes."""
    capacity: int
    """Bytes."""
    training: int
    """Trainings that were let in and have not ended."""
    waiting: int


class Packing:
    """The trainings on each device, by number of their trial."""

    def __init__(self) -> None:
        self._inside: dict[int, MemoryNeed] = {}
        self._waiting: dict[int, MemoryNeed] = {}

    def ask(self, trial: int, need: MemoryNeed) -> None:
        """A training asks to be let in; what it held before, if anything, it holds no longer."""
        self._inside.pop(trial, None)
        self._waiting[trial] = need

    def leave(self, trial: int) -> None:
        """A training has ended, paused or lost its worker, let in or not."""
        self._inside.pop(trial, None)
        self._waiting.pop(trial, None)

    def let_in(self) -> list[int]:
        """The trials that may begin now, longest waiting first; each is named once. One that is alone is always let in."""
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
        """Those on which something trains or waits, by name."""
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
