"""Curves of a search for TensorBoard: each training by epochs, and the front by trials."""

from __future__ import annotations

import math
from pathlib import Path
from types import TracebackType

from tensorboardX import SummaryWriter

from nas.errors import OutputError
from nas.objectives import learned
from nas.records import Evaluation, Trial
from nas.search.driver import Driver

CURVES = ("loss", "lr", "valid", "disagreement")
"""Further values of a training's curve that are drawn beside the learned objective, where there are any."""


class TensorBoardLog:
    """Follows a driver and writes each training once, when it has ended. It is a context manager.

    Args:
        driver: Driver of the search.
        folder: For `tensorboard --logdir`: a folder for each trial, and one named `search`.

    Raises:
        OutputError: The folder cannot be written.
    """

    def __init__(self, driver: Driver, folder: Path) -> None:
        self._driver = driver
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be written: {error.strerror or error}") from error
        self._written = {path.name for path in folder.iterdir()}
        self._search = SummaryWriter(str(folder / "search"))
        self._ended = -1

    def __enter__(self) -> TensorBoardLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._search.close()

    def update(self) -> None:
        """Writes what has ended since the last call."""
        ended = self._driver.trained()
        if len(ended) == self._ended:
            return
        self._ended = len(ended)
        for trial in ended:
            name = f"trial-{trial.number}"
            if name not in self._written and isinstance(trial.outcome, Evaluation):
                self._written.add(name)
                self._write(trial, trial.outcome, self._folder / name)
        front = self._driver.front()
        self._search.add_scalar("hypervolume", front.hypervolume, self._ended)
        self._search.add_scalar("front", len(front), self._ended)
        self._search.flush()

    def _write(self, trial: Trial, outcome: Evaluation, folder: Path) -> None:
        names = (learned(self._driver.objectives).name, *CURVES)
        with SummaryWriter(str(folder)) as writer:
            for entry in outcome.details.get("curve", ()):
                for name in names:
                    if math.isfinite(entry.get(name, math.nan)):
                        writer.add_scalar(name, entry[name], int(entry["epoch"]))
            decisions = {**trial.candidate.decisions, **trial.deployed_costs}
            writer.add_text("candidate", "\n".join(f"    {name}: {value}" for name, value in decisions.items()))
