"""The front for a terminal."""

from __future__ import annotations

from nas.report.console import front_lines
from nas.report.verdicts import verdicts
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial


def test_every_member_has_a_line_and_columns_align(make_search: MakeSearch) -> None:
    result = make_search(40)
    whole = front_lines(result).splitlines()
    lines, below = whole[: len(result.front) + 2], whole[len(result.front) + 2 :]
    assert below == verdicts(result) != []
    starts = {line.index("|") for line in lines[2:]}
    assert len({len(line.split("  ")[0]) for line in lines[:2]}) == 1
    assert len(starts) == 1
    assert [int(line.split()[0]) for line in lines[2:]] == list(result.front.trials)


def test_a_line_says_accuracy_cost_and_network(make_result: MakeResult, make_trial: MakeTrial) -> None:
    trial = make_trial(7, accuracy=50.0, n=2500, macs=10_400_000, params=444_000, baseline="ShuffleNetV2 0.5x")
    line = front_lines(make_result([trial])).splitlines()[2]
    assert " ".join(line.split()) == "7 50.0 ± 1.0 10.4M 444k 32 | fixed [ShuffleNetV2 0.5x]"


def test_no_front_is_a_sentence(make_result: MakeResult) -> None:
    assert front_lines(make_result([])) == "No network has been trained to the end yet: there is no front."
