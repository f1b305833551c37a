"""Files of the format of torch.export."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch.export import ExportedProgram

from deployment.formats import Runner
from nas.errors import DeploymentError
from nas.values.json_file import parse_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DESCRIPTION = "description.json"
"""Name of the description among the file's extra files."""


def write(program: ExportedProgram, described: Mapping[str, Any]) -> bytes:
    """The content of a file; the description is one of its extra files."""
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={DESCRIPTION: json.dumps(described, indent=2)})
    return file.getvalue()


def runner(content: bytes) -> Runner:
    """See `Format.open`. The content is our own: such a file from a stranger may run any program when it is loaded."""
    network = torch.export.load(io.BytesIO(content)).module()

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            logits: npt.NDArray[np.float32] = network(torch.from_numpy(images)).numpy()
        return logits

    return run


def description(content: bytes) -> dict[str, Any]:
    """See `Format.describe`. Only the archive is read; nothing in it is run.

    Raises:
        DeploymentError: The content is no archive of torch.export with a description.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (name,) = (each for each in archive.namelist() if each.endswith(f"/{DESCRIPTION}"))
            found = parse_json(archive.read(name).decode())
    except (zipfile.BadZipFile, ValueError, OSError, RecursionError, NotImplementedError, RuntimeError) as error:
        raise DeploymentError(f"it holds no {DESCRIPTION}, as a file of `shufflenas export` does") from error
    return found if isinstance(found, dict) else {}
