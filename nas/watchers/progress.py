"""The progress display of a search, the same for every engine: running and ended trials, the front, the pace, the time left."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence

from tqdm import tqdm

from nas.engines.packing import DeviceUse
from nas.objectives import learned
from nas.pareto import ParetoFront
from nas.records import Trial, TrialState
from nas.search.driver import Driver

MOST_SHOWN = 4
"""Most trainings whose epochs are shown."""


class ProgressDisplay:
    """Shows how far a driver is. It is a context manager. If standard error is no terminal, it writes one line per trial.

    Args:
        driver: Driver of the search.
        epochs: Number of epochs of a full training.
        devices: Gives a text that says how full the devices are whose memory is counted.
        busy: Gives the percentage of time in which each GPU of this machine computes; empty if unknown.
        workers: Number of workers that are started.
    """

    def __init__(
        self,
        driver: Driver,
        epochs: int,
        devices: Callable[[], Sequence[DeviceUse]] = tuple,
        busy: Callable[[], Sequence[float]] = tuple,
        *,
        workers: int = 1,
    ) -> None:
        self._driver = driver
        self._epochs = epochs
        self._devices = devices
        self._busy = busy
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
        self._line = tqdm(
            disable=not self._interactive, bar_format="{desc}", position=1, leave=False, dynamic_ncols=True
        )
        self._front = ""
        self._workers = workers
        self._told_epoch = False

    def __enter__(self) -> ProgressDisplay:
        """Says at once that workers are being started, which takes some seconds, in which nothing else is to be seen."""
        if not self._driver.finished:
            plural = "" if self._workers == 1 else "s"
            tqdm.write(f"starting {self._workers} worker{plural}", file=sys.stderr)
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
        self._bar.close()

    def update(self) -> None:
        """Shows what has changed in the driver."""
        ended = self._candidates()
        if self._driver.epochs and not self._told_epoch:
            self._told_epoch = True
            if not self._interactive:
                tqdm.write(self._training(), file=sys.stderr)
        if len(ended) != self._seen or not self._front:
            front = self._driver.front()
            self._front = f"front {len(front)}{self._best(front)}"
            if not self._interactive and len(ended) != self._seen:
                told = f"{len(ended)}/{self._driver.target} trials, {self._front}, {self._left()}; {self.details()}"
                tqdm.write(told, file=sys.stderr)
            self._bar.n = len(ended)
            self._seen = len(ended)
        if self._interactive:
            self._bar.set_postfix_str(f"{self._front}, {self._left()}")
            self._line.set_description_str(self.details())

    def _best(self, front: ParetoFront) -> str:
        """The best measured value of the learned objective; empty while there is none."""
        if not front.values:
            return ""
        objective = learned(self._driver.objectives)
        position = front.objectives.index(objective.name)
        best = min((values[position] for values in front.values), key=objective.loss)
        return f", best {objective.amount(best)}"

    def details(self) -> str:
        """The states of the trials, the pace, and how full and busy the devices are."""
        parts = [self._states(), f"{self._pace():.2g} epochs/s", *map(_packed, self._devices())]
        if self._interactive and (training := self._training()):
            parts.insert(0, training)
        if busy := self._busy():
            parts.append(f"GPU{'s' * (len(busy) > 1)} {' '.join(f'{percent:.0f}%' for percent in busy)} busy")
        return "; ".join(parts)

    def _training(self) -> str:
        """The trials that are in training, with the epoch that each is in; of many, the first few."""
        epochs = self._driver.epochs
        shown = [number for number in sorted(self._driver.in_training) if number in epochs][:MOST_SHOWN]
        told = ", ".join(
            f"trial {number}: epoch {min(epochs[number] + 1, self._epochs)}/{self._epochs}" for number in shown
        )
        return f"training {told}" if told else ""

    def _states(self) -> str:
        states = Counter(trial.state for trial in self._driver.trained())
        counts = {
            "running": len(self._driver.in_training),
            "waiting": len(self._driver.paused),
            "finished": states[TrialState.COMPLETE],
            "stopped": states[TrialState.STOPPED],
            "failed": states[TrialState.FAILED],
        }
        always = ("running", "finished")
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count or name in always)

    def _candidates(self) -> list[Trial]:
        return [trial for trial in self._driver.trained() if trial.replicate_of is None]

    def _epochs_done(self) -> int:
        ended = sum(trial.outcome.epochs for trial in self._driver.trained() if trial.outcome is not None)
        return ended + sum(self._driver.epochs.values())

    def _pace(self) -> float:
        """Epochs per second of all workers together, since this display began."""
        return (self._epochs_done() - self._epochs_before) / max(time.monotonic() - self._start, 1e-9)

    def _left(self) -> str:
        """The time left at the present pace, if the coming candidates take as many epochs as those that have ended."""
        pace = self._pace()
        if pace <= 0:
            return "time left unknown"
        ended = self._candidates()
        spent = [trial.outcome.epochs for trial in ended if trial.outcome is not None]
        each = sum(spent) / len(spent) if spent else self._epochs
        begun = self._driver.epochs
        to_come = max(self._driver.target - len(ended) - len(begun), 0) * each
        under_way = sum(max(each - epochs, 0.0) for epochs in begun.values())
        return f"{tqdm.format_interval((to_come + under_way) / pace)} left"


def _packed(use: DeviceUse) -> str:
    waiting = f", {use.waiting} waiting for room" if use.waiting else ""
    return f"{use.device}: {use.training} on {use.held / 1e9:.2g} of {use.capacity / 1e9:.2g} GB{waiting}"
