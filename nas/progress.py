"""The progress bar of a search: trials done, the front's size, its hypervolume, the time left."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from nas.driver import Driver
from nas.records import Trial


class ProgressDisplay:
    """Shows how far a driver is; used as a context manager. Silent where standard error is no terminal, but for a line a trial.

    Args:
        driver: The search.
        epochs: Full training of a candidate.
    """

    def __init__(self, driver: Driver, epochs: int) -> None:
        self._driver = driver
        self._epochs = epochs
        self._seen = len(self._candidates())
        self._start = time.monotonic()
        self._epochs_before = self._epochs_done()
        self._interactive = sys.stderr.isatty()
        self._bar = tqdm(
            total=driver.target,
            initial=self._seen,
            unit="trial",
            disable=not self._interactive,
            bar_format="{desc}{bar:24} {n_fmt}/{total_fmt} trials{postfix}",
            dynamic_ncols=True,
        )
        self._front = ""

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def update(self) -> None:
        """Looks at the driver and shows what has changed."""
        ended = self._candidates()
        if len(ended) != self._seen or not self._front:
            front = self._driver.front()
            self._front = f"front {len(front)}, hypervolume {front.hypervolume:.2f}"
            if not self._interactive and len(ended) != self._seen:
                tqdm.write(f"{len(ended)}/{self._driver.target} trials, {self._front}, {self._left()}", file=sys.stderr)
            self._bar.n = len(ended)
            self._seen = len(ended)
        self._bar.set_postfix_str(f"{self._front}, {self._left()}")

    def _candidates(self) -> list[Trial]:
        return [trial for trial in self._driver.trained() if trial.replicate_of is None]

    def _epochs_done(self) -> int:
        ended = sum(trial.outcome.epochs for trial in self._driver.trained() if trial.outcome is not None)
        return ended + sum(self._driver.epochs.values())

    def _left(self) -> str:
        """The time left, if the candidates to come take as many epochs as those that have ended, at the same pace."""
        done = self._epochs_done() - self._epochs_before
        if done <= 0:
            return "time left unknown"
        pace = (time.monotonic() - self._start) / done
        ended = self._candidates()
        spent = [trial.outcome.epochs for trial in ended if trial.outcome is not None]
        each = sum(spent) / len(spent) if spent else self._epochs
        begun = self._driver.epochs
        to_come = max(self._driver.target - len(ended) - len(begun), 0) * each
        under_way = sum(max(each - epochs, 0.0) for epochs in begun.values())
        return f"{tqdm.format_interval((to_come + under_way) * pace)} left"
