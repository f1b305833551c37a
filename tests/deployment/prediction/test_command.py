"""The verb, from image files to lines, tables and exit codes."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from deployment import load_classifier
from run_search import main

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven digits as files, two of them in a folder below, and a file that is no image."""
    folder = tmp_path_factory.mktemp("files") / "mine"
    (folder / "below").mkdir(parents=True)
    for number, image in enumerate(load_digits().images[:7]):
        place = folder / "below" if number in (2, 5) else folder
        Image.fromarray(np.round(image * 255 / 16).astype(np.uint8)).save(place / f"digit {number}.png")
    (folder / "notes.txt").write_text("mine")
    return folder


def asked(capsys: pytest.CaptureFixture[str], code: int, *words: object) -> tuple[str, str]:
    assert main(["predict", *(str(word) for word in words)]) == code
    told = capsys.readouterr()
    return told.out, told.err


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    out, err = asked(capsys, 2, *words)
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_folder_is_walked_in_sorted_order_to_lines(
    digits_run: Path, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = asked(capsys, 0, digits_run, files)
    lines = out.splitlines()
    names = [line.partition(": ")[0] for line in lines]
    assert names == sorted(str(path) for path in files.rglob("*.png"))
    assert len(names) == 7
    expected = load_classifier(digits_run)(names)
    for line, prediction in zip(lines, expected, strict=True):
        assert re.fullmatch(r".*\.png: \d \d+\.\d %, \d \d+\.\d %, \d \d+\.\d %", line)
        first = line.partition(".png: ")[2].split(", ")[0]
        assert first == f"{prediction.class_name} {100 * prediction.probability:.1f} %"
    assert "not used, files ending in .txt: 1" in err


def test_a_folder_by_its_relative_name_or_a_dot(
    digits_run: Path, files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    out, _ = asked(capsys, 0, digits_run, ".", "--csv", "--top", 1)
    assert [row[0] for row in table(out)][1:3] == ["below/digit 2.png", "below/digit 5.png"]
    out, _ = asked(capsys, 0, digits_run, "below/..", "--csv")
    assert len(table(out)) == 8


def test_a_table_has_the_classes_with_names_as_they_are(
    digits_run: Path, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / 'a "b", c\n\u200dd.png'
    shutil.copy(files / "digit 0.png", odd)
    out, _ = asked(capsys, 0, digits_run, odd, "--csv", "--top", "2")
    heading, row = table(out)
    assert heading == ["file", "class", "probability", "class_2", "probability_2"]
    assert row[0] == str(odd)
    (expected,) = load_classifier(digits_run)([odd])
    assert row[1] == expected.class_name
    assert float(row[2]) == pytest.approx(expected.probability, abs=1e-6)
    out, _ = asked(capsys, 0, digits_run, odd)
    assert out.count("\n") == 1
    out, _ = asked(capsys, 0, digits_run, odd, "--csv", "--top", "1000", "--out", tmp_path / "new" / "a.csv")
    assert out == ""
    (_, row) = table((tmp_path / "new" / "a.csv").read_bytes().decode())
    assert row[0] == str(odd)
    assert len(row) == 1 + 2 * 10


def test_files_that_cannot_be_used_are_named_and_the_rest_is_answered(
    digits_run: Path, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes((files / "digit 0.png").read_bytes()[:60])
    (tmp_path / "empty").mkdir()
    out, err = asked(
        capsys, 1, digits_run, files / "digit 0.png", broken, tmp_path / "gone.png", tmp_path / "empty", "--csv"
    )
    assert [row[0] for row in table(out)] == ["file", str(files / "digit 0.png")]
    for name in ("broken.png: ", "gone.png: No such file", "empty: the folder holds no images"):
        assert f"{tmp_path / name}" in err
    assert "1 images were answered; 3 files or folders cannot be used" in err
    out, err = asked(capsys, 2, digits_run, broken, tmp_path / "empty", "--csv", "--out", tmp_path / "none.csv")
    assert out == ""
    assert err.splitlines()[-1].startswith("error: none of what was given can be used: 2 files or folders")
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize("form", ["onnx", "torch_export"])
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_an_exported_file_answers_as_its_model(
    digits_run: Path, files: Path, tmp_path: Path, form: str, layout: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = tmp_path / ("a.onnx" if form == "onnx" else "a.pt2")
    assert main(["export", str(digits_run), "--format", form, "--layout", layout, "--out", str(exported)]) == 0
    capsys.readouterr()
    names = sorted(str(path) for path in files.rglob("*.png"))
    trained, found = load_classifier(digits_run)(names), load_classifier(exported)(names)
    assert [each.class_name for each in found] == [each.class_name for each in trained]
    np.testing.assert_allclose(
        [each.probability for each in found], [each.probability for each in trained], rtol=0, atol=1e-5
    )
    out, _ = asked(capsys, 0, exported, files, "--top", 1)
    assert out.splitlines()[0].startswith(f"{names[0]}: {trained[0].class_name} ")


def test_what_a_person_can_correct_is_one_line(
    digits_run: Path, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = files / "digit 0.png"
    assert "the following arguments are required: FILE" in refused(capsys, digits_run)
    assert "is no output folder of a search" in refused(capsys, files, image)
    assert "is no folder; give the output folder of a search" in refused(capsys, tmp_path / "gone", image)
    assert "there is no file" in refused(capsys, tmp_path / "gone.onnx", image)
    assert "--top is '0'; allowed" in refused(capsys, digits_run, image, "--top", "0")
    assert "unknown device 'gpu'" in refused(capsys, digits_run, image, "--device", "gpu")
    assert "--out /proc/a.csv: cannot be written" in refused(capsys, digits_run, image, "--out", "/proc/a.csv")
    assert "it is a folder" in refused(capsys, digits_run, image, "--out", tmp_path)
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "candidate.json").write_text("{}")
    assert "is not a candidate of a search" in refused(capsys, tmp_path / "half", image)


def test_files_that_export_did_not_write_are_one_line(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = files / "digit 0.png"
    value = onnx.helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["n", 8, 8, 1])
    node = onnx.helper.make_node("Identity", ["images"], ["logits"])
    out = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.UINT8, ["n", 8, 8, 1])
    graph = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", [value], [out]),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=10,
    )
    plain = tmp_path / "plain.onnx"
    onnx.save(graph, plain)
    assert "is no file that `shufflenas export` wrote: it has no 'image_size'" in refused(capsys, plain, image)
    facts = {"image_size": "8", "channels": "1", "layout": "nhwc", "class_names": '["a", "b"]'}
    for name, value_, message in (
        ("image_size", "100000", "allowed: 1 or 3, up to 1024"),
        ("image_size", "many", "image_size is 'many'"),
        ("layout", "hwc", "its layout is 'hwc'"),
        ("class_names", '["a", "a"]', "two of them have the same"),
        ("channels", "3", "it does not take the images that it describes"),
        ("channels", "1", "it returns [1, 8, 8, 1] for one image and 2 classes"),
    ):
        onnx.helper.set_model_props(graph, {**facts, name: value_})
        onnx.save(graph, plain)
        assert message in refused(capsys, plain, image)
    for name in ("text.onnx", "text.pt2"):
        (tmp_path / name).write_text("no archive")
        assert "is no file that `shufflenas export` wrote" in refused(capsys, tmp_path / name, image)


def test_help_warns_of_programs_and_imports_no_library() -> None:
    code = """
import sys
from deployment.prediction.command import main
try:
    main(["--help"], "shufflenas predict")
except SystemExit as end:
    assert end.code == 0
loaded = {"torch", "numpy", "PIL", "onnxruntime", "pandas"} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "A .pt2 file may run any program on this machine" in done.stdout
