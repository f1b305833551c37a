"""What a network answered on each validation image, as it is kept beside its weights.

The file is plain JSON, so that reading what a stranger wrote makes nothing but numbers.

Axis: n images, in the order of the validation split.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.values.json_fields import MalformedError, entry, mapping, number, sequence, whole
from nas.values.json_file import read_json

FORMAT = 1
DIGITS = 4
"""Decimals of a confidence."""
MOST_BYTES_AN_IMAGE = 64
"""Most bytes of the file for each image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """The answers of a network, one for each image."""

    predicted: tuple[int, ...]
    """The class that was answered, `[n]`."""
    confidence: tuple[float, ...]
    """The probability that the network gave to this class, between 0 and 1, `[n]`."""

    def to_bytes(self, fingerprint: str) -> bytes:
        """The content of a file.

        Args:
            fingerprint: That of the images and their split.
        """
        record = {
            "format": FORMAT,
            "fingerprint": fingerprint,
            "predicted": self.predicted,
            "confidence": [round(each, DIGITS) for each in self.confidence],
        }
        return json.dumps(record, separators=(",", ":")).encode()


def read_predictions(path: Path, *, images: int, classes: int, fingerprint: str) -> Predictions:
    """Reads a file.

    Args:
        path: The file.
        images: Number of validation images.
        classes: Number of classes.
        fingerprint: That of the images and their split.

    Raises:
        FileNotFoundError: There is no such file.
        OutputError: The file is not JSON, or too large for so many images.
        MalformedError: The file is not of these images, or has an answer that cannot be.
    """
    data = mapping(read_json(path, most=MOST_BYTES_AN_IMAGE * images + 4096), path.name)
    found = (entry(data, "format", path.name), entry(data, "fingerprint", path.name))
    if found != (FORMAT, fingerprint):
        raise MalformedError(f"{path.name} is of other images, or of another version")
    predicted = tuple(whole(each, "an answer") for each in _list(data, "predicted", images))
    confidence = tuple(float(number(each, "a confidence", 0)) for each in _list(data, "confidence", images))
    if max(predicted, default=0) >= classes or max(confidence, default=0.0) > 1:
        raise MalformedError(f"{path.name} has an answer that is none of {classes} classes, or is surer than certain")
    return Predictions(predicted=predicted, confidence=confidence)


def _list(data: Mapping[str, Any], name: str, length: int) -> Sequence[Any]:
    found = sequence(entry(data, name, "the file"), name)
    if len(found) != length:
        raise MalformedError(f"{name} has {len(found)} entries; allowed: {length}, one for each image")
    return found
