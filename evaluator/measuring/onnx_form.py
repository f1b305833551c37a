"""A network as an ONNX graph, run by ONNX Runtime on the CPU. The packages are optional: the extra `onnx`."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from evaluator.measuring.timing import Call
from nas.errors import MeasurementError

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
OPSET = 18
"""Version of the ONNX operators: the exporter's own, which every ONNX Runtime since 1.14 (2023) supports."""
QUIET = 3
"""Log level at which ONNX Runtime logs only errors."""


def require_packages() -> None:
    """Refuses to go on without the packages of the extra `onnx`.

    Raises:
        MeasurementError: A package is missing; the message names it and says how to install it.
    """
    missing = missing_packages()
    if missing:
        raise MeasurementError(
            f"the form onnx needs {', '.join(missing)}, not installed here: "
            "pip install -c constraints.txt -e '.[onnx]', or choose eager or compiled"
        )


def missing_packages() -> list[str]:
    """The packages of the extra `onnx` that are not installed."""
    missing = []
    for package in PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError:
            missing.append(package)
    return missing


class OnnxNetwork:
    """A network exported for batches of one size.

    Args:
        network: A network in evaluation mode, on the CPU.
        images: A batch, `float32[n c h w]`.
        threads: Number of threads of ONNX Runtime.

    Raises:
        MeasurementError: A package is missing, or the network cannot be exported or loaded.
    """

    def __init__(self, network: nn.Module, images: Tensor, threads: int) -> None:
        require_packages()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = QUIET
        try:
            graph = _exported(network, images)
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the exporter and the runtime raise types of many modules
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise MeasurementError(
                f"the network cannot be exported to ONNX and loaded ({type(error).__name__}: {lines[0]})"
            ) from error
        self._input = self._session.get_inputs()[0].name

    def __call__(self, images: Tensor) -> Tensor:
        """The network's outputs."""
        return torch.from_numpy(self._session.run(None, {self._input: images.contiguous().numpy()})[0])

    def bound(self, images: Tensor) -> Call:
        """A forward of one batch that is converted to an array beforehand."""
        feed = {self._input: images.contiguous().numpy()}

        def forward() -> object:
            return self._session.run(None, feed)

        return forward


def _exported(network: nn.Module, images: Tensor) -> bytes:
    """The serialized graph, with the weights inside."""
    with quiet_exporter():
        program: Any = torch.onnx.export(
            network, (images,), dynamo=True, opset_version=OPSET, external_data=False, verbose=False
        )
        return bytes(program.model_proto.SerializeToString())


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """A context in which torch's exporter to ONNX only reports errors."""
    exporter = logging.getLogger("torch.onnx")
    before = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # Deprecations within the exporter's own packages are not our concern.
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(before)
