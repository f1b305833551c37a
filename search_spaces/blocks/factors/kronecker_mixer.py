"""The common part of static, dynamic and static-dynamic shuffles: from factor logits to shuffled channels."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from search_spaces.blocks.factors.factors import gated, gates, rounded_rows, straight_through
from search_spaces.blocks.factors.learned_mixer import LearnedMixer
from search_spaces.blocks.permutations.channel_gather import gather_channels
from search_spaces.blocks.permutations.index_shuffle import index_shuffle
from search_spaces.blocks.permutations.kronecker_shuffle import kronecker_shuffle
from search_spaces.blocks.permutations.permutation import matrix, shuffle_map
from search_spaces.blocks.spec import KroneckerShape, Relaxation


class KroneckerMixer(LearnedMixer):
    """Shuffles by S_g (I_g (x) P1 (x) P2), where P is the soft matrix of logits, or its hard rows.

    Axes: b images, g groups, c = g i1 i2 channels in, d = g o1 o2 channels out.

    Args:
        shape: Sizes of the factors, each 2 or more.
        relaxation: How the permutation is made learnable.
    """

    def __init__(self, shape: KroneckerShape, relaxation: Relaxation) -> None:
        super().__init__(shape.inputs, relaxation)
        self.shape = shape
        self.groups = shape.groups

    @abstractmethod
    def factor_logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both factors, `float[b|1 g|1 o1 i1]` and `float[b|1 g|1 o2 i2]`; a dimension of 1 is shared."""

    def index_map(self, x: Tensor) -> Tensor:
        """The map by which an evaluation reads the channels, `int[b|1 d]`."""
        outer, inner = (self.rows_of(logits) for logits in self.factor_logits(x))
        return self.remember(shuffle_map(outer, inner, self.groups, self.shape.columns))

    def shuffle(self, x: Tensor) -> Tensor:
        """Shuffles `float[b c h w] -> float[b d h w]`, and remembers what `penalty` and `statistics` need."""
        if not self.training and not self.is_soft:
            return gather_channels(x, self.index_map(x))
        if not self.is_learned:
            self._soft_matrices = ()
            return gather_channels(x, shuffle_map(*self.first_rows(x.device), self.groups, self.shape.columns))
        outer, inner = self.factor_logits(x)
        p1, p2 = self.soft_of(outer), self.soft_of(inner)
        if self.training:
            self._soft_matrices = (p1, p2)
        if self.is_soft:
            return kronecker_shuffle(x, p1, p2, self.groups)
        rounding = self.relaxation.rounding
        rows = (rounded_rows(p1, rounding), rounded_rows(p2, rounding))
        if self.relaxation.estimator == "gated":
            kept = gates(p1, rows[0]).unsqueeze(-1) * gates(p2, rows[1]).unsqueeze(-2)  # b|1 g|1 o1 o2
            shuffled = index_shuffle(x, p1.detach(), p2.detach(), self.groups, rows)
            return shuffled * self._in_order(kept).to(x.dtype)
        return index_shuffle(x, p1, p2, self.groups, rows)

    def first_rows(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Rows of both factors as long as nothing is learned: the identity, repeated if there are more rows than columns."""
        (o1, i1), (o2, i2) = self.shape.outer, self.shape.inner
        return torch.arange(o1, device=device)[None, None] % i1, torch.arange(o2, device=device)[None, None] % i2

    def _in_order(self, gates: Tensor) -> Tensor:
        """The gate of each output channel, in the order of the cross-group shuffle: `float[b|1 g|1 o1 o2] -> float[b|1 d 1 1]`."""
        each = gates.expand(-1, self.groups, -1, -1).permute(0, 2, 3, 1)
        return each.reshape(len(gates), -1, 1, 1)

    def generated_factors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The matrices P1 and P2, where hard ones have the gradient of the soft ones: `float[b|1 g|1 o i]` each."""
        if not self.is_learned:
            self._soft_matrices = ()
            p1, p2 = (
                matrix(rows, i).to(x.dtype)
                for rows, i in zip(self.first_rows(x.device), self.shape.columns, strict=True)
            )
            return p1, p2
        logits = self.factor_logits(x)
        if not self.training and not self.is_soft:
            outer, inner = (self.rows_of(each) for each in logits)
            i1, i2 = self.shape.columns
            self.remember(shuffle_map(outer, inner, self.groups, (i1, i2)))
            return matrix(outer, i1).to(x.dtype), matrix(inner, i2).to(x.dtype)
        p1, p2 = (self.soft_of(each) for each in logits)
        if self.training:
            self._soft_matrices = (p1, p2)
        if self.is_soft:
            return p1, p2
        hard = gated if self.relaxation.estimator == "gated" else straight_through
        return hard(p1, self.relaxation.rounding), hard(p2, self.relaxation.rounding)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h w]`."""
        return self.shuffle(x)

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"{self.shape}, {self.relaxation}"
