"""What the search calls MACs, against PyTorch's own FLOP counter and published figures, over all spaces."""

import math
import random
from collections.abc import Mapping

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from evaluator.measuring.cost_table import CostTable
from nas.space import SearchSpace
from search_spaces import SPACES, SpaceSettings, compact, make_space, space_settings
from search_spaces.blocks.blend_shuffle import BlendShuffle
from tests.search_spaces.members import members, whole_space


def space_and_costs(settings: SpaceSettings, image_size: int, classes: int) -> tuple[SearchSpace, CostTable]:
    space = make_space(settings, image_size=image_size, channels=3, classes=classes)
    return space, CostTable(space.build, (1, 3, image_size, image_size))


def executed(network: nn.Module, image_size: int) -> float:
    """Multiply-adds that PyTorch counts as one image is computed.

    It counts matrix products and convolutions, and here also the products by which a blend weights its permutations.
    """

    def elementwise(*_: object, out_shape: tuple[int, ...], **__: object) -> int:
        return 2 * math.prod(out_shape)

    mapping = {torch.ops.aten.mul: elementwise}
    with FlopCounterMode(display=False, custom_mapping=mapping) as counter, torch.no_grad():
        network(torch.zeros(1, 3, image_size, image_size))
    counts = {
        name.partition(".")[2]: flops.get(torch.ops.aten.mul, 0) for name, flops in counter.get_flop_counts().items()
    }
    total: float = counter.get_total_flops() - sum(flops for name, flops in counts.items() if not name)
    for name, module in network.named_modules():
        if isinstance(module, BlendShuffle):
            total += counts[name] - counts[f"{name}.coefficients"]
    return total / 2


@pytest.mark.parametrize("image_size", [8, pytest.param(32, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", sorted(SPACES))
def test_counted_macs_are_half_the_flops_that_torch_counts(name: str, image_size: int) -> None:
    space = whole_space(name, image_size)
    costs = CostTable(space.build, (1, 3, image_size, image_size))
    for kind, candidate in members(space, random.Random(image_size)):
        assert executed(compact(space.build(candidate)), image_size) == costs(candidate)["macs"], kind


@pytest.mark.parametrize(("groups", "share"), [(2, 0.5), (4, 0.25), (8, 0.125)])
def test_learned_groups_aim_at_so_many_times_fewer_multiply_adds(groups: int, share: float) -> None:
    settings = space_settings(
        name="vgg16", widths=(1,), convolutions=("dense", "learned_groups"), learned_groups=(groups,)
    )
    space, costs = space_and_costs(settings, 32, 10)
    (dense,) = space.baselines().values()
    learned = {**dense, **{f"stage{k}.convolution": "learned_groups" for k in range(1, 6)}}
    stem_and_classifier = 64 * 27 * 1024 + 5120
    macs = [costs(space.decode(each))["macs"] - stem_and_classifier for each in (dense, learned)]
    assert macs[1] == share * macs[0]


PUBLISHED: Mapping[str, tuple[SpaceSettings, int, int, float, float]] = {
    # Million multiply-adds and parameters: batch norms, pooling and the shuffle cost nothing; CIFAR nets with a 1x1 stem.
    "ShuffleNetV2 1x": (space_settings(widths=(116,)), 224, 1000, 144.9, 2.279),
    "ShuffleNetV2 0.5x": (space_settings(widths=(48,), stem_kernel=1), 32, 100, 10.40, 0.444),
    "ShuffleNetV2 1x, CIFAR": (space_settings(widths=(116,), stem_kernel=1), 32, 100, 44.50, 1.356),
    "ShuffleNetV2 1.5x, CIFAR": (space_settings(widths=(176,), stem_kernel=1), 32, 100, 93.76, 2.581),
    "ShuffleNetV1 1x g=3": (space_settings(name="shufflenet_v1", widths=(1,), conv_groups=(3,)), 224, 1000, 137.5, 1.866),
    "ShuffleNetV1 1x g=3, CIFAR": (
        space_settings(name="shufflenet_v1", widths=(1,), conv_groups=(3,), stem_kernel=1), 32, 100, 42.09, 1.000,
    ),
    "ShuffleNetV1 1x g=8, CIFAR": (
        space_settings(name="shufflenet_v1", widths=(1,), conv_groups=(8,), stem_kernel=1), 32, 100, 42.25, 1.051,
    ),
    "ShuffleNetV1 1x g=4, CIFAR": (
        space_settings(name="shufflenet_v1", widths=(1,), conv_groups=(4,), stem_kernel=1), 32, 100, 41.04, 0.988,
    ),
    # torchvision's documentation of mobilenet_v2: 3,504,872 parameters; 300.8 million multiply-adds.
    "MobileNetV2 1x": (space_settings(name="mobilenet_v2", widths=(1,)), 224, 1000, 300.8, 3.504872),
    # torchvision's documentation of resnet50: 25,557,032 parameters; 4.089 billion multiply-adds.
    "ResNet-50": (space_settings(name="resnet50", widths=(1,)), 224, 1000, 4089.2, 25.557032),
    # Thirteen 3x3 convolutions from 3 to 512 channels at 32 to 2 pixels, and a fully connected layer: added up by hand.
    "VGG16, CIFAR": (space_settings(name="vgg16", widths=(1,)), 32, 10, 313.2, 14.724042),
    # DenseNet, arXiv 1608.06993, table 2: 0.8 million parameters for L = 100, k = 12; the multiply-adds are not published.
    "DenseNet-BC-100": (space_settings(name="densenet_cifar", widths=(12,)), 32, 10, 287.9, 0.769162),
}  # fmt: skip


@pytest.mark.parametrize("label", PUBLISHED)
def test_an_unchanged_network_costs_what_is_published(label: str) -> None:
    settings, image_size, classes, macs, params = PUBLISHED[label]
    space, costs = space_and_costs(settings, image_size, classes)
    (genotype,) = space.baselines().values()
    counted = costs(space.decode(genotype))
    assert counted["macs"] / 1e6 == pytest.approx(macs, abs=0.06 if macs > 100 else 0.006)
    assert counted["params"] / 1e6 == pytest.approx(params, abs=0.0006)


def test_mobilenet_v2_has_the_parameters_that_torchvision_documents() -> None:
    space, costs = space_and_costs(space_settings(name="mobilenet_v2", widths=(1,)), 224, 1000)
    (genotype,) = space.baselines().values()
    assert costs(space.decode(genotype))["params"] == 3_504_872


@pytest.mark.parametrize(("width", "first"), [(0.25, 4), (0.5, 8), (1.0, 16)])
@pytest.mark.parametrize("n", [2, 3])
def test_a_cifar_resnet_costs_what_its_layers_do(n: int, width: float, first: int) -> None:
    units = ((n,), (n,), (n,))
    settings = space_settings(name="resnet_cifar", widths=(width,), units=units, residual_units=("bottleneck",))
    space, costs = space_and_costs(settings, 32, 10)
    macs, params, inputs = 1024 * 27 * 16, 27 * 16 + 2 * 16, 16
    for stage, before in enumerate((32, 32, 16)):
        bottleneck, positions = first * 2**stage, (32 // 2**stage) ** 2
        for unit in range(n):
            squeeze, spatial, expand = inputs * bottleneck, 9 * bottleneck**2, bottleneck * 4 * bottleneck
            projected = unit == 0 and (stage > 0 or inputs != 4 * bottleneck)
            projection = inputs * 4 * bottleneck if projected else 0
            macs += (before**2 if unit == 0 else positions) * squeeze + positions * (spatial + expand + projection)
            norms = 2 * (bottleneck + bottleneck + 4 * bottleneck + (4 * bottleneck if projected else 0))
            params += squeeze + spatial + expand + projection + norms
            inputs = 4 * bottleneck
    (genotype,) = space.baselines().values()
    assert costs(space.decode(genotype)) == {"macs": macs + inputs * 10, "params": params + (inputs + 1) * 10}
