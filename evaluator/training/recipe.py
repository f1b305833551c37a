"""How one candidate is trained: the settings of all, and what was decided of this one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaluator.measures import DEFAULT
from evaluator.settings import TrainSettings
from nas.errors import SpaceError
from nas.records import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one candidate is trained."""

    settings: TrainSettings
    epochs: int
    """Full budget."""
    seed: int
    lr: float
    """Peak learning rate at a batch of 128."""
    weight_decay: float
    orth_weight: float
    """Final weight of the orthogonality penalty."""
    rungs: tuple[int, ...] = ()
    """Epochs after which the network is measured, projected to true permutations too, whatever that costs."""
    learned: str = DEFAULT
    """Name of the measure by which the network is judged."""
    parts: int = 1
    """In how many parts, one after the other, a batch goes through the network, where memory is short. The gradients add up to the
    batch's; batch norms see a part at a time."""

    def images(self, images: int) -> int:
        """Images of a step, out of so many."""
        return min(self.settings.batch_size, images)

    def steps(self, images: int) -> int:
        """Steps an epoch: full batches only, so that every step is alike; one smaller batch if there is no full one."""
        return max(images // self.settings.batch_size, 1)


def make_recipe(task: Task, train: TrainSettings, learned: str = DEFAULT) -> Recipe:
    """How a task's candidate is trained.

    Raises:
        SpaceError: The candidate lacks a training value, or one is no finite number of at least 0.
    """
    values = {}
    for name, default in (("lr", None), ("weight_decay", 0.0), ("orth_weight", 0.0)):
        value = task.candidate.training.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise SpaceError(f"the candidate's {name} is {value!r}; allowed: a finite number, 0 or more")
        values[name] = float(value)
    return Recipe(
        settings=train,
        epochs=task.budget.epochs,
        seed=task.seed,
        lr=values["lr"],
        weight_decay=values["weight_decay"],
        orth_weight=values["orth_weight"],
        rungs=task.budget.rungs,
        learned=learned,
    )
