"""How a benchmark's command ends: with one line if it was stopped by hand or cannot do what was asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Protocol

from nas.errors import NasError
from nas.watchers.signals import asked_to_stop, ending_signals

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in shells."""
REFUSED = 2


class Main(Protocol):
    """The command line of a benchmark, without the program's name; by default the process's own. Returns the exit code."""

    def __call__(self, argv: Sequence[str] | None = None) -> int: ...


def command(*, continues: bool = False) -> Callable[[Main], Main]:
    """Decorates `main`: a `NasError` is one line and exit code 2, Ctrl-C is one line and exit code 130; SIGTERM 143, SIGHUP 129.

    Args:
        continues: Whether the same command continues what was done.
    """
    stopped = "stopped; the same command continues" if continues else "stopped"

    def decorated(main: Main) -> Main:
        @wraps(main)
        def run(argv: Sequence[str] | None = None) -> int:
            with ending_signals():
                try:
                    return main(argv)
                except KeyboardInterrupt:
                    stop = asked_to_stop()
                    print(f"\n{stopped}", file=sys.stderr)
                    return INTERRUPTED if stop is None else stop.exit_code
                except NasError as error:
                    print(f"error: {error}", file=sys.stderr)
                    return REFUSED

        return run

    return decorated
