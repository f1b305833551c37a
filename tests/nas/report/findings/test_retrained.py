from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.stats import kendalltau, t, ttest_rel

from nas.report.findings.retrained import front, kendall_tau, orders, reached, versus_peer, versus_untaught
from nas.retraining.networks import Role
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeTrial
from tests.nas.report.retrained_entries import entry, network, retrained

KD = "self, kd, temperature 4, weight 0.9"


@pytest.fixture
def result(make_result: MakeResult, make_trial: MakeTrial) -> SearchResult:
    return make_result([make_trial(number, accuracy=60.0 + 2 * number, macs=1e6 * (1 + number)) for number in range(5)])


def test_mean_and_deviation_are_over_seeds_and_the_error_is_of_the_images(result: SearchResult) -> None:
    found = reached(entry(network(result, result.trials[0]), [80.0, 82.0, 84.0]), "accuracy")
    assert found is not None
    assert (found.mean, found.deviation, found.seeds) == (82.0, 2.0, 3)
    assert found.error == pytest.approx((0.8 * 0.2 / 10_000) ** 0.5 * 100, rel=0.05)
    alone = reached(entry(network(result, result.trials[0]), [80.0]), "accuracy")
    assert alone is not None
    assert alone.deviation is None


def test_a_difference_is_paired_by_seed_with_students_interval(result: SearchResult) -> None:
    chosen, unchanged = [70.0, 73.0, 71.0], [69.0, 71.5, 70.5]
    one = entry(network(result, result.trials[1], peer="0"), chosen)
    other = entry(network(result, result.trials[0], Role.UNCHANGED), unchanged)
    shorter = entry(network(result, result.trials[0], Role.UNCHANGED), [10.0, 10.0, 10.0], epochs=5)
    (found,) = versus_peer(retrained([one, other, shorter]), "accuracy")
    wanted = ttest_rel(chosen, unchanged)
    low, high = wanted.confidence_interval(0.95)
    assert (found.entry, found.other, found.seeds) == (one.name, other.name, 3)
    assert found.mean == pytest.approx(1.0)
    assert found.half_width == pytest.approx((high - low) / 2)
    assert found.resolved == (wanted.pvalue < 0.05)


def test_seeds_without_a_partner_do_not_count(result: SearchResult) -> None:
    one = entry(network(result, result.trials[1], peer="0"), [70.0, 73.0, 71.0])
    other = entry(network(result, result.trials[0], Role.UNCHANGED), [69.0, 0.0, 70.5])
    other = replace(other, values={seed: found for seed, found in other.values.items() if seed != 1})
    (found,) = versus_peer(retrained([one, other]), "accuracy")
    assert found.mean == pytest.approx(0.75)
    assert found.seeds == 2
    assert found.half_width == pytest.approx(float(t.ppf(0.975, 1)) * 0.25)
    single = replace(other, values={0: other.values[0]})
    (found,) = versus_peer(retrained([one, single]), "accuracy")
    assert (found.mean, found.half_width, found.resolved) == (1.0, None, False)


def test_with_and_without_a_teacher_are_told_apart(result: SearchResult) -> None:
    made = network(result, result.trials[1])
    plain, taught = entry(made, [70.0, 72.0]), entry(made, [71.0, 74.0], teacher=KD)
    (found,) = versus_untaught(retrained([plain, taught]), "accuracy")
    assert (found.entry, found.other, found.mean) == (taught.name, plain.name, 1.5)
    assert versus_untaught(retrained([taught]), "accuracy") == []


def test_kendalls_tau_is_that_of_scipy_with_ties_too() -> None:
    for first, second in (([1, 2, 3, 4], [1, 3, 2, 4]), ([1, 1, 2, 5, 3], [2, 1, 2, 4, 4]), ([3, 2, 1], [1, 2, 3])):
        assert kendall_tau(first, second) == pytest.approx(kendalltau(first, second).statistic)
    assert kendall_tau([1, 1, 1], [1, 2, 3]) == 0.0


def test_an_order_needs_three_networks_and_its_interval_covers_the_seeds(result: SearchResult) -> None:
    alike = [entry(network(result, trial), [70.0, 70.2, 69.9]) for trial in result.trials[:2]]
    assert orders(retrained(alike), "accuracy") == []
    clear = [entry(network(result, trial), [70.0 + 5 * n, 70.1 + 5 * n]) for n, trial in enumerate(result.trials)]
    (found,) = orders(retrained(clear), "accuracy")
    assert (found.tau, found.interval, found.networks) == (1.0, (1.0, 1.0), 5)
    noisy = [
        entry(network(result, trial), values)
        for trial, values in zip(result.trials, ([70, 76], [72, 70], [74, 71], [71, 75], [75, 73]), strict=True)
    ]
    (found,) = orders(retrained(noisy), "accuracy")
    assert found.interval is not None
    assert found.interval[0] < found.tau < found.interval[1]
    (single,) = orders(retrained([entry(one.network, [70.0]) for one in clear]), "accuracy")
    assert (single.tau, single.interval) == (0.0, None)


def test_the_front_is_that_of_the_test_values(result: SearchResult) -> None:
    values = (70.0, 69.0, 75.0, 75.0, 80.0)
    found = [entry(network(result, trial), [value]) for trial, value in zip(result.trials, values, strict=True)]
    assert [one.network.name for one in front(result, retrained(found))] == ["0", "2", "4"]
