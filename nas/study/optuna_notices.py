"""What Optuna writes to the console on its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import optuna


@contextmanager
def without_notices() -> Iterator[None]:
    """Optuna announces no study that is created here; warnings stay, and so does whatever the caller has set for elsewhere."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
