"""The record of when a run's test images were opened, and what was measured on them.

Whoever chooses by test images makes validation images of them. So each opening is written down before the images are opened,
and every table says how often that was.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.output.json_lines import append_line, read_lines
from nas.records import Measurement
from nas.values.json_fields import entry, mapping, sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A trained network that is measured on the test images."""

    training: str
    """Name of its training."""
    digest: str
    """Digest of its candidate."""
    seed: int
    """Number of the seed among those of its network, from 0."""
    weights: str
    """SHA-256 of the file of its weights."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"training": self.training, "digest": self.digest, "seed": self.seed, "weights": self.weights}


class Openings:
    """The openings of the test images, and the figures that came of them.

    Args:
        openings: File of the openings.
        figures: File of the figures.

    Raises:
        OutputError: A file cannot be read.
        MalformedError: A line is not one of these records.
    """

    def __init__(self, openings: Path, figures: Path) -> None:
        self._openings = openings
        self._file = figures
        self._opened = read_lines(openings)
        self._figures: dict[str, Mapping[str, Measurement]] = {
            str(entry(line, "training", "a figure")): _measurements(line) for line in read_lines(figures)
        }

    @property
    def count(self) -> int:
        """Number of openings so far."""
        return len(self._opened)

    def figures(self, training: str) -> Mapping[str, Measurement] | None:
        """What was measured of the network of a training, empty if its values were not finite; None if it was not measured yet."""
        return self._figures.get(training)

    def open(self, models: Sequence[Model]) -> None:
        """Writes down that the test images are opened for these models, unless an opening for them was not brought to its end.

        Raises:
            OutputError: The file cannot be written.
        """
        if self._opened and _covers(self._opened[-1], models):
            return
        record = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "models": [model.to_json() for model in models],
            "figures": f"{self._file.parent.name}/{self._file.name}",
        }
        append_line(self._openings, record)
        self._opened.append(record)

    def keep(self, model: Model, found: Mapping[str, Measurement]) -> None:
        """Records what was measured of a model.

        Raises:
            OutputError: The file cannot be written.
        """
        values = {name: measurement.to_json() for name, measurement in found.items()}
        append_line(self._file, {**model.to_json(), "opening": self.count, "measurements": values})
        self._figures[model.training] = found


def _covers(opening: Mapping[str, Any], models: Sequence[Model]) -> bool:
    """Whether an opening was for all of these models."""
    known = sequence(entry(opening, "models", "an opening"), "an opening's models")
    return all(model.to_json() in known for model in models)


def _measurements(line: Mapping[str, Any]) -> dict[str, Measurement]:
    found = mapping(entry(line, "measurements", "a figure"), "a figure's measurements")
    return {name: Measurement.from_json(value) for name, value in found.items()}
