"""Files of the format ONNX, written by torch and run by ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch.export import ExportedProgram

from deployment.formats import Runner
from evaluator.measuring.onnx_form import OPSET, QUIET, missing_packages, quiet_exporter
from nas.errors import DeploymentError
from nas.values.json_file import parse_json

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import onnx

INPUT, OUTPUT, BATCH = "images", "logits", "batch"
"""Names of input, output and the axis of images."""


def require() -> None:
    """Refuses to go on without the packages of the extra `onnx`.

    Raises:
        DeploymentError: A package is missing; the message names it and says how to install it.
    """
    missing = missing_packages()
    if missing:
        raise DeploymentError(
            f"--format onnx needs {', '.join(missing)}, not installed here: pip install 'shufflenas[onnx]' "
            "(in a clone: pip install -c constraints.txt -e '.[onnx]'), or choose --format torch_export"
        )


def write(program: ExportedProgram, described: Mapping[str, Any]) -> bytes:
    """The content of a file; the description becomes its metadata.

    Raises:
        DeploymentError: The graph holds an operation that has no form in ONNX.
    """
    import torch

    with quiet_exporter():
        try:
            made: Any = torch.onnx.export(
                program, (), dynamo=True, opset_version=OPSET, external_data=False, verbose=False,
                input_names=[INPUT], output_names=[OUTPUT],
            )  # fmt: skip
        except Exception as error:  # the exporter raises types of many modules
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise DeploymentError(f"the network has no form in ONNX ({type(error).__name__}: {lines[0]})") from error
        graph = made.model_proto
    _name_batch(graph)
    graph.producer_name = "shufflenas"
    add_description(graph, described)
    return bytes(graph.SerializeToString())


def add_description(graph: onnx.ModelProto, described: Mapping[str, Any]) -> None:
    """Sets metadata: texts as they are, everything else as JSON; what is None is left out."""
    from onnx.helper import set_model_props

    texts = {
        name: each if isinstance(each, str) else json.dumps(each)
        for name, each in described.items()
        if each is not None
    }
    set_model_props(graph, texts)


def _name_batch(graph: onnx.ModelProto) -> None:
    """Gives the axis of images the same name in input, output and in between."""
    former = graph.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*graph.graph.input, *graph.graph.output, *graph.graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param == former:
                axis.dim_param = BATCH


def runner(content: bytes) -> Runner:
    """See `Format.open`."""
    session = _session(content)

    def run(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        logits: npt.NDArray[np.float32] = session.run(None, {INPUT: images})[0]
        return logits

    return run


def description(content: bytes) -> dict[str, Any]:
    """See `Format.describe`: what `add_description` wrote. A text that is no JSON is taken as it is."""
    texts: dict[str, str] = _session(content).get_modelmeta().custom_metadata_map
    return {name: _value(text) for name, text in texts.items()}


def _value(text: str) -> Any:
    try:
        return parse_json(text)
    except (ValueError, RecursionError):
        return text


def _session(content: bytes) -> Any:
    """The content of a file, ready to run.

    Raises:
        DeploymentError: ONNX Runtime is missing, or does not take the content.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise DeploymentError(
            "an ONNX file needs onnxruntime, not installed here: pip install 'shufflenas[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = QUIET
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises types of its own for each fault
        raise DeploymentError(f"ONNX Runtime does not take the file ({type(error).__name__})") from error
