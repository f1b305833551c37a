import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nas.watchers.console import say, sturdy_console, tell, visible

ROOT = Path(__file__).parents[3]
PROGRAM = (
    "import sys\n"
    "from nas.watchers.console import say, sturdy_console, tell\n"
    "with sturdy_console():\n"
    "    for _ in range(3000):\n"
    "        say('71.2 \\u00b1 0.3 \\u00d7 \\u4e00')\n"
    "    tell('told')\n"
    "    open('done', 'w').write('whole')\n"
)


def run(folder: Path, *redirections: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    (folder / "program.py").write_text(PROGRAM)
    return subprocess.run(
        ["bash", "-c", f'"$0" program.py {" ".join(redirections)}', sys.executable],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
    )


@pytest.mark.parametrize(
    "redirections", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", "| head -1"]
)
def test_a_stream_that_is_closed_or_full_ends_nothing(tmp_path: Path, redirections: str) -> None:
    done = run(tmp_path, redirections)
    assert done.returncode == 0
    assert (tmp_path / "done").read_text() == "whole"
    if "2>" not in redirections:
        assert done.stderr == b"told\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_stream_takes_every_text(tmp_path: Path, encoding: str) -> None:
    done = run(tmp_path, PYTHONIOENCODING=f"{encoding}:strict")
    assert done.returncode == 0
    first = done.stdout.decode(encoding).splitlines()[0]
    assert (
        first
        == {
            "ascii": "71.2 +- 0.3 x \\u4e00",
            "latin-1": "71.2 +- 0.3 x \\u4e00",
            "utf-8": "71.2 \u00b1 0.3 \u00d7 \u4e00",
        }[encoding]
    )


def test_what_is_not_to_be_seen_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    with sturdy_console():
        say("\x1b[2J\x07a\r\x00b\x9b1m\u202ec\u2028\ud800")
        tell("two\nlines\tstay, \u00b1 too")
    out, err = capsys.readouterr()
    assert out == "\\x1b[2J\\x07a\\r\\x00b\\x9b1m\\u202ec\\u2028\\ud800\n"
    assert err == "two\nlines\tstay, \u00b1 too\n"
    assert visible("plain, even \u4e00") == "plain, even \u4e00"


def test_what_other_code_prints_within_it_is_safe_too() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    before, sys.stdout = sys.stdout, stream
    try:
        with sturdy_console():
            sys.stdout.write("\u00b1\n")
            stream.close()
            sys.stdout.write("lost\n")
            assert not sys.stdout.isatty()
    finally:
        sys.stdout = before
