"""Objectives, limits and references as settings name them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from image_search.command_line import read_settings
from nas.errors import SettingsError
from nas.settings.axes import AxisNames, amounts, amounts_text, axes_faults, limits_of
from nas.settings.search import SearchSettings

NAMES = AxisNames(learned=("accuracy", "error"), costs=("macs", "params", "latency"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, {}),
        ("", {}),
        ("macs=60e3", {"macs": 60e3}),
        (" latency = 5 , macs=1e6,", {"latency": 5.0, "macs": 1e6}),
    ],
)
def test_amounts_are_read(text: str | None, expected: dict[str, float]) -> None:
    assert amounts("--search.limits", text, NAMES.costs) == expected


@pytest.mark.parametrize("values", [{}, {"macs": 60e3}, {"macs": 0.1, "latency": 1 / 3}, {"params": 1e300}])
def test_the_text_of_amounts_is_read_as_the_same_numbers(values: dict[str, float]) -> None:
    assert amounts("--search.limits", amounts_text(values), NAMES.costs) == values


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"limits": "flops=5"}, "--search.limits: unknown cost 'flops'; allowed: latency, macs, params"),
        ({"limits": "accuracy=50"}, "--search.limits: unknown cost 'accuracy'"),
        ({"limits": "macs"}, "--search.limits: 'macs' must be name=number, such as macs=1e6"),
        ({"limits": "macs=many"}, "--search.limits: macs must be a number, got 'many'"),
        ({"limits": "macs=0"}, "--search.limits: macs must be a finite number above 0, got 0"),
        ({"limits": "macs=nan"}, "--search.limits: macs must be a finite number above 0, got nan"),
        ({"limits": "macs=inf"}, "--search.limits: macs must be a finite number above 0, got inf"),
        ({"limits": "macs=1,macs=1"}, "--search.limits: macs is given twice"),
        ({"references": "macs=-1"}, "--search.references: macs must be a finite number above 0, got -1"),
        ({"references": "error=1"}, "--search.references: unknown cost 'error'"),
        ({"max_macs": 0.0}, "--search.max_macs: must be a finite number above 0, got 0"),
        (
            {"max_macs": 5.0, "limits": "macs=6"},
            "--search.max_macs: 5 contradicts --search.limits macs=6; give one of them",
        ),
        ({"objectives": "accuracy,weight"}, "--search.objectives: unknown objective 'weight'"),
        (
            {"objectives": "accuracy,error,macs"},
            "--search.objectives: accuracy and error are both learned by training; a search has one such objective",
        ),
        ({"objectives": "macs,params"}, "--search.objectives: must be one of accuracy, error and at least one of macs"),
        ({"objectives": "error"}, "each once, got 'error'"),
        ({"objectives": "error,macs,macs"}, "each once, got 'error,macs,macs'"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(settings: dict[str, Any], told: str) -> None:
    faults = axes_faults(SearchSettings(**settings), NAMES)
    assert any(told in fault for fault in faults), faults
    assert not any("\n" in fault for fault in faults)


def test_a_short_form_is_a_limit_like_others() -> None:
    settings = SearchSettings(max_params=1e5, limits="latency=5,macs=7", max_macs=7.0)
    assert list(limits_of(settings, NAMES.costs).items()) == [("macs", 7.0), ("params", 1e5), ("latency", 5.0)]
    assert axes_faults(settings, NAMES) == []
    with pytest.raises(SettingsError, match="unknown cost 'params'"):
        limits_of(settings, ("macs", "latency"))


@pytest.mark.parametrize(
    ("file", "flags", "expected"),
    [
        ("max_macs: 5.0e+4", ["--search.limits", "macs=6e4"], {"macs": 6e4}),
        ("limits: macs=50000,params=9000", ["--search.max_macs", "60000"], {"macs": 6e4, "params": 9e3}),
        ("limits: macs=50000", ["--search.max_macs", "60000"], {"macs": 6e4}),
        ("max_macs: 5.0e+4", ["--search.limits", "params=9e3"], {"macs": 5e4, "params": 9e3}),
    ],
)
def test_a_flag_wins_over_the_other_form_of_a_limit_in_a_file(
    tmp_path: Path, file: str, flags: list[str], expected: dict[str, float]
) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(f"search:\n  {file}\n")
    settings, _ = read_settings(["--config", str(config), *flags])
    assert limits_of(settings.search, ("macs", "params")) == expected
