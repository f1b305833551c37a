from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import nn

from evaluator.device import resolve_execution
from evaluator.images.augmentation import Normalization
from evaluator.images.batches import BatchSource
from evaluator.images.data import load
from evaluator.measures import MEASURES
from evaluator.measures.answers import Answers
from evaluator.measuring.metrics import Score, learned_shuffles, score
from evaluator.settings import DataSettings, TrainSettings
from evaluator.training.penalties import mean_penalty
from module_protocols import EvaluationMode
from nas.values.plausible import RefusedNumberError
from tests.evaluator.networks import SoftShuffle, plain_network, shuffling_network

CPU = torch.device("cpu")


def score_of(correct: int, images: int, mixers: Mapping[str, Mapping[str, float]] | None = None) -> Score:
    """Of two classes, all images being of the first."""
    confusion = np.array([[correct, images - correct], [0, 0]])
    return Score(
        answers=Answers(confusion=confusion, loss=float(images), squared_loss=float(images)), mixers=mixers or {}
    )


def test_a_perfect_score_and_a_score_of_nothing_are_equally_uncertain() -> None:
    perfect, nothing = (score_of(k, 8).measurements("accuracy")["accuracy"] for k in (8, 0))
    assert (perfect.mean, nothing.mean) == (100, 0)
    assert [perfect.std, nothing.std] == pytest.approx([30, 30])  # 9 of 10, 1 of 10: the root of 0.9 * 0.1 is 0.3


def test_every_measure_is_taken_from_one_pass(few_digits: DataSettings) -> None:
    network = plain_network()
    passes: list[int] = []
    network.register_forward_hook(lambda _module, inputs, _output: passes.append(len(inputs[0])))
    measured = measure(network, few_digits, 25)
    assert sum(passes) == measured.answers.images == 60
    assert list(measured.measurements("accuracy")) == list(MEASURES)


def test_a_measure_that_is_no_number_is_left_out_unless_it_is_what_is_learned() -> None:
    broken = Answers(confusion=np.array([[1, 1], [0, 2]]), loss=math.nan, squared_loss=math.nan)
    measured = Score(answers=broken, mixers={})
    assert list(measured.measurements("accuracy")) == ["accuracy", "balanced_accuracy", "macro_f1"]
    with pytest.raises(RefusedNumberError):
        measured.measurements("cross_entropy")


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
    labels = validation.labels[validation.rows]
    measured = measure(Constant(), digits, batch_size)
    confusion = np.zeros((10, 10), dtype=np.int64)
    confusion[:, 3] = np.bincount(labels, minlength=10)
    assert (measured.answers.confusion == confusion).all()
    # Nine classes of logit 0 and one of 1.
    rest = math.log(9 + math.e)
    expected = [rest - (label == 3) for label in labels]
    assert measured.value("cross_entropy") == pytest.approx(np.mean(expected), rel=1e-5)
    assert measured.mixers == {}


def test_statistics_of_the_hard_shuffles_are_averaged_over_the_images(few_digits: DataSettings) -> None:
    network = shuffling_network()
    shuffle = network[3]
    assert isinstance(shuffle, SoftShuffle)
    calls = iter([1.0, 1.0, 0.25])  # two batches of 25 images and one of 10
    shuffle.statistics = lambda: {"valid": next(calls)}  # type: ignore[method-assign]
    hard = measure(network, few_digits, 25)
    assert hard.answers.images == 60
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
