"""Candidates that crash one after the other: is the fault theirs, or that of what trains them?

A single network may meet a fault of a library, and is then a failure to learn from. When several crash in a row, the cause
is rather the machine, the library or the evaluator, and the candidates must not be blamed. So a crash is held back until
the next outcomes show which it was.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from nas.errors import CrashStreakError
from nas.records import Failure

IN_A_ROW = 3
"""The search stops after so many crashes with no successful training between them."""
LONGEST = 300
"""Most characters of a cause that a message shows."""


class CrashStreak:
    """The crashes since the last training that gave a result. Failures of other kinds neither count nor end the streak.

    With several workers, trainings count in the order in which they end, whichever began first.

    Args:
        noun: What is counted, in the plural, for the message.
        name: Gives the name of what has a number.
    """

    def __init__(self, noun: str = "trials", name: Callable[[int], str] = str) -> None:
        self._noun = noun
        self._name = name
        self.undecided: dict[int, Failure] = {}
        """Crashes by trial number, as long as it is open whether their candidates are at fault."""

    def add(self, number: int, crash: Failure) -> None:
        """Records that a trial has crashed."""
        self.undecided[number] = crash

    @property
    def error(self) -> CrashStreakError | None:
        """The error to stop the search with if there are too many crashes now, else None."""
        if len(self.undecided) < IN_A_ROW:
            return None
        *most, last = map(self._name, sorted(self.undecided))
        messages = (textwrap.shorten(each.message, LONGEST, placeholder=" ...") for each in self.undecided.values())
        causes = "; ".join(dict.fromkeys(messages))
        return CrashStreakError(
            f"{self._noun} {', '.join(most)} and {last} crashed one after the other ({causes}), so the fault is hardly theirs: "
            "none is recorded as failed, and the same command tries them again and continues"
        )

    def end(self) -> dict[int, Failure]:
        """Ends the streak and returns its crashes."""
        found, self.undecided = self.undecided, {}
        return found
