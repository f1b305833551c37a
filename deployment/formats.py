"""The formats of exported files. An entry imports what it needs when it is called, so that `--help` stays fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch.export import ExportedProgram

Runner = Callable[["npt.NDArray[np.uint8]"], "npt.NDArray[np.float32]"]
"""Runs a file on images in its layout, and returns the logits `float32[n k]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of exported files."""

    ending: str
    words: str
    """What it is, for the help."""
    require: Callable[[], None]
    """Raises a NasError if a package is missing."""
    write: Callable[[ExportedProgram, Mapping[str, Any]], bytes]
    """The content of a file, from a graph and a description, which is plain JSON."""
    open: Callable[[bytes], Runner]
    """Makes the content of a file run, on one CPU thread."""
    describe: Callable[[bytes], Mapping[str, Any]]
    """The description that goes with the content of a file, as plain JSON that has not been checked."""


def _onnx_require() -> None:
    from deployment.onnx_file import require

    require()


def _onnx_write(program: ExportedProgram, described: Mapping[str, Any]) -> bytes:
    from deployment.onnx_file import write

    return write(program, described)


def _onnx_open(content: bytes) -> Runner:
    from deployment.onnx_file import runner

    return runner(content)


def _onnx_describe(content: bytes) -> Mapping[str, Any]:
    from deployment.onnx_file import description

    return description(content)


def _torch_write(program: ExportedProgram, described: Mapping[str, Any]) -> bytes:
    from deployment.torch_file import write

    return write(program, described)


def _torch_open(content: bytes) -> Runner:
    from deployment.torch_file import runner

    return runner(content)


def _torch_describe(content: bytes) -> Mapping[str, Any]:
    from deployment.torch_file import description

    return description(content)


def _nothing() -> None:
    return None


FORMATS = {
    "onnx": Format(
        ending=".onnx",
        words="for ONNX Runtime and everything else that reads ONNX",
        require=_onnx_require,
        write=_onnx_write,
        open=_onnx_open,
        describe=_onnx_describe,
    ),
    "torch_export": Format(
        ending=".pt2",
        words="a graph of torch.export, for torch.export.load",
        require=_nothing,
        write=_torch_write,
        open=_torch_open,
        describe=_torch_describe,
    ),
}
