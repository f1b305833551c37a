"""Small computations on one thread: trainings use the other cores, and threads that wait for each other take many times longer."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """A context in which BLAS and OpenMP use one thread."""
    with _controller("torch" in sys.modules).limit(limits=1):
        yield


@cache
def _controller(with_torch: bool) -> ThreadpoolController:
    """The controller of the libraries that are loaded now; it is made late, since Optuna loads torch only when needed."""
    return ThreadpoolController()
