"""The training in which filters are pruned and rebuilt: more and more of them over a ramp, after which the set is fixed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from module_protocols import PhasedTraining
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.hosts.host import Host, replace_dense
from search_spaces.reconstruction.reconstructed_conv import ReconstructedConv2d

RAMP_SHARE = 0.15
"""Share of the epochs over which filters are pruned; 40 of 300 in the thesis."""
LEAST_TEMPLATES = 8


class FilterPruning(nn.Module, PhasedTraining, Deployable):
    """Rebuilds a share of all filters of a network's convolutions, the lightest first.

    A filter's saliency is its L2 norm, by which filters of all convolutions are ranked together; with PyTorch's initial
    weights it is similar in all of them at first. Every convolution keeps some templates whatever their norms. During the
    ramp the set is chosen anew at each epoch, so a filter that has been rebuilt may return with its former weights. After
    it, the set and the templates stay.

    Source: thesis, section 3.3.3, where saliency is "magnitude", the ranking is not described, and the ramp is 40 of 300 epochs.

    Args:
        convolutions: Convolutions of one network, of which this module is a part too.
        share: Share of all filters that are rebuilt in the end, 0 to 1.
        ramp_share: Share of the epochs over which filters are pruned.
        least_templates: Least number of templates of each convolution; if it has fewer filters, it keeps them all.
    """

    def __init__(
        self,
        convolutions: Sequence[ReconstructedConv2d],
        *,
        share: float,
        ramp_share: float = RAMP_SHARE,
        least_templates: int = LEAST_TEMPLATES,
    ) -> None:
        super().__init__()
        self._convolutions = tuple(convolutions)  # in a tuple they are not registered a second time
        self._share, self._ramp_share, self._least = share, ramp_share, least_templates

    def epoch_begins(self, epoch: int, epochs: int) -> None:
        """During the ramp, and once at its end, chooses the filters that are kept."""
        ramp = max(1, math.ceil(self._ramp_share * epochs))
        if epoch < ramp:
            self.prune(self._share * (epoch + 1) / ramp)

    def penalty(self) -> Tensor | float:
        """Always 0."""
        return 0.0

    def epoch_ends(self, epoch: int, epochs: int) -> None:
        """Does nothing."""

    def prune(self, share: float) -> None:
        """Rebuilds a share of all filters."""
        saliencies = [each.weight.detach().flatten(1).norm(dim=1).cpu() for each in self._convolutions]
        # The heaviest filters of each convolution are always kept; of the others the lightest are pruned, wherever they are.
        free = []
        for number, saliency in enumerate(saliencies):
            lightest = saliency.argsort()[: max(len(saliency) - self._least, 0)].tolist()
            free += [(float(saliency[filter_]), number, filter_) for filter_ in lightest]
        wanted = round(share * sum(map(len, saliencies)))
        gone = {(number, filter_) for _, number, filter_ in sorted(free)[:wanted]}
        for number, each in enumerate(self._convolutions):
            each.keep([filter_ for filter_ in range(len(each.weight)) if (number, filter_) not in gone])

    def deployed(self) -> nn.Module:
        """An identity, since this module only acts in training."""
        return nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The input, unchanged; this is never called."""
        return x


def rebuild_filters(
    host: Host,
    *,
    share: float,
    groups: int = 2,
    family: str = "scalar",
    share_templates: bool = False,
    least_templates: int = LEAST_TEMPLATES,
    ramp_share: float = RAMP_SHARE,
    stages: Sequence[int] | None = None,
) -> Host:
    """Converts dense convolutions behind the stem so that they are pruned and rebuilt. The host itself is changed and returned.

    Until it is trained, every convolution is counted and deployed with the same share of rebuilt filters.

    Args:
        host: A network, trained or not, whose weights are kept.
        share: Share of all their filters to rebuild.
        groups: Number of groups of the transformations; a convolution whose channels they do not divide has one group.
        family: Family of the transformations: scalar, rotation or affine.
        share_templates: See `ReconstructedConv2d`.
        least_templates: Least number of templates of each convolution.
        ramp_share: Share of the epochs over which filters are pruned.
        stages: Stages, counted from 0, whose convolutions are converted. Default: all stages and the head.
    """
    rebuilt: list[ReconstructedConv2d] = []

    def make(convolution: nn.Conv2d) -> nn.Module:
        own = groups if convolution.in_channels % groups == 0 else 1
        rebuilt.append(ReconstructedConv2d(convolution, groups=own, family=family, share_templates=share_templates))
        filters = convolution.out_channels
        rebuilt[-1].keep(range(max(filters - round(share * filters), min(least_templates, filters))))
        return rebuilt[-1]

    replace_dense(host.parts(stages), make)
    host.phases.append(FilterPruning(rebuilt, share=share, ramp_share=ramp_share, least_templates=least_templates))
    return host
