"""The part that static, dynamic and static-dynamic shuffles share: from factor logits to shuffled channels."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from search_spaces.blocks.channel_gather import gather_channels
from search_spaces.blocks.factors import hard_rows, soft_rows
from search_spaces.blocks.index_shuffle import index_shuffle
from search_spaces.blocks.kronecker_shuffle import kronecker_shuffle
from search_spaces.blocks.learned_mixer import LearnedMixer
from search_spaces.blocks.permutation import shuffle_map


class KroneckerMixer(LearnedMixer):
    """Shuffles by S_g (I_g (x) P1 (x) P2), P being the row softmax of logits, or its hard rows.

    Axes: b images, g groups, c = g n1 n2 channels.

    Args:
        groups: g.
        n1: Size of the outer factor, 2 or more.
        n2: Size of the inner factor, 2 or more.
        temperature: Of the row softmax, above 0.
        binarize_from: Share of the training, 0 to 1, from which the training forward is hard.
    """

    def __init__(self, *, groups: int, n1: int, n2: int, temperature: float, binarize_from: float) -> None:
        super().__init__(temperature=temperature, binarize_from=binarize_from)
        self.groups = groups
        self.n1 = n1
        self.n2 = n2
        self.channels = groups * n1 * n2

    @abstractmethod
    def factor_logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both factors, `float[b|1 g|1 n1 n1]` and `float[b|1 g|1 n2 n2]`; a dimension of 1 is shared."""

    def shuffle(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`, remembering what `penalty` and `statistics` speak of."""
        outer, inner = self.factor_logits(x)
        if not self.training and not self.is_soft:
            # The softmax keeps the order of the logits, so the hard rows are known without it.
            index_map = shuffle_map(hard_rows(outer), hard_rows(inner), self.groups)
            self._index_map = index_map.detach()
            return gather_channels(x, index_map)
        p1, p2 = soft_rows(outer, self.temperature), soft_rows(inner, self.temperature)
        if self.training:
            self._soft_matrices = (p1, p2)
        shuffle = kronecker_shuffle if self.is_soft else index_shuffle
        return shuffle(x, p1, p2, self.groups)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        return self.shuffle(x)

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        return (
            f"groups={self.groups}, n1={self.n1}, n2={self.n2}, temperature={self.temperature}, "
            f"binarize_from={self.binarize_from}"
        )
