"""The static part of a static-dynamic shuffle alone: a free Kronecker matrix, followed by batch normalization."""

from __future__ import annotations

from torch import Tensor, nn

from module_protocols import Counted
from search_spaces.blocks.deployed.channel_affine import ChannelAffine
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.blocks.deployed.deployed_matrix import deployed_matrix
from search_spaces.blocks.permutations.kronecker_shuffle import kronecker_sum
from search_spaces.blocks.spec import KroneckerShape
from search_spaces.blocks.static_dynamic_shuffle import static_terms


class StaticMatrix(nn.Module, Counted, Deployable):
    """BN(S_g (I_g (x) sum_r W1r (x) W2r) x) with free real W; the control arm of `StaticDynamicShuffle`.

    Args:
        groups: Number of groups, g.
        n1: Size of the outer factor, 2 or more.
        n2: Size of the inner factor, 2 or more.
        kron_rank: Number of terms, 1 or more.
    """

    def __init__(self, *, groups: int, n1: int, n2: int, kron_rank: int) -> None:
        super().__init__()
        self.groups = groups
        self.shape = KroneckerShape.square(groups, n1, n2)
        self.kron_rank = kron_rank
        self.outer_weight = nn.Parameter(static_terms(kron_rank, n1, identity=True))
        self.inner_weight = nn.Parameter(static_terms(kron_rank, n2, identity=True))
        self.norm = nn.BatchNorm2d(groups * n1 * n2)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        result: Tensor = self.norm(kronecker_sum(x, self.outer_weight, self.inner_weight, self.groups))
        return result

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of the matrix in its cheaper form."""
        b, _, h, w = input_shape
        return b * h * w * self.shape.deployed_multiply_adds(self.kron_rank)

    def deployed_parameters(self) -> int:
        """The number of entries of the factors, or of the matrix if that is deployed."""
        return self.shape.deployed_entries(self.kron_rank)

    def deployed(self) -> nn.Module:
        """The matrix in its cheaper form, followed by the norm as a scale and a shift."""
        matrix = deployed_matrix(self.outer_weight, self.inner_weight, self.groups)
        return nn.Sequential(matrix, ChannelAffine(self.norm))

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"{self.shape}, kron_rank={self.kron_rank}"
