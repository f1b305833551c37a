"""One training of a network that a person has chosen, and the record of how such trainings ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas.output.json_lines import append_line, read_lines
from nas.records import Outcome, Task, outcome_from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTraining:
    """A training that is to be done once."""

    name: str
    """The name of the training, unique within the run; it names its folder."""
    task: Task
    identity: Mapping[str, Any] = field(default_factory=dict)
    """What distinguishes this training, as plain JSON; a record with another identity is not one of this training."""
    after: int | None = None
    """Number of the task that must have given a network before this one begins, such as the training of its teacher."""


class TrainingRecord:
    """The outcomes of trainings by name, as lines of JSON; of several outcomes of one training the last one counts.

    Raises:
        OutputError: The file cannot be read.
        MalformedError: A line is not the outcome of a training.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = {str(line.get("training")): line for line in read_lines(path)}

    def outcome(self, training: PlannedTraining) -> Outcome | None:
        """How a training ended; None if it has not, as far as is known."""
        line = self._lines.get(training.name)
        if line is None or line.get("identity") != dict(training.identity):
            return None
        return outcome_from_json(line["outcome"])

    def add(self, training: PlannedTraining, outcome: Outcome) -> None:
        """Records how a training ended.

        Raises:
            OutputError: The file cannot be written.
        """
        line = {"training": training.name, "identity": dict(training.identity), "outcome": outcome.to_json()}
        append_line(self._path, line)
        self._lines[training.name] = line
