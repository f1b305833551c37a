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
from search_spaces.blocks.spec import Relaxation


class KroneckerMixer(LearnedMixer):
    """Shuffles by S_g (I_g (x) P1 (x) P2), P being the soft matrix of logits, or its hard rows.

    Axes: b images, g groups, c = g n1 n2 channels.

    Args:
        groups: g.
        n1: Size of the outer factor, 2 or more.
        n2: Size of the inner factor, 2 or more.
        relaxation: How the permutation is made learnable.
    """

    def __init__(self, *, groups: int, n1: int, n2: int, relaxation: Relaxation) -> None:
        super().__init__(relaxation)
        self.groups = groups
        self.n1 = n1
        self.n2 = n2
        self.channels = groups * n1 * n2

    @abstractmethod
    def factor_logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both factors, `float[b|1 g|1 n1 n1]` and `float[b|1 g|1 n2 n2]`; a dimension of 1 is shared."""

    def index_map(self, x: Tensor) -> Tensor:
        """The map by which an evaluation reads the channels, `int[b|1 c]`."""
        outer, inner = self.factor_logits(x)
        return self.remember(shuffle_map(self.rows_of(outer), self.rows_of(inner), self.groups))

    def shuffle(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`, remembering what `penalty` and `statistics` speak of."""
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
        """The matrices P1, P2 themselves, hard ones with the gradient of the soft: `float[b|1 g|1 n n]` each."""
        logits = self.factor_logits(x)
        if not self.training and not self.is_soft:
            outer, inner = (self.rows_of(each) for each in logits)
            self.remember(shuffle_map(outer, inner, self.groups))
            return matrix(outer).to(x.dtype), matrix(inner).to(x.dtype)
        p1, p2 = (self.soft_of(each) for each in logits)
        if self.training:
            self._soft_matrices = (p1, p2)
        if self.is_soft:
            return p1, p2
        return straight_through(p1, self.relaxation.rounding), straight_through(p2, self.relaxation.rounding)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        return self.shuffle(x)

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        return f"groups={self.groups}, n1={self.n1}, n2={self.n2}, {self.relaxation}"
