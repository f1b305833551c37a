"""Loads a trained network from the folder that a search wrote, which may come from a stranger.

Everything is checked before anything is made: the description has bounds, the network is built on the meta device, where it
takes no memory, and the file of weights must have the network's size, and then its tensors.
"""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nas.candidate import Candidate
from nas.errors import NasError, OutputError
from nas.values.json_fields import shown
from nas.values.json_file import open_regular, read_json
from search_spaces import space_from_json

CANDIDATE_FILE = "candidate.json"
WEIGHTS_FILE = "weights.pt"
MOST_OUTLINE = 2**24
"""Bytes that names and shapes of tensors may take in a file of weights."""
MORE_BYTES = 2**20
MORE_BYTES_A_TENSOR = 2**10
"""Bytes per tensor by which a file of weights may be larger than the weights."""
PLAIN = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_tensor_v2|torch (?!Untyped|Typed)[A-Za-z0-9]+Storage"
)
"""The parts of a state dict of ordinary tensors, among everything that a pickle may ask for."""
MOST_CHARACTERS = 500


def load_model(folder: str | Path) -> nn.Module:
    """See `search_spaces.load_model`."""
    try:
        return _load(Path(folder))
    except NasError as error:
        if len(str(error)) <= MOST_CHARACTERS:
            raise
        raise OutputError(f"{str(error)[: MOST_CHARACTERS - 4]} ...") from None


def check_model(folder: Path, candidate: Candidate, space: Mapping[str, Any]) -> None:
    """Refuses weights that are not whole, or do not belong to a candidate's network.

    Args:
        folder: Folder of the weights.
        candidate: Candidate to which they should belong.
        space: The space, as `SearchSpace.settings()`.

    Raises:
        OutputError: `load_model` would raise it.
    """
    _Weights(folder / WEIGHTS_FILE).of(_Description(folder / CANDIDATE_FILE, space, candidate))


def _load(folder: Path) -> nn.Module:
    path = folder / CANDIDATE_FILE
    space, candidate = _read_candidate(path)
    try:
        description = _Description(path, space, Candidate.from_json(candidate))
    except ValueError as error:
        raise _undescribed(path, error) from error
    weights = _Weights(folder / WEIGHTS_FILE)
    state = weights.of(description)
    model = description.build("cpu")
    try:
        model.load_state_dict(state)
    except (RuntimeError, ValueError, IndexError) as error:
        raise weights.fault(f"does not hold the weights of this network: {shown(str(error))}") from error
    return model.eval()


class _Description:
    """The description of a candidate, as far as it is needed to build the network."""

    def __init__(self, path: Path, space: Mapping[str, Any], candidate: Candidate) -> None:
        self._path = path
        self.candidate = candidate
        try:
            self._space = space_from_json(_narrowed(space, candidate))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise _undescribed(path, error) from error

    @property
    def units(self) -> int:
        """Number of units in all stages, each of which has at least one tensor."""
        found = [value for name, value in self.candidate.architecture.items() if name.endswith(".units")]
        return sum(value for value in found if isinstance(value, int))

    def build(self, device: str) -> nn.Module:
        """Builds the untrained network.

        Raises:
            OutputError: The candidate does not describe a network.
        """
        try:
            with torch.device(device):
                model: nn.Module = self._space.build(self.candidate)
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise _undescribed(self._path, error) from error
        return model


def _undescribed(path: Path, error: Exception) -> OutputError:
    return OutputError(f"{path} does not describe a network of these spaces: {str(error)[:300]}")


def _narrowed(space: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    """The settings with few sizes to choose from: those of the candidate, and the extreme ones, which have limits."""
    narrowed = dict(space)
    architecture = candidate.architecture
    if "width" in architecture and isinstance(space.get("widths"), list):
        narrowed["widths"] = _few(architecture["width"], space["widths"])
    stages = sorted(name for name in architecture if re.fullmatch(r"stage\d+\.units", name))
    units = space.get("units")
    if isinstance(units, list) and len(units) == len(stages) and all(isinstance(each, list) for each in units):
        narrowed["units"] = [_few(architecture[name], each) for name, each in zip(stages, units, strict=True)]
    return narrowed


def _few(chosen: Any, offered: list[Any]) -> list[Any]:
    return list(dict.fromkeys([chosen, *((min(offered), max(offered)) if offered else ())]))


def _read_candidate(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        data = read_json(path)
    except FileNotFoundError:
        beside = sorted(other.parent.name for other in path.parent.parent.glob(f"*/{path.name}"))[:20]
        there = f"; there are {', '.join(beside)}" if beside else "; a folder such as OUTPUT/models/TRIAL is needed"
        raise OutputError(f"no {path.name} in {path.parent}{there}") from None
    space, candidate = (data.get("space"), data.get("candidate")) if isinstance(data, dict) else (None, None)
    if not (isinstance(space, dict) and isinstance(candidate, dict)):
        raise OutputError(f"{path} is not a candidate of a search: it must hold the objects 'space' and 'candidate'")
    return space, candidate


class _Weights:
    """A file of weights."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fault(self, what: str) -> OutputError:
        """The error that says what is wrong with the file."""
        return OutputError(f"{self._path} {what}")

    def of(self, description: _Description) -> Mapping[str, Tensor]:
        """Reads the state of a network.

        Raises:
            OutputError: The file is not regular, is not a whole file of weights, or belongs to another network.
        """
        try:
            file = open_regular(self._path)
        except FileNotFoundError:
            raise OutputError(f"no {self._path.name} in {self._path.parent}") from None
        with file:
            size = self._check_outline(file, description)
            model = description.build("meta")
            expected = model.state_dict()
            needed = sum(tensor.numel() * tensor.element_size() for tensor in expected.values())
            most = needed + MORE_BYTES + MORE_BYTES_A_TENSOR * len(expected)
            if not needed <= size <= most:
                raise self.fault(f"holds the weights of another network: it has {size:,} bytes, this one's {needed:,}")
            file.seek(0)
            state = self._read(file.read(size))
        self._compare(state, expected)
        return state

    def _check_outline(self, file: Any, description: _Description) -> int:
        """Returns the file's size in bytes. Refuses, without reading tensors, what is not a zip archive of ordinary tensors."""
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
                (outline,) = (entry for entry in entries if entry.filename.endswith("/data.pkl"))
                packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
                if packed or outline.file_size > MOST_OUTLINE or len({e.filename for e in entries}) < len(entries):
                    raise self.fault("is not a file of weights: its archive is not of the kind that a search writes")
                tensors = 0
                for operation, argument, _ in pickletools.genops(archive.read(outline)):
                    if operation.name in ("GLOBAL", "STACK_GLOBAL", "INST") and not PLAIN.fullmatch(str(argument)):
                        raise self.fault(f"is not a file of weights: it asks for {shown(argument)}")
                    tensors += operation.name == "BINPERSID"
        except OutputError:
            raise
        except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise self.fault(f"is not a file of weights: {shown(str(error))}") from error
        if tensors < description.units:
            raise self.fault(
                f"holds the weights of another network: {tensors} tensors, for one of {description.units:,} units"
            )
        return int(file.seek(0, io.SEEK_END))

    def _read(self, content: bytes) -> Mapping[str, Tensor]:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                broken = archive.testzip()
            if broken is not None:
                raise self.fault(f"is damaged: its part {shown(broken)} has changed since it was written")
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except OutputError:
            raise
        except Exception as error:  # an unpickler may raise any kind of error on files that are made to break it
            raise self.fault(f"is not a file of weights: {shown(str(error))}") from error
        if not isinstance(state, Mapping):
            raise self.fault(f"is not a file of weights: it holds a {type(state).__name__}, not a state dict")
        return state

    def _compare(self, state: Mapping[str, Any], expected: Mapping[str, Tensor]) -> None:
        """Refuses a state whose names, shapes or types differ from those of a network."""
        differing = [f"no {name}" for name in expected if name not in state]
        differing += [f"{shown(name)}, which it has not" for name in state if name not in expected]
        for name, tensor in expected.items():
            found = state.get(name, tensor)
            if not isinstance(found, Tensor) or found.layout != torch.strided:
                differing.append(f"{name} as {type(found).__name__}")
            elif (found.shape, found.dtype) != (tensor.shape, tensor.dtype):
                kinds = [f"{tuple(each.shape)} {str(each.dtype).removeprefix('torch.')}" for each in (found, tensor)]
                differing.append(f"{name} as {kinds[0]} instead of {kinds[1]}")
        if differing:
            more = f" and {len(differing) - 2} more" if len(differing) > 2 else ""
            raise self.fault(
                f"holds the weights of another network: {'; '.join(each[:120] for each in differing[:2])}{more}"
            )
