"""The report of a search that runs is renewed, at a price that is bounded."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from nas.search.driver import Driver
from nas.watchers import renewal
from nas.watchers.renewal import ReportRenewal
from tests.toy_search import ToySpace, finish, toy_driver


class Clock:
    """Shows what it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(renewal, "time", clock)
    return clock


def followed(driver: Driver, watch: Callable[[], None]) -> None:
    """Drives a search to its end, and lets `watch` look at each trial; it goes on looking afterwards."""
    while not driver.finished and (task := driver.next_task()):
        finish(driver, task)
        watch()
    for _ in range(100):
        watch()


def times_of_renewals(folder: Path, clock: Clock, *, cost: float, step: float) -> list[float]:
    """When the report of a search was renewed, in which something happens each `step` seconds."""
    driver = toy_driver(folder, trials=8, space=ToySpace(learning_rate=False))
    times = []

    def write() -> None:
        times.append(clock.now - 1000)
        clock.now += cost

    following = ReportRenewal(driver, write)

    def watch() -> None:
        clock.now += step
        following.update()

    followed(driver, watch)
    return times


def test_a_minute_passes_between_two_renewals_and_none_comes_without_news(tmp_path: Path, clock: Clock) -> None:
    times = times_of_renewals(tmp_path, clock, cost=0.1, step=25)
    assert 2 <= len(times) <= 4
    assert all(later - earlier >= 60 for earlier, later in zip([0.0, *times], times, strict=False))


def test_a_page_that_takes_long_is_renewed_less_often(tmp_path: Path, clock: Clock) -> None:
    times = times_of_renewals(tmp_path, clock, cost=5, step=100)
    assert len(times) >= 2
    assert all(later - earlier >= 250 for earlier, later in itertools.pairwise(times)), "2%"


def test_what_goes_wrong_is_told_once_and_ends_nothing(
    tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    driver = toy_driver(tmp_path, trials=4)

    def write() -> None:
        raise OSError("no space left")

    following = ReportRenewal(driver, write)

    def watch() -> None:
        clock.now += 100
        following.update()

    followed(driver, watch)
    told = capsys.readouterr().err
    assert told.count("no space left") == 1
    assert "the search goes on" in told
