"""The common part of dynamic shuffles: a Kronecker shuffle whose two factors are generated from each image."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from search_spaces.blocks.deployed.deployed_gather import ChannelGather, GeneratedGather
from search_spaces.blocks.factors.factor_rows import RowTable
from search_spaces.blocks.factors.generator import FactorGenerator
from search_spaces.blocks.factors.kronecker_mixer import KroneckerMixer
from search_spaces.blocks.permutations.permutation import shuffle_map
from search_spaces.blocks.spec import GeneratorSpec, KroneckerShape, Relaxation


class GeneratedMixer(KroneckerMixer):
    """The map S_g (I_g (x) P1(x) (x) P2(x)) with generated P1 and P2.

    Args:
        shape: Sizes of the factors.
        generator: The network that gives the logits.
        relaxation: How the permutation is made learnable.
    """

    def __init__(self, shape: KroneckerShape, generator: GeneratorSpec, relaxation: Relaxation) -> None:
        super().__init__(shape, relaxation)
        self.generator = FactorGenerator(shape, generator)

    def factor_logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of both factors, `float[b c h w] -> float[b|1 g|1 o1 i1], float[b|1 g|1 o2 i2]`."""
        outer, inner = self.generator(x)
        return outer, inner

    def logit_parameters(self) -> Iterable[nn.Parameter]:
        """Weight and bias of the generator's last layer, and its constant input if it has one."""
        yield from self.generator.logits.parameters()
        if self.generator.constant is not None:
            yield self.generator.constant

    def deployed_gather(self) -> ChannelGather | GeneratedGather:
        """The generated permutation alone: the generator and a gather, or one index map if the input is constant."""
        rows = self.generator.deployed_rows(self.relaxation.at(1.0))
        if isinstance(rows, RowTable):
            return ChannelGather(shuffle_map(rows.outer[0], rows.inner[0], self.groups, self.shape.columns))
        return GeneratedGather(rows, self.groups)
