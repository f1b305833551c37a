"""Searches how small convolutional networks mix their channels: accuracy against FLOPs, as a Pareto front.

What it is put together from is told in docs/architecture.md. From Python or a notebook:

    from run_search import Settings, search
    front = search(Settings(output="runs/mine"))
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import shadow_check  # noqa: F401, before our packages: it says so where another's file hides one
from image_search.command_line import main
from image_search.settings import Settings

if TYPE_CHECKING:
    from nas.pareto import ParetoFront

__all__ = ["Settings", "main", "search"]


def search(settings: Settings) -> ParetoFront:
    """Runs a search, or continues the one in `settings.output`, and writes its report there.

    Returns:
        The front over the trials complete at full budget.

    Raises:
        NasError: Something in the settings, the data or the output folder is not as it must be; nothing is overwritten.
        AllFailedError: Every candidate failed.
        CrashStreakError: Candidates crashed one after the other; the report has been written, and the same settings continue.
        KeyboardInterrupt: Stopped by hand; the report of what is there has been written.
    """
    from image_search.run import run  # the libraries that a search takes; the command line answers without them

    return run(settings).front


if __name__ == "__main__":
    sys.exit(main())
