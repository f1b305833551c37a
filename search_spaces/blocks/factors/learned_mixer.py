"""The common part of all learned mixers: when the forward pass is hard, and what is remembered of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from module_protocols import Counted, EvaluationMode, LearnedShuffle
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.blocks.factors.factors import evaluated_rows, penalty, soft_matrix
from search_spaces.blocks.permutations.permutation import coverage, disagreement, is_valid
from search_spaces.blocks.spec import Relaxation


class LearnedMixer(nn.Module, LearnedShuffle, Counted, Deployable):
    """A mixer whose permutation is learned: soft or hard in training, and hard in evaluation unless set otherwise.

    Axes: b images, c channels in, d channels out; a mixer has c = d, a replacement of a convolution need not.

    Args:
        channels: Number of channels that are read, c.
        relaxation: How the permutation is made learnable.
    """

    def __init__(self, channels: int, relaxation: Relaxation) -> None:
        super().__init__()
        self.channels = channels
        self.relaxation = relaxation
        self.evaluation_mode = EvaluationMode.HARD
        self._share = 0.0
        self._soft_matrices: tuple[Tensor, ...] | None = None
        self._index_map: Tensor | None = None

    def set_progress(self, share: float) -> None:
        """Sets the share of the full training that is done, 0 to 1."""
        self._share = share

    def phase(self) -> Hashable | None:
        """Whether the training forward is soft, whether it uses what is learned, and its temperature."""
        if self.relaxation.rounding == "assignment" and not self.is_soft:
            return None  # solved on the CPU
        return self.is_soft, self.is_learned, self.relaxation_now.temperature

    def set_evaluation_mode(self, mode: EvaluationMode) -> None:
        """Chooses what an evaluation does with the matrices."""
        self.evaluation_mode = mode

    @property
    def is_soft(self) -> bool:
        """Whether a forward pass now would use the soft matrices."""
        if self.training:
            return self._share < self.relaxation.binarize_from or self.relaxation.binarize_from >= 1
        return self.evaluation_mode is EvaluationMode.SOFT

    @property
    def relaxation_now(self) -> Relaxation:
        """The relaxation with the present temperature of the training; in an evaluation, with that of its end."""
        return self.relaxation.at(self._share if self.training else 1.0)

    @property
    def is_learned(self) -> bool:
        """Whether a forward pass now would use what is learned, rather than the identity."""
        return not self.training or self._share >= self.relaxation.learned_from

    def soft_of(self, logits: Tensor) -> Tensor:
        """The soft matrix of `float[... m n]` logits, which in a training forward is kept for `penalty`."""
        return soft_matrix(logits, self.relaxation_now, noisy=self.training)

    def rows_of(self, logits: Tensor) -> Tensor:
        """Hard rows of logits in an evaluation, according to its mode: `float[b|1 ... m n] -> int[b|1 ... m]`."""
        if self.evaluation_mode is EvaluationMode.SWAPPED:
            logits = logits[_partners(len(logits)).to(logits.device)]
        if self.evaluation_mode is EvaluationMode.PROJECTED:
            return evaluated_rows(logits, replace(self.relaxation_now, rounding="assignment"))
        return evaluated_rows(logits, self.relaxation_now)

    def remember(self, index_map: Tensor) -> Tensor:
        """Keeps the index map of an evaluation forward, `int[b|1 d]`, for `statistics`."""
        self._index_map = index_map.detach()
        return index_map

    def penalty(self) -> Tensor:
        """Mean penalty of the soft matrices of the last training forward that have no more rows than columns.

        It is 0 if there are none, or if nothing is learned yet.

        The rows of a matrix with more rows than columns cannot be orthonormal.

        Raises:
            RuntimeError: There was no training forward.
        """
        if self._soft_matrices is None:
            raise RuntimeError("penalty() is of the last training forward, and there was none")
        penalized = [soft for soft in self._soft_matrices if soft.shape[-2] <= soft.shape[-1]]
        if not penalized:
            return next(iter(self.logit_parameters())).new_zeros(())
        return torch.stack([penalty(soft, self.relaxation) for soft in penalized]).mean()

    def statistics(self) -> dict[str, float]:
        """See `module_protocols.LearnedShuffle`; a static shuffle has one map for the whole batch, so its disagreement is 0.

        With fewer channels out than in, a map is `valid` if it reads no channel twice; with more, if it reads every channel.

        Raises:
            RuntimeError: There was no evaluation forward that was not soft.
        """
        if self._index_map is None:
            raise RuntimeError("statistics() are of the last hard evaluation forward, and there was none")
        return {
            "valid": is_valid(self._index_map, self.channels).float().mean().item(),
            "coverage": coverage(self._index_map, self.channels).mean().item(),
            "disagreement": disagreement(self._index_map, self.channels).item(),
        }

    @abstractmethod
    def logit_parameters(self) -> Iterable[nn.Parameter]:
        """Parameters that produce logits."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h w]`."""

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """0, since an index map moves values."""
        return 0

    def deployed_parameters(self) -> int:
        """0, since the deployed network needs the index map, not the logits."""
        return 0

    def __getstate__(self) -> dict[str, Any]:
        """The state without the last forward, whose tensors belong to a graph and can be neither copied nor pickled."""
        return {**self.__dict__, "_soft_matrices": None, "_index_map": None}


def _partners(samples: int) -> Tensor:
    """A partner for each sample, the same at each call: one cycle through all samples in a random order."""
    order = torch.randperm(samples, generator=torch.Generator().manual_seed(0))
    return torch.empty_like(order).scatter_(0, order, order.roll(1))
