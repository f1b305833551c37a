"""What is kept of networks that are trained anew, in the output folder of their run."""

from __future__ import annotations

from pathlib import Path

from nas.errors import OutputError
from nas.output.atomic_file import sweep
from nas.retraining.openings import Openings
from nas.retraining.results import FOLDER
from nas.retraining.training import PlannedTraining, TrainingRecord
from nas.values.json_fields import MalformedError


class RetrainedFolder:
    """The folder `retrained` of a run. Whoever uses it holds the lock of the run.

    Args:
        output: Output folder of the run.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.path = output / FOLDER

    @property
    def checkpoints(self) -> Path:
        """The folder with one folder per training, which holds its checkpoint, and later its weights."""
        return self.path / "checkpoints"

    @property
    def models(self) -> Path:
        """The folder with one folder per network, which `load_model` reads."""
        return self.path / "models"

    @property
    def logs(self) -> Path:
        """The folder of what the workers wrote to standard error."""
        return self.path / "logs"

    def weights(self, training: PlannedTraining) -> Path:
        """The file of the weights of a training."""
        return self.checkpoints / training.name / "weights.pt"

    def record(self) -> TrainingRecord:
        """The outcomes of the trainings.

        Raises:
            OutputError: The file is broken.
        """
        path = self.path / "trainings.jsonl"
        try:
            return TrainingRecord(path)
        except MalformedError as error:
            raise OutputError(f"{path} is broken: {error}") from error

    def openings(self) -> Openings:
        """The openings of the test images.

        Raises:
            OutputError: A file is broken.
        """
        try:
            return Openings(self.output / "test_openings.jsonl", self.path / "tested.jsonl")
        except MalformedError as error:
            raise OutputError(f"the record of the test images in {self.output} is broken: {error}") from error

    def sweep(self) -> None:
        """Removes what killed writers left half written."""
        for folder in (self.path, *self.checkpoints.glob("*"), *self.models.glob("*")):
            sweep(folder)
