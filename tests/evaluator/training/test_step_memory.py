"""What a training step holds, estimated from small batches; and what is done where that is too much."""

from __future__ import annotations

import copy
import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from evaluator.measuring.peak_memory import Following, storage_bytes
from evaluator.settings import DataSettings, TrainSettings
from evaluator.training.losses import CrossEntropy
from evaluator.training.recipe import Recipe
from evaluator.training.step_memory import StepMemory, capacity, need_of, of_training
from evaluator.training.trainer import Training
from evaluator.worker import TrainingEvaluator
from nas.records import Evaluation, Failure, FailureKind, MemoryNeed, Progress
from tests.evaluator.networks import plain_network, shuffling_network
from tests.evaluator.test_worker import TASK
from tests.evaluator.training.test_trainer import make_training

RECIPE = Recipe(
    settings=TrainSettings(epochs=1, batch_size=192), epochs=1, seed=0, lr=0.1, weight_decay=0.0, orth_weight=0.5
)


def peak_of_a_full_step(training: Training, images: int) -> int:
    data = training._data
    pixels, labels = data.train.take(torch.arange(images))

    def step() -> None:
        training.step(data.normalize(pixels), labels, 9, 10)

    step()
    lasting = list(training.lasting())
    with Following(lasting) as following:
        step()
    return int(storage_bytes(lasting) + following.peak)


@pytest.mark.parametrize("build", [plain_network, shuffling_network, lambda: plain_network(width=64)])
def test_two_small_batches_tell_what_a_full_one_holds(few_digits: DataSettings, build: Callable[[], nn.Module]) -> None:
    training = make_training(few_digits, RECIPE, build)
    before = copy.deepcopy(training.model.state_dict())
    generator = torch.get_rng_state()
    estimated = of_training(training.model, training._data, RECIPE, training._execution, CrossEntropy())
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(torch.equal(value, before[name]) for name, value in training.model.state_dict().items())
    assert estimated.of(192) == pytest.approx(peak_of_a_full_step(training, 192), rel=0.05)
    assert estimated.per_image > 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_allocator_says_so_too(few_digits: DataSettings) -> None:
    training = make_training(few_digits, RECIPE, lambda: plain_network(width=512), device="cuda")
    estimated = of_training(training.model, training._data, RECIPE, training._execution, CrossEntropy())
    data = training._data
    for _ in range(2):
        torch.cuda.reset_peak_memory_stats()
        pixels, labels = data.train.take(torch.arange(192))
        training.step(data.normalize(pixels), labels, 9, 10)
    assert estimated.of(192) == pytest.approx(torch.cuda.max_memory_allocated(), rel=0.2)
    room = capacity(training._execution.device, None)
    assert room is not None
    assert need_of(training._execution.device, estimated.of(192), room).device.count("GPU") == 1


def test_batches_are_halved_until_they_fit() -> None:
    memory = StepMemory(fixed=100.0, per_image=10.0)
    assert memory.parts_to_fit(64, 740) == 1
    assert memory.parts_to_fit(64, 739) == 2
    assert memory.parts_to_fit(64, 120) == 32
    with pytest.raises(MemoryError, match=r"on 2 images takes 0.00 GB"):
        memory.parts_to_fit(64, 119)


def test_memory_is_counted_where_it_is_declared_or_a_gpus() -> None:
    assert capacity(torch.device("cpu"), None) is None
    assert capacity(torch.device("cpu"), 5) == 5


class Unnormalized(nn.Module):
    """Nothing in it looks at a batch as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.layers(x)
        return y


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_steps_in_parts_are_the_steps_of_whole_batches(few_digits: DataSettings, parts: int) -> None:
    ends = []
    for recipe in (RECIPE, dataclasses.replace(RECIPE, parts=parts)):
        training = make_training(few_digits, recipe, Unnormalized)
        pixels, labels = training._data.train.take(torch.arange(100))
        losses = [training.step(training._data.normalize(pixels), labels, step, 4) for step in range(4)]
        ends.append((torch.stack(losses), *training.model.parameters()))
    for whole, divided in zip(*ends, strict=True):
        torch.testing.assert_close(divided, whole, rtol=1e-4, atol=1e-5)


def evaluator(data: DataSettings, folder: Path, memory_gb: float | None, width: int = 32) -> TrainingEvaluator:
    return TrainingEvaluator(
        lambda candidate: plain_network(width=width),
        data,
        TrainSettings(batch_size=192, memory_gb=memory_gb),
        device="cpu",
        checkpoints=str(folder),
        split_seed=0,
    )


def test_a_worker_asks_before_its_first_full_batch_and_divides_what_does_not_fit(
    few_digits: DataSettings, tmp_path: Path
) -> None:
    told: list[Progress] = []
    outcomes: dict[float | None, Evaluation] = {}
    for memory_gb in (None, 1.0, 0.002):
        told.clear()
        outcome = evaluator(few_digits, tmp_path / str(memory_gb), memory_gb).evaluate(TASK, told.append)
        assert isinstance(outcome, Evaluation)
        outcomes[memory_gb] = outcome
        asked = [progress for progress in told if progress.memory is not None]
        assert [progress.epochs for progress in told if progress.memory is None] == [0, 1, 2, 3]
        assert len(asked) == (memory_gb is not None)
        if memory_gb is not None:
            assert told[0] is asked[0]
            need = asked[0].memory
            assert isinstance(need, MemoryNeed)
            assert need.capacity == memory_gb * 1e9
            assert need.bytes <= need.capacity
    assert "memory" not in outcomes[None].details
    assert outcomes[1.0].details["memory"]["parts"] == 1
    assert outcomes[0.002].details["memory"]["parts"] > 1
    # Measuring leaves no trace in a training that need not be divided.
    assert outcomes[1.0].details["curve"] == outcomes[None].details["curve"]


def test_a_network_that_cannot_be_divided_enough_is_recorded_as_out_of_memory(
    few_digits: DataSettings, tmp_path: Path
) -> None:
    outcome = evaluator(few_digits, tmp_path, 0.00001).evaluate(TASK, lambda progress: None)
    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.OUT_OF_MEMORY
    assert "on 2 images takes" in outcome.message


LIMITED = """
import resource, sys
from pathlib import Path
import torch
from torch import nn
from evaluator.settings import DataSettings, TrainSettings
from evaluator.worker import TrainingEvaluator
from tests.evaluator.networks import plain_network
from tests.evaluator.test_worker import TASK

MEGABYTE = 2**20
ROOM = 4000 * MEGABYTE

class Greedy(nn.Module):
    def forward(self, x):
        torch.empty(len(x) * int(sys.argv[3]) * MEGABYTE, dtype=torch.uint8)
        return x

used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + ROOM,) * 2)
epochs = []
outcome = TrainingEvaluator(
    lambda candidate: nn.Sequential(Greedy(), plain_network()), DataSettings(cache=sys.argv[2], train_limit=300),
    TrainSettings(batch_size=192), device="cpu", checkpoints=sys.argv[1], split_seed=0,
).evaluate(TASK, lambda progress: epochs.append(progress.epochs))
said = getattr(outcome, "message", "")
print(type(outcome).__name__, getattr(outcome, "kind", ""), epochs, said)
"""


@pytest.mark.parametrize(
    ("megabytes_an_image", "ends"),
    [
        pytest.param(5, "Evaluation  [0, 1, 2, 3]", marks=pytest.mark.slow),
        (24, "Evaluation  [0, 0, 1, 2, 3]"),
        (60, "Failure out_of_memory [0, 0]"),
    ],
)
def test_an_allocation_that_really_fails_is_tried_once_more_in_parts(
    cache: Path, tmp_path: Path, megabytes_an_image: int, ends: str
) -> None:
    """With room for 4000 MB a batch of 192 images goes in whole, only in halves, or not even so."""
    command = [sys.executable, "-c", LIMITED, str(tmp_path), str(cache), str(megabytes_an_image)]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}", "OMP_NUM_THREADS": "1"}
    said = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, cwd=root)
    assert said.stdout.startswith(ends), said.stdout + said.stderr
