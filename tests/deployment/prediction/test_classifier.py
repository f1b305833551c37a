"""A classifier answers on images of any origin exactly as the network answered in its search."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from deployment import load_classifier
from evaluator.images.data import load
from evaluator.settings import DataSettings
from evaluator.sources.reading import read
from evaluator.sources.registry import find_source
from evaluator.sources.screening import screen
from evaluator.sources.split_roles import Role
from image_search.settings import Settings
from nas.errors import DataError, NasError
from nas.seeds import derive_seed

ROOT = Path(__file__).parents[3]


def front(run: Path) -> dict[int, tuple[float, Any]]:
    """Accuracy and answers in the search of each network of the front."""
    rows = pd.read_csv(run / "pareto.csv")
    found = {}
    for number, accuracy in zip(rows["trial"], rows["accuracy"], strict=True):
        answers = json.loads((run / "models" / str(number) / "answers.json").read_text())
        found[int(number)] = (float(accuracy), answers)
    assert found
    return found


def validation_files(settings: Settings, scratch: Path) -> tuple[list[Path], list[str]]:
    """The files of the validation images of a search and their classes, in the order of the split."""
    raw = read(find_source(settings.data), settings.data, scratch)
    screened = screen(raw, {}, skip_small=False)
    kept = screened.parts[Role.TRAIN]
    rows = load(settings.data, derive_seed(settings.search.seed, "split")).validation.rows
    names = [raw.splits[Role.TRAIN].describe(int(kept.rows[row])) for row in rows]
    classes = [screened.class_names[kept.labels[row]] for row in rows]
    return [Path(settings.data.name) / name for name in names], classes


def digits() -> npt.NDArray[np.uint8]:
    images: npt.NDArray[np.uint8] = np.round(load_digits().images * 255 / 16).astype(np.uint8)
    return images


def test_the_accuracy_on_digits_is_that_of_the_search(digits_run: Path) -> None:
    validation = load(DataSettings(name="digits"), derive_seed(0, "split")).validation
    of_pixels = {image.tobytes(): image for image in digits()}
    images = [of_pixels[validation.images[row].tobytes()][:, :, None] for row in validation.rows]
    labels = [str(validation.labels[row]) for row in validation.rows]
    for trial, (accuracy, answers) in front(digits_run).items():
        found = load_classifier(digits_run / "models" / str(trial))(images)
        right = sum(each.class_name == label for each, label in zip(found, labels, strict=True))
        assert 100 * right / len(labels) == pytest.approx(accuracy, abs=1e-9)
        assert [int(each.class_name) for each in found] == answers["predicted"]
        assert len(set(answers["predicted"])) > 3


def test_the_accuracy_on_files_is_that_of_the_search(photos_settings: Settings, tmp_path: Path) -> None:
    files, classes = validation_files(photos_settings, tmp_path)
    assert {file.suffix for file in files} == {".png", ".PNG", ".jpg"}
    networks = front(Path(photos_settings.output))
    assert any(len(set(answers["predicted"])) > 1 for _, answers in networks.values())
    for trial, (accuracy, answers) in networks.items():
        classifier = load_classifier(Path(photos_settings.output) / "models" / str(trial))
        found = classifier(files)
        right = sum(each.class_name == name for each, name in zip(found, classes, strict=True))
        assert 100 * right / len(files) == pytest.approx(accuracy, abs=1e-9)
        assert [each.class_name for each in found] == [classifier.class_names[k] for k in answers["predicted"]]
        np.testing.assert_allclose([each.probability for each in found], answers["confidence"], rtol=0, atol=1e-4)


def test_paths_opened_images_and_pixels_are_the_same(photos_settings: Settings, tmp_path: Path) -> None:
    classifier = load_classifier(photos_settings.output)
    file = sorted(Path(photos_settings.data.name).glob("dark/*.jpg"))[0]
    with Image.open(file) as image:
        turned = np.asarray(image.transpose(Image.Transpose.ROTATE_270))
        by_path, by_text, by_image, by_pixels = classifier([file, str(file), image, turned])
    assert by_path == by_text == by_image == by_pixels
    assert classifier.class_names == ("dark", "light side", "middle")
    assert sorted(by_path.probabilities) == ["dark", "light side", "middle"]
    assert sum(by_path.probabilities.values()) == pytest.approx(1)
    assert list(by_path.probabilities.values()) == sorted(by_path.probabilities.values(), reverse=True)
    assert by_path.probabilities[by_path.class_name] == by_path.probability
    with pytest.raises(dataclasses.FrozenInstanceError):
        by_path.probability = 1.0  # type: ignore[misc]


def test_more_images_than_a_batch_keep_their_order(digits_run: Path) -> None:
    classifier = load_classifier(digits_run)
    images = [image[:, :, None] for image in digits()[:150]]
    one_by_one = [classifier([image])[0].class_name for image in images]
    assert len(set(one_by_one)) > 1
    assert [each.class_name for each in classifier(iter(images))] == one_by_one
    assert [each.class_name for each in classifier(np.stack(images))] == one_by_one
    assert classifier([]) == []


def test_images_that_cannot_be_used_are_named(digits_run: Path, tmp_path: Path) -> None:
    classifier = load_classifier(digits_run)
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(DataError, match=r"2 of 3 images cannot be used: .*text\.png: it is not an image.*gone\.png"):
        classifier([tmp_path / "text.png", digits()[0][:, :, None], tmp_path / "gone.png"])
    wrong: list[Any] = ["cat.png", digits()[0], digits()[0][:, :, None]]
    for image in wrong:
        with pytest.raises(DataError, match="a single image was given"):
            classifier(image)
    for pixels in (
        digits()[0],
        digits()[0][:, :, None] / 255,
        np.zeros((8, 8, 2), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
    ):
        with pytest.raises(DataError, match=r"allowed: uint8\[h w c\]"):
            classifier([pixels])


def test_a_gpu_that_is_not_there_is_refused(digits_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(NasError, match="no CUDA device"):
        load_classifier(digits_run, device="cuda")
    assert load_classifier(digits_run, device="auto").device == "cpu"


def test_the_package_is_light_until_a_model_is_loaded() -> None:
    code = """
import sys
import deployment
loaded = {"torch", "numpy", "PIL", "onnxruntime"} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
