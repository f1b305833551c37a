"""Synthetic searches: seeded, in the form of real ones, with trials of every state. No number in them was measured."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any, Protocol

import pytest

from evaluator.costs import COSTS
from evaluator.measures import MEASURES
from nas.candidate import Candidate
from nas.dimensions import Scalar
from nas.objectives import Objective, losses, reference_losses
from nas.pareto import ParetoFront, hypervolume, non_dominated
from nas.records import Evaluation, Failure, FailureKind, Measurement, Outcome, Trial, TrialState
from nas.search.result import SearchResult
from search_spaces.portrait import legend, portrait, stages

ACCURACY = MEASURES["accuracy"].objective(10)
MACS = COSTS["macs"].objective(1e8)
PARAMS = COSTS["params"].objective(1e7)
FURTHER = tuple(COSTS[name].objective(1.0) for name in ("latency", "memory"))
VALIDATION = 5000
GAIN = {"fixed": 0.0, "static": -0.3, "static_full": 0.4, "dynamic": 1.8, "static_dynamic": 1.1}


class MakeTrial(Protocol):
    """Makes one trial; see `build_trial`."""

    def __call__(
        self,
        number: int,
        *,
        accuracy: float | None = None,
        macs: float = 1e6,
        params: float = 1e5,
        architecture: Mapping[str, Scalar] | None = None,
        training: Mapping[str, Scalar] | None = None,
        state: TrialState = TrialState.COMPLETE,
        n: int = VALIDATION,
        std: float | None = None,
        outcome: Outcome | None = None,
        details: Mapping[str, Any] | None = None,
        **facts: Any,
    ) -> Trial: ...


class MakeResult(Protocol):
    """Makes a result of given trials; see `build_result`."""

    def __call__(
        self, trials: list[Trial], objectives: tuple[Objective, ...] = (ACCURACY, MACS), **parts: Any
    ) -> SearchResult: ...


class MakeSearch(Protocol):
    """Makes a whole synthetic search; see `synthetic_search`."""

    def __call__(
        self, count: int = 40, seed: int = 0, objectives: tuple[Objective, ...] = (ACCURACY, MACS), **parts: Any
    ) -> SearchResult: ...


def build_trial(
    number: int,
    *,
    accuracy: float | None = None,
    macs: float = 1e6,
    params: float = 1e5,
    architecture: Mapping[str, Scalar] | None = None,
    training: Mapping[str, Scalar] | None = None,
    state: TrialState = TrialState.COMPLETE,
    n: int = VALIDATION,
    std: float | None = None,
    outcome: Outcome | None = None,
    details: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Trial:
    """A trial; with an accuracy and no outcome of its own it gets an evaluation with a binomial spread."""
    if outcome is None and accuracy is not None:
        spread = math.sqrt(accuracy * (100 - accuracy)) if std is None else std
        outcome = Evaluation(
            measurements={"accuracy": Measurement(mean=accuracy, std=spread, n=n)},
            seconds=10.0 + number / 7,
            epochs=12,
            details=details or {},
        )
    architecture = {"width": 32, "stage1.mixer": "fixed"} if architecture is None else architecture
    candidate = Candidate(space="shufflenet_v2", architecture=architecture, training=training or {"lr": 0.1})
    return Trial(
        number=number,
        genotype={**architecture, **candidate.training},
        candidate=candidate,
        state=state,
        costs={"macs": macs, "params": params},
        outcome=outcome,
        **facts,
    )


def build_result(
    trials: list[Trial],
    objectives: tuple[Objective, ...] = (ACCURACY, MACS),
    **parts: Any,
) -> SearchResult:
    """The result of these trials, its front derived as a search derives it."""
    pool = [trial for trial in trials if trial.state is TrialState.COMPLETE and isinstance(trial.outcome, Evaluation)]
    points = [losses(objectives, trial.values()) for trial in pool]
    front = [pool[position] for position in non_dominated(points)]
    front.sort(key=lambda trial: trial.values()[objectives[1].name])
    quantities = {each.name: each for each in (*objectives[:1], MACS, PARAMS, *FURTHER)}
    values = {
        "quantities": tuple({**quantities, **{each.name: each for each in objectives}}.values()),
        "settings": {
            "output": "runs/example",
            "data": {"name": "cifar10", "root": None},
            "space": {"name": "shufflenet_v2", "widths": [24, 32, 48, 64], "mixers": list(GAIN)},
            "search": {"trials": len(pool), "seed": 3, "sampler": "tpe", "max_macs": 3e7},
            "train": {"epochs": 12, "batch_size": 128, "ema": 0.99},
            "device": "cpu",
        },
        "provenance": {
            "version": "0.1.0",
            "commit": "0123abc",
            "device": "cpu",
            "seed": 3,
            "versions": {"python": "3.11.2", "torch": "2.13.0", "optuna": "5.0.0"},
            "started": "2026-01-01T10:00:00Z",
        },
        "space": {"name": "shufflenet_v2", "image_size": 32, "channels": 3, "classes": 10},
        "data": {
            "name": "cifar10",
            "image_size": 32,
            "channels": 3,
            "classes": 10,
            "class_names": ["airplane", "automobile"],
            "train": 45000,
            "validation": VALIDATION,
            "test": 10000,
            "fingerprint": "8d1f0c2ab37e55aa",
            "mean": [0.49, 0.48, 0.45],
            "std": [0.25, 0.24, 0.26],
        },
        **told_by_space(trials),
        **parts,
    }
    return SearchResult(
        trials=tuple(trials),
        objectives=objectives,
        front=ParetoFront(
            trials=tuple(trial.number for trial in front),
            values=tuple(tuple(trial.values()[o.name] for o in objectives) for trial in front),
            objectives=tuple(o.name for o in objectives),
            hypervolume=hypervolume(points, reference_losses(objectives)),
        ),
        **values,
    )


def told_by_space(trials: list[Trial]) -> dict[str, Any]:
    """What the space of these trials says of them: one that mixes always, or one that decides on convolutions in every stage.

    Nothing where trials have no stages: then it is a space of one's own.
    """
    every = [decisions for trial in trials for decisions in stages(trial.candidate).values()]
    if trials and not every:
        return {}
    always_mixes = not every or not all("convolution" in decisions for decisions in every)
    return {
        "title": "ShuffleNet V2" if always_mixes else "CIFAR ResNet",
        "legend": legend(always_mixes=always_mixes),
        "portraits": {trial.number: portrait(trial.candidate, _channels(trial)) for trial in trials},
    }


def _channels(trial: Trial) -> tuple[int, ...]:
    """Those of a ShuffleNet V2 of this width; none of a network whose width is a factor."""
    width = trial.candidate.architecture.get("width")
    return tuple(width * 2**k for k in range(len(stages(trial.candidate)))) if isinstance(width, int) else ()


def synthetic_search(
    count: int = 40, seed: int = 0, objectives: tuple[Objective, ...] = (ACCURACY, MACS), **parts: Any
) -> SearchResult:
    """A search with `count` trials of every state over ShuffleNet-like decisions, four baselines first."""
    rng = random.Random(seed)
    trials: list[Trial] = []
    for number in range(count):
        baseline = number < 4
        architecture = _architecture(rng, fixed=baseline, width=(24, 32, 48, 64)[number % 4] if baseline else None)
        macs, params = _cost(architecture)
        roll = 1.0 if baseline else rng.random()
        facts: dict[str, Any] = {
            "number": number,
            "architecture": architecture,
            "training": _training(rng, architecture),
            "macs": macs,
            "params": params,
            "baseline": f"ShuffleNetV2 {architecture['width']}" if baseline else None,
        }
        if roll < 0.05:
            facts |= {"state": TrialState.INFEASIBLE, "violations": (f"macs {macs:.0f} over the limit 30000000",)}
        elif roll < 0.10:
            facts |= {"state": TrialState.FAILED, "outcome": _failure(rng)}
        elif roll < 0.15 and trials[0].outcome is not None:
            first = trials[rng.randrange(4)]
            facts |= {
                "state": TrialState.REUSED,
                "reused_from": first.number,
                "outcome": first.outcome,
                "architecture": dict(first.candidate.architecture),
                "training": dict(first.candidate.training),
                "macs": first.costs["macs"],
                "params": first.costs["params"],
            }
        elif roll < 0.20:
            facts |= {"state": TrialState.STOPPED, "outcome": _evaluation(rng, architecture, macs, epochs=3)}
        elif number == count - 1 and count > 10:
            facts |= {"state": TrialState.RUNNING}
        else:
            facts |= {"outcome": _evaluation(rng, architecture, macs, epochs=12)}
        trials.append(build_trial(**facts))
    return build_result(trials, objectives, **parts)


def _architecture(rng: random.Random, *, fixed: bool, width: int | None) -> dict[str, Scalar]:
    chosen: dict[str, Scalar] = {"width": rng.choice((24, 32, 48, 64)) if width is None else width}
    for stage in (1, 2, 3):
        chosen[f"stage{stage}.units"] = (4, 8, 4)[stage - 1] if fixed else rng.choice((2, 4, 8))
        mixer = "fixed" if fixed or rng.random() < 0.45 else rng.choice(list(GAIN))
        chosen[f"stage{stage}.mixer"] = mixer
        if mixer == "fixed":
            continue
        chosen[f"stage{stage}.groups"] = rng.choice((1, 2, 4)) if mixer != "static_full" else 1
        if "dynamic" in mixer:
            n1, n2 = rng.choice(((2, 6), (4, 6), (6, 4), (3, 8)))
            chosen |= {f"stage{stage}.n1": n1, f"stage{stage}.n2": n2}
            chosen[f"stage{stage}.reduction"] = rng.choice((4, 8, 16))
            chosen[f"stage{stage}.share"] = rng.choice(("matrices", "generator", "none"))
    return chosen


def _training(rng: random.Random, architecture: dict[str, Scalar]) -> dict[str, Scalar]:
    training: dict[str, Scalar] = {
        "lr": round(0.05 * 10 ** rng.random(), 5),
        "weight_decay": round(1e-5 * 100 ** rng.random(), 8),
    }
    if any("static" in str(value) or "dynamic" in str(value) for value in architecture.values()):
        training["binarize_from"] = rng.choice((0.0, 0.3, 0.6))
        training["temperature"] = round(0.25 * 4 ** rng.random(), 4)
        training["orth_weight"] = round(0.01 * 1000 ** rng.random(), 5)
    return training


def _cost(architecture: dict[str, Scalar]) -> tuple[int, int]:
    width = int(str(architecture["width"]))
    units = [int(str(architecture[f"stage{stage}.units"])) for stage in (1, 2, 3)]
    learned = sum("dynamic" in str(value) for value in architecture.values())
    return (
        int(width**2 * (300 * units[0] + 280 * units[1] + 270 * units[2]) * (1 + 0.004 * learned)),
        int(width**2 * (2 * units[0] + 8 * units[1] + 32 * units[2]) * (1 + 0.05 * learned)),
    )


def _evaluation(rng: random.Random, architecture: dict[str, Scalar], macs: float, epochs: int) -> Evaluation:
    mixers = [str(value) for name, value in architecture.items() if name.endswith("mixer")]
    gain = sum(GAIN[mixer] for mixer in mixers) / 3
    final = min(96.0, 44 + 19 * math.log10(macs / 4e5) - 2.6 * math.log10(macs / 4e5) ** 2 + gain + rng.gauss(0, 1.6))
    share = 1 - math.exp(-3.2 * epochs / 12)
    accuracy = round(VALIDATION * final * share / 100) * 100 / VALIDATION
    curve = [
        {
            "epoch": epoch,
            "loss": 2.3 * math.exp(-0.13 * epoch) + 0.4 + rng.gauss(0, 0.02),
            "lr": 0.1,
            "accuracy": final * (1 - math.exp(-3.2 * epoch / 12)) + rng.gauss(0, 0.6),
        }
        for epoch in range(1, epochs + 1)
    ]
    details: dict[str, Any] = {"curve": curve}
    blocks = [
        {
            "name": f"stages.{stage}.{unit}.mixer",
            "valid": min(1.0, rng.uniform(0.9, 1.05)),
            "coverage": min(1.0, rng.uniform(0.95, 1.02)),
            "disagreement": rng.uniform(0.0, 0.5),
        }
        for stage, mixer in enumerate(mixers)
        if "dynamic" in mixer
        for unit in range(int(str(architecture[f"stage{stage + 1}.units"])))
    ]
    if blocks:
        details |= {"mixers": blocks, "soft_accuracy": accuracy + rng.gauss(0.1, 0.4)}
    return Evaluation(
        measurements={"accuracy": Measurement(mean=accuracy, std=math.sqrt(accuracy * (100 - accuracy)), n=VALIDATION)},
        seconds=macs / 4e5 + rng.uniform(5, 12),
        epochs=epochs,
        details=details,
    )


def _failure(rng: random.Random) -> Failure:
    kind, message = rng.choice(
        (
            (FailureKind.DIVERGED, "loss is not finite in epoch 2"),
            (FailureKind.OUT_OF_MEMORY, "the device ran out of memory at batch size 128"),
            (FailureKind.CRASHED, "the worker ended with signal 9"),
        )
    )
    return Failure(kind=kind, message=message, seconds=4.2, epochs=2)


@pytest.fixture
def make_trial() -> MakeTrial:
    """Makes one trial; see `build_trial`."""
    return build_trial


@pytest.fixture
def make_result() -> MakeResult:
    """Makes a result of given trials; see `build_result`."""
    return build_result


@pytest.fixture
def make_search() -> MakeSearch:
    """Makes a whole synthetic search; see `synthetic_search`."""
    return synthetic_search


@pytest.fixture
def three_objectives() -> tuple[Objective, ...]:
    """Accuracy, multiply-adds and parameters."""
    return (ACCURACY, MACS, PARAMS)
