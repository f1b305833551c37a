import pytest

from nas.report.duration import FIXED_STARTS, SAVED, SPREAD, SearchPace, expected_seconds, range_words


def seconds(
    *,
    start: float = 0.0,
    unchanged: float = 10.0,
    drawn: float = 10.0,
    proposal: float = 0.0,
    trials: int = 20,
    known: int = 4,
    share: float = 0.25,
    workers: int = 1,
    stops: bool = False,
) -> tuple[float, float]:
    pace = SearchPace(start=start, unchanged=unchanged, drawn=drawn, proposal=proposal)
    return expected_seconds(pace, trials=trials, known=known, unchanged_share=share, workers=workers, stops=stops)


def test_a_single_worker_takes_the_sum_of_its_trainings_within_the_spread() -> None:
    assert seconds() == pytest.approx(((1 - SPREAD / 2) * 200, (1 + SPREAD) * 200))


def test_what_is_dearer_counts_by_how_often_it_is_trained() -> None:
    low, high = seconds(drawn=30.0)
    assert (low, high) == pytest.approx(((1 - SPREAD / 2) * 440, (1 + SPREAD) * 440)), "4 + 16 / 4 at 10 s, 12 at 30 s"


def test_starts_and_proposals_are_added() -> None:
    assert seconds(start=5.0)[0] - seconds()[0] == pytest.approx(5 * FIXED_STARTS)
    assert seconds(proposal=2.0)[1] - seconds()[1] == pytest.approx(20 * 2 * (1 + SPREAD))


def test_workers_share_trainings_and_the_last_ones_end_alone() -> None:
    low, high = seconds(workers=4)
    assert low == pytest.approx((1 - SPREAD / 2) * 50)
    assert high == pytest.approx((1 + SPREAD) * (50 + 7.5))
    assert seconds(workers=50) == seconds(workers=20), "more workers than trials have nothing to do"


def test_early_stopping_lowers_the_least_time_only() -> None:
    low, high = seconds(stops=True)
    assert low == pytest.approx((1 - SAVED) * seconds()[0])
    assert high == seconds()[1]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (44.0, 71.0, "between 40 and 80 seconds"), (1.0, 4.0, "about 10 seconds"), (119.0, 121.0, "between 1 and 3 minutes"),
        (130.0, 230.0, "between 2 and 4 minutes"), (3_600.0, 8_000.0, "between 1 and 2.5 hours"),
        (100_000.0, 400_000.0, "between 1 and 5 days"),
    ],
)  # fmt: skip
def test_a_range_is_rounded_outwards_and_told_in_a_fitting_unit(low: float, high: float, words: str) -> None:
    assert range_words(low, high) == words
