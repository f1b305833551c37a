"""What the networks of a front answered on the validation images, as the report draws it."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evaluator.measuring.predictions import Predictions, read_predictions
from nas.classified import Classification, Classified
from nas.errors import OutputError
from nas.output.folder import ANSWERS, OutputFolder
from nas.records import Evaluation, Trial
from nas.values.json_fields import MalformedError

if TYPE_CHECKING:
    from evaluator.images.data import DataSummary, ImageSet

LONGEST_SIDE = 64
"""Most pixels of a side of a picture; larger images are made smaller."""
LOSSLESS_SIDE = 32
"""Up to this many pixels a picture is a PNG, and above it a JPEG, which is then smaller."""


def classification(
    data: DataSummary, validation: ImageSet, folder: OutputFolder, trials: Sequence[Trial]
) -> Classification | None:
    """The answers of these trials' networks; None if no answers are there.

    Answers are left out if they are not those of the trial's training: the number of right ones must be that of the reported
    accuracy. Models of earlier versions, and of other evaluators, have none.

    Args:
        data: Description of the images.
        validation: The validation images.
        folder: The output folder of the search.
        trials: Trials with results.
    """
    truth = [int(label) for label in validation.labels[validation.rows]]
    networks = {}
    for trial in trials:
        for place in (folder.checkpoints, folder.models):
            found = _read(place / str(trial.number) / ANSWERS, data)
            if found is not None and _is_of(found, truth, trial):
                networks[trial.number] = Classified(predicted=found.predicted, confidence=found.confidence)
                break
    if not networks:
        return None
    return Classification(
        classes=data.class_names,
        truth=truth,
        networks=networks,
        picture=lambda position: picture(validation, position),
    )


def picture(images: ImageSet, position: int) -> bytes:
    """A small PNG or JPEG file of an image.

    Args:
        images: A part of a decoded set.
        position: Position of the image in this part.
    """
    from PIL import Image

    pixels = images.images[images.rows[position]]
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    stream = io.BytesIO()
    if max(image.size) <= LOSSLESS_SIDE:
        image.save(stream, format="PNG")
    else:
        image.save(stream, format="JPEG", quality=80)
    return stream.getvalue()


def _read(path: Path, data: DataSummary) -> Predictions | None:
    try:
        return read_predictions(path, images=data.validation, classes=data.classes, fingerprint=data.fingerprint)
    except (FileNotFoundError, OutputError, MalformedError):
        return None


def _is_of(found: Predictions, truth: Sequence[int], trial: Trial) -> bool:
    """Whether the answers give the accuracy that was reported of the trial's training."""
    measured = trial.outcome.measurements.get("accuracy") if isinstance(trial.outcome, Evaluation) else None
    right = sum(answer == label for answer, label in zip(found.predicted, truth, strict=True))
    return measured is not None and math.isclose(measured.mean, 100 * right / len(truth), abs_tol=1e-9)
