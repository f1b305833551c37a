"""Steps that a graph can repeat are the plain steps, and on a GPU the graph is the step."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.ablation.arms import ARMS, Images, build
from benchmarks.ablation.settings import AblationSettings
from evaluator.settings import DataSettings, TrainSettings
from evaluator.training.captured_step import WARM_STEPS, CapturedSteps, Chosen
from evaluator.training.recipe import Recipe
from evaluator.training.trainer import Training
from module_protocols import LearnedShuffle
from tests.evaluator.training.test_trainer import make_training

IMAGES = Images(size=8, channels=1, classes=10)
SMALL = AblationSettings(width=16, units=(1, 2, 1))
STEPS = 12
RECIPE = Recipe(
    settings=TrainSettings(epochs=1, batch_size=16, precision="fp32"),
    epochs=1,
    seed=3,
    lr=0.1,
    weight_decay=1e-3,
    orth_weight=0.5,
)
ON_THE_HOST = ("restored", "restored_varied")
"""Arms whose permutations are rounded on the CPU."""


def training_of(arm: str, data: DataSettings, device: str = "cpu", **changes: Any) -> Training:
    settings = dataclasses.replace(RECIPE.settings, **changes)
    recipe = dataclasses.replace(RECIPE, settings=settings)
    return make_training(data, recipe, lambda: build(arm, SMALL, IMAGES), device)


def chosen_images(training: Training, steps: int = STEPS) -> list[Chosen]:
    generator = torch.Generator().manual_seed(0)
    device = training._execution.device
    return [
        Chosen(
            positions=torch.randint(0, 200, (16,), generator=generator).to(device),
            choices=training._data.augment.draw(16, generator).to(device),
        )
        for _ in range(steps)
    ]


def losses_of(training: Training) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.stack([training._step(chosen, k, STEPS).clone() for k, chosen in enumerate(chosen_images(training))])


def state_of(training: Training) -> dict[str, torch.Tensor]:
    return {
        f"{name} {key}": value
        for name, network in (("model", training.model), ("averaged", training.averaged.network))
        for key, value in network.state_dict().items()
    }


@pytest.mark.parametrize(
    "arm", ["fixed", "dynamic", "gated", "late", "annealed_soft", "static_dynamic", "blend", "soft"]
)
def test_steps_from_tensors_are_the_plain_steps(arm: str, few_digits: DataSettings) -> None:
    plain, by_tensors = training_of(arm, few_digits), training_of(arm, few_digits)
    by_tensors._captured = CapturedSteps(by_tensors._batch_step, torch.device("cpu"))
    torch.testing.assert_close(losses_of(by_tensors), losses_of(plain), rtol=1e-4, atol=1e-5)
    for name, value in state_of(plain).items():
        torch.testing.assert_close(
            state_of(by_tensors)[name], value, rtol=1e-3, atol=1e-4, msg=partial("{}: {}".format, name)
        )


def test_a_step_on_a_cpu_is_never_captured(few_digits: DataSettings) -> None:
    assert training_of("dynamic", few_digits)._captured is None


def test_phases_tell_when_python_decides_otherwise() -> None:
    late = build("late", SMALL, IMAGES).train()
    shuffles = [module for module in late.modules() if isinstance(module, LearnedShuffle)]
    assert shuffles
    phases = []
    for share in (0.0, 0.59, 0.61, 1.0):
        for shuffle in shuffles:
            shuffle.set_progress(share)
        phases.append(tuple(shuffle.phase() for shuffle in shuffles))
    assert phases[0] == phases[1] != phases[2] == phases[3]


def test_a_shuffle_that_says_nothing_of_its_phases_is_not_captured(few_digits: DataSettings) -> None:
    training = training_of("fixed", few_digits)
    asked: list[Chosen] = []

    class Silent(nn.Module):
        def phase(self) -> None:
            return None

        def set_progress(self, share: float) -> None: ...

    training._shuffles = [Silent()]  # type: ignore[list-item]
    training._captured = lambda chosen, *_: asked.append(chosen)  # type: ignore[assignment]
    training._batch_step = lambda chosen, numbers: torch.zeros(())  # type: ignore[method-assign]
    training._step(chosen_images(training, 1)[0], 0, STEPS)
    assert not asked


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("arm", ARMS)
def test_on_a_gpu_the_graph_is_the_step(arm: str, few_digits: DataSettings) -> None:
    plain, captured = (training_of(arm, few_digits, "cuda", graphs=graphs) for graphs in (False, True))
    assert plain._captured is None
    assert captured._captured is not None
    # Gathers are added up in any order on a GPU, and near a tie one rounding may choose another row: the first steps tell.
    first = slice(0, WARM_STEPS + 4)
    torch.testing.assert_close(losses_of(captured)[first], losses_of(plain)[first], rtol=2e-2, atol=2e-2)
    assert captured._captured._may_capture, "the step could not be recorded"
    assert (captured._captured._graph is None) == (arm in ON_THE_HOST)
