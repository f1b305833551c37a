from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from nas.budget import Budget
from nas.candidate import Candidate
from nas.engines.local import LocalEngine
from nas.errors import CrashStreakError
from nas.records import Evaluation, Failure, FailureKind, Progress, Task
from nas.retraining.display import TrainingDisplay
from nas.retraining.fixed_tasks import FixedTasks
from nas.retraining.training import PlannedTraining, TrainingRecord
from tests.nas.engines.test_local import children
from tests.toy_search import toy_worker

DONE = Evaluation(measurements={}, seconds=1.0, epochs=3)
CRASH = Failure(kind=FailureKind.CRASHED, message="boom")


def planned(count: int, *, after: int | None = None, widths: Sequence[int] = ()) -> list[PlannedTraining]:
    """So many trainings, of which all but the first wait for another one if asked for."""
    return [
        PlannedTraining(
            name=f"network-{number}",
            task=Task(
                trial=number,
                candidate=Candidate(
                    space="toy",
                    architecture={"width": widths[number] if widths else 8, "mixer": "fixed"},
                    training={"lr": 0.1},
                ),
                budget=Budget(epochs=3),
                seed=number,
            ),
            identity={"seed": number},
            after=after if number else None,
        )
        for number in range(count)
    ]


def tasks(path: Path, trainings: list[PlannedTraining], max_losses: int = 2) -> FixedTasks:
    return FixedTasks(trainings, TrainingRecord(path / "trainings.jsonl"), max_losses=max_losses)


def handed_out(found: FixedTasks) -> list[int]:
    numbers = []
    while (task := found.next_task()) is not None:
        numbers.append(task.trial)
    return numbers


def test_what_has_ended_is_not_done_again(tmp_path: Path) -> None:
    first = tasks(tmp_path, planned(4))
    assert handed_out(first) == [0, 1, 2, 3]
    first.on_outcome(1, DONE)
    first.on_outcome(3, Failure(kind=FailureKind.DIVERGED, message="too fast"))
    assert not first.finished

    again = tasks(tmp_path, planned(4))
    assert handed_out(again) == [0, 2]
    for number in (0, 2):
        again.on_outcome(number, DONE)
    assert again.finished
    assert again.outcomes == {0: DONE, 1: DONE, 2: DONE, 3: Failure(kind=FailureKind.DIVERGED, message="too fast")}


def test_a_record_of_another_training_or_without_its_weights_does_not_count(tmp_path: Path) -> None:
    first = tasks(tmp_path, planned(3))
    handed_out(first)
    for number in range(3):
        first.on_outcome(number, DONE)
    other = planned(3)
    other[0] = PlannedTraining(name=other[0].name, task=other[0].task, identity={"seed": 99})
    again = FixedTasks(
        other, TrainingRecord(tmp_path / "trainings.jsonl"), has_weights=lambda one: one.name != "network-2"
    )
    assert handed_out(again) == [0, 2]


def test_a_line_that_was_cut_off_is_done_again_and_disturbs_nothing(tmp_path: Path) -> None:
    first = tasks(tmp_path, planned(2))
    handed_out(first)
    first.on_outcome(0, DONE)
    path = tmp_path / "trainings.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"training": "network-1", "iden')
    again = tasks(tmp_path, planned(2))
    assert handed_out(again) == [1]
    again.on_outcome(1, DONE)
    assert path.read_bytes().startswith(whole + b'{"training": "network-1", "identity"')
    assert tasks(tmp_path, planned(2)).finished


def test_three_crashes_in_a_row_stop_without_blame_and_are_tried_again(tmp_path: Path) -> None:
    found = tasks(tmp_path, planned(4))
    handed_out(found)
    found.on_outcome(0, CRASH)
    found.on_outcome(1, CRASH)
    with pytest.raises(CrashStreakError, match=r"^trainings network-0, network-1 and network-2 crashed .*boom"):
        found.on_outcome(2, CRASH)
    assert not (tmp_path / "trainings.jsonl").exists()
    assert handed_out(tasks(tmp_path, planned(4))) == [0, 1, 2, 3]


def test_a_crash_between_trainings_that_end_is_the_networks_own(tmp_path: Path) -> None:
    found = tasks(tmp_path, planned(3))
    handed_out(found)
    found.on_outcome(0, CRASH)
    found.on_outcome(1, DONE)
    found.on_outcome(2, CRASH)
    undecided = not found.finished
    assert found.next_task() is None
    assert undecided
    assert found.finished
    assert found.outcomes == {0: CRASH, 1: DONE, 2: CRASH}


def test_another_worker_goes_on_with_a_lost_training_until_too_many_are_lost(tmp_path: Path) -> None:
    found = tasks(tmp_path, planned(2), max_losses=2)
    assert handed_out(found) == [0, 1]
    found.on_progress(Progress(trial=0, epochs=2))
    found.on_lost(0, "killed")
    assert handed_out(found) == [0]
    found.on_lost(0, "killed", FailureKind.TIMED_OUT)
    found.on_outcome(1, DONE)
    assert found.outcomes[0] == Failure(kind=FailureKind.TIMED_OUT, message="killed", epochs=2)


def test_students_wait_for_their_teacher_and_fail_with_it(tmp_path: Path) -> None:
    found = tasks(tmp_path / "taught", planned(3, after=0))
    assert handed_out(found) == [0]
    found.on_outcome(0, DONE)
    assert handed_out(found) == [1, 2]

    orphans = tasks(tmp_path / "orphans", planned(3, after=0))
    handed_out(orphans)
    orphans.on_outcome(0, Failure(kind=FailureKind.DIVERGED, message="too fast"))
    assert handed_out(orphans) == []
    assert orphans.finished
    for number in (1, 2):
        outcome = orphans.outcomes[number]
        assert isinstance(outcome, Failure)
        assert outcome.message == "network-0, which it needs, failed (too fast)"


def test_the_local_engine_works_them_off_and_the_display_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = tasks(tmp_path, planned(3, widths=(8, 64, 16)))
    worker = toy_worker(tmp_path / "work", failing=(64,))
    with TrainingDisplay(found) as display:
        LocalEngine(worker, workers=2, logs=tmp_path / "logs").run(found, display.update)
    assert [isinstance(found.outcomes[number], Evaluation) for number in range(3)] == [True, False, True]
    assert children(os.getpid()) == []
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 3
    assert told[-1].startswith("3/3 trainings, network-")
    assert told[-1].endswith("00:00 left")
    assert any("network-1 failed: " in line for line in told)
