"""How one candidate is trained: settings that all candidates share, and decisions about this one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaluator.images.automatic import steps_per_epoch
from evaluator.measures import DEFAULT
from evaluator.settings import TrainSettings
from nas.errors import SpaceError
from nas.records import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one candidate is trained."""

    settings: TrainSettings
    epochs: int
    """Number of epochs of the full budget."""
    seed: int
    lr: float
    """Peak learning rate for a batch of 128."""
    weight_decay: float
    orth_weight: float
    """Final weight of the orthogonality penalty."""
    rungs: tuple[int, ...] = ()
    """Numbers of epochs after which the network is measured, also projected to true permutations, whatever that costs."""
    learned: str = DEFAULT
    """Name of the measure by which the network is judged."""
    parts: int = 1
    """Number of parts in which a batch goes through the network, one after the other, where memory is short. The gradients add
    up to those of the batch; batch norms see one part at a time.
    """

    def images(self, images: int) -> int:
        """Number of images in a step, if there are so many images."""
        return min(self.settings.batch_size, images)

    def steps(self, images: int) -> int:
        """Steps per epoch; see `steps_per_epoch`."""
        return steps_per_epoch(images, self.settings.batch_size)


def make_recipe(task: Task, train: TrainSettings, learned: str = DEFAULT) -> Recipe:
    """The recipe of a task's candidate.

    Raises:
        SpaceError: The candidate lacks a training value, or a value is not a finite number of at least 0.
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
