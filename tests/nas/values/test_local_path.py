import pwd
import tempfile
from pathlib import Path

import pytest

from evaluator.images.cache import cache_folder
from evaluator.settings import DataSettings
from nas.values.local_path import local_path, path_fault


@pytest.fixture
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without HOME and without an entry in passwd, as of many containers."""

    def missing(_who: object) -> None:
        raise KeyError("no such user")

    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", missing)
    monkeypatch.setattr(pwd, "getpwnam", missing)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_path("~/x") == tmp_path / "x"
    assert local_path("a~/x") == Path("a~/x")


@pytest.mark.usefixtures("_nobody")
def test_a_user_without_a_home_folder_has_a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = cache_folder(DataSettings())
    assert folder.parent == tmp_path
    assert folder.name.startswith("shufflenas-")
    assert cache_folder(DataSettings(cache="here")) == Path("here")
    assert path_fault("~/x") == "~ has no home folder; give the whole path"


@pytest.mark.parametrize("text", ["runs/x", "/", "..", "a b", "\u00e9\u4e00", "x" * 255, "a/" * 2047, "-x", "it's"])
def test_what_can_be_a_path_has_no_fault(text: str) -> None:
    assert path_fault(text) is None


@pytest.mark.parametrize("text", ["", " ", "a\0", "x" * 256, "\u4e00" * 86, "a/" * 2048, "\udcff", "http://x"])
def test_what_can_be_no_path_has_one(text: str) -> None:
    assert path_fault(text)
