"""What an objective says of itself, and how directions are turned."""

from __future__ import annotations

import pytest

from nas.objectives import Direction, Form, Objective, ObjectiveKind, compared_cost, learned, listed


def objective(**facts: object) -> Objective:
    chosen = {"direction": Direction.MINIMIZE, "kind": ObjectiveKind.LEARNED, "unit": "", "reference": 1.0, **facts}
    return Objective(**chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("log", [False, True])
def test_a_score_is_turned_back_into_its_value(direction: Direction, log: bool) -> None:
    one = objective(name="error", direction=direction, log=log)
    for value in (0.25, 1.0, 60.0):
        assert one.value_of(one.score(value)) == pytest.approx(value)
        assert one.score(value) == -one.loss(value)
    better, worse = (2.0, 1.0) if direction is Direction.MAXIMIZE else (1.0, 2.0)
    assert one.score(better) > one.score(worse)


def test_the_score_of_what_is_maximized_is_the_value_itself() -> None:
    one = objective(name="gain", direction=Direction.MAXIMIZE)
    assert one.score(0.1 + 0.2) == 0.1 + 0.2
    assert one.value_of(0.1 + 0.2) == 0.1 + 0.2


def test_what_is_not_said_follows_from_name_and_unit() -> None:
    one = objective(name="mean_error", unit="mm")
    assert (one.words, one.label, one.heading, one.form) == (
        "mean error",
        "Mean error (mm)",
        "mean_error",
        Form.PLAIN,
    )
    assert (one.title, one.difference_unit) == ("Mean error mm", "mm")
    share = objective(name="hits", unit="%")
    assert (share.form, share.difference_unit) == (Form.PERCENT, "points")
    counted = objective(name="macs", unit="MACs", words="multiply-adds", form=Form.COUNT)
    assert (counted.title, counted.is_counted) == ("MACs", True)


def test_names_that_nobody_declared_are_listed_as_they_are() -> None:
    known = [objective(name="macs", words="multiply-adds")]
    assert listed(["macs", "price", "energy"], known) == "multiply-adds, price and energy"
    assert listed(["macs"], known) == "multiply-adds"


def test_the_learned_objective_and_the_compared_cost_are_found_by_kind() -> None:
    error, price = objective(name="error"), objective(name="price", kind=ObjectiveKind.KNOWN)
    assert learned((price, error)) is error
    assert compared_cost((error, price)) is price
