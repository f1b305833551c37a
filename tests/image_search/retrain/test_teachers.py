from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from evaluator.images.data import DataSummary, prepare
from evaluator.settings import DataSettings
from image_search.retrain.teachers import given_teacher, make_teacher
from nas.errors import SettingsError
from search_spaces import load_model

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def digits() -> DataSummary:
    return prepare(DataSettings(name="digits"), seed=0)


def model(run: Path) -> Path:
    return next(path.parent for path in sorted(run.glob("models/*/candidate.json")))


def test_a_model_of_a_search_answers_as_itself_whatever_it_was_normalized_by(
    finished_search: Path, tmp_path: Path, digits: DataSummary
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model(finished_search), folder)
    images = torch.rand(3, 1, 8, 8)  # scaled to 0 to 1
    described = json.loads((folder / "candidate.json").read_text())
    described["data"] |= {"mean": [0.1], "std": [0.5]}
    (folder / "candidate.json").write_text(json.dumps(described))
    teacher = make_teacher({"form": "model", "path": str(folder)}, digits.mean, digits.std, CPU)
    ours = (images - digits.mean[0]) / digits.std[0]
    torch.testing.assert_close(teacher(ours), load_model(folder)((images - 0.1) / 0.5), rtol=1e-4, atol=1e-4)


def test_a_teacher_whose_files_have_changed_is_another_one(
    finished_search: Path, tmp_path: Path, digits: DataSummary
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model(finished_search), folder)
    first = given_teacher(str(folder), digits)
    assert given_teacher(str(model(finished_search)), digits).key == first.key, "its place does not matter"
    weights = torch.load(folder / "weights.pt", weights_only=True)
    name = next(name for name, tensor in weights.items() if tensor.is_floating_point())
    weights[name] += 1
    torch.save(weights, folder / "weights.pt")
    assert given_teacher(str(folder), digits).key != first.key


def test_an_exported_program_is_taken_if_it_fits(tmp_path: Path, digits: DataSummary) -> None:
    def exported(name: str, classes: int) -> Path:
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, classes)).eval()
        program = torch.export.export(
            network, (torch.zeros(2, 1, 8, 8),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
        )
        torch.export.save(program, tmp_path / name)
        return tmp_path / name

    assert given_teacher(str(exported("ten.pt2", 10)), digits).form == "program"
    with pytest.raises(SettingsError, match="tells 7 classes apart, and this run has 10"):
        given_teacher(str(exported("seven.pt2", 7)), digits)


@pytest.mark.parametrize("name", ["", "nowhere.onnx", "weights.pt"])
def test_what_is_no_teacher_is_refused(tmp_path: Path, name: str, digits: DataSummary) -> None:
    (tmp_path / "weights.pt").write_bytes(b"x")
    with pytest.raises(SettingsError, match="--teacher"):
        given_teacher(str(tmp_path / name), digits)
