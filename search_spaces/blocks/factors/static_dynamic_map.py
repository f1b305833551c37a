"""The map of both static-dynamic shuffles: a generated permutation plus a free static Kronecker matrix."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn

from search_spaces.blocks.deployed.deployed_matrix import FactorSum, GatherMatrixSum, deployed_matrix
from search_spaces.blocks.factors.generated_mixer import GeneratedMixer
from search_spaces.blocks.permutations.kronecker_shuffle import kronecker_shuffle, kronecker_sum
from search_spaces.blocks.spec import GeneratorSpec, KroneckerShape, Relaxation


class StaticDynamicMap(GeneratedMixer):
    """S_g M(x) x, where M(x) is the sum of a generated permutation and a static matrix of free real weights.

    `full`: M = I_g (x) (P1(x) (x) P2(x) + sum_r W1r (x) W2r), the literal reading; the generated part stays a gather.
    `factor`: M = I_g (x) (P1(x) + W1) (x) (P2(x) + W2), with a single term; two products with factors per image.

    Source: arXiv 2310.02776, from the abstract (a generated matrix added to a learnable static one); all else is ours.

    Args:
        shape: Sizes of the factors.
        generator: The network that gives the logits.
        relaxation: How the permutation is made learnable.
        kron_rank: Number of terms r of the static part, 1 or more; 1 if `sum_level` is factor.
        sum_level: Level of the sum, full or factor.
    """

    def __init__(
        self,
        *,
        shape: KroneckerShape,
        generator: GeneratorSpec,
        relaxation: Relaxation,
        kron_rank: int = 1,
        sum_level: str = "full",
    ) -> None:
        super().__init__(shape, generator, relaxation)
        self.sum_level = sum_level
        self.kron_rank = kron_rank
        self.outer_weight = nn.Parameter(self.initial_weight(*shape.outer))
        self.inner_weight = nn.Parameter(self.initial_weight(*shape.inner))

    @abstractmethod
    def initial_weight(self, rows: int, columns: int) -> Tensor:
        """Initial weights of a static factor, `float[r o i]`."""

    def mixed(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b d h w]`."""
        if self.sum_level == "factor":
            factors = zip(self.generated_factors(x), (self.outer_weight, self.inner_weight), strict=True)
            p1, p2 = (generated + weight[None] for generated, weight in factors)
            return kronecker_shuffle(x, p1, p2, self.groups)
        static = (self.outer_weight, self.inner_weight)
        if self.is_soft and self.is_learned:
            return kronecker_shuffle(x, *self.generated_factors(x), self.groups, static)
        return self.shuffle(x) + kronecker_sum(x, *static, self.groups)

    def deployed_map(self) -> nn.Module:
        """The sum of a gather and the matrix, or products with the sums of the factors."""
        if self.sum_level == "factor":
            rows = self.generator.deployed_rows(self.relaxation.at(1.0))
            return FactorSum(rows, self.outer_weight, self.inner_weight, self.groups)
        matrix = deployed_matrix(self.outer_weight, self.inner_weight, self.groups)
        return GatherMatrixSum(self.deployed_gather(), matrix)

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-adds of the static part in its cheaper form, or, if factors are added, of the two products with these."""
        b, _, h, w = input_shape
        return b * h * w * self.shape.deployed_multiply_adds(self.kron_rank)

    def deployed_parameters(self) -> int:
        """The number of entries of the static factors, or of the matrix if that is deployed."""
        if self.sum_level == "factor":
            return self.shape.entries
        return self.shape.deployed_entries(self.kron_rank)

    def extra_repr(self) -> str:
        """The sizes that `repr` shows."""
        return f"{super().extra_repr()}, kron_rank={self.kron_rank}, sum_level={self.sum_level!r}"
