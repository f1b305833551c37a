from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from evaluator.augmentation import Normalization
from evaluator.batches import BatchSource
from evaluator.data import load
from evaluator.device import resolve_execution
from evaluator.metrics import Score, learned_shuffles, score
from evaluator.penalties import mean_penalty
from evaluator.settings import DataSettings, TrainSettings
from module_protocols import EvaluationMode
from tests.evaluator.networks import SoftShuffle, plain_network, shuffling_network

CPU = torch.device("cpu")


def test_the_deviation_of_an_accuracy_is_binomial() -> None:
    accuracy = Score(correct=30, images=40, mixers={}).accuracy()
    assert accuracy.mean == 75
    assert accuracy.standard_error == pytest.approx(100 * math.sqrt((31 / 42) * (11 / 42) / 40))


def test_a_perfect_score_and_a_score_of_nothing_are_equally_uncertain() -> None:
    perfect, nothing = (Score(correct=k, images=8, mixers={}).accuracy() for k in (8, 0))
    assert (perfect.mean, nothing.mean) == (100, 0)
    assert [perfect.std, nothing.std] == pytest.approx([30, 30])  # 9 of 10, 1 of 10: the root of 0.9 * 0.1 is 0.3


def measure(
    network: nn.Module, data: DataSettings, batch_size: int, mode: EvaluationMode = EvaluationMode.HARD
) -> Score:
    splits = load(data, 0)
    execution = resolve_execution(TrainSettings(), CPU)
    normalize = Normalization(splits.summary, CPU, execution.memory_format)
    images = BatchSource(splits.validation, CPU)
    return score(network.eval(), images, normalize, execution, batch_size=batch_size, mode=mode)


@pytest.mark.parametrize("batch_size", [1, 50, 1000])
def test_the_correct_images_are_counted_whatever_the_batch(digits: DataSettings, batch_size: int) -> None:
    class Constant(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.eye(10)[3].expand(len(x), 10)

    validation = load(digits, 0).validation
    expected = int((validation.labels[validation.rows] == 3).sum())
    assert measure(Constant(), digits, batch_size) == Score(correct=expected, images=len(validation), mixers={})


def test_statistics_of_the_hard_shuffles_are_averaged_over_the_images(few_digits: DataSettings) -> None:
    network = shuffling_network()
    shuffle = network[3]
    assert isinstance(shuffle, SoftShuffle)
    calls = iter([1.0, 1.0, 0.25])  # two batches of 25 images and one of 10
    shuffle.statistics = lambda: {"valid": next(calls)}  # type: ignore[method-assign]
    hard = measure(network, few_digits, 25)
    assert hard.images == 60
    assert hard.mixers == {"3": {"valid": pytest.approx((25 + 25 + 2.5) / 60)}}


def test_soft_evaluation_uses_the_soft_matrices_and_is_switched_off_again(few_digits: DataSettings) -> None:
    network = shuffling_network()
    seen = []
    network[3].register_forward_hook(lambda module, inputs, output: seen.append(module.evaluation_mode))
    assert measure(network, few_digits, 100, mode=EvaluationMode.SOFT).mixers == {}
    measure(network, few_digits, 100)
    assert seen == [EvaluationMode.SOFT, EvaluationMode.HARD]


def test_learned_shuffles_are_found_by_their_type() -> None:
    assert list(learned_shuffles(shuffling_network())) == ["3"]
    assert learned_shuffles(plain_network()) == {}


class Penalized(SoftShuffle):
    """A shuffle with a given penalty."""

    def __init__(self, value: torch.Tensor) -> None:
        super().__init__(4)
        self.value = value

    def penalty(self) -> torch.Tensor:
        return self.value


def test_a_shuffle_that_can_have_no_penalty_does_not_make_that_of_others_smaller() -> None:
    free = Penalized(torch.zeros(()))
    penalties = [torch.tensor(value, requires_grad=True) for value in (0.2, 0.4)]
    penalized = [Penalized(value) for value in penalties]
    assert mean_penalty([*penalized, free]).item() == pytest.approx(0.3)
    assert mean_penalty([free, free]).item() == 0
