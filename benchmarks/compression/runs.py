"""One training of an arm, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from benchmarks.compression.arms import INPUT, Arm, build, learning_of, macs
from benchmarks.trainings import Record
from evaluator.device import Execution
from evaluator.measuring.cost import count_cost
from evaluator.measuring.latency import measure
from evaluator.settings import DataSettings, TrainSettings
from evaluator.worker import TrainingEvaluator
from nas.budget import Budget
from nas.candidate import Candidate
from nas.records import Evaluation, Task
from search_spaces import compact
from search_spaces.grouping.learned_group_conv import LearnedGroupConv2d

RATE, WEIGHT_DECAY = 0.1, 1e-4
"""Learning rate and weight decay of the authors' fine-tuning, for a batch of 128."""
LATENCY_BATCH = 64
EXECUTION = Execution(device=torch.device("cpu"), precision="fp32", channels_last=True)
"""How trained networks are timed, and how they are trained, on one thread each."""

_common: tuple[DataSettings, Path, tuple[int, int, int], int, float] | None = None


def begin(data: DataSettings, folder: str, channels: tuple[int, int, int], epochs: int, step: float) -> None:
    """Prepares a worker process."""
    global _common
    _common = (data, Path(folder), channels, epochs, step)


def train(name: str, target: float, seed: int) -> Record:
    """Trains one network and returns its record, or that of its failure."""
    assert _common is not None
    data, folder, channels, epochs, step = _common
    arm = Arm(name, target)
    earlier = None if arm.follows is None else _weights(folder, arm.follows, seed)
    evaluator = TrainingEvaluator(
        lambda candidate: build(arm, channels, earlier, step),
        data,
        TrainSettings(epochs=epochs, batch_size=128),
        device="cpu",
        checkpoints=str(folder / "checkpoints" / str(arm)),
        split_seed=0,
    )
    whole = epochs if arm.goes_on or name == "dense" else 2 * epochs
    candidate = Candidate(
        space="compression",
        architecture={"arm": str(arm), "step": step},
        training={"lr": RATE, "weight_decay": WEIGHT_DECAY},
    )
    task = Task(trial=seed, candidate=candidate, budget=Budget(epochs=whole), seed=1000 + seed)
    outcome = evaluator.evaluate(task, lambda _progress: None)
    record: dict[str, Any] = {"arm": str(arm), "seed": seed, "epochs": whole, "seconds": outcome.seconds}
    if not isinstance(outcome, Evaluation):
        return {**record, "failure": f"{outcome.kind}: {outcome.message}"}
    torch.manual_seed(task.seed)
    network = build(arm, channels, earlier, step)
    network.load_state_dict(torch.load(_weights(folder, arm, seed), weights_only=True))
    learning = learning_of(network)
    deployed = compact(network)
    cost = count_cost(deployed, INPUT)
    return {
        **record,
        "accuracy": outcome.measurements["accuracy"].mean,
        "macs": macs(network),
        "params": cost.params,
        "groups": [module.groups for module in network.modules() if isinstance(module, LearnedGroupConv2d)],
        "removed": None if learning is None else learning.removed(),
        "curve": [entry.get("accuracy") for entry in outcome.details["curve"]],
    }


def milliseconds(name: str, target: float, seed: int) -> float:
    """Milliseconds of a forward of a batch through the deployed form of a trained network, on one thread.

    It must be called when all trainings have ended.
    """
    assert _common is not None
    _, folder, channels, _, step = _common
    arm = Arm(name, target)
    torch.manual_seed(1000 + seed)
    earlier = None if arm.follows is None else _weights(folder, arm.follows, seed)
    network = build(arm, channels, earlier, step)
    network.load_state_dict(torch.load(_weights(folder, arm, seed), weights_only=True))
    return measure(compact(network), INPUT[1:], batch=LATENCY_BATCH, form="eager", execution=EXECUTION).milliseconds


def _weights(folder: Path, arm: Arm, seed: int) -> Path:
    return folder / "checkpoints" / str(arm) / str(seed) / "weights.pt"
