"""What an exception in a training says about its candidate."""

from __future__ import annotations

import torch

from evaluator.training.trainer import DivergedError
from nas.errors import NasError
from nas.records import FailureKind
from nas.values.exception_line import exception_line

NO_MEMORY = ("not enough memory", "out of memory", "cannot allocate memory")
"""Parts of the messages with which torch reports that an allocation has failed."""


def what_went_wrong(error: Exception) -> tuple[FailureKind, str]:
    """Kind and message of the failure that an exception means."""
    message = str(error) or type(error).__name__
    if isinstance(error, DivergedError):
        return FailureKind.DIVERGED, message
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and any(part in message.lower() for part in NO_MEMORY)
    ):
        return FailureKind.OUT_OF_MEMORY, message.splitlines()[0]
    if isinstance(error, NasError):
        return FailureKind.INVALID, message
    return FailureKind.CRASHED, exception_line(error)
