"""Which filters go, and when."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from search_spaces import compact
from search_spaces.hosts.resnet_basic import resnet_basic
from search_spaces.reconstruction.pruning import FilterPruning, rebuild_filters
from search_spaces.reconstruction.reconstructed_conv import ReconstructedConv2d


def weighing(*saliencies: float, inputs: int = 2) -> ReconstructedConv2d:
    """A convolution whose filters have these norms."""
    convolution = nn.Conv2d(inputs, len(saliencies), 3, bias=False)
    signs = convolution.weight.data.sign()
    convolution.weight.data = signs * torch.tensor(saliencies).view(-1, 1, 1, 1) / (9 * inputs) ** 0.5
    return ReconstructedConv2d(convolution)


def kept(convolution: ReconstructedConv2d) -> list[int]:
    return convolution.kept.nonzero()[:, 0].tolist()


def pruning_of(host: nn.Module) -> FilterPruning:
    pruning = host.get_submodule("phases.0")
    assert isinstance(pruning, FilterPruning)
    return pruning


def rebuilt_share(host: nn.Module) -> float:
    """Share of all filters that are rebuilt now."""
    kept_ones = torch.cat([module.kept for module in host.modules() if isinstance(module, ReconstructedConv2d)])
    return float((~kept_ones).float().mean())


def test_the_lightest_of_all_go_but_each_keeps_its_least() -> None:
    light, heavy = weighing(0.1, 0.3, 0.2, 0.4), weighing(0.35, 1.0, 2.0, 3.0, inputs=6)
    pruning = FilterPruning([light, heavy], share=1.0, least_templates=1)
    pruning.prune(0.5)
    assert (kept(light), kept(heavy)) == ([3], [1, 2, 3]), "0.1, 0.2, 0.3 and then 0.35, for 0.4 is the last of its own"
    pruning.prune(0.25)
    assert (kept(light), kept(heavy)) == ([1, 3], [0, 1, 2, 3])
    pruning.prune(1.0)
    assert (kept(light), kept(heavy)) == ([3], [3])
    FilterPruning([light, heavy], share=1.0, least_templates=8).prune(1.0)
    assert (kept(light), kept(heavy)) == ([0, 1, 2, 3], [0, 1, 2, 3])


def test_in_a_fresh_network_no_width_is_preferred() -> None:
    torch.manual_seed(0)
    narrow, wide = (ReconstructedConv2d(nn.Conv2d(c, c, 3, bias=False)) for c in (64, 256))
    FilterPruning([narrow, wide], share=0.5, least_templates=2).prune(0.5)
    shares = [float(each.kept.float().mean()) for each in (narrow, wide)]
    assert shares == pytest.approx([0.5, 0.5], abs=0.12)


def test_the_share_rises_over_the_ramp_and_then_the_set_stays() -> None:
    host = rebuild_filters(
        resnet_basic(stage_channels=(8, 16, 32), units=(1, 1, 1), channels=3, classes=10), share=0.6, least_templates=2
    )
    pruning = pruning_of(host)
    shares = []
    for epoch in range(10):
        pruning.epoch_begins(epoch, 10)
        for module in host.modules():
            if isinstance(module, ReconstructedConv2d):
                module.weight.data.normal_()
        shares.append(rebuilt_share(host))
    assert shares == pytest.approx([0.3] + [0.6] * 9, abs=0.01)
    before = [kept(module) for module in host.modules() if isinstance(module, ReconstructedConv2d)]
    pruning.epoch_begins(9, 10)
    assert [kept(module) for module in host.modules() if isinstance(module, ReconstructedConv2d)] == before


@pytest.mark.parametrize("family", ["scalar", "affine"])
def test_a_network_is_pruned_trained_on_and_deployed_as_one_function(family: str) -> None:
    torch.manual_seed(0)
    host = resnet_basic(stage_channels=(4, 8, 16), units=(1, 1, 1), channels=3, classes=2)
    x = torch.randn(16, 3, 8, 8)
    labels = (x[:, 0].mean((1, 2)) > 0).long()
    host = rebuild_filters(host, share=0.5, family=family, least_templates=2, ramp_share=0.3)
    optimizer = torch.optim.SGD(host.parameters(), lr=0.05, momentum=0.9)
    pruning = pruning_of(host)
    losses = []
    for epoch in range(6):
        pruning.epoch_begins(epoch, 6)
        for _ in range(8):
            optimizer.zero_grad()
            loss = F.cross_entropy(host(x), labels)
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
        pruning.epoch_ends(epoch, 6)
    assert losses[-1] < 0.5 * losses[0]
    assert rebuilt_share(host) == pytest.approx(0.5, abs=0.01)
    host.eval()
    deployed = compact(host)
    assert isinstance(deployed.get_submodule("phases.0"), nn.Identity)
    torch.testing.assert_close(deployed(x), host(x), rtol=1e-4, atol=1e-4)
