"""Protocols between the modules of a network and whoever trains and measures it: a `torch.nn.Module` also inherits one of these.

They are found by `isinstance` over `model.modules()`, so the spaces that build networks and the evaluator that trains them need not
know each other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


class EvaluationMode(StrEnum):
    """What an evaluation forward of a learned shuffle does with its matrices."""

    HARD = "hard"
    """The hard rows of its matrices, as deployed."""
    SOFT = "soft"
    """The soft matrices themselves, to measure the gap to the hard ones."""
    PROJECTED = "projected"
    """The true permutations nearest to the matrices. This differs from `HARD` only where rows collide."""
    SWAPPED = "swapped"
    """The hard rows of another image of the batch, to see whether it matters to which image they belong."""


class Penalized(ABC):
    """A module that adds a penalty to the loss of each training step."""

    @abstractmethod
    def penalty(self) -> Tensor | float:
        """The penalty of the last training forward: a scalar tensor, or 0.0 where there is nothing to add."""


class LearnedShuffle(Penalized):
    """A channel mixer that learns its permutation, and that the trainer has to steer."""

    @abstractmethod
    def set_progress(self, share: float) -> None:
        """Sets the share of the full training budget that is done, 0 to 1. It decides whether the training forward is binarized."""

    def phase(self) -> Hashable | None:
        """What a training forward decides in Python at this progress; forwards with equal phases run the same operations.

        None, the default, means that this is not known: the steps of such a network are then not repeated as one CUDA graph.
        """
        return None

    @abstractmethod
    def penalty(self) -> Tensor:
        """Penalty of the last training forward, a scalar tensor: 0 at a permutation, 1 at uniform rows; it has a gradient.

        Its gradient reaches the logits. Where the shuffle makes more channels than it reads in both of its factors, the
        penalty is a constant 0 without gradient. The trainer takes the mean over a network's shuffles; the weight of the
        penalty is a decision of the candidate.
        """

    @abstractmethod
    def set_evaluation_mode(self, mode: EvaluationMode) -> None:
        """Chooses what an evaluation forward does with the matrices; `HARD` unless this is called."""

    @abstractmethod
    def logit_parameters(self) -> Iterable[nn.Parameter]:
        """Parameters that produce logits. They have no weight decay, which would pull them to the uniform point."""

    @abstractmethod
    def statistics(self) -> dict[str, float]:
        """Statistics of the last evaluation forward that was not soft, as shares from 0 to 1.

        `valid`: share of samples whose index map is a permutation, or with fewer channels out than in reads no channel
        twice, or with more reads every channel. `coverage`: mean share of the channels that are read. `disagreement`: mean
        share of positions at which the maps of two samples of the batch differ; 0 if all are the same.
        """


class PhasedTraining(Penalized):
    """A part of a network whose training has several phases.

    Phases are shares of the full budget. What they change is in the module's state, so that a training that continues from
    a checkpoint is in the same phase as before. The penalty of the module already includes its weight.
    """

    @abstractmethod
    def epoch_begins(self, epoch: int, epochs: int) -> None:
        """Called before the first step of each epoch.

        Args:
            epoch: Number of epochs done.
            epochs: Number of epochs of the full budget.
        """

    @abstractmethod
    def epoch_ends(self, epoch: int, epochs: int) -> None:
        """Called after the last step of each epoch. `epoch` does not count the epoch that ends, as in `epoch_begins`."""


class Counted(ABC):
    """A module that has parameters or arithmetic of its own, beyond those of its children, and says what they cost.

    A module with parameters of its own that is neither of a known type nor Counted is an error in cost counting.
    """

    @abstractmethod
    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of one evaluation forward beyond those of the children, for an input of this shape `(n, c, h, w)`."""

    @abstractmethod
    def deployed_parameters(self) -> int:
        """Parameters of the module itself, children not counted, that the deployed network needs (an index map needs none)."""
