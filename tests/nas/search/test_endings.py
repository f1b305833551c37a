"""When a search ends before all its trials."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.records import TrialState
from nas.search.endings import Standing, after_hours, when_stalled, within_epochs
from tests.toy_search import ToySpace, finish, run_inline, toy_driver


def standing(seconds: float = 0.0, epochs: int = 0, hypervolumes: tuple[float, ...] = ()) -> Standing:
    return Standing(seconds=seconds, epochs=epochs, hypervolumes=hypervolumes)


def test_by_the_clock() -> None:
    ending = after_hours(0.5)
    assert ending.reason(standing(seconds=1799)) is None
    assert ending.reason(standing(seconds=1800)) == "0.5 hours are over"


def test_by_epochs_no_training_is_begun_that_would_go_beyond_them() -> None:
    ending = within_epochs(30, training=10)
    assert ending.reason(standing(epochs=20)) is None
    assert ending.reason(standing(epochs=21)) is not None


@pytest.mark.parametrize(
    ("volumes", "ends"),
    [
        ((1.0, 1.0, 1.0), False),
        ((1.0, 1.0, 1.0, 1.0), True),
        ((1.0, 1.2, 1.2, 1.2), False),
        ((1.0, 1.05, 1.08, 1.09), True),
        ((0.0, 0.0, 0.0, 0.1), False),
    ],
)
def test_by_growth_of_the_hypervolume(volumes: tuple[float, ...], ends: bool) -> None:
    assert (when_stalled(3, 0.1).reason(standing(hypervolumes=volumes)) is not None) == ends


def test_a_search_ends_within_its_epochs_and_goes_on_when_more_are_granted(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=12, endings=[within_epochs(16, training=3)])
    tasks = [driver.next_task() for _ in range(3)]
    assert None not in tasks
    for task in tasks:
        assert task is not None
        finish(driver, task)
    run_inline(driver)
    assert sum(trial.state is TrialState.COMPLETE for trial in driver.trials) == 5, "five trainings of 3 epochs each"
    assert "16 epochs" in driver.ended
    driver.close()
    more = toy_driver(tmp_path, trials=12, endings=[within_epochs(24, training=3)])
    run_inline(more)
    assert sum(trial.state is TrialState.COMPLETE for trial in more.trials) == 8


def test_promised_epochs_count(tmp_path: Path) -> None:
    driver = toy_driver(tmp_path, trials=12, endings=[within_epochs(9, training=3)])
    handed_out = 0
    while driver.next_task() is not None:
        handed_out += 1
    assert handed_out == 3


def test_a_search_ends_when_nothing_is_gained_any_more(tmp_path: Path) -> None:
    space = ToySpace(widths=(8,))  # the learning rate changes nothing, and the best rank is soon found
    driver = toy_driver(tmp_path, trials=200, space=space, endings=[when_stalled(20, 0.001)])
    run_inline(driver)
    assert 20 < driver.handed_out < 100
    assert "has not grown" in driver.ended


def test_known_candidates_are_not_trained_again_when_the_epochs_are_used_up(tmp_path: Path) -> None:
    for limit, again in ((36, 0), (42, 2), (1000, None)):
        driver = toy_driver(tmp_path / str(limit), trials=12, replicates=3, endings=[within_epochs(limit, training=3)])
        run_inline(driver)
        assert driver.finished
        replicates = sum(trial.replicate_of is not None for trial in driver.trials)
        epochs = sum(trial.outcome.epochs for trial in driver.trained() if trial.outcome is not None)
        assert epochs <= limit
        assert bool(driver.ended) == (limit < 1000)
        assert again is None or len(driver.trained()) == limit // 3
        assert again is None or replicates >= again
    assert replicates > 2
