"""How the C library provides memory to torch on a CPU."""

from __future__ import annotations

import ctypes
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""
LARGEST = 2**30


def keep_freed_memory() -> None:
    """Makes the process keep the memory of freed tensors for later ones. It does nothing where the C library is not glibc.

    By default, glibc gives large blocks back to the system when they are freed, and every activation of the next step is
    then mapped and cleared again, page by page. With this call, the process holds the most it ever needed until it ends.
    `benchmarks/allocator.py` measures what it saves.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST)
        libc.mallopt(M_TRIM_THRESHOLD, LARGEST)
