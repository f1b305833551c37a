"""Checks, before any of our packages is imported, whether a file of somebody else's hides one of them.

Our packages have names that others use too. Python takes the first module of a name on its path, and the path begins with the
folder in which a notebook, or `python -m`, was started. Importing this module raises an ImportError that names both files.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

NAMES = ("nas", "search_spaces", "evaluator", "image_search", "deployment", "module_protocols")
HERE = Path(__file__).resolve().parent


def shadows() -> list[str]:
    """One sentence for each of our packages that is hidden, which names the file that hides it."""
    found = {name: _origin(_spec(name)) for name in NAMES}
    return [
        f"{origin} hides {_own(name)}: rename it, or start in another folder"
        for name, origin in found.items()
        if origin is not None and origin != _own(name)
    ]


def _spec(name: str) -> ModuleSpec | None:
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None


def _own(name: str) -> Path:
    package = HERE / name / "__init__.py"
    return package if package.exists() else HERE / f"{name}.py"


def _origin(spec: ModuleSpec | None) -> Path | None:
    return None if spec is None or spec.origin is None else Path(spec.origin).resolve()


def main() -> int:
    """The command line of an installed program; returns the exit code."""
    from run_search import main

    return main()


if found := shadows():
    message = "a file has the name of a package of this program: " + "; ".join(found)
    if Path(sys.argv[0]).stem == "shufflenas":
        sys.stderr.write(f"error: {message}\n")
        sys.exit(2)
    raise ImportError(message)
