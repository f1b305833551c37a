"""A small search, and the machine taken to be right where its networks are trained anew."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from run_search import search
from tests.image_search.test_run_search import small

Copy = Callable[[str], Path]
"""Gives a copy of the finished search, for a test that changes it."""


@pytest.fixture(autouse=True)
def machine_is_right_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """See the fixture `machine_is_right`."""
    import image_search.retrain.run

    monkeypatch.setattr(image_search.retrain.run, "begin_check", lambda _networks: contextlib.nullcontext(Mock()))


@pytest.fixture(scope="package")
def finished_search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search of which trial 3 is changed, and the ones before it are unchanged."""
    output = tmp_path_factory.mktemp("searched") / "run"
    search(small(output, trials=4, workers=2))
    return output


@pytest.fixture
def copied(finished_search: Path, tmp_path: Path) -> Copy:
    def copy(name: str) -> Path:
        target = tmp_path / name
        shutil.copytree(finished_search, target)
        return target

    return copy
