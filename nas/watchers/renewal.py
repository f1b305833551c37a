"""Renews the report while a search runs, so that if the machine vanishes, the report is a minute old and not a day."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable

from tqdm import tqdm

from nas.search.driver import Driver
from nas.search.one_thread import one_thread
from nas.values.exception_line import exception_line

LEAST_SECONDS = 60.0
"""Least number of seconds between the end of a renewal and the next one."""
LEAST_RATIO = 50
"""Least time until the next renewal, as a multiple of the time that the last one took: renewals take at most 2% of a search."""


class ReportRenewal:
    """Follows a driver and has its report written when there is something new. A failure of this does not end the search.

    Args:
        driver: Driver of the search.
        write: Writes the report of the results so far.
    """

    def __init__(self, driver: Driver, write: Callable[[], object]) -> None:
        self._driver = driver
        self._write = write
        self._due = time.monotonic() + LEAST_SECONDS
        self._seen = self._state()
        self._told = False

    def update(self) -> None:
        """Renews the report if that is due."""
        begin = time.monotonic()
        if begin < self._due or (state := self._state()) == self._seen:
            return
        try:
            with one_thread():
                self._write()
        except Exception as error:
            self._tell(error)
        self._seen = state
        end = time.monotonic()
        self._due = end + max(LEAST_SECONDS, LEAST_RATIO * (end - begin))

    def _state(self) -> tuple[int, int]:
        return len(self._driver.trials), len(self._driver.trained())

    def _tell(self, error: Exception) -> None:
        if self._told:
            return
        self._told = True
        with contextlib.suppress(OSError, ValueError):  # standard error may be closed
            line = f"the report was not renewed ({exception_line(error)}); the search goes on, and writes it in the end"
            tqdm.write(line, file=sys.stderr)
