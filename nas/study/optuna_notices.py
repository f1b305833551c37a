"""Control over what Optuna itself writes to the console."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import optuna


@contextmanager
def without_notices() -> Iterator[None]:
    """Within it Optuna does not announce new studies. Warnings stay, and so does what the caller has set outside."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
