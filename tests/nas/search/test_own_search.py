"""A search of one's own in this process, whose evaluator has a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.candidate import Candidate
from nas.dimensions import IntRange
from nas.errors import CrashStreakError, DataError
from nas.objectives import Direction, Objective, ObjectiveKind
from nas.ports import Tell
from nas.records import Evaluation, Failure, FailureKind, Measurement, Task, TrialState
from nas.search.driver import Driver
from nas.search.own_search import make_driver, search_in_process
from nas.simple_space import SimpleSpace

AXES = (
    Objective(name="accuracy", direction=Direction.MAXIMIZE, kind=ObjectiveKind.LEARNED, unit="%", reference=0),
    Objective(name="macs", direction=Direction.MINIMIZE, kind=ObjectiveKind.KNOWN, unit="", reference=1e5, log=True),
)


class Evaluator:
    """Raises for the given trials."""

    def __init__(self, *broken: int, error: Exception | None = None) -> None:
        self.broken = broken
        self.error = error or KeyError("no such activation")

    def evaluate(self, task: Task, progress: Tell) -> Evaluation:
        if task.trial in self.broken:
            raise self.error
        width = float(task.candidate.architecture["width"])  # type: ignore[arg-type]
        return Evaluation(measurements={"accuracy": Measurement(mean=100 - 100 / width)}, seconds=0.0, epochs=1)


def own_driver(folder: Path) -> Driver:
    def costs(candidate: Candidate) -> dict[str, float]:
        return {"macs": float(candidate.architecture["width"])}  # type: ignore[arg-type]

    space = SimpleSpace("widths", IntRange(name="width", low=2, high=200))
    return make_driver(space, AXES, costs, trials=6, sampler="random", database=folder / "study.db")


def test_an_exception_of_one_candidate_is_its_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    driver = own_driver(tmp_path)
    search_in_process(driver, Evaluator(1, 2, 5))
    outcomes = [trial.outcome for trial in driver.trials]
    assert [isinstance(outcome, Evaluation) for outcome in outcomes] == [True, False, False, True, True, False]
    assert isinstance(outcomes[5], Failure)
    assert outcomes[5].kind is FailureKind.CRASHED
    assert outcomes[5].message.startswith("KeyError: 'no such activation' (test_own_search.py, line ")
    assert "Traceback" in capsys.readouterr().err, "with the place in full"


def test_three_exceptions_in_a_row_stop_the_search_and_the_repaired_program_continues(tmp_path: Path) -> None:
    driver = own_driver(tmp_path)
    with pytest.raises(
        CrashStreakError, match=r"trials 1, 2 and 3 crashed .*\(KeyError: 'no such activation' \(test_own"
    ):
        search_in_process(driver, Evaluator(1, 2, 3))
    assert [trial.state for trial in driver.trials] == [TrialState.COMPLETE, *[TrialState.RUNNING] * 3]
    driver.close()
    again = own_driver(tmp_path)
    search_in_process(again, Evaluator())
    assert [trial.state for trial in again.trials] == [TrialState.COMPLETE] * 6
    assert again.trials[1].genotype == driver.trials[1].genotype


def test_what_is_no_outcome_is_a_crash(tmp_path: Path) -> None:
    class Careless:
        def evaluate(self, task: Task, progress: Tell) -> Evaluation:
            return 93.5  # type: ignore[return-value]

    with pytest.raises(CrashStreakError, match="AttributeError: 'float' object has no attribute 'to_json'"):
        search_in_process(own_driver(tmp_path), Careless())


def test_what_concerns_every_candidate_stops_the_search_at_once(tmp_path: Path) -> None:
    driver = own_driver(tmp_path)
    with pytest.raises(DataError, match="the images are gone"):
        search_in_process(driver, Evaluator(0, error=DataError("the images are gone")))
    assert [trial.state for trial in driver.trials] == [TrialState.RUNNING]
