"""Dynamic shuffle: a Kronecker shuffle whose two factors are generated from each image."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from search_spaces.blocks.deployed_gather import ChannelGather, GeneratedGather
from search_spaces.blocks.factor_rows import RowTable
from search_spaces.blocks.generator import FactorGenerator
from search_spaces.blocks.kronecker_mixer import KroneckerMixer
from search_spaces.blocks.permutation import shuffle_map
from search_spaces.blocks.spec import GeneratorSpec, Relaxation


class DynamicShuffle(KroneckerMixer):
    """S_g (I_g (x) P1(x) (x) P2(x)); deployed it costs its generator, and one gather an image.

    Axes: b images, g groups.

    Source: arXiv 2310.02776, from the abstract: softmax, orthogonal regularization, binarization, Kronecker product and
    cross-group shuffle are its; sizes and initialization are ours.

    Args:
        groups: g.
        n1: Size of the outer factor, 2 or more.
        n2: Size of the inner factor, 2 or more.
        generator: The network that gives the logits.
        relaxation: How the permutation is made learnable.
    """

    def __init__(self, *, groups: int, n1: int, n2: int, generator: GeneratorSpec, relaxation: Relaxation) -> None:
        super().__init__(groups=groups, n1=n1, n2=n2, relaxation=relaxation)
        self.generator = FactorGenerator(groups=groups, n1=n1, n2=n2, spec=generator)

    def factor_logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`float[b c h w] -> float[b|1 g|1 n1 n1], float[b|1 g|1 n2 n2]`."""
        outer, inner = self.generator(x)
        return outer, inner

    def deployed(self) -> nn.Module:
        """The generator and a gather; from a constant input one index map, since all images have the same."""
        rows = self.generator.deployed_rows(self.relaxation)
        if isinstance(rows, RowTable):
            return ChannelGather(shuffle_map(rows.outer[0], rows.inner[0], self.groups))
        return GeneratedGather(rows, self.groups)

    def logit_parameters(self) -> Iterable[nn.Parameter]:
        """Weight and bias of the generator's last layer, and its constant input if it has one."""
        yield from self.generator.logits.parameters()
        if self.generator.constant is not None:
            yield self.generator.constant
