"""Static-dynamic shuffle: a generated permutation plus a free static Kronecker matrix, then batch normalization."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.blocks.dynamic_shuffle import DynamicShuffle
from search_spaces.blocks.kronecker_shuffle import kronecker_shuffle


class StaticDynamicShuffle(DynamicShuffle):
    """BN(S_g (M_d(x) + M_s) x), M_d = I_g (x) P1(x) (x) P2(x) and M_s = I_g (x) sum_r W1r (x) W2r with free real W.

    The sum is of the full matrices, so that the generated part stays a gather. W1 and W2 begin as the identity; further terms as
    N(0, 0.1 / n), since a term of zeros would get no gradient.

    Source: arXiv 2310.02776, from the abstract (a generated matrix added to a learnable static one); all else is ours.

    Args:
        groups: g.
        n1: Size of the outer factor, 2 or more.
        n2: Size of the inner factor, 2 or more.
        reduction: The generator's hidden layer has inputs / reduction units, at least 4.
        share: matrices, generator or none (see `spec.SHARES`).
        temperature: Of the row softmax, above 0.
        binarize_from: Share of the training, 0 to 1, from which the training forward is hard.
        kron_rank: Terms of the static part, 1 or more.
    """

    def __init__(
        self,
        *,
        groups: int,
        n1: int,
        n2: int,
        reduction: int,
        share: str,
        temperature: float,
        binarize_from: float,
        kron_rank: int = 1,
    ) -> None:
        super().__init__(
            groups=groups,
            n1=n1,
            n2=n2,
            reduction=reduction,
            share=share,
            temperature=temperature,
            binarize_from=binarize_from,
        )
        self.kron_rank = kron_rank
        self.outer_weight = nn.Parameter(_first_identity(kron_rank, n1))
        self.inner_weight = nn.Parameter(_first_identity(kron_rank, n2))
        self.norm = nn.BatchNorm2d(self.channels)

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        y = self.shuffle(x)
        for w1, w2 in zip(self.outer_weight.unbind(), self.inner_weight.unbind(), strict=True):
            y = y + kronecker_shuffle(x, w1[None, None], w2[None, None], self.groups)
        result: Tensor = self.norm(y)
        return result

    def multiply_adds(self, input_shape: tuple[int, ...]) -> int:
        """Both products of the static part, c (n1 + n2) a position and term."""
        b, c, h, w = input_shape
        return b * c * h * w * (self.n1 + self.n2) * self.kron_rank

    def deployed_parameters(self) -> int:
        """The static factors."""
        return self.kron_rank * (self.n1 * self.n1 + self.n2 * self.n2)

    def extra_repr(self) -> str:
        """Shown by `repr`."""
        return f"{super().extra_repr()}, kron_rank={self.kron_rank}"


def _first_identity(terms: int, n: int) -> Tensor:
    """`float[r n n]`: the identity, then small random matrices."""
    weight = torch.empty(terms, n, n).normal_(0.0, 0.1 / n)
    weight[0] = torch.eye(n)
    return weight
