"""The verb, from a search to files that are run without this program."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.datasets import load_digits

from deployment.export_command import main
from run_search import search
from search_spaces import load_model
from tests.image_search.test_run_search import small

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("search") / "run"
    search(small(output, trials=2, epochs=1))
    return output


def digits() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = np.rint(load_digits().images[:100] * 255 / 16).astype(
        np.uint8
    )
    return images[..., None]


def expected(folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    data = json.loads((folder / "candidate.json").read_text())["data"]
    x = (digits().transpose(0, 3, 1, 2) / 255 - data["mean"][0]) / data["std"][0]
    with torch.no_grad():
        logits: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = load_model(folder)(torch.tensor(x).float()).numpy()
    return logits


def test_onnx_with_int8_takes_bytes_and_says_what_it_is(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "digits.onnx"
    assert main([str(run), "--int8", "--out", str(out)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{out}\n"
    assert "the most accurate of" in told.err
    assert "100 % of the classes are equal" in told.err
    kept = json.loads(out.with_name("digits.onnx.json").read_text())
    trial = kept["description"]["trial"]
    graph = onnx.load(out)
    facts = {each.key: each.value for each in graph.metadata_props}
    assert json.loads(facts["class_names"]) == [str(digit) for digit in range(10)]
    assert (facts["image_size"], facts["layout"], facts["trial"]) == ("8", "nhwc", trial)
    assert {"preparation", "digest", "version", "exported_by", "trained_by"} <= facts.keys()
    shape = graph.graph.input[0].type.tensor_type
    assert [axis.dim_param or axis.dim_value for axis in shape.shape.dim] == ["batch", 8, 8, 1]
    assert shape.elem_type == onnx.TensorProto.UINT8
    # It is the validation accuracy of the search, and that of the file.
    assert float(facts["accuracy_percent"]) == pytest.approx(kept["parity"]["accuracy_of_file"]["mean"])
    assert float(facts["accuracy_standard_error"]) == pytest.approx(
        kept["parity"]["accuracy_of_file"]["standard_error"], rel=1e-6
    )
    session = onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])
    logits = expected(run / "models" / trial)
    np.testing.assert_allclose(session.run(None, {"images": digits()})[0], logits, rtol=0, atol=1e-4)
    np.testing.assert_allclose(session.run(None, {"images": digits()[:1]})[0], logits[:1], rtol=0, atol=1e-4)
    small_file = tmp_path / "made" / "digits_int8.onnx"
    operations = {node.op_type for node in onnx.load(small_file).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= operations
    found = onnxruntime.InferenceSession(small_file, providers=["CPUExecutionProvider"]).run(None, {"images": digits()})
    assert np.corrcoef(found[0].ravel(), logits.ravel())[0, 1] > 0.9
    assert kept["int8"]["accuracies"]["fp32"]["images"] == kept["description"]["validation_images"] == 161
    assert kept["int8"]["calibration_images"] == 512
    assert kept["int8"]["latencies"]["milliseconds"].keys() == {"fp32", "int8"}
    assert {path.name for path in out.parent.iterdir()} == {"digits.onnx", "digits.onnx.json", "digits_int8.onnx"}


def test_a_moved_model_becomes_a_torch_program_and_is_compared_on_random_images(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial = next((run / "models").iterdir())
    moved = shutil.copytree(trial, tmp_path / "mine")
    out = tmp_path / "mine.pt2"
    assert main([str(moved), "--format", "torch_export", "--layout", "nchw", "--out", str(out)]) == 0
    told = capsys.readouterr().err
    assert "images of random pixels" in told
    assert "on 256 random images" in told
    extra = {"description.json": ""}
    program = torch.export.load(io.BytesIO(out.read_bytes()), extra_files=extra)
    assert json.loads(extra["description.json"])["layout"] == "nchw"
    logits = program.module()(torch.from_numpy(digits().transpose(0, 3, 1, 2).copy()))
    np.testing.assert_allclose(logits.detach().numpy(), expected(trial), rtol=0, atol=1e-4)
    assert main([str(moved), "--int8", "--out", str(tmp_path / "a.onnx")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "--int8 takes training images" in told


def test_images_that_are_gone_are_replaced_by_random_ones(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = shutil.copytree(run, tmp_path / "run")
    config = (copied / "config.yaml").read_text()
    (copied / "config.yaml").write_text(config.replace("seed: 0", "seed: 1"))
    command = [str(copied), "--format", "torch_export", "--out", str(tmp_path / "a.pt2")]
    assert main(command) == 0
    told = capsys.readouterr().err
    assert "are no longer those of the search" in told
    assert "on 256 random images" in told


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main([str(word) for word in words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert told.err.count("\n") == 1
    return told.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "onx"], "unknown format 'onx' (did you mean 'onnx'?); allowed: onnx, torch_export"),
        (["--layout", "hwc"], "allowed: nchw, nhwc"),
        (["--trial", "one"], "--trial is 'one'; allowed: the number of a trial"),
        (["--trial", "77"], "trial 77 has no weights in"),
        (["--int8", "--format", "torch_export"], "--int8 needs --format onnx"),
        (["--colour", "red"], "unrecognized arguments: --colour red"),
        (["--out", "/proc/version/a.onnx"], "cannot be written"),
        (["--out", "/proc/a.onnx"], "cannot be written"),
    ],
)
def test_what_a_person_can_correct_is_one_line(
    run: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(capsys, run, *words)


def test_a_folder_or_a_model_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is no output folder of a search" in refused(capsys, tmp_path)
    assert "the following arguments are required" in refused(capsys)
    (tmp_path / "candidate.json").write_text('{"space": {}, "candidate": {}}')
    (tmp_path / "weights.pt").write_bytes(b"no weights")
    assert "does not describe" in refused(capsys, tmp_path, "--out", tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_a_missing_package_is_named_with_the_way_to_install_it(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert "needs onnxscript, not installed here: pip install 'shufflenas[onnx]'" in refused(capsys, run)


def test_help_imports_no_library() -> None:
    code = """
import sys
from deployment.export_command import main
try:
    main(["--help"])
except SystemExit as end:
    assert end.code == 0
loaded = {"torch", "numpy", "onnx", "onnxruntime", "pandas", "optuna", "ray"} & set(sys.modules)
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout
    assert "shufflenas export runs/quickstart --trial 17 --int8" in done.stdout
