"""Small computations on one thread: the other cores train, and threads that wait for each other there take many times as long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it BLAS and OpenMP use one thread."""
    with _controller("torch" in sys.modules).limit(limits=1):
        yield


@cache
def _controller(with_torch: bool) -> ThreadpoolController:
    """Knows the libraries that are loaded when it is made; Optuna loads torch only when it needs it."""
    return ThreadpoolController()
