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
"""User attribute of an Optuna trial: values of the learned objective during training, by epochs, as `{"1": 43.2, "3": 55.0}`."""
UNTRAINED = "untrained"
"""User attribute of an Optuna trial in the state UNTRAINED, which samplers ignore."""


class TrialState(StrEnum):
    """The state of a trial. The state of the Optuna trial is given in brackets."""

    COMPLETE = "complete"
    """Trained at full budget and measured (COMPLETE)."""
    STOPPED = "stopped"
    """Trained for fewer epochs than the full budget; never on a front (PRUNED)."""
    FAILED = "failed"
    """Training was tried and gave no result (FAIL)."""
    INFEASIBLE = "infeasible"
    """Over a limit: never trained, or trained before the costs were counted differently (PRUNED, with constraint values)."""
    UNTRAINED = "untrained"
    """Never trained, because it was over a limit by an earlier count; now it is within the limits and may be proposed again
    (FAIL).
    """
    REUSED = "reused"
    """Has the same meaning as an earlier trial and takes over its outcome (COMPLETE, PRUNED or FAIL, as that one)."""
    RUNNING = "running"
    """With a worker, or waiting for one after its driver died (RUNNING)."""


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
        if not 0 <= self.std <= LARGEST:  # the deviation of nearly equal numbers may be arbitrarily small
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
            MalformedError: The data are not those of a measurement.
        """
        data = mapping(data, "a measurement")
        return cls(
            mean=number(entry(data, "mean", "a measurement"), "a measurement's mean"),
            std=number(entry(data, "std", "a measurement"), "a measurement's std", 0),
            n=whole(entry(data, "n", "a measurement"), "a measurement's n", 1),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work for a worker, with everything it needs besides the data and the training settings."""

    trial: int
    """Number of the trial; names the folder of its checkpoints."""
    candidate: Candidate
    budget: Budget
    seed: int
    """Seed of initialization, order and augmentation. All candidates of a search share it, so that their results are paired."""

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
    """The peak memory that a training will hold on a device."""

    device: str
    """The name of one device of one machine, equal for all workers that train on it."""
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
    """A worker's sign of life, which says how far a training is."""

    trial: int
    epochs: int
    """Epochs done, including those of an earlier process that left a checkpoint."""
    value: float | None = None
    """The value of the learned objective at a rung, where the worker waits for the answer whether to go on."""
    memory: MemoryNeed | None = None
    """The memory the training needs. It is sent before the first full batch where memory is short; the worker waits for room."""

    def __post_init__(self) -> None:
        """Refuses a value that is no usable number.

        Raises:
            RefusedNumberError: The value is NaN, infinite, or of an absurd size.
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
    """The results of a finished training."""

    measurements: Mapping[str, Measurement]
    """Measurements by name: the learned objective, further measures, and costs that were decided by the training."""
    seconds: float
    """Wall-clock time of the training in seconds, summed over all processes that took part in it."""
    epochs: int
    """Number of epochs trained; fewer than the budget's for a training that was paused."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON for the report: the curve over epochs, and statistics of each learned shuffle."""

    def on_the_way(self, name: str) -> dict[int, float]:
        """A measure during the training, by the number of epochs done, wherever it was measured and is finite."""
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
    """Why a training gave no result."""

    kind: FailureKind
    message: str
    seconds: float = 0.0
    epochs: int = 0
    """Epochs done before the training failed."""

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
        data: The JSON that `to_json` wrote.
        learned: Name of the learned objective; its values in the curve must be finite.

    Raises:
        MalformedError: The data are not those of an outcome.
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
    """Refuses a point of a curve unless the epochs and the learned objective are finite and all other values are numbers."""
    number(entry(point, "epoch", "a point of the outcome's curve"), "an epoch of the outcome's curve", 0)
    for name, value in point.items():
        if name == learned or not (isinstance(value, float) and not math.isfinite(value)):
            number(value, f"the outcome's curve: {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One row of a search: the genotype, its meaning, and its outcome."""

    number: int
    genotype: Mapping[str, Scalar]
    candidate: Candidate
    state: TrialState
    costs: Mapping[str, float]
    """Known costs by name, before training. They are exact, except where training decides what is deployed, as with learned
    groups: there they are the costs that training aims at, and the outcome has measurements of the same names.
    """
    outcome: Outcome | None = None
    """The outcome of the training. A reused trial has the outcome of the first one."""
    baseline: str | None = None
    """The name of the known network that this trial is, if it is a baseline."""
    reused_from: int | None = None
    """Number of the first trial with the same meaning."""
    replicate_of: int | None = None
    """Number of the first trial of a candidate that this trial trains again, with another seed."""
    violations: tuple[str, ...] = ()
    """In words, the limits that an infeasible trial exceeds."""

    @property
    def first(self) -> int:
        """Number of the first trial that trained this candidate."""
        return self.number if self.replicate_of is None else self.replicate_of

    def values(self) -> dict[str, float]:
        """All objective values that are known so far, by name. The unit is that of each objective."""
        learned = self.outcome.measurements if isinstance(self.outcome, Evaluation) else {}
        return {**self.costs, **{name: measurement.mean for name, measurement in learned.items()}}

    @property
    def deployed_costs(self) -> dict[str, float]:
        """Known costs of the deployed network, by name: measured ones where a measurement replaces the value in `costs`."""
        values = self.values()
        return {name: values[name] for name in self.costs}

    @property
    def missed_costs(self) -> dict[str, float]:
        """Costs before training that a measurement has replaced, by name."""
        deployed = self.deployed_costs
        return {name: cost for name, cost in self.costs.items() if cost != deployed[name]}
