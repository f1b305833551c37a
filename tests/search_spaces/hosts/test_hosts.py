from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from search_spaces import make_space, space_settings
from search_spaces.hosts.host import Host
from search_spaces.hosts.shufflenet_v1 import shufflenet_v1
from search_spaces.hosts.shufflenet_v2 import head_channels, shufflenet_v2
from search_spaces.spaces.mobilenet_v2 import rounded, unit_channels

PUBLISHED = [
    # space, width, conv groups, image size, classes; then from the table of methods A.5: multiply-adds and parameters in
    # millions, and what a dynamic shuffle in every unit adds to both in percent at reductions 16 and 4
    ("shufflenet_v1", 1.0, 3, 32, 100, (42.09, 1.000), (0.09, 3.9), (0.36, 15.5)),
    ("shufflenet_v1", 1.0, 8, 32, 100, (42.25, 1.051), (0.17, 7.0), (0.69, 27.9)),
    ("shufflenet_v1", 1.0, 4, 32, 100, (41.04, 0.988), (0.18, 7.8), (0.73, 30.7)),
    ("shufflenet_v2", 48, None, 32, 100, (10.40, 0.444), (0.29, 7.2), (1.15, 27.0)),
    ("shufflenet_v2", 116, None, 32, 100, (44.50, 1.356), (0.69, 23.7), (2.8, 93.0)),
    ("shufflenet_v2", 176, None, 32, 100, (93.76, 2.581), (0.42, 15.7), (1.7, 62.0)),
    ("shufflenet_v1", 1.0, 3, 224, 1000, (137.5, 1.866), (0.03, 2.1), (0.11, 8.3)),
    ("shufflenet_v2", 116, None, 224, 1000, (144.9, 2.279), (0.21, 14.1), (0.86, 55.6)),
]


def cost(
    name: str, width: float, groups: int | None, size: int, classes: int, mixer: str, reduction: int
) -> tuple[float, int]:
    """Multiply-adds as torch counts them, and parameters."""
    settings = space_settings(
        name=name,
        widths=(width,),
        conv_groups=None if groups is None else (groups,),
        mixers=(mixer,),
        stem_kernel=1,
        group_ranks=1,
        pair_ranks=1,
        reductions=(reduction,),
        shares=("matrices",),
        binarize_from=(0.0,),
    )
    space = make_space(settings, image_size=size, channels=3, classes=classes)
    genotype = {dimension.name: dimension.low for dimension in space.dimensions}  # type: ignore[union-attr]
    with torch.device("meta"):
        model = space.build(space.decode(genotype)).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(1, 3, size, size))
    return counter.get_total_flops() / 2, sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(("name", "width", "groups", "size", "classes", "base", "at_16", "at_4"), PUBLISHED)
def test_multiply_adds_and_parameters_equal_published_counts_with_and_without_the_dynamic_shuffle(
    name: str,
    width: float,
    groups: int | None,
    size: int,
    classes: int,
    base: tuple[float, float],
    at_16: tuple[float, float],
    at_4: tuple[float, float],
) -> None:
    fixed = cost(name, width, groups, size, classes, "fixed", 16)
    assert fixed[0] / 1e6 == pytest.approx(base[0], abs=0.051)
    assert fixed[1] / 1e6 == pytest.approx(base[1], abs=5.1e-4)
    for reduction, percent in ((16, at_16), (4, at_4)):
        dynamic = cost(name, width, groups, size, classes, "dynamic", reduction)
        for more, less, expected in zip(dynamic, fixed, percent, strict=True):
            # The table gives two digits below 1%, then one; 27, 62 and 93 without any.
            digit = 0.006 if expected < 1 else 0.5 if expected in (27.0, 62.0, 93.0) else 0.06
            assert 100 * (more / less - 1) == pytest.approx(expected, abs=digit)


def test_head_has_the_published_width_or_four_times_the_last_stage() -> None:
    assert [head_channels((c, 2 * c, 4 * c)) for c in (48, 116, 176, 244)] == [1024, 1024, 1024, 2048]
    assert head_channels((32, 64, 128)) == 512


def hosts() -> list[Host]:
    return [
        shufflenet_v2(stage_channels=(16, 32, 64), units=(2, 1, 2), form="small", stem_kernel=3, channels=3, classes=5),
        shufflenet_v1(
            stage_channels=(48, 96, 192), units=(2, 1, 2), groups=3, form="small", stem_kernel=1, channels=3, classes=5
        ),
    ]


@pytest.mark.parametrize("host", hosts(), ids=["v2", "v1"])
def test_channels_last_images_stay_so_through_every_unit(host: Host) -> None:
    seen: list[bool] = []

    def note(_module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        seen.extend(t.is_contiguous(memory_format=torch.channels_last) for t in (inputs[0], output))

    for stage in host.stages:
        for unit in stage.children():
            unit.register_forward_hook(note)
            unit.get_submodule("mixer").register_forward_hook(note)
    host(torch.randn(2, 3, 16, 16).to(memory_format=torch.channels_last))
    assert seen
    assert all(seen)


@pytest.mark.parametrize("host", hosts(), ids=["v2", "v1"])
def test_each_stage_halves_the_image_and_the_mixer_is_the_hosts_shuffle(host: Host) -> None:
    x = host.stem(torch.randn(2, 3, 16, 16))
    assert x.shape == (2, 24, 16, 16)
    for stage, size in zip(host.stages, (8, 4, 2), strict=True):
        x = stage(x)
        assert x.shape[2:] == (size, size)


def test_first_convolution_of_v1_is_not_grouped_and_the_rest_are() -> None:
    _, host = hosts()
    groups = [
        layer.groups for layer in host.stages.modules() if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1)
    ]
    assert groups == [1, *[3] * (len(groups) - 1)]


def test_v2_unit_of_stride_one_passes_half_of_its_channels_unchanged() -> None:
    host, _ = hosts()
    unit = list(host.stages[0].children())[1]
    x = torch.randn(2, 16, 4, 4)
    assert torch.equal(unit(x)[:, 0::2], x[:, :8])


@pytest.mark.parametrize(
    ("name", "form", "size", "sizes"),
    [
        ("resnet_cifar", "small", 32, [32, 32, 16, 8]),
        ("mobilenet_v2", "small", 32, [32, 32, 16, 8, 4]),
        ("mobilenet_v2", "imagenet", 224, [112, 56, 28, 14, 7]),
        ("resnet50", "small", 32, [32, 32, 16, 8, 4]),
        ("resnet50", "imagenet", 224, [56, 56, 28, 14, 7]),
        ("vgg16", "small", 32, [32, 32, 16, 8, 4, 2]),
        ("densenet_cifar", "small", 32, [32, 32, 16, 8]),
    ],
)
def test_stem_and_stages_have_the_resolutions_of_the_published_tables(
    name: str, form: str, size: int, sizes: list[int]
) -> None:
    widths = (12,) if name == "densenet_cifar" else (1,)
    units = {"residual_units": ("bottleneck",)} if name == "resnet_cifar" else {}
    settings = space_settings(name=name, form=form, widths=widths, **units)
    space = make_space(settings, image_size=size, channels=3, classes=10)
    (genotype,) = space.baselines().values()
    with torch.device("meta"):
        host = space.build(space.decode(genotype)).eval()
        x = host.stem(torch.empty(1, 3, size, size))
        seen, channels = [x.shape[2]], []
        for stage in host.stages:
            x = stage(x)
            seen.append(x.shape[2])
            channels.append(x.shape[1])
    assert seen == sizes
    expected = {
        "resnet_cifar": [64, 128, 256],
        "mobilenet_v2": [24, 32, 96, 320],
        "resnet50": [256, 512, 1024, 2048],
        "vgg16": [64, 128, 256, 512, 512],
        "densenet_cifar": [216, 300, 342],
    }
    assert channels == expected[name]


def test_rows_of_mobilenet_share_the_units_of_their_stage_as_published_and_the_last_keeps_one() -> None:
    def rows(stage: int, units: int) -> tuple[int, ...]:
        return unit_channels(1.0, stage, units)

    assert rows(2, 7) == (64,) * 4 + (96,) * 3
    assert rows(3, 4) == (160,) * 3 + (320,)
    assert (rows(2, 2), rows(3, 2), rows(3, 1)) == ((64, 96), (160, 320), (320,))
    assert rows(1, 3) == (32,) * 3


def test_channels_are_rounded_as_in_the_published_code() -> None:
    # _make_divisible(v, 8): max(8, int(v + 4) // 8 * 8), and 8 more where that is below 0.9 v
    assert [rounded(c) for c in (4, 11, 12, 18, 33.6, 35.5, 35.9, 36, 112)] == [8, 16, 16, 24, 32, 32, 40, 40, 112]
