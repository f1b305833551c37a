"""Trained networks as teachers: those in memory, ONNX files and programs of torch.export.

All take normalized images `float[b c h w]` and give logits `float[b classes]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from evaluator.distillation.losses import Teacher
from nas.errors import SettingsError
from nas.values.exception_line import exception_line
from nas.values.json_fields import shown

LONGEST = 300
"""Most characters of a library's error that a message shows."""


class NetworkTeacher:
    """A network in memory, in evaluation mode.

    Args:
        network: The trained network, which is moved to the device.
        device: The device of the images.
        scale: Factor per channel by which images of the training become those that the network was trained on, `float[c]`.
        shift: What is added to that, `float[c]`.
    """

    def __init__(self, network: nn.Module, device: torch.device, scale: Tensor, shift: Tensor) -> None:
        self._network = network.to(device).eval().requires_grad_(False)
        self._scale, self._shift = (each.to(device)[:, None, None] for each in (scale, shift))

    def __call__(self, pixels: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self._network(pixels * self._scale + self._shift)
        return logits


class ExportedTeacher:
    """A program that torch.export has saved.

    Raises:
        SettingsError: The file is not such a program.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        try:
            program = torch.export.load(path)
            self.shape: Sequence[object] = [
                int(side) if isinstance(side, int) else None for side in _first_shape(program)
            ]
            self._module = program.module().to(device)
        except Exception as error:  # a reader of archives may raise any kind of error on a file that is none
            raise _unreadable(path, "a program of torch.export", error) from error

    def __call__(self, pixels: Tensor) -> Tensor:
        """The logits."""
        logits: Tensor = self._module(pixels)
        return logits


class OnnxTeacher:
    """A network in an ONNX file, run by ONNX Runtime.

    Raises:
        SettingsError: ONNX Runtime is missing, or the file is not an ONNX file with one input.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise SettingsError(
                "--teacher: an .onnx file needs ONNX Runtime; install it with pip install 'shufflenas[onnx]'"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        wanted = ["CUDAExecutionProvider"] * (device.type == "cuda") + ["CPUExecutionProvider"]
        providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
            (entrance,) = self._session.get_inputs()
        except Exception as error:  # its errors have no common class
            raise _unreadable(path, "an ONNX file with one input", error) from error
        self._name = entrance.name
        self.shape: Sequence[object] = [side if isinstance(side, int) else None for side in entrance.shape]

    def __call__(self, pixels: Tensor) -> Tensor:
        """The logits."""
        images = pixels.detach().float().contiguous(memory_format=torch.contiguous_format).cpu().numpy()
        return torch.from_numpy(self._session.run(None, {self._name: images})[0]).to(pixels.device)


def refuse_unfit(path: Path, teacher: Teacher, images: Sequence[int], classes: int, shape: Sequence[object]) -> None:
    """Refuses a teacher for other images or other classes.

    Args:
        path: The file of the teacher, for the message.
        teacher: The teacher, on the CPU.
        images: Channels, height and width of the images.
        classes: Number of classes.
        shape: Shape of its input, `b c h w`, with None for a size that is free; empty if nothing is known.

    Raises:
        SettingsError: The teacher does not fit; the message says why.
    """
    channels, height, width = images
    if shape and (len(shape) != 4 or any(side not in (None, own) for side, own in zip(shape[1:], images, strict=True))):
        sides = " x ".join("any" if side is None else str(side) for side in shape[1:])
        raise SettingsError(
            f"--teacher {shown(str(path))}: takes images of {sides} (channels, height, width), and those of this run are "
            f"{channels} x {height} x {width}"
        )
    if shape and shape[0] not in (None, 2):
        raise SettingsError(
            f"--teacher {shown(str(path))}: takes batches of {shape[0]} images only; export it with a batch of any size"
        )
    try:
        with torch.no_grad():
            found = tuple(teacher(torch.zeros(2, *images)).shape)
    except Exception as error:  # whatever runs the file
        told = exception_line(error)[:LONGEST]
        raise SettingsError(f"--teacher {shown(str(path))}: cannot be run on two images of this run: {told}") from error
    if found != (2, classes):
        answers = found[1] if len(found) == 2 else "x".join(map(str, found))
        raise SettingsError(f"--teacher {shown(str(path))}: tells {answers} classes apart, and this run has {classes}")


def _first_shape(program: torch.export.ExportedProgram) -> Sequence[object]:
    """The shape of a program's first input."""
    signature = program.graph_signature
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name in signature.user_inputs:
            return list(node.meta["val"].shape)
    raise ValueError("it takes no input")


def _unreadable(path: Path, what: str, error: Exception) -> SettingsError:
    return SettingsError(f"--teacher {shown(str(path))}: is not {what} ({exception_line(error)[:LONGEST]})")
