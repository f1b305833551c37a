"""Sizes that no network has are refused at once, in one line, by whichever space they are given."""

from __future__ import annotations

import math
from typing import Any

import pytest

from image_search.command_line import read_settings
from nas.errors import SettingsError, SpaceError
from search_spaces import SPACES, make_space, space_settings
from tests.search_spaces.any_space import published_units

EVERY_SPACE = pytest.mark.parametrize("name", sorted(SPACES))
ABSURD = (10**9, 10**20, 10**400, 10**5000, -1, math.nan, math.inf, -math.inf, 1e308, 1e-320)
WHOLE = ("learned_groups", "filter_groups", "least_templates", "reductions", "kron_ranks")
SINGLE = ("group_ranks", "pair_ranks", "max_factor")
SHARES = ("rebuilt_shares", "binarize_from")
RANGES = ("sparsity_step", "orth_weight", "temperature", "lr", "weight_decay")


def refused(name: str, setting: str, value: Any) -> None:
    with pytest.raises(SpaceError, match=f"space.{setting}") as told:
        make_space(space_settings(name=name, **{setting: value}), image_size=32, channels=3, classes=10)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("value", ABSURD, ids=map(str, range(len(ABSURD))))
@EVERY_SPACE
def test_an_absurd_size_is_refused(name: str, value: Any) -> None:
    stages = len(published_units(name))
    if value != 1e-320 or name in ("shufflenet_v1", "shufflenet_v2", "densenet_cifar"):
        refused(name, "widths", (value,))
    refused(name, "units", ((1,),) * (stages - 1) + ((value,),))
    for setting in (*WHOLE, *SHARES):
        if setting not in SHARES or value != 1e-320:
            refused(name, setting, (value,))
    for setting in SINGLE:
        refused(name, setting, value)
    for setting in RANGES:
        refused(name, setting, (value, value))
        if not value < 1e-5:
            refused(name, setting, (1e-5, value))
    if name != "shufflenet_v2":
        refused(name, "conv_groups", (value,))


@pytest.mark.parametrize(
    ("setting", "value"), [("units", 10**4), ("kron_ranks", 10**6), ("widths", 1e9), ("max_factor", 10**6)]
)
@EVERY_SPACE
def test_what_a_slip_of_the_pen_gives_is_refused(name: str, setting: str, value: Any) -> None:
    stages = len(published_units(name))
    each = {"units": ((value,),) * stages, "max_factor": value}.get(setting, (value,))
    refused(name, setting, each)


@pytest.mark.parametrize("value", ["100000000000000000000", "1" + "0" * 400, "0", "-1"])
@pytest.mark.parametrize(
    "flag",
    ["search.trials", "search.workers", "search.replicates", "train.epochs", "train.batch_size", "train.threads"],
)
def test_the_command_line_refuses_absurd_counts_in_one_line(flag: str, value: str) -> None:
    with pytest.raises(SettingsError, match=flag) as told:
        read_settings(["--config", "quickstart", f"--{flag}={value}"])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("units", "[[10000], [4], [4]]"),
        ("kron_ranks", "[1000000]"),
        ("lr", "[1e-320, 1e308]"),
        ("lr", "[.nan, .nan]"),
        ("max_factor", "1000000000"),
    ],
)
def test_the_command_line_refuses_absurd_sizes_in_one_line(setting: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"space.{setting}") as told:
        read_settings(["--config", "quickstart", f"--space.{setting}={value}"])
    assert "\n" not in str(told.value)
