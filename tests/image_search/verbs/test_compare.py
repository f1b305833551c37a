"""Searches in one page, asked for on the command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from run_search import main


def test_two_searches_make_a_page_of_both(
    searched: Callable[[int], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "compare.html"
    assert main(["compare", str(searched(0)), str(searched(1)), "--out", str(out)]) == 0
    page = out.read_text()
    assert "seed0" in page
    assert "seed1" in page
    assert page.count("<svg") == 2, "two searches are too few for what repeated ones attain"
    assert str(tmp_path) not in page
    assert str(searched(0)) not in page


def test_searches_of_the_same_name_are_told_apart(searched: Callable[[int], Path], tmp_path: Path) -> None:
    twin = tmp_path / "seed0"
    shutil.copytree(searched(0), twin)
    out = tmp_path / "compare.html"
    assert main(["compare", str(searched(0)), str(twin), "--out", str(out)]) == 0
    assert "seed0 (1), seed0 (2)" in out.read_text()


def test_one_search_is_refused(searched: Callable[[int], Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(searched(0))]) == 2
    assert "two searches or more" in capsys.readouterr().err
