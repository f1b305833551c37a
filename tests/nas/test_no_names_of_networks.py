"""The engine knows no mixer, no kind of convolutions and no host: what these are called, the spaces say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from search_spaces.blocks import BLOCKS
from search_spaces.kinds import KINDS
from search_spaces.spaces import SPACES

ENGINE = Path(__file__).parents[2] / "nas"
SOURCES = sorted(path for path in ENGINE.rglob("*") if path.suffix in (".py", ".js", ".html"))
NAMES = {*BLOCKS, *KINDS, *SPACES, *(kind.style.name for kind in KINDS.values())}
OTHERS = {
    ("early_stopping/__init__.py", "none"): "the stopping rule that never pauses",
    ("search/assembly.py", "none"): "the same",
    ("search/own_search.py", "none"): "the same",
    ("samplers/__init__.py", "random"): "the sampler that draws at random",
    ("report/notes.py", "none"): "the stopping rule that never pauses",
    ("report/notes.py", "random"): "the sampler that draws at random",
    ("report/comparison/pictures.py", "none"): "an SVG whose texts stay texts",
    ("report/assets/dom.js", "none"): "a decision whose value is null",
    ("report/assets/retrained.js", "none"): "a training without a teacher",
    ("retraining/results.py", "none"): "the same",
    ("report/assets/page.html", "none"): "of the content security policy",
    ("report/tables.py", "none"): "a decision whose value is null",
    ("report/verdicts.py", "none"): "a number of networks that is 0",
    ("study/stored_study.py", "none"): "that a study has no other objective",
}
"""Literals that happen to be called as a mixer is, and what they are."""


def literals(source: str, suffix: str) -> set[str]:
    """The string literals of a file, but for the docstrings of Python."""
    if suffix != ".py":
        # Looked for at every quote, as an apostrophe or an attribute before it may have opened none that is closed.
        return {text for _, text in re.findall(r"""(?=(["'`])(\w+)\1)""", source)}
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def named(path: Path) -> set[tuple[str, str]]:
    found = literals(path.read_text(encoding="utf-8"), path.suffix) & NAMES
    return {(path.relative_to(ENGINE).as_posix(), name) for name in found}


@pytest.mark.parametrize(
    ("source", "suffix"),
    [
        ('if kind == "dense": pass', ".py"),
        ("sizes = {'dense': 1}", ".py"),
        ("told = f\"{names['dense']} ones\"", ".py"),
        ("""const unchanged = some ? "dense" : 'fixed';""", ".js"),
        ("const unchanged = `dense`;", ".js"),
        ("""<p title="it's" data-kind="dense">""", ".html"),
    ],
)
def test_a_name_is_found_however_it_is_written(source: str, suffix: str) -> None:
    assert "dense" in literals(source, suffix)


def test_words_of_a_sentence_are_no_names() -> None:
    assert not literals('"""A fixed order."""\nnote = "dense and fixed"', ".py") & NAMES


def test_all_sources_are_read() -> None:
    assert {path.suffix for path in SOURCES} == {".py", ".js", ".html"}
    assert len(SOURCES) > 90
    assert {"fixed", "dynamic", "grouped", "replaced", "shufflenet_v2", "resnet50"} <= NAMES


def test_no_mixer_no_convolutions_and_no_host_is_named() -> None:
    found = set().union(*map(named, SOURCES))
    assert found - set(OTHERS) == set()
    assert set(OTHERS) - found == set(), "no longer there"
