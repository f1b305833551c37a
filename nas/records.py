"""What travels between the driver and its workers, and what the study keeps: plain records with a JSON form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nas.budget import Budget
from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.values.json_fields import MalformedError, entry, mapping, number, sequence, shown, text, whole
from nas.values.plausible import LARGEST, RefusedNumberError, taken

CURVE = "known_cost:curve"
"""User attribute of an Optuna trial: the learned objective on the way by amount of training, as `{"1": 43.2, "3": 55.0}`."""
UNTRAINED = "untrained"
"""User attribute of an Optuna trial in the state of this name: samplers are to take no note of it."""


class TrialState(StrEnum):
    """Where a trial stands. The Optuna state is given in brackets."""

    COMPLETE = "complete"
    """Trained at full budget and measured (COMPLETE)."""
    STOPPED = "stopped"
    """Trained in part; never enters a front (PRUNED)."""
    FAILED = "failed"
    """Training was tried and gave no result (FAIL)."""
    INFEASIBLE = "infeasible"
    """Over a limit: never trained, or trained before its costs were counted otherwise (PRUNED, with constraint values)."""
    UNTRAINED = "untrained"
    """Never trained because it was over a limit as costs were counted then; within it now, and may be proposed again (FAIL)."""
    REUSED = "reused"
    """Means the same as an earlier trial and takes over its outcome (COMPLETE, PRUNED or FAIL, as the first)."""
    RUNNING = "running"
    """Handed to a worker, or waiting to be handed over again after its driver died (RUNNING)."""


class FailureKind(StrEnum):
    """Why a candidate gave no result."""

    OUT_OF_MEMORY = "out_of_memory"
    DIVERGED = "diverged"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A measured number with its uncertainty.

    Raises:
        RefusedNumberError: The mean or the deviation is NaN, infinite, or of an absurd size.
    """

    mean: float
    std: float = 0.0
    """Standard deviation of one observation, in the unit of the mean."""
    n: int = 1
    """Number of observations the mean is taken over."""

    def __post_init__(self) -> None:
        taken("the mean of a measurement", self.mean)
        if not 0 <= self.std <= LARGEST:  # the deviation of nearly equal numbers may be as small as can be
            raise RefusedNumberError(f"the std of a measurement = {self.std!r} is refused; allowed: 0 to {LARGEST:g}")

    @property
    def standard_error(self) -> float:
        """Standard deviation of the mean."""
        return self.std / math.sqrt(self.n)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return {"mean": self.mean, "std": self.std, "n": self.n}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measurement:
        """The measurement that `to_json` wrote.

        Raises:
            MalformedError: It is something else.
        """
        data = mapping(data, "a measurement")
        return cls(
            mean=number(entry(data, "mean", "a measurement"), "a measurement's mean"),
            std=number(entry(data, "std", "a measurement"), "a measurement's std", 0),
            n=whole(entry(data, "n", "a measurement"), "a measurement's n", 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work for a worker: everything it needs besides the data and the training settings."""

    trial: int
    """Number of the trial; names the folder of its checkpoints."""
    candidate: Candidate
    budget: Budget
    seed: int
    """Seed of initialization, order and augmentation; the same for all candidates of a search, so that they are paired."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return {
            "trial": self.trial,
            "candidate": self.candidate.to_json(),
            "epochs": self.budget.epochs,
            "rungs": list(self.budget.rungs),
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Task:
        """The task that `to_json` wrote."""
        return cls(
            trial=data["trial"],
            candidate=Candidate.from_json(data["candidate"]),
            budget=Budget(epochs=data["epochs"], rungs=tuple(data["rungs"])),
            seed=data["seed"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """What a training will hold of a device's memory at its peak."""

    device: str
    """Names one device of one machine; equal for all workers that train on it."""
    bytes: int
    capacity: int
    """Bytes that all trainings on the device may hold together."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        return {"device": self.device, "bytes": self.bytes, "capacity": self.capacity}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MemoryNeed:
        """The need that `to_json` wrote."""
        return cls(device=data["device"], bytes=data["bytes"], capacity=data["capacity"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A worker's sign of life: how far a training is."""

    trial: int
    epochs: int
    """Epochs done, those of an earlier process that left a checkpoint included."""
    value: float | None = None
    """Of the learned objective, where this is a rung: the worker waits to be told whether to go on."""
    memory: MemoryNeed | None = None
    """Before the first full batch, where memory is short: the worker waits until there is room."""

    def __post_init__(self) -> None:
        """Refuses a value that is no number.

        Raises:
            RefusedNumberError: It is NaN, infinite, or of an absurd size.
        """
        if self.value is not None:
            taken("the learned objective on the way", self.value)

    @property
    def waits(self) -> bool:
        """Whether the worker waits for an answer."""
        return self.value is not None or self.memory is not None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `from_json` takes back."""
        memory = None if self.memory is None else self.memory.to_json()
        return {"trial": self.trial, "epochs": self.epochs, "value": self.value, "memory": memory}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Progress:
        """The progress that `to_json` wrote."""
        memory = None if data["memory"] is None else MemoryNeed.from_json(data["memory"])
        return cls(trial=data["trial"], epochs=data["epochs"], value=data["value"], memory=memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What a finished training gave."""

    measurements: Mapping[str, Measurement]
    """By name: the learned objective, further measures, and costs that the training decided."""
    seconds: float
    """Wall-clock time of the training, over all the processes that took part in it."""
    epochs: int
    """Epochs really trained; fewer than the budget's for a training that was paused."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON for the report: the curve over epochs and what each learned shuffle does."""

    def on_the_way(self, name: str) -> dict[int, float]:
        """A measure by epochs done, where it was measured on the way and is a finite number."""
        curve = self.details.get("curve", ())
        known = {int(entry["epoch"]): float(entry[name]) for entry in curve if name in entry}
        return {epochs: value for epochs, value in known.items() if math.isfinite(value)}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `outcome_from_json` takes back."""
        return {
            "measurements": {name: value.to_json() for name, value in self.measurements.items()},
            "seconds": self.seconds,
            "epochs": self.epochs,
            "details": dict(self.details),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a training gave nothing."""

    kind: FailureKind
    message: str
    seconds: float = 0.0
    epochs: int = 0
    """Epochs done before it failed."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON that `outcome_from_json` takes back."""
        return {
            "failure": self.kind.value,
            "message": self.message,
            "seconds": self.seconds,
            "epochs": self.epochs,
        }


Outcome = Evaluation | Failure


def outcome_from_json(data: Mapping[str, Any], learned: str | None = None) -> Outcome:
    """The evaluation or failure that `to_json` wrote.

    Args:
        data: What was written.
        learned: Name of the learned objective, of which the curve must have finite values.

    Raises:
        MalformedError: It is something else.
    """
    data = mapping(data, "the outcome")
    seconds = number(entry(data, "seconds", "the outcome"), "the outcome's seconds", 0)
    epochs = whole(entry(data, "epochs", "the outcome"), "the outcome's epochs")
    if "failure" in data:
        kind = text(data["failure"], "the outcome's failure")
        if kind not in set(FailureKind):
            raise MalformedError(f"the outcome's failure is {shown(kind)}; allowed: {', '.join(FailureKind)}")
        message = text(entry(data, "message", "the outcome"), "the outcome's message")
        return Failure(kind=FailureKind(kind), message=message, seconds=seconds, epochs=epochs)
    measurements = mapping(entry(data, "measurements", "the outcome"), "the outcome's measurements")
    details = mapping(entry(data, "details", "the outcome"), "the outcome's details")
    for point in sequence(details.get("curve", ()), "the outcome's curve"):
        _check_point(mapping(point, "a point of the outcome's curve"), learned)
    return Evaluation(
        measurements={name: Measurement.from_json(value) for name, value in measurements.items()},
        seconds=seconds,
        epochs=epochs,
        details=details,
    )


def _check_point(point: Mapping[str, Any], learned: str | None) -> None:
    """Refuses what is no point of a curve: epochs and a learned objective that are finite numbers, and other numbers."""
    number(entry(point, "epoch", "a point of the outcome's curve"), "an epoch of the outcome's curve", 0)
    for name, value in point.items():
        if name == learned or not (isinstance(value, float) and not math.isfinite(value)):
            number(value, f"the outcome's curve: {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One row of a search: what was asked, what it means, what came out."""

    number: int
    genotype: Mapping[str, Scalar]
    candidate: Candidate
    state: TrialState
    costs: Mapping[str, float]
    """Known costs by name, before training. Exact, but where training decides what is deployed, as with learned
    groups: there they are what is aimed at, and the outcome has measurements of the same names."""
    outcome: Outcome | None = None
    """For a reused trial the outcome of the first one."""
    baseline: str | None = None
    """Name of the known network this trial is, if it was enqueued as a baseline."""
    reused_from: int | None = None
    """Number of the first trial of the same meaning."""
    replicate_of: int | None = None
    """Number of the first trial of the candidate that this one trains once more, with another seed."""
    violations: tuple[str, ...] = ()
    """For an infeasible trial which limits it breaks, in words."""

    @property
    def first(self) -> int:
        """Number of the first trial of this candidate among those that were trained."""
        return self.number if self.replicate_of is None else self.replicate_of

    def values(self) -> dict[str, float]:
        """All objective values that are known so far, by name."""
        learned = self.outcome.measurements if isinstance(self.outcome, Evaluation) else {}
        return {**self.costs, **{name: measurement.mean for name, measurement in learned.items()}}

    @property
    def deployed_costs(self) -> dict[str, float]:
        """Known objectives of the network as deployed, as far as known: what was measured where that replaces `costs`."""
        values = self.values()
        return {name: values[name] for name in self.costs}

    @property
    def missed_costs(self) -> dict[str, float]:
        """The costs before training that others have replaced, by name."""
        deployed = self.deployed_costs
        return {name: cost for name, cost in self.costs.items() if cost != deployed[name]}
