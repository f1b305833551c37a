"""ResNet-20 with its published size, and its conversion."""

from __future__ import annotations

import torch

from search_spaces import compact
from search_spaces.grouping.conversion import learn_groups
from search_spaces.grouping.group_learning import GroupLearning
from search_spaces.grouping.learned_group_conv import LearnedGroupConv2d
from search_spaces.hosts.resnet_basic import CHANNELS, resnet_basic


def test_resnet_20_has_the_published_size() -> None:
    """0.27 M parameters (arXiv 1512.03385, table 6); by hand with projections: 19 3x3 and 2 1x1 convolutions, norms, classifier."""
    host = resnet_basic(stage_channels=CHANNELS, units=(3, 3, 3), channels=3, classes=10)
    convolutions = 3 * 16 * 9 + 6 * 16 * 16 * 9 + (16 * 32 + 5 * 32 * 32) * 9 + (32 * 64 + 5 * 64 * 64) * 9
    projections = 16 * 32 + 32 * 64
    norms = 2 * (7 * 16 + 7 * 32 + 7 * 64)
    assert sum(p.numel() for p in host.parameters()) == convolutions + projections + norms + 64 * 10 + 10
    assert host(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_every_convolution_behind_the_stem_learns_groups_and_the_function_is_kept() -> None:
    torch.manual_seed(0)
    host = resnet_basic(stage_channels=(8, 16, 32), units=(2, 2, 2), channels=3, classes=10).eval()
    x = torch.randn(2, 3, 16, 16)
    before = host(x)
    converted = learn_groups(host, target=0.5)
    torch.testing.assert_close(converted(x), before)
    learned = [module for module in converted.modules() if isinstance(module, LearnedGroupConv2d)]
    assert len(learned) == 12 + 2
    learning = converted.get_submodule("phases.0")
    assert isinstance(learning, GroupLearning)
    for epoch in range(4):
        learning.epoch_begins(epoch, 4)
        converted(x)
        learning.epoch_ends(epoch, 4)
    assert learning.removed() >= 0.5
    torch.testing.assert_close(compact(converted)(x), converted(x), rtol=1e-4, atol=1e-5)
