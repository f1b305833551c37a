"""Candidates that crash one after the other: is it they that are at fault, or what trains them?

One network may meet a fault of a library, and is then a failure to learn from. When several crash in a row, it is rather the
machine, the library or the evaluator, and nothing may be held against them. So a crash is held back until what comes next says
which it was.
"""

from __future__ import annotations

import textwrap

from nas.errors import CrashStreakError
from nas.records import Failure

IN_A_ROW = 3
"""Crashes with no training between them that gave a result, after which a search stops."""
LONGEST = 300
"""Characters that are told of a cause."""


class CrashStreak:
    """The crashes since the last training that gave a result. Failures of other kinds neither count nor end the row.

    With several workers the row is that of trainings as they end, whichever began first.
    """

    def __init__(self) -> None:
        self.undecided: dict[int, Failure] = {}
        """Crashes for which nobody is blamed so far, by trial."""

    def add(self, number: int, crash: Failure) -> None:
        """A trial has crashed."""
        self.undecided[number] = crash

    @property
    def error(self) -> CrashStreakError | None:
        """What the search stops with, if that was one too many."""
        if len(self.undecided) < IN_A_ROW:
            return None
        *most, last = map(str, sorted(self.undecided))
        messages = (textwrap.shorten(each.message, LONGEST, placeholder=" ...") for each in self.undecided.values())
        causes = "; ".join(dict.fromkeys(messages))
        return CrashStreakError(
            f"trials {', '.join(most)} and {last} crashed one after the other ({causes}), so the fault is hardly theirs: none is "
            "recorded as failed, and the same command tries them again and continues"
        )

    def end(self) -> dict[int, Failure]:
        """Ends the row; the crashes that were in it."""
        found, self.undecided = self.undecided, {}
        return found
