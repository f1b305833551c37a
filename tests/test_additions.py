"""Additions to the house that are kept as patches: each touches as few files as the documentation says, and works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
ADDITIONS = ROOT / "examples" / "additions"
SOURCES = ("benchmarks", "deployment", "evaluator", "examples", "image_search", "nas", "search_spaces", "tests")
FILES = ("module_protocols.py", "pyproject.toml", "run_search.py", "shadow_check.py")
MOST_FILES = {"energy": 2, "half_roll": 3, "all_cnn": 3, "separable": 2}
EVERY = pytest.mark.parametrize("name", MOST_FILES)
QUICK = (
    "--search.trials", "4", "--search.sampler", "random", "--train.epochs", "1", "--search.workers", "1", "--device", "cpu",
)  # fmt: skip

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git applies the patches, and is not there")


def patch_of(name: str) -> tuple[str, list[str]]:
    """The patch, and the files that it touches."""
    patch = (ADDITIONS / f"{name}.patch").read_text(encoding="utf-8")
    return patch, re.findall(r"^diff --git a/.+ b/(.+)$", patch, re.MULTILINE)


class Patched:
    """A copy of the sources with an addition."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        folder.mkdir()
        for source in SOURCES:
            shutil.copytree(ROOT / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
        for file in FILES:
            shutil.copy(ROOT / file, folder)
        self.run("git", "apply", str(ADDITIONS / f"{name}.patch"))

    def run(self, *command: str) -> str:
        """What a command prints, in this folder; it must succeed."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, env=environment)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    def search(self, *more: str) -> tuple[str, pd.DataFrame, str]:
        """A small search: what it says, its trials and its page."""
        said = self.run(sys.executable, "run_search.py", *QUICK, *more, "--output", "run")
        output = self.folder / "run"
        return said, pd.read_csv(output / "trials.csv"), (output / "report.html").read_text(encoding="utf-8")

    def hold_to_contract(self, folder: str, name: str) -> None:
        """Runs the tests of a folder that are of the addition, of which there must be some."""
        tests = self.run(sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", folder, "-k", name)
        passed = re.search(r"(\d+) passed", tests)
        assert passed is not None
        assert int(passed[1]) >= 5


Patch = Callable[[str], Patched]


@pytest.fixture
def patched(tmp_path: Path) -> Patch:
    return lambda name: Patched(tmp_path / name, name)


@EVERY
def test_an_addition_touches_the_files_that_are_documented(name: str) -> None:
    patch, files = patch_of(name)
    documented = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    row = re.search(rf"\| (\d+) \| \[{name}\.patch\]", documented)
    assert row is not None
    assert int(row[1]) == len(files) <= MOST_FILES[name]
    rewritten = re.findall(r"^-(?!-- )", patch, re.MULTILINE)
    assert len(rewritten) <= 1, "lines are added, one of a registry may be longer"


@pytest.mark.parametrize(
    ("name", "arguments", "shown"),
    [
        ("energy", [], "costs are macs, params, latency, memory, energy"),
        ("half_roll", [], "half_roll"),
        ("all_cnn", ["--space.name", "all_cnn"], "mobilenet_v2, resnet50, vgg16, all_cnn"),
        ("separable", ["--space.name", "vgg16"], "--space.separable_kernels"),
    ],
)
def test_an_addition_applies_keeps_the_style_and_is_known_at_once(
    name: str, arguments: list[str], shown: str, patched: Patch
) -> None:
    there = patched(name)
    _, files = patch_of(name)
    there.run(sys.executable, "-m", "ruff", "check", "--no-cache", *files)
    there.run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", *files)
    told = there.run(sys.executable, "run_search.py", *arguments, "--help")
    if name == "half_roll":
        told = there.run(sys.executable, "-c", "from search_spaces.blocks import BLOCKS; print(*BLOCKS)")
    assert shown in " ".join(told.split())


@pytest.mark.slow
def test_energy_is_searched_by_limited_and_reported(patched: Patch) -> None:
    there = patched("energy")
    said, trials, page = there.search("--search.objectives", "accuracy,energy", "--search.limits", "energy=12")
    assert "µJ" in said
    trained = trials[trials["state"] == "complete"]
    assert len(trained) >= 2
    expected = (trained["macs"] * 4.6 + trained["params"] * 640) / 1e6
    assert trained["energy"].to_list() == pytest.approx(expected.to_list())
    assert trained["energy"].max() <= 12 < trials.loc[trials["state"] == "infeasible", "energy"].min()
    front = pd.read_csv(there.folder / "run" / "pareto.csv")
    assert len(front) >= 1
    energy_of = trained.set_index("trial")["energy"]
    assert front["energy"].to_list() == energy_of[front["trial"]].to_list() == sorted(front["energy"])
    assert "Energy of one image" in page
    assert "every parameter is read from DRAM once" in page


@pytest.mark.slow
def test_a_mixer_is_held_to_the_contract_and_searched(patched: Patch) -> None:
    there = patched("half_roll")
    there.hold_to_contract("tests/search_spaces/blocks", "half_roll")
    said, trials, page = there.search("--space.mixers", "[half_roll]", "--search.seed", "1")
    assert "half-roll half-roll half-roll" in said
    assert (trials["stage1.mixer"] == "half_roll").any()
    assert "half roll" in page


@pytest.mark.slow
def test_a_host_and_its_space_are_held_to_the_contract_and_searched(patched: Patch) -> None:
    there = patched("all_cnn")
    there.hold_to_contract("tests/search_spaces", "all_cnn and not mobilenet")
    _, trials, page = there.search("--space.name", "all_cnn", "--space.widths", "[0.125]")
    assert trials.loc[0, "baseline"] == "All-CNN-C 0.125x"
    # 96, 192 and 192 channels times 1/8, in multiples of 8; 8x8 pixels, halved behind the first and the second stage.
    stem_and_first = 64 * 9 * (1 * 16 + 16 * 16) + 16 * 9 * 16 * 16
    second_and_third = 16 * 9 * (16 * 24 + 24 * 24) + 4 * 9 * (24 * 24 + 24 * 24)
    assert trials.loc[0, "macs"] == stem_and_first + second_and_third + 4 * 24 * 24 + 24 * 10
    assert "All-CNN on digits" in page


@pytest.mark.slow
def test_a_kind_of_convolutions_is_held_to_the_contract_and_searched(patched: Patch) -> None:
    there = patched("separable")
    there.hold_to_contract("tests/search_spaces", "separable")
    space = ("--space.name", "resnet_cifar", "--space.widths", "[0.25]", "--space.convolutions", "[dense,separable]")
    _, trials, page = there.search(*space)
    decided = trials.filter(regex=r"^stage\d\.separable_kernel$").stack().dropna()
    assert len(decided) >= 1, "whichever stage was given some"
    assert set(decided) <= {3, 5}
    assert "separable convolutions" in page
