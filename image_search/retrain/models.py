"""The networks that were trained anew, as folders that `load_model` reads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas.output.atomic_file import json_bytes, write_atomically
from nas.retraining.networks import Network

WEIGHTS, CANDIDATE = "weights.pt", "candidate.json"


def digest_of(weights: Path) -> str:
    """SHA-256 of a file of weights."""
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_model(
    folder: Path,
    weights: Path,
    network: Network,
    space: Mapping[str, Any],
    data: Mapping[str, Any],
    told: Mapping[str, Any],
) -> None:
    """Writes a folder that `load_model` reads.

    Args:
        folder: The folder, which is made if it is missing.
        weights: The file of weights of the training that is deployed.
        network: The network.
        space: The space, as `SearchSpace.settings()`.
        data: Description of the images.
        told: How the network was trained, as plain JSON.

    Raises:
        OutputError: A file cannot be written.
    """
    write_atomically(folder / WEIGHTS, weights.read_bytes())
    description = {
        "space": dict(space),
        "candidate": network.candidate.to_json(),
        "data": dict(data),
        "retrained": dict(told),
    }
    write_atomically(folder / CANDIDATE, json_bytes(description))
