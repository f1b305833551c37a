"""The training in which filters are pruned and rebuilt: more and more of them over a ramp, then a fixed set is trained on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from module_protocols import PhasedTraining
from search_spaces.blocks.deployed.deployable import Deployable
from search_spaces.hosts.host import Host, replace_dense
from search_spaces.reconstruction.reconstructed_conv import ReconstructedConv2d

RAMP_SHARE = 0.15
"""Of the epochs, over which filters are pruned; 40 of 300 in the thesis."""
LEAST_TEMPLATES = 8


class FilterPruning(nn.Module, PhasedTraining, Deployable):
    """Rebuilds a share of all filters of a network's convolutions, the lightest first.

    A filter's saliency is its L2 norm, by which filters of all convolutions are ranked together: as PyTorch draws weights it
    begins alike in all of them. Every convolution keeps some templates whatever they weigh. While the ramp lasts the set is
    chosen anew at each epoch, so a filter that has been rebuilt may come back with the weights it had. Then set and templates
    stay.

    Source: thesis, section 3.3.3, where saliency is "magnitude", the ranking not described, and the ramp 40 of 300 epochs.

    Args:
        convolutions: Of one network, of which this is a part beside them.
        share: Of all filters, to be rebuilt in the end; 0 to 1.
        ramp_share: Of the epochs.
        least_templates: Of each convolution, or all its filters if it has fewer.
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
        """On the ramp, and once at its end: chooses what is kept."""
        ramp = max(1, math.ceil(self._ramp_share * epochs))
        if epoch < ramp:
            self.prune(self._share * (epoch + 1) / ramp)

    def penalty(self) -> Tensor | float:
        """Nothing."""
        return 0.0

    def epoch_ends(self, epoch: int, epochs: int) -> None:
        """Nothing."""

    def prune(self, share: float) -> None:
        """Rebuilds a share of all filters."""
        saliencies = [each.weight.detach().flatten(1).norm(dim=1).cpu() for each in self._convolutions]
        # The heaviest of each convolution are kept in any case; of the others the lightest go, wherever they are.
        free = []
        for number, saliency in enumerate(saliencies):
            lightest = saliency.argsort()[: max(len(saliency) - self._least, 0)].tolist()
            free += [(float(saliency[filter_]), number, filter_) for filter_ in lightest]
        wanted = round(share * sum(map(len, saliencies)))
        gone = {(number, filter_) for _, number, filter_ in sorted(free)[:wanted]}
        for number, each in enumerate(self._convolutions):
            each.keep([filter_ for filter_ in range(len(each.weight)) if (number, filter_) not in gone])

    def deployed(self) -> nn.Module:
        """Nothing: it only trains."""
        return nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The input; nobody calls it."""
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
    """Lets dense convolutions behind the stem be pruned and rebuilt; the host itself is changed, and returned.

    Until it is trained every convolution counts, and is deployed, with the same share of its filters rebuilt.

    Args:
        host: With weights that are kept, trained or not.
        share: Of all their filters, to be rebuilt.
        groups: Of the transformations; a convolution whose channels they do not divide has one.
        family: scalar, rotation or affine.
        share_templates: See `ReconstructedConv2d`.
        least_templates: Of each convolution.
        ramp_share: Of the epochs.
        stages: Counted from 0, whose convolutions these are. Default: all stages and the head.
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
