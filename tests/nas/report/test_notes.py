from nas.report.notes import order_note, reference_note
from tests.toy_search import toy_objectives

OBJECTIVES = toy_objectives()
(COST,) = (each for each in OBJECTIVES if each.name == "macs")


def test_several_workers_make_an_order_that_no_seed_repeats() -> None:
    (told,) = order_note(workers=2, sampler="known_cost", stopping="bound")
    assert "each network gets the same values again" in told
    assert "which networks are proposed and which trainings are stopped early depends on the order" in told
    (proposed,) = order_note(workers=2, sampler="tpe", stopping="none")
    assert "stopped early" not in proposed
    (stopped,) = order_note(workers=2, sampler="random", stopping="bound")
    assert "proposed" not in stopped


def test_what_is_repeated_exactly_needs_no_note() -> None:
    assert order_note(workers=1, sampler="known_cost", stopping="bound") == []
    assert order_note(workers=8, sampler="random", stopping="none") == []


def test_a_changed_reference_is_told_with_both_values() -> None:
    (told,) = reference_note([{"macs": 1e6}, {"macs": 2e6}], OBJECTIVES)
    assert "it was 1.00M" in told
    assert "is 2.00M" in told


def test_the_last_change_counts_and_equal_or_unknown_references_are_none() -> None:
    assert reference_note([], OBJECTIVES) == reference_note([{"macs": 1e6}], OBJECTIVES) == []
    assert reference_note([{"macs": 1e6}, {"macs": 1e6 * (1 + 1e-12)}], OBJECTIVES) == []
    (told,) = reference_note([{"macs": 1e6}, {"macs": 2e6}, {"macs": 4e6}], OBJECTIVES)
    assert "it was 2.00M" in told
