from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from evaluator.images.data import load, training_images
from evaluator.measuring.exclusive import lock_of
from evaluator.measuring.metrics import Score, other_modes
from evaluator.settings import DataSettings, TrainSettings
from evaluator.training.trainer import DivergedError
from evaluator.what_went_wrong import what_went_wrong
from evaluator.worker import TrainingEvaluator
from module_protocols import EvaluationMode
from nas.budget import Budget
from nas.candidate import Candidate
from nas.errors import CostError, DataError, OutputError, SettingsError, SpaceError
from nas.records import Evaluation, Failure, FailureKind, Outcome, Progress, Task, outcome_from_json
from tests.evaluator.measuring.test_metrics import score_of
from tests.evaluator.networks import plain_network, shuffling_network

CANDIDATE = Candidate(
    space="toy", architecture={"width": 8}, training={"lr": 0.2, "weight_decay": 1e-4, "orth_weight": 0.1}
)
TASK = Task(trial=3, candidate=CANDIDATE, budget=Budget(epochs=3), seed=1)
TRAIN = TrainSettings(batch_size=32)


@pytest.fixture
def make(few_digits: DataSettings, tmp_path: Path) -> Callable[..., TrainingEvaluator]:
    def make_evaluator(
        build: Callable[[Candidate], nn.Module] = lambda candidate: shuffling_network(),
        data: DataSettings = few_digits,
        train: TrainSettings = TRAIN,
        device: str = "cpu",
    ) -> TrainingEvaluator:
        return TrainingEvaluator(
            build, data, train, device=device, checkpoints=str(tmp_path), split_seed=0, checkpoint_seconds=0.0
        )

    return make_evaluator


def evaluate(evaluator: TrainingEvaluator, task: Task = TASK) -> Outcome:
    return evaluator.evaluate(task, lambda progress: None)


def test_an_evaluation_holds_the_accuracy_with_its_binomial_error_and_the_details(
    make: Callable[..., TrainingEvaluator], tmp_path: Path
) -> None:
    told: list[Progress] = []
    outcome = make().evaluate(TASK, told.append)
    assert isinstance(outcome, Evaluation)
    accuracy = outcome.measurements["accuracy"]
    share = (accuracy.mean / 100 * 60 + 1) / 62
    assert accuracy.n == 60
    assert accuracy.standard_error == pytest.approx(100 * (share * (1 - share) / 60) ** 0.5)
    assert [entry["epoch"] for entry in outcome.details["curve"]] == [1, 2, 3]
    assert outcome.details["curve"][-1]["accuracy"] == accuracy.mean
    assert outcome.details["curve"][-1]["valid"] == outcome.details["mixers"]["3"]["valid"]
    assert set(outcome.details["mixers"]["3"]) == {"valid", "coverage", "disagreement"}
    assert isinstance(outcome.details["soft_accuracy"], float)
    assert (outcome.details["precision"], outcome.details["channels_last"]) == ("fp32", True)
    assert (outcome.epochs, told) == (3, [Progress(trial=3, epochs=epochs) for epochs in range(4)])
    assert outcome_from_json(json.loads(json.dumps(outcome.to_json()))) == outcome
    assert sorted(file.name for file in (tmp_path / "3").iterdir()) == ["answers.json", "outcome.json", "weights.pt"]


def test_the_kept_weights_are_a_plain_state_of_the_network_that_was_measured(
    make: Callable[..., TrainingEvaluator], tmp_path: Path
) -> None:
    evaluate(make())
    network = shuffling_network()
    network.load_state_dict(torch.load(tmp_path / "3" / "weights.pt", weights_only=True))


def test_a_finished_task_is_not_trained_again(make: Callable[..., TrainingEvaluator]) -> None:
    first = evaluate(make())

    def refuse(candidate: Candidate) -> nn.Module:
        raise AssertionError

    assert evaluate(make(refuse)) == first


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(TASK, seed=2),
        dataclasses.replace(TASK, budget=Budget(epochs=2)),
        dataclasses.replace(TASK, candidate=dataclasses.replace(CANDIDATE, architecture={"width": 9})),
    ],
)
def test_another_task_of_the_same_number_is_trained(make: Callable[..., TrainingEvaluator], other: Task) -> None:
    evaluate(make())
    told: list[Progress] = []
    make().evaluate(other, told.append)
    assert told[0].epochs == 0
    assert len(told) == other.budget.epochs + 1


def test_other_training_settings_or_another_augmentation_are_another_training(
    make: Callable[..., TrainingEvaluator], few_digits: DataSettings
) -> None:
    evaluate(make())
    for other in (
        make(train=dataclasses.replace(TRAIN, label_smoothing=0.2)),
        make(data=dataclasses.replace(few_digits, flip=True)),
        make(data=dataclasses.replace(few_digits, crop_padding=0)),
    ):
        told: list[Progress] = []
        other.evaluate(TASK, told.append)
        assert len(told) == 4


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_task_goes_on_and_gives_the_same_values(
    make: Callable[..., TrainingEvaluator], tmp_path: Path, stop: type[BaseException]
) -> None:
    whole = evaluate(make(), dataclasses.replace(TASK, trial=4))

    def interrupt(progress: Progress) -> None:
        if progress.epochs == 2:
            raise stop

    with pytest.raises(stop):
        make().evaluate(TASK, interrupt)
    assert (tmp_path / "3" / "last.pt").is_file()
    told: list[Progress] = []
    outcome = make().evaluate(TASK, told.append)
    assert [progress.epochs for progress in told] == [2, 3]
    assert isinstance(outcome, Evaluation)
    assert isinstance(whole, Evaluation)
    assert (outcome.measurements, outcome.details) == (whole.measurements, whole.details)


def test_the_same_candidate_and_seed_give_the_same_values_after_other_candidates(
    make: Callable[..., TrainingEvaluator],
) -> None:
    alone = evaluate(make())
    evaluator = make()
    evaluate(evaluator, dataclasses.replace(TASK, trial=8, seed=9))
    again = evaluate(evaluator, dataclasses.replace(TASK, trial=9))
    assert isinstance(alone, Evaluation)
    assert isinstance(again, Evaluation)
    assert alone.measurements == again.measurements
    assert alone.details == again.details


def test_a_network_without_learned_shuffles_has_no_soft_accuracy(make: Callable[..., TrainingEvaluator]) -> None:
    outcome = evaluate(make(lambda candidate: plain_network()))
    assert isinstance(outcome, Evaluation)
    assert outcome.details["mixers"] == {}
    assert not any(name.endswith("_accuracy") for name in outcome.details)


def test_shuffles_are_read_otherwise_where_that_can_differ() -> None:
    def hard(**statistics: float) -> Score:
        return score_of(1, 2, {"a": {"valid": 1.0, "disagreement": 0.0, **statistics}})

    assert other_modes(score_of(1, 2)) == []
    assert other_modes(hard()) == [EvaluationMode.SOFT]
    assert other_modes(hard(disagreement=0.1)) == [EvaluationMode.SOFT, EvaluationMode.SWAPPED]
    assert other_modes(hard(valid=0.9)) == [EvaluationMode.SOFT, EvaluationMode.PROJECTED]


def failure(outcome: Outcome) -> Failure:
    assert isinstance(outcome, Failure)
    json.dumps(outcome.to_json())
    return outcome


def test_a_rate_that_is_far_too_high_diverges(make: Callable[..., TrainingEvaluator]) -> None:
    wild = dataclasses.replace(CANDIDATE, training={"lr": 1e30, "weight_decay": 1e-4})
    outcome = failure(evaluate(make(lambda candidate: plain_network()), dataclasses.replace(TASK, candidate=wild)))
    assert outcome.kind is FailureKind.DIVERGED
    assert "epoch 1" in outcome.message


def test_a_network_that_does_not_fit_into_memory_is_out_of_memory(make: Callable[..., TrainingEvaluator]) -> None:
    def huge(candidate: Candidate) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 2**50))

    assert failure(evaluate(make(huge))).kind is FailureKind.OUT_OF_MEMORY


def test_a_crash_in_the_middle_is_told_with_its_last_line_and_the_epochs_done(
    make: Callable[..., TrainingEvaluator],
) -> None:
    class Crashing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = plain_network()
            self.calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += self.training
            if self.calls == 10:
                raise IndexError("no such channel")
            y: torch.Tensor = self.network(x)
            return y

    outcome = failure(evaluate(make(lambda candidate: Crashing())))
    assert outcome.kind is FailureKind.CRASHED
    assert "IndexError: no such channel (test_worker.py, line" in outcome.message
    assert outcome.epochs == 1
    assert outcome.seconds > 0


def test_a_candidate_without_a_rate_is_invalid(make: Callable[..., TrainingEvaluator]) -> None:
    outcome = failure(
        evaluate(make(), dataclasses.replace(TASK, candidate=dataclasses.replace(CANDIDATE, training={})))
    )
    assert (outcome.kind, outcome.message) == (
        FailureKind.INVALID,
        "the candidate's lr is None; allowed: a finite number, 0 or more",
    )


def test_faults_of_settings_data_and_device_are_no_candidates_and_raised(
    make: Callable[..., TrainingEvaluator], tmp_path: Path
) -> None:
    for evaluator, kind, message in (
        (make(train=TrainSettings(epochs=0, batch_size=0)), SettingsError, "--train.epochs is 0"),
        (make(data=DataSettings(name="nothing", root=str(tmp_path))), DataError, "'nothing' is not there"),
        (make(device="tpu"), SettingsError, "unknown device 'tpu'"),
    ):
        with pytest.raises(kind, match=message):
            evaluate(evaluator)


def test_a_folder_that_cannot_be_written_is_raised(make: Callable[..., TrainingEvaluator], tmp_path: Path) -> None:
    (tmp_path / "3").write_text("a file where the folder of the trial belongs")
    with pytest.raises(OutputError):
        evaluate(make())


@pytest.mark.parametrize("error", [SpaceError, CostError])
def test_a_candidate_that_cannot_be_built_is_invalid(
    make: Callable[..., TrainingEvaluator], error: type[Exception]
) -> None:
    def refuse(candidate: Candidate) -> nn.Module:
        raise error("width = 7 must be even")

    outcome = failure(evaluate(make(refuse)))
    assert (outcome.kind, outcome.message) == (FailureKind.INVALID, "width = 7 must be even")


def test_other_images_than_those_the_search_began_with_are_refused(few_digits: DataSettings, tmp_path: Path) -> None:
    def make_evaluator(split_seed: int) -> TrainingEvaluator:
        return TrainingEvaluator(
            lambda candidate: plain_network(),
            few_digits,
            TRAIN,
            device="cpu",
            checkpoints=str(tmp_path),
            split_seed=split_seed,
            fingerprint=load(few_digits, 0).summary.fingerprint,
        )

    assert isinstance(evaluate(make_evaluator(0)), Evaluation)
    with pytest.raises(DataError, match=r"the images of --data\.name 'digits' are not those the search began with"):
        evaluate(make_evaluator(1))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore"), FailureKind.OUT_OF_MEMORY),
        (MemoryError(), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"), FailureKind.OUT_OF_MEMORY),
        (RuntimeError("size mismatch"), FailureKind.CRASHED),
        (ValueError("not enough memory of facts"), FailureKind.CRASHED),
        (DivergedError("the loss is nan"), FailureKind.DIVERGED),
        (SpaceError("odd"), FailureKind.INVALID),
        (CostError("unknown"), FailureKind.INVALID),
    ],
)
def test_what_went_wrong_has_a_kind_and_one_line(error: Exception, kind: FailureKind) -> None:
    found, message = what_went_wrong(error)
    assert found is kind
    assert message
    assert "\n" not in message


def test_images_that_are_given_need_no_cache_and_train_the_same(few_digits: DataSettings, tmp_path: Path) -> None:
    ends = []
    elsewhere = dataclasses.replace(
        few_digits, name=str(tmp_path / "nowhere"), cache=str(tmp_path / "none"), flip=False
    )
    for data, images in ((few_digits, None), (elsewhere, training_images(few_digits))):
        evaluator = TrainingEvaluator(
            lambda candidate: shuffling_network(),
            data,
            TRAIN,
            device="cpu",
            checkpoints=str(tmp_path / str(images is None)),
            split_seed=0,
            images=images,
        )
        outcome = evaluate(evaluator)
        assert isinstance(outcome, Evaluation)
        ends.append(outcome)
    assert ends[1].details == ends[0].details
    assert not (tmp_path / "none").exists()


def test_a_training_gives_the_device_to_measurements_whenever_it_waits_and_between_steps(
    few_digits: DataSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where the locks are: no other test is to wait for this one
    lock = lock_of(torch.device("cpu"))
    measured: list[int] = []

    def measure(progress: Progress) -> bool:
        """What a driver may do before it answers; with the device in the training's hand it would wait for ever."""
        with lock.exclusive(wait_seconds=240):
            measured.append(progress.epochs)
        return True

    between = threading.Event()

    def measure_beside() -> None:
        while measured.count(-1) == 0 or not between.is_set():
            with lock.exclusive(wait_seconds=240):
                measured.append(-1)
            time.sleep(0.01)

    beside = threading.Thread(target=measure_beside)
    beside.start()
    task = dataclasses.replace(TASK, budget=Budget(epochs=3, rungs=(1,)))
    try:
        outcome = TrainingEvaluator(
            lambda candidate: shuffling_network(), few_digits, TRAIN, device="cpu", checkpoints=str(tmp_path),
            split_seed=0, shares_device=True,
        ).evaluate(task, measure)  # fmt: skip
    finally:
        between.set()
        beside.join()
    assert isinstance(outcome, Evaluation)
    assert [epochs for epochs in measured if epochs >= 0] == [0, 1, 2, 3]
    assert measured.count(-1) > 0
