"""Seeds for each purpose, derived from the single root seed of a search."""

from __future__ import annotations

import hashlib


def derive_seed(root: int, *purpose: str | int) -> int:
    """A seed in [0, 2^31) that depends only on the root and the purpose, and is the same in every process and version."""
    text = "/".join(str(part) for part in (root, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
