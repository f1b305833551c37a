"""What the packages ask of each other. Nothing here imports torch: tensors and modules are `Any`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from nas.candidate import Candidate
from nas.records import Outcome, Progress, Task

CostFunction = Callable[[Candidate], Mapping[str, float]]
"""The known objectives of a candidate (`macs`, `params`), exact, in milliseconds and without training."""


Tell = Callable[[Progress], bool | None]
"""Takes a sign of life; False means that the training is to be paused."""


class Evaluator(Protocol):
    """Trains and measures one candidate after the other. Lives in a worker process."""

    def evaluate(self, task: Task, progress: Tell) -> Outcome:
        """Trains the task's candidate, going on from its checkpoint if there is one.

        Told at a rung not to go on, it keeps a checkpoint and returns an Evaluation of fewer epochs.

        What goes wrong with the candidate comes back as a Failure; another exception counts as its crash. A NasError means that no
        candidate could be trained here (images gone, disk full): the search stops and the trial stays to be continued.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """How a worker process makes its evaluator: a name and plain JSON, so that nothing is pickled."""

    factory: str
    """`module:function`; the function takes `arguments` as keywords and returns an Evaluator."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON."""
    arrays: Mapping[str, Any] = field(default_factory=dict)
    """Numpy arrays, large and only read. An engine whose workers are elsewhere gives them on as the keyword `arrays`, once for each
    machine, if they fit; where that is missing the evaluator finds for itself what it needs."""


class Reading(StrEnum):
    """What an evaluation forward of a learned shuffle does with its matrices."""

    HARD = "hard"
    """Their hard rows, as deployed."""
    SOFT = "soft"
    """The soft matrices themselves, to measure the gap to the hard ones."""
    PROJECTED = "projected"
    """The true permutations nearest to them; differs from hard only where rows collide."""
    SWAPPED = "swapped"
    """The hard rows of another image of the batch, to see whether it matters whose they are."""


class LearnedShuffle(ABC):
    """A channel mixer with something for the trainer to do; a `torch.nn.Module` inherits it beside.

    The trainer finds these by `isinstance` over `model.modules()`.
    """

    @abstractmethod
    def set_progress(self, share: float) -> None:
        """Tells how much of the full training budget is done, 0 to 1; decides whether the training forward is binarized."""

    def phase(self) -> Hashable | None:
        """What of a training forward is decided in Python at this progress; two forwards with equal phases run the same operations.

        None, the default, says nothing: the steps of such a network are not repeated as one graph on a GPU.
        """
        return None

    @abstractmethod
    def penalty(self) -> Any:
        """Scalar tensor from the last training forward: 0 at a permutation, 1 at uniform rows. Its gradient reaches the logits.

        A constant 0, without gradient, where the shuffle makes more channels than it reads in both of its factors.
        """

    @abstractmethod
    def set_reading(self, reading: Reading) -> None:
        """Chooses what evaluation does; hard until told otherwise."""

    @abstractmethod
    def logit_parameters(self) -> Iterable[Any]:
        """Parameters that produce logits: weight decay would pull them to the uniform point and is not applied."""

    @abstractmethod
    def statistics(self) -> dict[str, float]:
        """Of the last evaluation forward that was not soft, as shares from 0 to 1.

        `valid`: share of samples whose index map is a permutation, or with fewer channels out than in reads none twice, or with
        more reads every one. `coverage`: mean share of the channels that are read.
        `disagreement`: mean share of positions at which the maps of two samples of the batch differ; 0 if all are the same.
        """


class PhasedTraining(ABC):
    """A part of a network whose training has phases; a `torch.nn.Module` inherits it beside.

    The trainer finds these by `isinstance` over `model.modules()`. Phases are shares of the full budget, and what changes is in
    the module's state, so that a training goes on from a checkpoint in the phase in which it stood.
    """

    @abstractmethod
    def epoch_begins(self, epoch: int, epochs: int) -> None:
        """Before the first step of each epoch.

        Args:
            epoch: Epochs done.
            epochs: Of the full budget.
        """

    @abstractmethod
    def penalty(self) -> Any:
        """What is added to the loss of each step, a scalar tensor or 0.0, weighted already."""

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
