"""Arms that branch off from one network with fixed shuffles, which is trained for a share of the epochs.

If a mixer begins as the host's shuffle, the network after the branch is at first the same function. So the effect of a seed
on the first part of a training is the same in all arms, and this part is trained only once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evaluator.training.checkpoint import Saved
from evaluator.training.optim import decay_groups, make_optimizer
from evaluator.worker import TrainingEvaluator
from nas.budget import Budget
from nas.candidate import Candidate
from nas.errors import OutputError
from nas.output.file_lock import FileLock
from nas.records import Failure, Task

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """The network that arms branch off from."""

    evaluator: TrainingEvaluator
    """The evaluator that trains it."""
    candidate: Candidate
    network: nn.Module
    """Its untrained network, of which only names and sizes matter."""
    epochs: int
    """Number of epochs after which arms branch off."""
    folder: Path
    """Folder with a lock for each seed, so that of two processes one trains a trunk and the other waits."""


def begin_from_trunk(evaluator: TrainingEvaluator, task: Task, network: nn.Module, trunk: Trunk) -> None:
    """Gives a training that has not begun the trunk of its seed as its checkpoint.

    Args:
        evaluator: The evaluator of the training.
        task: The training.
        network: The untrained network.
        trunk: The trunk that it branches off from.

    Raises:
        OutputError: The trunk could not be trained, or a folder cannot be written.
    """
    checkpoints = evaluator.checkpoints(task)
    if checkpoints.finished() is None and checkpoints.load(CPU) is None:
        checkpoints.save(branched(_at_branch(trunk, task), trunk.network, network))


def _at_branch(trunk: Trunk, task: Task) -> Saved:
    """The trunk of the task's seed, which is trained if it does not exist."""
    trained = replace(task, candidate=trunk.candidate, budget=Budget(epochs=task.budget.epochs, rungs=(trunk.epochs,)))
    trunk.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(trunk.folder / f"{task.seed}.lock").held():
        checkpoints = trunk.evaluator.checkpoints(trained)
        saved = checkpoints.load(CPU)
        if saved is None or saved.epochs != trunk.epochs:
            # Since it must not go on from the rung, it keeps a checkpoint.
            outcome = trunk.evaluator.evaluate(trained, lambda progress: progress.value is None)
            if isinstance(outcome, Failure):
                raise OutputError(f"the trunk of seed {task.seed} failed: {outcome.kind}: {outcome.message}")
            saved = checkpoints.load(CPU)
        assert saved is not None
        return saved


def branched(trunk: Saved, source: nn.Module, target: nn.Module) -> Saved:
    """The trunk as a checkpoint of another network: the parts that both have continue, all others begin.

    Args:
        trunk: The checkpoint of a training of `source`.
        source: The untrained network of the trunk.
        target: The untrained network that continues.
    """
    states: dict[str, Any] = {name: _merged(trunk.states[name], target) for name in ("model", "averaged")}
    states["optimizer"] = _momenta(trunk.states["optimizer"], source, target)
    return replace(trunk, states={**trunk.states, **states})


def _merged(state: Mapping[str, Tensor], target: nn.Module) -> dict[str, Tensor]:
    own: dict[str, Tensor] = target.state_dict()
    return {name: state[_in_trunk(name)] if _is_there(name, value, state) else value for name, value in own.items()}


def _momenta(state: Mapping[str, Any], source: nn.Module, target: nn.Module) -> dict[str, Any]:
    """The state of the target's optimizer, in which parameters that the trunk does not have begin without momentum."""
    places = {name: place for place, name in enumerate(_optimized(source))}
    found: dict[int, Any] = {}
    parameters = dict(target.named_parameters())
    for place, name in enumerate(_optimized(target)):
        kept = state["state"].get(places.get(_in_trunk(name), -1))
        same = kept is not None and kept["momentum_buffer"].shape == parameters[name].shape
        found[place] = kept if same else {"momentum_buffer": torch.zeros_like(parameters[name])}
    groups = state["param_groups"][0]
    made = make_optimizer(target, momentum=groups["momentum"], weight_decay=groups["weight_decay"]).state_dict()
    return {"state": found, "param_groups": made["param_groups"]}


def _optimized(network: nn.Module) -> list[str]:
    """Names of the parameters in the order in which the optimizer has them."""
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    groups: list[Any] = decay_groups(network, 1.0)
    return [names[id(parameter)] for group in groups for parameter in group["params"]]


def _in_trunk(name: str) -> str:
    """The name in a network without restored shuffles around its units."""
    return name.replace(".body.", ".")


def _is_there(name: str, value: Tensor, state: Mapping[str, Tensor]) -> bool:
    return _in_trunk(name) in state and state[_in_trunk(name)].shape == value.shape
