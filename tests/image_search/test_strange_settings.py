import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import image_search.command_line
import image_search.run
from evaluator.images.cache import cache_folder
from evaluator.settings import DataSettings
from image_search.command_line import make_parser, read_settings
from nas.errors import NasError, OutputError, SettingsError
from nas.output.folder import OutputFolder
from nas.output.stored_front import read_members
from nas.study.storage import close_storage, open_storage
from nas.values.local_path import local_path
from nas.watchers.console import visible
from run_search import main

TEXTS = (
    *(
        "",
        " ",
        "\t",
        "\n",
        "-",
        "--",
        "~",
        "~/x",
        "~nobody_of_that_name/x",
        "null",
        "None",
        "nan",
        "NaN",
        ".nan",
        "inf",
        "-inf",
    ),
    *(
        ".inf",
        "1e400",
        "-1e400",
        "1e-400",
        "1:30",
        "1:30:59.5",
        "190:20:30.15",
        "0x10",
        "0b1",
        "010",
        "1_000",
        "1,5",
        "1.5.2",
    ),
    *(
        "+-3",
        "3 4",
        "3;4",
        "0",
        "-0",
        "-1",
        "1",
        "2",
        "0.5",
        "1e3",
        "9" * 17,
        "9" * 19,
        "1" + "0" * 400,
        "1" + "0" * 5000,
    ),
    *(
        "true",
        "yes",
        "maybe",
        "TRUE",
        "[]",
        "[1]",
        "[1, 2]",
        "[nan]",
        "[1e400, 2]",
        "[a, b]",
        "[[1], [2]]",
        "[[[1]]]",
        "[1",
    ),
    *(
        "{a: 1}",
        "{",
        "{1, 2}",
        "!!set {1}",
        "[!!set {1}]",
        "&a [*a]",
        "[&a [*a]]",
        "*a",
        "[" * 500,
        "[" * 500 + "]" * 500,
    ),
    *(
        "[1:30, 2]",
        "[010]",
        "[1_0, 2]",
        "!!python/object:os.system [ls]",
        "[!!binary aGk=]",
        "[2001-01-01]",
        "'",
        '"',
        "`ls`",
    ),
    *(
        "$HOME",
        "%s%n",
        "{0}",
        "\x00",
        "a\x00b",
        "\x1b[31mred\x1b[0m",
        "\x07",
        "\r",
        "\x9b2J",
        "\u202eabc",
        "\udcff",
        "\ud800",
    ),
    *(
        "x" * 300,
        "x" * 5000,
        "a/" * 2500,
        "/dev/zero",
        "/dev/null",
        "/",
        ".",
        "..",
        "\u00e9",
        "\u4e00",
        "\U0001f600",
        "\ufeff",
    ),
    *(
        "postgresql://ann:s3cr3t@host/db",
        "journal:",
        "sqlite:///",
        "sqlite:///\x00",
        "http://x",
        "accuracy,macs,macs",
        ",",
    ),
)
YAMLS: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        3,
        10**17,
        -(10**18),
        10**400,
        0.5,
        -0.0,
        1e308,
        float("inf"),
        float("-inf"),
        float("nan"),
        "",
    ),
    *(
        "text",
        [],
        [[]],
        [None],
        [True],
        [1, "a"],
        [[1, 2], 3],
        [0.1, 0.2],
        {},
        {"a": 1},
        {"a": {"b": []}},
        "\x1b[2J",
        "\ud800",
    ),
    *([1] * 5000, "y" * 5000, ["null"], "1:30", "1_0", "0x1F"),
)
FILES = (
    "search:\n  max_hours: 1:30\n",
    "search:\n  trials: 5\nsearch:\n  seed: 3\n",
    "search:\n  trials: !!set {3, 4}\n",
    "search: {trials: &x [*x]}\n",
    "search: &x\n  trials: *x\n",
    "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
    "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
    "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
    "e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\n"
    "f: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
    "[" * 100_000,
    "- 1\n",
    "search\n",
    "search: 3\n",
    "search: [1]\n",
    "1: 2\n",
    "? [a]\n: 3\n",
    "true: 1\n",
    "search:\n  trials: !!int x\n",
    "search:\n  trials: !!bool maybe\n",
    "\x00",
    "\x1b[2J",
    "%YAML 9\n",
    "--- {}\n--- {}\n",
    "search: {trials: 3, trials: 4}\n",
    "search:\n\ttrials: 3\n",
    "search.trials: 3\nsearch:\n  trials: 4\n",
    "x: !!python/object/apply:os.system [ls]\n",
    "data: {name: !!binary aGk=}\n",
    "<<: 3\n",
    "<<: [3]\n",
    "\ufeffsearch: {trials: }\n",
    "data:\n  name: {a: b}\n",
    "space: {units: [[1], [[2]]]}\n",
    "'': 3\n",
    "'a\\0b': 3\n",
    "output: 3\n",
)
"""Whole files; all are refused."""


@pytest.fixture(autouse=True)
def _one_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = make_parser()
    monkeypatch.setattr(image_search.command_line, "make_parser", lambda _space=None: parser)


def strange(count: int, seed: int, folder: Path) -> Iterator[list[str]]:
    """Command lines of strange values, of every setting alike, as a flag and in a file."""
    draw = random.Random(seed)
    settings = [action.dest for action in make_parser()._actions if action.dest not in ("help", "config")]
    for number in range(count):
        name = settings[number % len(settings)]
        form = draw.randrange(5)
        text = draw.choice(TEXTS)
        if form == 0:
            yield [f"--{name}={text}"]
        elif form == 1:
            yield [f"--{name}", text, *(["--search.seed", draw.choice(TEXTS)] if draw.random() < 0.3 else [])]
        elif form == 2:
            yield [
                draw.choice(
                    (f"--{name}{text}", f"--{name[:-1]}={text}", f"-{name}", text, f"--config={text}", f"--{text}")
                )
            ]
        else:
            group, _, last = name.rpartition(".")
            value = json.dumps(draw.choice(YAMLS)) if form == 3 else text
            file = folder / f"{number}.yaml"
            file.write_text(f"{group}:\n  {last}: {value}\n" if group else f"{last}: {value}\n", errors="surrogatepass")
            yield ["--config", str(file)]


def fault_of(words: list[str]) -> str | None:
    """What is said of it; None if it is accepted.

    Raises:
        Exception: Anything but a NasError.
    """
    try:
        read_settings(words)
    except NasError as error:
        return str(error)
    except SystemExit as error:
        if error.code:  # else it is the help
            raise
    return None


def assert_clear(told: str) -> None:
    lines = told.splitlines()
    assert len(lines) == 1 or lines[0] in ("several settings are wrong:", "settings are wrong:")
    assert all(len(line) < 700 for line in lines), told[:2000]
    assert visible(told).isprintable() or len(lines) > 1
    for word in ("Traceback", "<class", "Parser key", "s3cr3t"):
        assert word not in told


def test_every_strange_value_is_accepted_or_gets_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = 0
    for words in strange(140, 0, tmp_path):
        told = fault_of(words)
        if told is not None:
            assert_clear(told)
            refused += 1
    assert refused > 70
    capsys.readouterr()


@pytest.mark.parametrize("number", range(len(FILES)))
def test_files_that_hold_more_or_other_than_settings_are_refused(tmp_path: Path, number: int) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(FILES[number], encoding="utf-8")
    told = fault_of(["--config", str(file)])
    assert told is not None
    assert "mine.yaml" in told
    assert_clear(told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--search.max_hours", "1:30"], "--search.max_hours: expected a number, got '1:30'"),
        (["--space.lr", "[1:30, 90]"], "--space.lr: expected a list of 2 numbers such as 0.1,0.5 or [0.1,0.5], got ['1:30', 90]"),
        (["--ray.gpus_per_trial", "1e400"], "--ray.gpus_per_trial: must be a finite number, got inf"),
        (["--ray.cpus_per_trial", "nan"], "--ray.cpus_per_trial: expected a number, got 'nan'"),
        (["--ray.trial_timeout", "1" + "0" * 400], "--ray.trial_timeout: must be a finite number of seconds above 0, got inf"),
        (["--search.checkpoint_budget_gb", "inf"], "--search.checkpoint_budget_gb: must be a finite number above 0, got inf"),
        (["--space.widths", "[1e400]"], "--space.widths holds inf; allowed: even positive integers"),
        (["--search.trials", "1" + "0" * 400], "--search.trials: expected an integer of at most 18 digits, got '1000000"),
        (["--search.workers", "1000000"], "--search.workers: must be 10,000 or less, got 1000000"),
        (["--config", "x" * 300], "is too long: a path has 4095 bytes and a name in it 255 at most; allowed: cifar10,"),
        (["--config", "a\0b"], "--config: 'a\\x00b' holds a NUL character"),
        (["--output", "a\0b"], "--output: 'a\\x00b' holds a NUL character"),
        (["--output", "\udcff"], "--output: '\\udcff' holds bytes that are no text in UTF-8"),
        (["--output", "a/" * 2500], "is too long"),
        (["--output", "~nobody_of_that_name/x"], "~nobody_of_that_name has no home folder"),
        (["--data.root", "x" * 256], "--data.root: 'xxxx"),
        (["--search.storage", "journal:" + "x" * 300], None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(words: list[str], told: str | None) -> None:
    found = fault_of(words)
    assert (found is None) if told is None else found is not None and told in found


def test_two_sections_of_one_name_are_told_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text("search:\n  trials: 5\nsearch:\n  seed: 3\n")
    with pytest.raises(
        SettingsError, match=r"'search' occurs twice, first in line 1; put all of it in one place \(line 3"
    ):
        read_settings(["--config", str(file)])


def test_the_home_folder_is_meant_by_a_tilde_in_every_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    (home / "mine.yaml").write_text("search:\n  trials: 7\n")
    assert read_settings(["--config=~/mine.yaml"])[0].search.trials == 7
    assert main(["--output=~/x", "--data.name=~/photos"]) == 2
    assert f"looked for a folder in {home / 'photos'}" in capsys.readouterr().err
    assert cache_folder(DataSettings(cache="~/cache")) == home / "cache"
    with pytest.raises(OutputError, match=f"cannot read {home / 'gone.json'}"):
        read_members("~/gone.json")
    for url in ("sqlite:///~/a.db", "journal:~/b"):
        close_storage(open_storage(url))
    with OutputFolder(local_path("~/x")):
        assert {path.name for path in home.iterdir()} == {"mine.yaml", "a.db", "b", "x"}
    assert not (tmp_path / "~").exists()


def test_a_refused_dataset_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        ["--data.name", str(tmp_path / "gone")],
        ["--search.max_macs", "1"],
        ["--search.storage", "nonsense://x"],
    ):
        assert main([*words, "--output", str(tmp_path / "a" / "b"), "--data.cache", str(tmp_path / "cache")]) == 2
        assert not (tmp_path / "a").exists()
    assert "Traceback" not in capsys.readouterr().err


def test_messages_show_no_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["\x1b[2J"], ["--data.name", "\x1b[31mred"], ["--search.trails\x07", "3"], ["--config", "\x1b[31m"]):
        assert main([*words, "--output", str(tmp_path / "run"), "--data.cache", str(tmp_path / "cache")]) == 2
    told = capsys.readouterr().err
    assert not [character for character in told if not character.isprintable() and character != "\n"]


@pytest.mark.parametrize("begun", [False, True])
def test_an_error_that_nobody_has_foreseen_is_one_line_and_a_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    output = tmp_path / "run"
    if begun:
        output.mkdir()
        (output / ".lock").touch()

    def fail(_settings: object) -> None:
        raise KeyError("what nobody expects\nof postgresql://ann:s3cr3t@host/db")

    monkeypatch.setattr(image_search.run, "run", fail)
    assert main(["--output", str(output), "--search.storage", "postgresql://ann:s3cr3t@host/db"]) == 1
    told = capsys.readouterr().err.splitlines()
    (log,) = tmp_path.glob("*/crash-*.log" if not begun else "run/logs/crash-*.log")
    assert len(told) == 2
    assert told[1].startswith("error: an unforeseen error: KeyError: 'what nobody expects")
    assert str(log) in told[1]
    assert ("the same command continues" in told[1]) is begun
    assert "Traceback (most recent call last)" in log.read_text()
    assert "in fail" in log.read_text()
    assert "s3cr3t" not in "".join([*told, log.read_text()])
