"""The whole command, for real: networks of a search trained anew in worker processes, and measured on the test images once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

import image_search.retrain.run
from evaluator.images.augmentation import Normalization
from evaluator.images.batches import BatchSource
from evaluator.images.data import load, load_test
from evaluator.settings import DataSettings
from evaluator.training.schedules import learning_rate
from image_search.retrain.command import main
from nas.output.json_lines import read_lines
from nas.retraining.results import read_retrained
from search_spaces import load_model
from tests.image_search.retrain.conftest import Copy


def changed_trial(run: Path) -> int:
    """A trial of the run whose network is changed."""
    table = pd.read_csv(run / "trials.csv")
    changed = table[table["stage1.mixer"] != "fixed"]
    return int(changed["trial"].iloc[0])


def figures(run: Path) -> dict[str, Any]:
    return {line["training"]: line["measurements"] for line in read_lines(run / "retrained" / "tested.jsonl")}


def retrained_networks(run: Path) -> list[dict[str, Any]]:
    """Digest and learning rate of each network that was trained anew."""
    found = read_retrained(run)
    assert found is not None
    candidates = [one.network.candidate for one in found.entries]
    return [{"digest": one.digest, "lr": one.training["lr"]} for one in candidates]


def test_chosen_networks_and_unchanged_ones_are_trained_on_all_but_the_test_images_and_measured_once(
    copied: Copy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied("run")
    chosen = changed_trial(run)
    command = [str(run), "--trials", str(chosen), "--epochs", "2", "--seeds", "2", "--workers", "2"]
    assert main(command) == 0
    shown = capsys.readouterr().out

    table = pd.read_csv(run / "retrained.csv")
    assert list(table["role"]) == ["chosen", "unchanged"]
    assert table["beside"][1] == table["network"][0] or str(chosen) == str(table["beside"][1])
    assert table["minus_unchanged"][0] == pytest.approx(table["test_accuracy"][0] - table["test_accuracy"][1])
    assert list(table["test_openings"]) == [1, 1]
    trainings = read_lines(run / "retrained" / "trainings.jsonl")
    assert len(trainings) == 4
    for line in trainings:
        assert line["outcome"]["measurements"] == {}
        assert [set(point) for point in line["outcome"]["details"]["curve"]] == [{"epoch", "loss", "lr"}] * 2
    # The rate of the last step says how many steps there were, and these how many images.
    data = DataSettings(name="digits")
    splits = load(data, 0)
    steps = 2 * ((len(splits.train) + len(splits.validation)) // 128)
    assert steps > 2 * (len(splits.train) // 128)
    for line in trainings:
        candidate = next(one for one in retrained_networks(run) if one["digest"] == line["identity"]["digest"])
        rate = learning_rate(steps - 1, steps, peak=candidate["lr"], warmup=0.1)
        assert line["outcome"]["details"]["curve"][-1]["lr"] == pytest.approx(rate)
    (opening,) = read_lines(run / "test_openings.jsonl")
    assert (
        {model["training"] for model in opening["models"]}
        == set(figures(run))
        == {line["training"] for line in trainings}
    )

    # The deployed network is that of the first seed, and its accuracy is what was recorded.
    for name in table["name"]:
        model = load_model(run / "retrained" / "models" / name)
        described = json.loads((run / "retrained" / "models" / name / "candidate.json").read_text())
        assert described["data"]["train"] == splits.summary.train + splits.summary.validation
        assert described["data"]["validation"] == 0
        images = BatchSource(load_test(data), torch.device("cpu"))
        normalize = Normalization(splits.summary, torch.device("cpu"), torch.contiguous_format)
        right = sum(
            int((model(normalize(pixels)).argmax(dim=1) == labels).sum()) for pixels, labels in images.in_order(128)
        )
        assert 100 * right / len(images) == pytest.approx(figures(run)[f"{name}-seed0"]["accuracy"]["mean"])
    assert '"retrained":{"opened":"The 179 test images were opened once' in (run / "report.html").read_text()

    # The same command again trains nothing, opens nothing and shows the same.
    def refuse(*_arguments: object, **_options: object) -> None:
        raise AssertionError("there is nothing to train or to measure")

    monkeypatch.setattr(image_search.retrain.run, "make_engine", refuse)
    monkeypatch.setattr("evaluator.testing.load_test", refuse)
    assert main(command) == 0
    assert capsys.readouterr().out == shown
    assert len(read_lines(run / "test_openings.jsonl")) == 1


@pytest.mark.slow
def test_a_teacher_is_trained_first_and_a_second_opening_is_told_everywhere(
    copied: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied("run")
    chosen = changed_trial(run)
    command = [str(run), "--trials", str(chosen), "--epochs", "1", "--seeds", "2", "--workers", "2"]
    assert main([*command, "--teacher", "none,self", "--distillation", "dkd"]) == 0
    table = pd.read_csv(run / "retrained.csv")
    assert list(table["role"]).count("teacher") == 1
    taught = table[table["teacher"] != "none"]
    assert set(taught["teacher"]) == {"self, dkd, temperature 4, weight 0.5, beta 8"}
    assert taught["minus_untaught"].notna().all()
    order = [line["training"] for line in read_lines(run / "retrained" / "trainings.jsonl")]
    teacher = next(name for name in order if name.startswith("teacher-"))
    assert all(order.index(teacher) < order.index(name) for name in order if "-dkd-" in name)
    capsys.readouterr()

    assert main([*command, "--teacher", str(run / "retrained" / "models" / teacher.removesuffix("-seed0"))]) == 0
    assert "opened 2 times" in capsys.readouterr().out
    table = pd.read_csv(run / "retrained.csv")
    assert set(table["test_openings"]) == {2}
    assert len(table) == 7  # those of the first command too
    assert "opened 2 times" in (run / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--trials", "99"), "--trials: there is no trial 99"),
        (("--trials", "a"), "--trials is 'a'; allowed: numbers of trials"),
        (("--epochs", "0"), "--epochs is 0; allowed: 1 to 1,000,000"),
        (("--epochs", "many"), "argument --epochs: invalid whole number value: 'many'"),
        (("--seeds", "0"), "--seeds is 0"),
        (("--top", "0"), "--top is 0"),
        (("--top", "2", "--trials", "1"), "not allowed with argument"),
        (("--engine", "cloud"), "--engine: unknown engine 'cloud'"),
        (("--workers", "0"), "--workers is 0"),
        (("--teacher", ""), "--teacher is empty"),
        (("--teacher", "nobody"), "--teacher: 'nobody' is none of these"),
        (("--teacher", "{elsewhere}"), "knows 2 classes that are not the 10 of this run, such as 'cat'"),
        (("--distillation", "xkd"), "--distillation: unknown form 'xkd'"),
        (("--temperature", "0"), "--temperature is 0"),
        (("--temperature", "nan"), "--temperature is nan"),
        (("--distillation_weight", "2"), "--distillation_weight is 2"),
        (("--beta", "-1"), "--beta is -1"),
        (("--train.batch_size", "64"), "train.batch_size"),
        (("--no_such_flag", "1"), "no_such_flag"),
        (("second_run",), "'second_run' is another word"),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(
    finished_search: Path, tmp_path: Path, more: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    described = {"data": {"class_names": ["cat", "dog"], "image_size": 8, "channels": 1}}
    (tmp_path / "candidate.json").write_text(json.dumps(described))
    more = tuple(word.replace("{elsewhere}", str(tmp_path)) for word in more)
    before = sorted(finished_search.rglob("*"))
    assert main([str(finished_search), *more]) == 2
    captured = capsys.readouterr()
    (line,) = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert line
    assert sorted(finished_search.rglob("*")) == before


def test_a_folder_that_is_no_run_or_in_use_or_broken_is_one_line(
    copied: Copy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "half").mkdir()
    run = copied("broken")
    (tmp_path / "half" / "config.yaml").write_bytes((run / "config.yaml").read_bytes())
    (run / "retrained").mkdir()
    (run / "retrained" / "trainings.jsonl").write_text("nonsense\n")
    taken = copied("taken")
    (taken / "retrained").write_text("a file where a folder is to be made")
    for folder, told in (
        (tmp_path / "none", "is not the folder of a search: it has no config.yaml"),
        (tmp_path / "empty", "is not the folder of a search: it has no config.yaml"),
        (tmp_path / "half", "is not the folder of a search: it has no study.db"),
        (run, "trainings.jsonl is broken: line 1 is not JSON"),
        (taken, "tested.jsonl cannot be read: Not a directory"),
    ):
        assert main([str(folder), "--epochs", "1"]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "shufflenas retrain runs/mine --trials 8,17" in told
    assert "opens the test images once" in told
