"""How benchmarks end."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks.command import command
from nas.errors import SettingsError


@pytest.mark.parametrize(
    ("continues", "said"), [(True, "\nstopped; the same command continues\n"), (False, "\nstopped\n")]
)
def test_ctrl_c_is_one_line_and_130(continues: bool, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    @command(continues=continues)
    def main(argv: Sequence[str] | None = None) -> int:
        raise KeyboardInterrupt

    assert main() == 130
    assert capsys.readouterr().err == said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_what_ends_programs_is_one_line_too(number: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    @command()
    def main(argv: Sequence[str] | None = None) -> int:
        signal.raise_signal(number)
        raise AssertionError

    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert main() == code
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == "\nstopped\n"


def test_what_is_refused_is_one_line_and_2_and_other_faults_show_where_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @command()
    def main(argv: Sequence[str] | None = None) -> int:
        if argv:
            raise SettingsError(f"--table: there is no {argv[0]}")
        raise ZeroDivisionError

    assert main(["x.json"]) == 2
    assert capsys.readouterr().err == "error: --table: there is no x.json\n"
    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.parametrize(
    ("module", "argv"),
    [
        ("samplers", ["--table", "{none}", "--out", "{none}.csv"]),
        ("early_stopping", ["--table", "{none}"]),
        ("honest_front", ["--table", "{none}"]),
        ("record_curves", ["--root", "{none}", "--output", "{none}"]),
        ("compression.__main__", ["--root", "{none}", "--output", "{none}"]),
        ("ablation.__main__", ["--data.root", "{none}", "--output", "{none}"]),
        ("simulated_cluster", ["--sampler", "none", "--trials", "1"]),
    ],
)
def test_each_command_refuses_in_one_line(
    module: str, argv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = str(tmp_path / "none")
    assert import_module(f"benchmarks.{module}").main([word.replace("{none}", none) for word in argv]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
