"""Static-dynamic shuffle: a generated permutation plus a free static Kronecker matrix, then batch normalization."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.blocks.channel_affine import ChannelAffine
from search_spaces.blocks.deployed_matrix import FactorSum, GatherMatrixSum, KroneckerMatrix
from search_spaces.blocks.dynamic_shuffle import DynamicShuffle
from search_spaces.blocks.kronecker_shuffle import kronecker_shuffle, kronecker_sum
from search_spaces.blocks.spec import GeneratorSpec, Relaxation


class StaticDynamicShuffle(DynamicShuffle):
    """BN(S_g M(x) x) with M(x) the sum of a generated permutation and a static matrix of free real weights.

    `full`: M = I_g (x) (P1(x) (x) P2(x) + sum_r W1r (x) W2r), the literal reading; the generated part stays a gather.
    `factor`: M = I_g (x) (P1(x) + W1) (x) (P2(x) + W2), one term; two products with factors of each image.
    W1 and W2 begin as the identity (`full`) or as N(0, 0.1 / n) (`factor`, where the identity would only double the
    permutation); further terms as N(0, 0.1 / n), since a term of zeros would get no gradient.

    Source: arXiv 2310.02776, from the abstract (a generated matrix added to a learnable static one); all else is ours.

    Args:
        groups: g.
        n1: Size of the outer factor, 2 or more.
        n2: Size of the inner factor, 2 or more.
        generator: The network that gives the logits.
        relaxation: How the permutation is made learnable.
        kron_rank: Terms of the static part, 1 or more; 1 where `sum_level` is factor.
        sum_level: full or factor.
    """

    def __init__(
        self,
        *,
        groups: int,
        n1: int,
        n2: int,
        generator: GeneratorSpec,
        relaxation: Relaxation,
        kron_rank: int = 1,
        sum_level: str = "full",
    ) -> None:
        super().__init__(groups=groups, n1=n1, n2=n2, generator=generator, relaxation=relaxation)
        self.sum_level = sum_level
        self.kron_rank = kron_rank
        self.outer_weight = nn.Parameter(static_terms(kron_rank, n1, identity=sum_level == "full"))
        self.inner_weight = nn.Parameter(static_terms(kron_rank, n2, identity=sum_level == "full"))
        self.norm = nn.BatchNorm2d(self.channels)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        y = self._by_factors(x) if self.sum_level == "factor" else self._by_terms(x)
        result: Tensor = self.norm(y)
        return result

    def _by_terms(self, x: Tensor) -> Tensor:
        return self.shuffle(x) + kronecker_sum(x, self.outer_weight, self.inner_weight, self.groups)

    def _by_factors(self, x: Tensor) -> Tensor:
        factors = zip(self.generated_factors(x), (self.outer_weight, self.inner_weight), strict=True)
        p1, p2 = (generated + weight[None] for generated, weight in factors)
        return kronecker_shuffle(x, p1, p2, self.groups)

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Both products of the static part, c (n1 + n2) a position and term."""
        b, c, h, w = input_shape
        return b * c * h * w * (self.n1 + self.n2) * self.kron_rank

    def deployed_parameters(self) -> int:
        """The static factors."""
        return self.kron_rank * (self.n1 * self.n1 + self.n2 * self.n2)

    def deployed(self) -> nn.Module:
        """A gather and the matrix, or their factors' sum, then the norm as a scale and a shift."""
        affine = ChannelAffine(self.norm)
        if self.sum_level == "factor":
            rows = self.generator.deployed_rows(self.relaxation)
            return nn.Sequential(FactorSum(rows, self.outer_weight, self.inner_weight, self.groups), affine)
        matrix = KroneckerMatrix(self.outer_weight, self.inner_weight, self.groups)
        return GatherMatrixSum(super().deployed(), matrix, affine)

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        return f"{super().extra_repr()}, kron_rank={self.kron_rank}, sum_level={self.sum_level!r}"


def static_terms(terms: int, n: int, *, identity: bool) -> Tensor:
    """`float[r n n]`: small random matrices, the first the identity if so asked."""
    weight = torch.empty(terms, n, n).normal_(0.0, 0.1 / n)
    if identity:
        weight[0] = torch.eye(n)
    return weight
