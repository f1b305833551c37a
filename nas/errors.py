"""Errors a person can act on: each message names what is wrong, its value, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_NAME = 80
"""Most characters of an unknown name that a message shows."""


class NasError(Exception):
    """Base of every error this project raises on purpose; the command line prints it without a traceback (exit code 2)."""


class SettingsError(NasError, ValueError):
    """A setting is unknown, ill-typed, out of range, or contradicts another; the message lists every fault."""


class SpaceError(NasError, ValueError):
    """A search space cannot be made from its settings, or a genotype does not belong to it."""


class CostError(NasError, ValueError):
    """A network holds a module whose multiply-adds are not known; such a module is never counted as zero."""


class DeploymentError(NasError, TypeError):
    """A network holds a module whose deployed form is not known."""


class MeasurementError(NasError, RuntimeError):
    """The latency of a network cannot be measured as asked, or other programs used the device during the measurement."""


class MachineError(NasError, RuntimeError):
    """This machine computes wrong results in what a training needs, or the process dies of it."""


class DataError(NasError, ValueError):
    """A dataset is missing, broken, or too small for its splits."""


class OutputError(NasError, OSError):
    """A folder or file of the search cannot be written or read."""


class StudyError(NasError, RuntimeError):
    """The study on disk does not fit this search, or is in use by another driver."""


class CrashStreakError(NasError, RuntimeError):
    """Several candidates in a row crashed. The search has stopped, and the same command continues their trials."""


class AllFailedError(NasError, RuntimeError):
    """Every candidate that was trained failed; there is no front (exit code 1)."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Message for a name that is in no registry, with the nearest valid one.

    Args:
        kind: What the name stands for, such as "sampler".
        name: What was asked for.
        known: Iterable of the valid names.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4) if len(name) <= LONGEST_NAME else []
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    name = name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "..."
    return f"unknown {kind} {name!r}{hint}; allowed: {', '.join(names)}"
