"""Searches how small convolutional networks mix their channels: accuracy against FLOPs, as a Pareto front.

docs/architecture.md describes its parts. From Python or a notebook:

    from run_search import ready_settings, search
    front = search(ready_settings("quickstart", {"output": "runs/mine"}))
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import shadow_check  # noqa: F401, before our packages: it says so where another's file hides one
from image_search.command_line import main, ready_settings
from image_search.settings import Settings

if TYPE_CHECKING:
    from nas.pareto import ParetoFront

__all__ = ["Settings", "main", "ready_settings", "search"]


def search(settings: Settings) -> ParetoFront:
    """Runs a search, or continues the one in `settings.output`, and writes its report there.

    Returns:
        The front over the trials complete at full budget.

    Raises:
        NasError: The settings, the data or the output folder have a fault; nothing is overwritten.
        AllFailedError: Every candidate failed.
        CrashStreakError: Several candidates in a row crashed; the report has been written, and the same settings
            continue the search.
        KeyboardInterrupt: The search was stopped by hand; the report of its results so far has been written.
    """
    from image_search.run import run  # the libraries that a search takes; the command line answers without them

    return run(settings).front


if __name__ == "__main__":
    sys.exit(main())
