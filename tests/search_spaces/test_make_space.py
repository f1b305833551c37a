from __future__ import annotations

from typing import Any

import pytest

from nas.errors import SpaceError
from search_spaces import SPACES, make_space, space_from_json, space_settings
from tests.search_spaces.any_space import changed


def refuse(match: str, *, image_size: int = 32, channels: int = 3, classes: int = 10, **settings: Any) -> None:
    with pytest.raises(SpaceError, match=match):
        make_space(space_settings(**settings), image_size=image_size, channels=channels, classes=classes)


def test_an_unknown_space_is_refused_with_the_nearest_name() -> None:
    refuse("unknown space 'shufflenet_v3'.*did you mean 'shufflenet_v", name="shufflenet_v3")


@pytest.mark.parametrize("name", sorted(SPACES))
@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"mixers": ("fixed", "dynamc")}, "unknown mixer 'dynamc'.*did you mean 'dynamic'"),
        ({"mixers": ()}, "space.mixers is empty"),
        ({"mixers": ("fixed", "fixed")}, "space.mixers .*holds 'fixed' twice"),
        ({"mixers": "fixed"}, "space.mixers = 'fixed' must be a list"),
        ({"shares": ("matrix",)}, "unknown share 'matrix'.*did you mean 'matrices'"),
        ({"form": "tiny"}, "space.form = 'tiny' is not one of auto, small, imagenet"),
        ({"stem_kernel": 5}, "space.stem_kernel = 5 is not one of 1, 3"),
        ({"units": ((4,), (8,))}, "one list for each of the [345] stages"),
        ({"units": 4}, "space.units = 4 must have one list for each of the [345] stages"),
        ({"convolutions": ("dens",)}, "space.convolutions"),
        ({"conv_groups": (0,)}, "space.conv_groups"),
        ({"widths": ()}, r"space.widths = \(\) must be a list"),
        ({"widths": (-1,)}, "space.widths holds -1"),
        ({"widths": ("wide",)}, "space.widths holds 'wide'"),
        ({"group_ranks": 0}, "space.group_ranks = 0 must be an integer from 1 to 1024"),
        ({"pair_ranks": 1.5}, "space.pair_ranks = 1.5 must be an integer from 1 to 1024"),
        ({"max_factor": 1}, "space.max_factor = 1 must be an integer from 2 to 1024"),
        ({"reductions": (8, 0)}, "space.reductions holds 0"),
        ({"binarize_from": (0.0, 1.5)}, "space.binarize_from holds 1.5; allowed: numbers from 0 to 1"),
        ({"lr": (0.5, 0.1)}, r"space.lr = \[0.5, 0.1\] must be \[low, high\] with 0 <= low <= high"),
        ({"lr": (0.0, 0.1)}, "space.lr .* must begin above 0"),
        ({"lr": (0.1,)}, r"space.lr = \(0.1,\) must be \[low, high\]"),
        ({"weight_decay": (0.0, 0.1)}, "space.weight_decay .* must begin above 0"),
        ({"temperature": (0.0, 0.0)}, "space.temperature .* must begin above 0"),
        ({"orth_weight": (float("nan"), 1.0)}, "space.orth_weight"),
    ],
)
def test_a_wrong_setting_is_refused_by_every_space(name: str, settings: dict[str, Any], match: str) -> None:
    refuse(match, name=name, **settings)


@pytest.mark.parametrize(
    ("image", "match"),
    [
        ({"image_size": 7}, "image_size = 7 must be an integer from 8 to 16384"),
        ({"channels": 0}, "channels = 0 must be an integer from 1 to 1024"),
        ({"classes": 1}, "classes = 1 must be an integer from 2 to 1000000"),
        ({"image_size": 16, "form": "imagenet"}, "image_size = 16 is too small for space.form = 'imagenet'"),
    ],
)
def test_images_that_fit_no_network_are_refused(image: dict[str, Any], match: str) -> None:
    refuse(match, **image)


def test_v2_refuses_odd_and_broken_widths_and_groups_of_convolutions() -> None:
    refuse(r"space.widths holds 47, 48.5; allowed: even positive integers", widths=(47, 48, 48.5))
    refuse("space.widths .* twice", widths=(48, 48.0))
    refuse(
        "space.conv_groups: not a setting of shufflenet_v2, but of shufflenet_v1, resnet_cifar, .*leave it out",
        conv_groups=(3,),
    )
    refuse("space.convolutions: unknown kind of convolutions here 'grouped'.*static_dynamic", convolutions=("grouped",))


def test_v1_refuses_unpublished_groups_and_widths_below_the_stem() -> None:
    refuse("space.conv_groups holds 5, 16; allowed: 1, 2, 3, 4, 8", name="shufflenet_v1", conv_groups=(3, 5, 16))
    refuse("first stage of 12 channels; it must be wider than the stem's 24", name="shufflenet_v1", widths=(0.05,))
    refuse("space.conv_groups .* twice", name="shufflenet_v1", conv_groups=(3, 3))


@pytest.mark.parametrize(("name", "stages"), [("shufflenet_v1", 3), ("resnet_cifar", 3), ("mobilenet_v2", 4)])
def test_units_are_wanted_of_each_stage_of_the_host(name: str, stages: int) -> None:
    units = ((4,),) * (stages - 1)
    refuse(f"one list for each of the {stages} stages", name=name, units=units)
    refuse(f"units of stage {stages} holds 0; allowed: integers from 1 to 256", name=name, units=(*units, (0,)))
    refuse(f"units of stage {stages} is empty", name=name, units=(*units, ()))


def test_v1_refuses_a_choice_of_its_one_by_one_convolutions() -> None:
    refuse("space.convolutions: not a setting of shufflenet_v1", name="shufflenet_v1", convolutions=("dense",))


def test_resnet_refuses_large_images_and_the_form_for_them() -> None:
    refuse("resnet_cifar has the form small alone", name="resnet_cifar", form="imagenet")
    refuse("resnet_cifar has the form small alone", name="resnet_cifar", image_size=224)
    make_space(space_settings(name="resnet_cifar", form="small"), image_size=224, channels=3, classes=10)


@pytest.mark.parametrize("name", ["resnet_cifar", "mobilenet_v2"])
def test_a_choice_of_grouped_convolutions_needs_groups_that_divide_some_width(name: str) -> None:
    refuse("space.conv_groups holds 1; allowed: integers from 2 to 16384", name=name, conv_groups=(1, 2))
    refuse("none of space.conv_groups = 5 divides the channels .* in stage 1", name=name, conv_groups=(5,))
    make_space(
        space_settings(name=name, conv_groups=(5,), convolutions=("dense", "static_dynamic")),
        image_size=32,
        channels=3,
        classes=10,
    )
    refuse("space.widths holds 0; allowed: multiples above 0", name=name, widths=(0, 1))
    refuse("space.widths .* twice", name=name, widths=(1.0, 1))


def test_every_fault_is_told_at_once() -> None:
    refuse(
        "image_size = 4 .*space.form = 'tiny'.*unknown mixer 'x'.*space.lr .*space.widths holds 7",
        image_size=4,
        form="tiny",
        mixers=("x",),
        lr=(1, 0),
        widths=(7,),
    )


def test_channels_that_no_pair_of_factors_fits_are_refused_only_where_a_mixer_needs_them() -> None:
    settings = space_settings(widths=(48, 74))
    with pytest.raises(SpaceError, match=r"width 74: the 74 channels mixed in stage 1 .*raise space.max_factor"):
        make_space(settings, image_size=32, channels=3, classes=10)
    changes: tuple[dict[str, object], ...] = ({"mixers": ("fixed", "static_full")}, {"max_factor": 37})
    for change in changes:
        make_space(changed(settings, **change), image_size=32, channels=3, classes=10)


@pytest.mark.parametrize("name", sorted(SPACES))
def test_equal_settings_in_other_number_types_have_equal_json(name: str) -> None:
    a = space_settings(
        name=name, widths=(48.0,) if name == "shufflenet_v2" else (2.0, 4.0), lr=(1, 1), binarize_from=(0,)
    )
    b = space_settings(
        name=name, widths=(48,) if name == "shufflenet_v2" else (2, 4), lr=(1.0, 1.0), binarize_from=(0.0,)
    )
    first, second = (make_space(s, image_size=32, channels=3, classes=10).settings() for s in (a, b))
    assert repr(first) == repr(second)


def test_json_with_unknown_or_missing_keys_is_refused_by_name() -> None:
    data = make_space(space_settings(), image_size=32, channels=3, classes=10).settings()
    with pytest.raises(SpaceError, match=r"unknown setting of a space 'mixer'.*did you mean 'mixers'"):
        space_from_json({**data, "mixer": []})
    del data["classes"]
    with pytest.raises(SpaceError, match="'classes' is missing"):
        space_from_json(data)


@pytest.mark.parametrize("name", sorted(SPACES))
def test_what_every_space_was_written_with_is_left_out_where_it_is_another_space_s(name: str) -> None:
    """Before each space had settings of its own, files held those of all spaces."""
    before = {
        "residual_units": ["basic", "bottleneck"],
        "learned_groups": [2, 4, 8],
        "rebuilt_shares": [0.25, 0.5, 0.75],
        "filter_groups": [1, 2, 4],
        "transformations": ["scalar", "rotation", "affine"],
        "least_templates": [4],
        "sparsity_step": [1e-4, 1e-2],
        "convolutions": None,
        "conv_groups": None,
    }
    assert space_settings(name, **before) == space_settings(name)
    data = make_space(space_settings(name), image_size=32, channels=3, classes=10).settings()
    assert space_from_json({**before, "learned_groups": [7], **data}).settings() == data
