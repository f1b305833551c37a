"""ONNX graphs that compute in integers of 8 bits, where ONNX Runtime knows how."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployment.onnx_file import INPUT, add_description
from deployment.parity import batches, in_layout
from deployment.run_images import Pixels
from nas.errors import DeploymentError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def quantized(content: bytes, calibration: Pixels, layout: str, described: Mapping[str, Any]) -> bytes:
    """The graph with weights and activations quantized: one scale for each output channel of a weight, one for each activation.

    Activations have fixed ranges, which are those seen on the given images (`quantize_static` with QDQ nodes).

    Args:
        content: An ONNX file.
        calibration: Images `uint8[n h w c]`, none of which may be used to judge the result.
        layout: Layout of the graph's images.
        described: The metadata of the result.

    Raises:
        DeploymentError: ONNX Runtime cannot quantize the graph.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Images(CalibrationDataReader):  # type: ignore[misc]
        """Gives the calibration images batch by batch."""

        def __init__(self) -> None:
            self._rest: Iterator[Pixels] = batches(calibration)

        def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
            batch = next(self._rest, None)
            return None if batch is None else {INPUT: in_layout(batch, layout)}

    with tempfile.TemporaryDirectory() as folder, _quiet():
        first, ready, made = (Path(folder) / f"{name}.onnx" for name in ("first", "ready", "made"))
        first.write_bytes(content)
        try:
            quant_pre_process(first, ready, skip_symbolic_shape=True)
            quantize_static(
                ready,
                made,
                Images(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
            )
        except Exception as error:  # the quantizer raises types of many modules
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise DeploymentError(f"the graph cannot be quantized ({type(error).__name__}: {lines[0]})") from error
        graph = onnx.load(made)
    del graph.metadata_props[:]
    add_description(graph, described)
    return bytes(graph.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """A context without the quantizer's advice, which goes to the root logger."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(before)
