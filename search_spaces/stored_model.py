"""A trained network from the folder that a search wrote it to."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nas.candidate import Candidate
from nas.errors import OutputError, SpaceError
from search_spaces import space_from_json

CANDIDATE_FILE = "candidate.json"
WEIGHTS_FILE = "weights.pt"


def load_model(folder: str | Path) -> nn.Module:
    """See `search_spaces.load_model`."""
    folder = Path(folder)
    space, candidate = _read_candidate(folder / CANDIDATE_FILE)
    try:
        model: nn.Module = space_from_json(space).build(Candidate.from_json(candidate))
    except (SpaceError, KeyError, TypeError, ValueError) as error:
        raise OutputError(f"{folder / CANDIDATE_FILE} does not describe a network of these spaces: {error}") from error
    weights = _read_weights(folder / WEIGHTS_FILE)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise OutputError(f"{folder / WEIGHTS_FILE} holds the weights of another network: {error}") from error
    return model.eval()


def _read_candidate(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        beside = sorted(other.parent.name for other in path.parent.parent.glob(f"*/{path.name}"))
        there = f"; there are {', '.join(beside)}" if beside else "; a folder such as OUTPUT/models/TRIAL is needed"
        raise OutputError(f"no {path.name} in {path.parent}{there}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path} cannot be read: {error}") from error
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise OutputError(f"{path} is not JSON: {error}") from error
    space, candidate = (data.get("space"), data.get("candidate")) if isinstance(data, dict) else (None, None)
    if not (isinstance(space, dict) and isinstance(candidate, dict)):
        raise OutputError(f"{path} is not a candidate of a search: it must hold the objects 'space' and 'candidate'")
    return space, candidate


def _read_weights(path: Path) -> Mapping[str, Any]:
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise OutputError(f"no {path.name} in {path.parent}") from None
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        raise OutputError(f"{path} is not a file of weights: {error}") from error
    if not isinstance(weights, Mapping):
        raise OutputError(f"{path} is not a file of weights: it holds a {type(weights).__name__}, not a state dict")
    return weights
