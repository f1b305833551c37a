"""The provenance of a result: versions, machine, commit and command."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from nas.values.redaction import redact

PACKAGES = ("shufflenas", "torch", "optuna", "ray", "pandas", "numpy", "datasets", "scikit-learn")


def provenance() -> dict[str, Any]:
    """What is known about the program and the machine, as plain JSON without secrets."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_cores": os.cpu_count(),
        "versions": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "commit": commit(),
        "command": [redact(argument) for argument in sys.argv],
    }


def commit() -> str | None:
    """The commit of the source tree, with a `+` if tracked files differ from it; None outside a clone."""
    root = Path(__file__).resolve().parent.parent.parent
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
