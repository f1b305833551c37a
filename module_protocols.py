"""What the modules of a network promise whoever trains and measures it: a `torch.nn.Module` inherits one of these beside.

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
    """Their hard rows, as deployed."""
    SOFT = "soft"
    """The soft matrices themselves, to measure the gap to the hard ones."""
    PROJECTED = "projected"
    """The true permutations nearest to them; differs from hard only where rows collide."""
    SWAPPED = "swapped"
    """The hard rows of another image of the batch, to see whether it matters whose they are."""


class Penalized(ABC):
    """A module that adds a penalty to the loss of each training step."""

    @abstractmethod
    def penalty(self) -> Tensor | float:
        """Of the last training forward: a scalar tensor, or 0.0 where there is nothing to add."""


class LearnedShuffle(Penalized):
    """A channel mixer with something for the trainer to do."""

    @abstractmethod
    def set_progress(self, share: float) -> None:
        """Tells how much of the full training budget is done, 0 to 1; decides whether the training forward is binarized."""

    def phase(self) -> Hashable | None:
        """What of a training forward is decided in Python at this progress; two forwards with equal phases run the same operations.

        None, the default, says nothing: the steps of such a network are not repeated as one graph on a GPU.
        """
        return None

    @abstractmethod
    def penalty(self) -> Tensor:
        """Scalar tensor from the last training forward: 0 at a permutation, 1 at uniform rows. Its gradient reaches the logits.

        A constant 0, without gradient, where the shuffle makes more channels than it reads in both of its factors. The trainer
        takes the mean over a network's shuffles, and its weight is the candidate's.
        """

    @abstractmethod
    def set_evaluation_mode(self, mode: EvaluationMode) -> None:
        """Chooses what evaluation does; hard until told otherwise."""

    @abstractmethod
    def logit_parameters(self) -> Iterable[nn.Parameter]:
        """Parameters that produce logits: weight decay would pull them to the uniform point and is not applied."""

    @abstractmethod
    def statistics(self) -> dict[str, float]:
        """Of the last evaluation forward that was not soft, as shares from 0 to 1.

        `valid`: share of samples whose index map is a permutation, or with fewer channels out than in reads none twice, or with
        more reads every one. `coverage`: mean share of the channels that are read.
        `disagreement`: mean share of positions at which the maps of two samples of the batch differ; 0 if all are the same.
        """


class PhasedTraining(Penalized):
    """A part of a network whose training has phases.

    Phases are shares of the full budget, and what changes is in the module's state, so that a training goes on from a
    checkpoint in the phase in which it stood. Its penalty is weighted already.
    """

    @abstractmethod
    def epoch_begins(self, epoch: int, epochs: int) -> None:
        """Before the first step of each epoch.

        Args:
            epoch: Epochs done.
            epochs: Of the full budget.
        """

    @abstractmethod
    def epoch_ends(self, epoch: int, epochs: int) -> None:
        """After the last step of each epoch; as `epoch_begins`, `epoch` without the one that ends."""


class Counted(ABC):
    """A module that holds parameters or does arithmetic of its own, beyond its children, and says what it costs.

    A module with parameters of its own that is neither of a known type nor Counted is an error in cost counting.
    """

    @abstractmethod
    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of one evaluation forward beyond those of the children, for an input of this shape `(n, c, h, w)`."""

    @abstractmethod
    def deployed_parameters(self) -> int:
        """Parameters of the module itself, children not counted, that the deployed network needs (an index map needs none)."""
