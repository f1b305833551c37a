"""The part that static, dynamic and static-dynamic shuffles share: from factor logits to shuffled channels."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from search_spaces.blocks.channel_gather import gather_channels
from search_spaces.blocks.factors import rounded_rows, straight_through
from search_spaces.blocks.index_shuffle import index_shuffle
from search_spaces.blocks.kronecker_shuffle import kronecker_shuffle
from search_spaces.blocks.learned_mixer import LearnedMixer
from search_spaces.blocks.permutation import matrix, shuffle_map
from search_spaces.blocks.spec import KroneckerShape, Relaxation


class KroneckerMixer(LearnedMixer):
    """Shuffles by S_g (I_g (x) P1 (x) P2), P being the soft matrix of logits, or its hard rows.

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
        """`float[b c h w] -> float[b d h w]`, remembering what `penalty` and `statistics` speak of."""
        if not self.training and not self.is_soft:
            return gather_channels(x, self.index_map(x))
        outer, inner = self.factor_logits(x)
        p1, p2 = self.soft_of(outer), self.soft_of(inner)
        if self.training:
            self._soft_matrices = (p1, p2)
        if self.is_soft:
            return kronecker_shuffle(x, p1, p2, self.groups)
        rounding = self.relaxation.rounding
        return index_shuffle(x, p1, p2, self.groups, (rounded_rows(p1, rounding), rounded_rows(p2, rounding)))

    def generated_factors(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The matrices P1, P2 themselves, hard ones with the gradient of the soft: `float[b|1 g|1 o i]` each."""
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
        return straight_through(p1, self.relaxation.rounding), straight_through(p2, self.relaxation.rounding)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h w]`."""
        return self.shuffle(x)

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        return f"{self.shape}, {self.relaxation}"
