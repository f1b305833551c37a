"""How a benchmark's command ends: with one line when it was stopped by hand or was asked for what cannot be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Protocol

from nas.errors import NasError

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells give it."""
REFUSED = 2


class Main(Protocol):
    """The command line of a benchmark, without the program's name; by default the process's own. Returns the exit code."""

    def __call__(self, argv: Sequence[str] | None = None) -> int: ...


def command(*, continues: bool = False) -> Callable[[Main], Main]:
    """Decorates `main`: a `NasError` is one line and exit code 2, Ctrl-C is one line and exit code 130.

    Args:
        continues: Whether the same command goes on with what was done.
    """
    stopped = "stopped; the same command continues" if continues else "stopped"

    def decorated(main: Main) -> Main:
        @wraps(main)
        def run(argv: Sequence[str] | None = None) -> int:
            try:
                return main(argv)
            except KeyboardInterrupt:
                print(f"\n{stopped}", file=sys.stderr)
                return INTERRUPTED
            except NasError as error:
                print(f"error: {error}", file=sys.stderr)
                return REFUSED

        return run

    return decorated
