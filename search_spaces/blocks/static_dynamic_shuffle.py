"""Static-dynamic shuffle as a channel mixer: as many channels out as in, followed by batch normalization."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from search_spaces.blocks.deployed.channel_affine import ChannelAffine
from search_spaces.blocks.factors.static_dynamic_map import StaticDynamicMap
from search_spaces.blocks.spec import GeneratorSpec, KroneckerShape, Relaxation


class StaticDynamicShuffle(StaticDynamicMap):
    """BN(S_g M(x) x) with square factors; see `StaticDynamicMap`.

    W1 and W2 begin as the identity (`full`) or as N(0, 0.1 / n) (`factor`, where the identity would only double the
    permutation); further terms as N(0, 0.1 / n), since a term of zeros would get no gradient.

    Args:
        groups: Number of groups, g.
        n1: Size of the outer factor, 2 or more.
        n2: Size of the inner factor, 2 or more.
        generator: The network that gives the logits.
        relaxation: How the permutation is made learnable.
        kron_rank: Number of terms of the static part, 1 or more; 1 if `sum_level` is factor.
        sum_level: Level of the sum, full or factor.
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
        super().__init__(
            shape=KroneckerShape.square(groups, n1, n2),
            generator=generator,
            relaxation=relaxation,
            kron_rank=kron_rank,
            sum_level=sum_level,
        )
        self.norm = nn.BatchNorm2d(self.channels)

    def initial_weight(self, rows: int, columns: int) -> Tensor:
        """Initial weights of a static factor; see `static_terms`."""
        return static_terms(self.kron_rank, rows, identity=self.sum_level == "full")

    def forward(self, x: Tensor) -> Tensor:
        """`float[b c h w] -> float[b c h w]`."""
        result: Tensor = self.norm(self.mixed(x))
        return result

    def deployed(self) -> nn.Module:
        """The deployed map, followed by the norm as a scale and a shift."""
        return nn.Sequential(self.deployed_map(), ChannelAffine(self.norm))


def static_terms(terms: int, n: int, *, identity: bool) -> Tensor:
    """Small random matrices `float[r n n]`, of which the first is the identity if so asked."""
    weight = torch.empty(terms, n, n).normal_(0.0, 0.1 / n)
    if identity:
        weight[0] = torch.eye(n)
    return weight
