from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from evaluator.device import resolve_device, resolve_execution
from evaluator.images.augmentation import Normalization, make_augmentation
from evaluator.images.batches import BatchSource
from evaluator.images.data import load
from evaluator.settings import DataSettings, TrainSettings
from evaluator.training.averaging import AveragedNetwork
from evaluator.training.checkpoint import Checkpoints
from evaluator.training.losses import CrossEntropy
from evaluator.training.recipe import Recipe
from evaluator.training.schedules import averaging_decay, learning_rate
from evaluator.training.trainer import DivergedError, Training, TrainingData, epoch_seed
from evaluator.training.training_step import LARGEST_NORM
from tests.evaluator.networks import SoftShuffle, plain_network, shuffling_network


class KilledError(Exception):
    """Stands for the end of a process in the middle of a training."""


SETTINGS = TrainSettings(epochs=3, batch_size=32)
RECIPE = Recipe(settings=SETTINGS, epochs=3, seed=5, lr=0.1, weight_decay=1e-3, orth_weight=0.5)


def make_training(
    data: DataSettings,
    recipe: Recipe,
    build: Callable[[], nn.Module] = shuffling_network,
    device: str = "cpu",
    class_weights: torch.Tensor | None = None,
) -> Training:
    execution = resolve_execution(recipe.settings, resolve_device(device))
    splits = load(data, 0)
    loaded = TrainingData(
        train=BatchSource(splits.train, execution.device),
        validation=BatchSource(splits.validation, execution.device),
        augment=make_augmentation(splits.summary),
        normalize=Normalization(splits.summary, execution.device, execution.memory_format),
    )
    torch.manual_seed(recipe.seed)
    return Training(build(), loaded, recipe, execution, CrossEntropy(recipe.settings.label_smoothing, class_weights))


Tell = Callable[[int, float | None], bool | None]


def run(training: Training, folder: Path, tell: Tell = lambda *_: True) -> Training:
    training.run(Checkpoints(folder, {}, least_seconds=0.0), tell)
    return training


def kill_after(epochs: int) -> Tell:
    def tell(done: int, _accuracy: float | None) -> None:
        if done == epochs:
            raise KilledError

    return tell


def state(training: Training) -> dict[str, torch.Tensor]:
    return {
        **training.model.state_dict(),
        **{f"averaged {k}": v for k, v in training.averaged.network.state_dict().items()},
    }


def assert_same(a: Training, b: Training) -> None:
    first, second = state(a), state(b)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert a.curve == b.curve


class Noisy(nn.Module):
    """Draws numbers while it trains, as a module with noise or dropout does."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Dropout(0.2), shuffling_network())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.network(x)
        return y


@pytest.mark.parametrize("build", [shuffling_network, Noisy])
@pytest.mark.parametrize("killed_after", [1, 2])
def test_a_killed_training_ends_bit_for_bit_as_one_that_was_not(
    few_digits: DataSettings, tmp_path: Path, build: Callable[[], nn.Module], killed_after: int
) -> None:
    whole = run(make_training(few_digits, RECIPE, build), tmp_path / "whole")
    with pytest.raises(KilledError):
        run(make_training(few_digits, RECIPE, build), tmp_path / "killed", kill_after(killed_after))
    torch.manual_seed(99)
    resumed = make_training(few_digits, dataclasses.replace(RECIPE), build)
    told: list[int] = []
    run(resumed, tmp_path / "killed", lambda epochs, _accuracy: told.append(epochs))
    assert told == list(range(killed_after, 4))
    assert resumed.resumed_epochs == killed_after
    assert_same(whole, resumed)
    assert resumed.seconds > 0


def test_a_checkpoint_of_another_network_is_not_loaded(few_digits: DataSettings, tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        run(make_training(few_digits, RECIPE), tmp_path, kill_after(2))
    told: list[int] = []
    run(make_training(few_digits, RECIPE, plain_network), tmp_path, lambda epochs, _accuracy: told.append(epochs))
    assert told == [0, 1, 2, 3]


def test_the_same_seed_gives_the_same_network_and_another_seed_another(
    few_digits: DataSettings, tmp_path: Path
) -> None:
    first = run(make_training(few_digits, RECIPE), tmp_path / "1")
    assert_same(first, run(make_training(few_digits, RECIPE), tmp_path / "2"))
    other = run(make_training(few_digits, dataclasses.replace(RECIPE, seed=6)), tmp_path / "3")
    assert other.curve != first.curve


def test_one_epoch_equals_the_same_steps_written_out(few_digits: DataSettings, tmp_path: Path) -> None:
    settings = TrainSettings(batch_size=64, precision="fp32", channels_last=False, momentum=0.8)
    recipe = Recipe(settings=settings, epochs=1, seed=3, lr=0.2, weight_decay=0.0, orth_weight=20.0)
    training = make_training(few_digits, recipe)

    splits = load(few_digits, 0)
    torch.manual_seed(3)
    model = shuffling_network()
    averaged = AveragedNetwork(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.8, nesterov=True)
    generator = torch.Generator().manual_seed(epoch_seed(3, 0))
    order = torch.randperm(240, generator=generator)
    choices = make_augmentation(splits.summary).draw(240, generator)
    losses, norms = [], []
    for step in range(3):
        chosen = slice(64 * step, 64 * step + 64)
        rows = splits.train.rows[order[chosen].numpy()]
        images = make_augmentation(splits.summary).apply(torch.from_numpy(splits.train.images[rows]), choices[chosen])
        pixels = (images.permute(0, 3, 1, 2) / 255 - splits.summary.mean[0]) / splits.summary.std[0]
        shuffle = model[3]
        assert isinstance(shuffle, SoftShuffle)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, 3, peak=0.2 * 64 / 128, warmup=0.1)
        logits = model(pixels)
        ramped = min(step / (0.25 * 3), 1.0)
        loss = F.cross_entropy(logits, torch.from_numpy(splits.train.labels[rows]), label_smoothing=0.1)
        loss = loss + 20 * ramped * shuffle.penalty()
        optimizer.zero_grad()
        loss.backward()
        norm = sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None) ** 0.5
        for parameter in model.parameters():
            assert parameter.grad is not None
            parameter.grad *= min(1.0, LARGEST_NORM / norm)
        optimizer.step()
        averaged.update(averaging_decay(step, decay=0.99))
        losses.append(loss.item())
        norms.append(norm)

    run(training, tmp_path)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(training.model.state_dict()[name], tensor, rtol=1e-4, atol=1e-5)
    for name, tensor in averaged.network.state_dict().items():
        torch.testing.assert_close(training.averaged.network.state_dict()[name], tensor, rtol=1e-4, atol=1e-5)
    assert min(norms) < LARGEST_NORM < max(norms)
    assert training.curve[0]["loss"] == pytest.approx(sum(losses) / 3, rel=1e-4)


def test_learned_shuffles_are_told_their_share_of_the_full_budget(few_digits: DataSettings, tmp_path: Path) -> None:
    training = run(make_training(few_digits, RECIPE), tmp_path)
    shuffle = training.model[3]  # type: ignore[index]
    assert isinstance(shuffle, SoftShuffle)
    steps = 240 // 32
    assert shuffle.progress == pytest.approx([step / (3 * steps) for step in range(3 * steps)])


def test_a_heavier_penalty_makes_the_shuffle_more_nearly_a_permutation(
    few_digits: DataSettings, tmp_path: Path
) -> None:
    def distance(weight: float) -> float:
        recipe = dataclasses.replace(RECIPE, orth_weight=weight)
        shuffle = run(make_training(few_digits, recipe), tmp_path / str(weight)).model[3]  # type: ignore[index]
        soft = shuffle.logits.detach().softmax(dim=1)
        return float((soft @ soft.T - torch.eye(len(soft))).square().sum())

    assert distance(5.0) < 0.8 * distance(0.0)


def test_the_curve_has_an_entry_an_epoch_and_ends_without_a_measurement(
    few_digits: DataSettings, tmp_path: Path
) -> None:
    curve = run(make_training(few_digits, RECIPE), tmp_path).curve
    assert [entry["epoch"] for entry in curve] == [1, 2, 3]
    assert ["accuracy" in entry for entry in curve] == [True, True, False]  # the evaluator adds the last one


def test_validation_images_that_cost_too_much_are_not_measured_each_epoch(
    few_digits: DataSettings, tmp_path: Path
) -> None:
    data = dataclasses.replace(few_digits, validation_share=0.4)
    assert not any("accuracy" in entry for entry in run(make_training(data, RECIPE), tmp_path).curve)


def test_fewer_images_than_a_batch_are_one_batch(few_digits: DataSettings, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, settings=TrainSettings(batch_size=1000))
    assert len(run(make_training(few_digits, recipe), tmp_path).curve) == 3


def test_a_loss_that_is_not_finite_is_told_with_its_epoch_and_step(few_digits: DataSettings, tmp_path: Path) -> None:
    class Breaking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = plain_network()
            self.calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += self.training
            y: torch.Tensor = self.network(x) * (float("nan") if self.calls == 10 and self.training else 1.0)
            return y

    with pytest.raises(DivergedError, match="the loss is nan at step 3 of epoch 2"):
        run(make_training(few_digits, RECIPE, Breaking), tmp_path)


def test_a_last_step_that_breaks_the_weights_is_a_divergence(few_digits: DataSettings, tmp_path: Path) -> None:
    steps = 3 * (240 // 32)
    calls = 0

    def explode(gradient: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return gradient * float("inf") if calls == steps else gradient

    training = make_training(few_digits, RECIPE, plain_network)
    next(training.model.parameters()).register_hook(explode)
    with pytest.raises(DivergedError, match="the averaged weights are not all finite after epoch 3"):
        run(training, tmp_path)
    assert len(training.curve) == 3  # every loss was finite


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_training_learns_the_digits(
    digits: DataSettings, tmp_path: Path, precision: str, channels_last: bool
) -> None:
    settings = TrainSettings(precision=precision, channels_last=channels_last)
    recipe = Recipe(settings=settings, epochs=6, seed=0, lr=0.3, weight_decay=1e-4, orth_weight=0.1)
    training = run(make_training(digits, recipe, lambda: shuffling_network(width=16)), tmp_path)
    assert training.measure().value("accuracy") > 80
    assert training.curve[-1]["loss"] < training.curve[0]["loss"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_gpu_learns_the_digits_and_goes_on_from_a_checkpoint(
    digits: DataSettings, tmp_path: Path, precision: str
) -> None:
    recipe = Recipe(
        settings=TrainSettings(precision=precision), epochs=6, seed=0, lr=0.3, weight_decay=1e-4, orth_weight=0.1
    )
    with pytest.raises(KilledError):
        run(make_training(digits, recipe, device="cuda"), tmp_path, kill_after(3))
    training = run(make_training(digits, recipe, device="cuda"), tmp_path)
    assert training.resumed_epochs == 3
    assert training.measure().value("accuracy") > 70


def test_a_training_that_was_paused_at_a_rung_ends_as_one_that_was_not(digits: DataSettings, tmp_path: Path) -> None:
    plan = dataclasses.replace(RECIPE, epochs=3, rungs=(1, 2))
    whole = run(make_training(digits, plan), tmp_path / "whole")
    told: list[tuple[int, float | None]] = []

    def pause_at_two(epochs: int, accuracy: float | None) -> bool:
        told.append((epochs, accuracy))
        return epochs != 2

    paused = run(make_training(digits, plan), tmp_path / "parts", pause_at_two)
    assert (paused.epochs_done, paused.is_finished) == (2, False)
    assert told == [(0, None), (1, whole.curve[0]["accuracy"]), (2, whole.curve[1]["accuracy"])]
    ended = run(make_training(digits, plan), tmp_path / "parts", pause_at_two)
    assert ended.resumed_epochs == 2
    assert ended.is_finished
    for name, value in whole.averaged.network.state_dict().items():
        assert torch.equal(ended.averaged.network.state_dict()[name], value), name
