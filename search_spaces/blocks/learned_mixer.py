"""What all learned mixers have in common: when the forward pass is hard, and what is remembered of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from nas.ports import Counted, LearnedShuffle
from search_spaces.blocks.factors import orthogonality
from search_spaces.blocks.permutation import coverage, disagreement, is_permutation


class LearnedMixer(nn.Module, LearnedShuffle, Counted):
    """A mixer whose permutation is learned: soft or hard in training, hard at evaluation unless told otherwise.

    Axes: b images, c channels.

    Args:
        temperature: Of the row softmax, above 0.
        binarize_from: Share of the training, 0 to 1, from which the training forward is hard.
    """

    def __init__(self, *, temperature: float, binarize_from: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.binarize_from = binarize_from
        self._share = 0.0
        self._soft_evaluation = False
        self._soft_matrices: tuple[Tensor, ...] | None = None
        self._index_map: Tensor | None = None

    def set_progress(self, share: float) -> None:
        """Tells how much of the full training is done, 0 to 1."""
        self._share = share

    def set_soft_evaluation(self, soft: bool) -> None:
        """Whether evaluation uses the soft matrices."""
        self._soft_evaluation = soft

    @property
    def is_soft(self) -> bool:
        """Whether a forward pass now would use the soft matrices."""
        return self._share < self.binarize_from if self.training else self._soft_evaluation

    def penalty(self) -> Tensor:
        """Mean orthogonality penalty of the soft matrices of the last training forward.

        Raises:
            RuntimeError: There was no training forward.
        """
        if self._soft_matrices is None:
            raise RuntimeError("penalty() is of the last training forward, and there was none")
        return torch.stack([orthogonality(soft) for soft in self._soft_matrices]).mean()

    def statistics(self) -> dict[str, float]:
        """See `nas.ports.LearnedShuffle`; a static shuffle has one map for the whole batch, so its disagreement is 0.

        Raises:
            RuntimeError: There was no hard evaluation forward.
        """
        if self._index_map is None:
            raise RuntimeError("statistics() are of the last hard evaluation forward, and there was none")
        return {
            "valid": is_permutation(self._index_map).float().mean().item(),
            "coverage": coverage(self._index_map).mean().item(),
            "disagreement": disagreement(self._index_map).item(),
        }

    @abstractmethod
    def logit_parameters(self) -> Iterable[nn.Parameter]:
        """Parameters that produce logits."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """None: an index map moves values."""
        return 0

    def deployed_parameters(self) -> int:
        """None: the deployed network needs the index map, not the logits."""
        return 0

    def __getstate__(self) -> dict[str, Any]:
        """Without the last forward: its tensors belong to a graph and can be neither copied nor pickled."""
        return {**self.__dict__, "_soft_matrices": None, "_index_map": None}
