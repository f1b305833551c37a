"""A rehearsal of a training: what it times, of how many images, and that it takes the path of a real training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from evaluator.settings import DataSettings, TrainSettings
from evaluator.training import rehearsal
from evaluator.worker import TrainingEvaluator
from nas.budget import Budget
from nas.candidate import Candidate
from nas.records import Task
from tests.evaluator.networks import plain_network, shuffling_network

TASK = Task(
    trial=0,
    candidate=Candidate(space="toy", architecture={}, training={"lr": 1e3}),
    budget=Budget(epochs=9),
    seed=1,
)


def evaluator(data: DataSettings, folder: Path, build: Callable[[], torch.nn.Module]) -> TrainingEvaluator:
    train = TrainSettings(batch_size=32, precision="fp32", channels_last=False)
    return TrainingEvaluator(
        lambda _candidate: build(), data, train, device="cpu", checkpoints=str(folder / "checkpoints"), split_seed=0
    )


def test_all_parts_take_time_and_nothing_is_kept(few_digits: DataSettings, tmp_path: Path) -> None:
    found = evaluator(few_digits, tmp_path, shuffling_network).rehearse(TASK)

    assert min(found.step, found.validation, found.setup) > 0
    assert found.passes_at_end > 1, "a network with learned shuffles is measured in other modes too"
    assert list(tmp_path.iterdir()) == []
    assert evaluator(few_digits, tmp_path, plain_network).rehearse(TASK).passes_at_end == 1


def test_a_validation_pass_is_timed_on_a_few_batches_and_told_for_all_images(
    few_digits: DataSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    class Spy(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = plain_network()

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if not self.training:
                sizes.append(len(images))
            out: torch.Tensor = self.inner(images)
            return out

    monkeypatch.setattr(rehearsal, "VALIDATION_BATCHES", 1)
    clock = iter(range(1000))
    monkeypatch.setattr("evaluator.training.rehearsal.time.perf_counter", lambda: float(next(clock)))
    found = evaluator(replace(few_digits, validation_share=0.4), tmp_path, Spy).rehearse(TASK)

    assert set(sizes) == {32}
    assert found.validation == pytest.approx(120 / 32), "one second for 32 of 120 images"
