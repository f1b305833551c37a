"""A file is replaced whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from nas.atomic_file import write_atomically
from nas.errors import OutputError


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path):
    (tmp_path / "report.html").mkdir()
    (tmp_path / "report.html" / "inside").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_atomically(tmp_path / "report.html", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_old_content_is_replaced(tmp_path: Path):
    write_atomically(tmp_path / "a", b"long old content")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
