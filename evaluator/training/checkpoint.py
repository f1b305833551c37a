"""A training on disk: its state, from which another process can continue, and its results.

The folder of a trial holds `last.pt` while it trains, and `weights.pt` (the averaged network's state only), `answers.json`
(its answers on the validation images) and `outcome.json` when it is done.
"""

from __future__ import annotations

import io
import json
import logging
import pickle
import time
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from evaluator.training.disk_budget import DiskBudget
from nas.output.atomic_file import write_atomically
from nas.records import Evaluation, outcome_from_json
from nas.values.json_fields import mapping
from nas.values.json_file import open_regular, read_json

LEAST_SECONDS = 2.0
"""Least number of seconds between two checkpoints of a training."""
LEAST_RATIO = 50
"""Least time between two checkpoints, as a multiple of the time that writing the last one took, so that they cost at most 2% of
a training.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The saved state of a training."""

    epochs: int
    """Number of epochs done."""
    seconds: float
    """Wall-clock seconds spent so far, over all processes."""
    curve: list[dict[str, float]]
    """Values on the way, with one entry per epoch."""
    states: Mapping[str, Any]
    """State dicts of everything that changes during a training."""


class Checkpoints:
    """The folder of one training, with its checkpoint and its results."""

    def __init__(
        self,
        folder: Path,
        identity: Mapping[str, Any],
        *,
        least_seconds: float = LEAST_SECONDS,
        budget: DiskBudget | None = None,
    ) -> None:
        self.folder = folder
        self._budget = budget
        self._identity = dict(identity)
        self._least_seconds = least_seconds
        self._last_end = time.monotonic()
        self._last_cost = 0.0

    @property
    def weights(self) -> Path:
        """File of the averaged network's state dict, which exists when the training is done."""
        return self.folder / "weights.pt"

    @property
    def answers(self) -> Path:
        """File of the averaged network's answers, which exists when the training is done and there was room for it."""
        return self.folder / "answers.json"

    @property
    def _last(self) -> Path:
        return self.folder / "last.pt"

    @property
    def _outcome(self) -> Path:
        return self.folder / "outcome.json"

    def finished(self) -> Evaluation | None:
        """The outcome of this training if it was finished before, else None."""
        try:
            record = mapping(read_json(self._outcome, finite=False), "the record")
            if record["identity"] != self._identity:
                return None
            if not _is_whole(self.weights):
                log.warning("%s is gone or broken: training anew", self.weights)
                return None
            outcome = outcome_from_json(record["outcome"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s is broken (%s): training anew", self._outcome, error)
            return None
        return outcome if isinstance(outcome, Evaluation) else None

    def load(self, device: torch.device) -> Saved | None:
        """The saved state of this training; None if there is no checkpoint, or only a broken one or one of another training."""
        try:
            with open_regular(self._last) as file:
                record = torch.load(file, map_location=device, weights_only=True)
            if record["identity"] != self._identity:
                log.warning("%s belongs to another training: training anew", self._last)
                return None
            return Saved(
                epochs=record["epochs"], seconds=record["seconds"], curve=record["curve"], states=record["states"]
            )
        except FileNotFoundError:
            return None
        except (OSError, RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            log.warning("%s is broken (%s): training anew", self._last, type(error).__name__)
            return None

    def due(self) -> bool:
        """Whether enough time has passed since the last checkpoint; always True if the least time is 0."""
        if self._least_seconds == 0:
            return True
        return time.monotonic() - self._last_end >= max(self._least_seconds, LEAST_RATIO * self._last_cost)

    def save(self, saved: Saved) -> None:
        """Replaces the checkpoint; with a disk budget, only if the new one fits beside the old one.

        Raises:
            OutputError: The folder cannot be written.
        """
        begin = time.monotonic()
        record = {
            "identity": self._identity,
            "epochs": saved.epochs,
            "seconds": saved.seconds,
            "curve": saved.curve,
            "states": dict(saved.states),
        }
        self._write(self._last, _serialized(record))
        self._last_end = time.monotonic()
        self._last_cost = self._last_end - begin

    def finish(self, state: Mapping[str, torch.Tensor], evaluation: Evaluation, answers: bytes | None = None) -> None:
        """Keeps the averaged network, its answers and the measurements, and removes the checkpoint.

        With a disk budget, the checkpoint is removed first if there is no room for both; a network that does not fit at all
        is not kept.

        Args:
            state: State dict of the averaged network.
            evaluation: Its measurements.
            answers: Its answers on the validation images, as a file; see `evaluator.measuring.predictions`.

        Raises:
            OutputError: The folder cannot be written.
        """
        on_cpu = {name: tensor.cpu().contiguous() for name, tensor in state.items()}
        record = json.dumps({"identity": self._identity, "outcome": evaluation.to_json()}).encode()
        weights = _serialized(on_cpu)
        if not self._write(self.weights, weights):
            self._last.unlink(missing_ok=True)
            if not self._write(self.weights, weights):
                log.warning("%s is not kept: it does not fit into the checkpoint budget", self.weights)
                return
        # Those of an earlier training in this folder would not be of this network.
        self.answers.unlink(missing_ok=True)
        if answers is not None:
            self._write(self.answers, answers)
        self._write(self._outcome, record)
        self._last.unlink(missing_ok=True)

    def _write(self, target: Path, content: bytes) -> bool:
        """Writes a file and returns whether it was written; only a disk budget can prevent it."""
        with nullcontext(True) if self._budget is None else self._budget.room(len(content)) as fits:
            if fits:
                write_atomically(target, content)
        return fits


def _is_whole(weights: Path) -> bool:
    """Whether a file of weights is complete, judged by the checksums in it."""
    try:
        with open_regular(weights) as file, zipfile.ZipFile(file) as archive:
            return archive.testzip() is None
    except (OSError, EOFError, ValueError, NotImplementedError, zipfile.BadZipFile, zlib.error):
        return False


def _serialized(record: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(record, buffer)
    return buffer.getvalue()
