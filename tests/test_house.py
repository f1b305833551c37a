"""The house stays one in which a reader finds the way: small folders, small files, small functions."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("nas", "evaluator", "search_spaces", "image_search", "deployment")
FILES = [path.relative_to(ROOT) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
MOST_FILES, MOST_LINES, MOST_LINES_OF_A_FUNCTION = 16, 350, 60


def test_no_folder_holds_more_files_than_a_reader_takes_in() -> None:
    folders = (*PACKAGES, "tests")
    kept = [path for folder in folders for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in kept if path.is_file())
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_tests_lie_in_the_folder_of_what_they_test() -> None:
    folders = {path.parent.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("*.py")}
    sources = [ROOT / folder for folder in folders]
    assert [source for source in sources if not source.is_dir() and not source.with_suffix(".py").exists()] == []


def test_no_file_is_longer_than_a_reader_reads_at_once() -> None:
    lengths = {path.as_posix(): len((ROOT / path).read_text().splitlines()) for path in FILES}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_function_is_longer_than_a_page(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse((ROOT / path).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


def test_protocols_of_modules_import_nothing_of_the_house() -> None:
    """It is no package, so the import contracts do not see it."""
    imports = [
        node
        for node in ast.walk(ast.parse((ROOT / "module_protocols.py").read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    names = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports}
    assert not {str(name).partition(".")[0] for name in names} & {*PACKAGES, "run_search"}


def test_the_drawing_of_the_house_is_true() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = page[page.index("```") : page.index("```", page.index("```") + 3)]
    folders = [path for package in PACKAGES for path in (ROOT / package).iterdir() if path.is_dir()]
    missing = [path.name for path in folders if path.name != "__pycache__" and f"{path.name}/" not in drawing]
    assert missing == []
