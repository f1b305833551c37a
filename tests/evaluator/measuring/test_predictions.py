"""The answers beside a network's weights come back as they were, and nothing else is taken for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from evaluator.device import Execution
from evaluator.images.augmentation import Normalization
from evaluator.images.batches import BatchSource
from evaluator.images.data import load
from evaluator.measures import MEASURES
from evaluator.measuring.metrics import score
from evaluator.measuring.predictions import Predictions, read_predictions
from evaluator.settings import DataSettings
from nas.errors import OutputError
from nas.values.json_fields import MalformedError

PREDICTIONS = Predictions(predicted=(2, 0, 1), confidence=(0.5, 1.0, 0.3334))


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "answers.json"
    record = {**json.loads(PREDICTIONS.to_bytes("f00")), **changes}
    path.write_text(json.dumps(record))
    return path


def test_answers_come_back(tmp_path: Path) -> None:
    assert read_predictions(written(tmp_path), images=3, classes=3, fingerprint="f00") == PREDICTIONS


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": "other"},
        {"format": 2},
        {"predicted": [2, 0]},
        {"predicted": [2, 0, 3]},
        {"predicted": [2, 0, -1]},
        {"predicted": [2, 0, 1.5]},
        {"predicted": {"0": 1}},
        {"confidence": [0.5, 1.0, 1.01]},
        {"confidence": [0.5, 1.0, -0.1]},
        {"confidence": ["0.5", 1.0, 0.1]},
    ],
    ids=str,
)
def test_what_cannot_be_the_answers_to_these_images_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(MalformedError):
        read_predictions(written(tmp_path, **changes), images=3, classes=3, fingerprint="f00")


@pytest.mark.parametrize("content", [b"\x80\x04N.", b"{", b"[1]", b"x" * 100_000, b'{"format": NaN}'])
def test_a_file_of_another_form_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_bytes(content)
    with pytest.raises((OutputError, MalformedError)):
        read_predictions(path, images=3, classes=3, fingerprint="f00")


def test_answers_are_of_the_pass_from_which_the_measures_are_taken() -> None:
    splits = load(DataSettings(name="digits"), seed=0)
    execution = Execution(device=torch.device("cpu"), precision="fp32", channels_last=False)
    images = BatchSource(splits.validation, execution.device)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    normalize = Normalization(splits.summary, execution.device, execution.memory_format)
    found = score(network, images, normalize, execution, batch_size=50)
    assert found.predictions is not None
    labels = splits.validation.labels[splits.validation.rows]
    right = sum(one == two for one, two in zip(found.predictions.predicted, labels, strict=True))
    assert 100 * right / len(labels) == pytest.approx(MEASURES["accuracy"].value(found.answers), abs=1e-12)
    pixels, _ = images.take(torch.arange(len(images)))
    with torch.no_grad():
        shares, classes = network(normalize(pixels)).softmax(dim=1).max(dim=1)
    assert list(found.predictions.predicted) == classes.tolist()
    torch.testing.assert_close(torch.tensor(found.predictions.confidence), shares)


def test_a_diverged_network_has_confidences_too() -> None:
    splits = load(DataSettings(name="digits"), seed=0)
    execution = Execution(device=torch.device("cpu"), precision="fp32", channels_last=False)
    images = BatchSource(splits.validation, execution.device)
    layer = nn.Linear(64, 10)
    nn.init.constant_(layer.weight, float("nan"))
    network = nn.Sequential(nn.Flatten(), layer).eval()
    normalize = Normalization(splits.summary, execution.device, execution.memory_format)
    found = score(network, images, normalize, execution, batch_size=500).predictions
    assert found is not None
    assert set(found.confidence) == {0.0}
