"""What casts doubt on a front is found, and nothing where there is no cause."""

from __future__ import annotations

import dataclasses
from io import StringIO
from typing import Any

import pandas as pd
import pytest

from nas.dimensions import Choice, FloatRange, IntRange
from nas.report.console import front_lines
from nas.report.findings.doubts import common_error, gain_per_epoch, images_for_steps, nothing_learned, still_rising
from nas.report.findings.edges import edges
from nas.report.findings.statistics import hypervolume_steps
from nas.report.payload import payload
from nas.report.tables import trials_csv
from nas.report.verdicts import at_edges, guessing, shared_doubt, unfinished
from nas.report.words import answer
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial

SPACE = (
    FloatRange(name="lr", low=0.05, high=0.5, log=True),
    FloatRange(name="weight_decay", low=1e-5, high=1e-3, log=True),
    IntRange(name="depth", low=1, high=21),
    Choice(name="mixer", choices=("a", "b")),
)


def front_of(make_result: MakeResult, make_trial: MakeTrial, *training: dict[str, Any]) -> SearchResult:
    trials = [
        make_trial(number, accuracy=70.0 + number, macs=1e6 * (1 + number), training=one)
        for number, one in enumerate(training)
    ]
    return dataclasses.replace(make_result(trials), dimensions=SPACE)


def told_everywhere(result: SearchResult, sentence: str) -> bool:
    page = payload(result)
    return sentence in front_lines(result) and (sentence in page["versus"] or sentence in page["cautions"])


def test_best_values_at_an_end_of_their_range_are_named_with_a_wider_range(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    fast, middle = {"lr": 0.49, "weight_decay": 1e-4}, {"lr": 0.2, "weight_decay": 1.1e-5}
    result = front_of(make_result, make_trial, fast, fast, middle)
    (found,) = edges(result)
    assert (found.name, found.upper, found.trials, found.of) == ("lr", True, (0, 1), 3)
    low, high = found.wider
    assert low == 0.05
    assert high == pytest.approx(0.5 * 10**0.5)
    assert edges(front_of(make_result, make_trial, fast, middle, middle))[0].name == "weight_decay"
    assert edges(front_of(make_result, make_trial, middle, {"lr": 0.1, "weight_decay": 1e-4})) == []


def test_an_end_of_a_range_is_told_on_console_page_and_in_the_table(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    result = front_of(make_result, make_trial, {"lr": 0.5}, {"lr": 0.5, "depth": 1})
    settings = {**result.settings, "space": {"lr": [0.05, 0.5]}}
    result = dataclasses.replace(result, settings=settings)
    (of_rate, of_depth) = at_edges(result)
    assert "lr of 2 of 2 networks of the front lies at the upper end of its range (0.05 to 0.5)" in of_rate
    assert of_rate.endswith("A wider range to try: --space.lr [0.05,1.6].")
    assert of_depth.endswith("A wider range to try: -9 to 21."), "no setting of the space has this range"
    assert told_everywhere(result, of_rate)
    table = pd.read_csv(StringIO(trials_csv(result)))
    assert list(table["at_edge"]) == ["lr high", "lr high; depth low"]


def rising(make_result: MakeResult, make_trial: MakeTrial, *accuracies: float) -> SearchResult:
    curve = [{"epoch": 4 * (k + 1), "loss": 1.0, "accuracy": value} for k, value in enumerate(accuracies)]
    return make_result([make_trial(0, accuracy=accuracies[-1], details={"curve": curve})])


def test_trainings_that_were_too_short_are_told_by_their_curves(make_result: MakeResult, make_trial: MakeTrial) -> None:
    short = rising(make_result, make_trial, 40.0, 58.0, 70.0)
    assert still_rising(short) == 3.0
    (told,) = unfinished(short)
    assert "still gained 3.0 points per epoch" in told
    assert told_everywhere(short, told)
    assert pd.read_csv(StringIO(trials_csv(short)))["gain_per_epoch"].tolist() == [3.0]
    long = rising(make_result, make_trial, 40.0, 69.5, 70.0)
    assert gain_per_epoch(long, long.trials[0]) == 0.125
    assert unfinished(long) == []
    assert unfinished(make_result([make_trial(0, accuracy=50.0)])) == [], "without a curve nothing is known"


def test_a_front_that_only_guesses_is_no_winner(make_result: MakeResult, make_trial: MakeTrial) -> None:
    two_classes = {"classes": 2, "majority_share": 0.5, "majority_class": "cat", "majority_share_of_all": 0.5}

    def of(*accuracies: float) -> SearchResult:
        trials = [make_trial(k, accuracy=value, macs=1e6 * (k + 1)) for k, value in enumerate(accuracies)]
        result = make_result(trials)
        return dataclasses.replace(result, data={**result.data, **two_classes})

    guesses = of(50.0, 50.4)
    assert nothing_learned(guesses)
    assert answer(guesses).startswith("None of 2 trained networks is better than guessing.")
    (told,) = guessing(guesses)
    assert told.startswith("No network of this search is better than guessing, so none of them is a winner.")
    assert told_everywhere(guesses, told)
    assert set(pd.read_csv(StringIO(trials_csv(guesses)))["reason"]) == {"no better than guessing"}
    one_learned = of(50.0, 60.0)
    assert guessing(one_learned) == []
    assert "better than guessing" not in answer(one_learned)


def test_the_draw_of_the_validation_images_is_told_as_an_interval_of_the_whole_front(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    trials = [make_trial(k, accuracy=70.0 + k, std=45.0, n=225, macs=1e6 * (k + 1)) for k in range(3)]
    result = make_result(trials)
    result = dataclasses.replace(result, data={**result.data, "validation": 225})
    assert common_error(result) == pytest.approx(1.96 * 3)
    step, images = images_for_steps(result) or (0.0, 0)
    assert step == pytest.approx(1.0)
    assert images == round(225 * (2 * 2**0.5 * 3) ** 2)
    whole, steps = shared_doubt(result)
    assert whole == (
        "All networks were measured on the same 225 validation images. On others the whole front may lie up to 5.9 points "
        "higher or lower (95 %)."
    )
    assert "differ by 1.0 points; to tell these apart takes about 16,000 validation images" in steps
    assert told_everywhere(result, whole)


def test_there_is_one_hypervolume(make_search: MakeSearch) -> None:
    result = make_search(60, seed=3)
    assert hypervolume_steps(result)[-1][1] == pytest.approx(result.front.hypervolume)
