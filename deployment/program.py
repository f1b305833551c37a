"""The graph of a network, for any number of images."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from nas.errors import DeploymentError


def exported_program(network: nn.Module, images: Tensor) -> ExportedProgram:
    """The graph of a network.

    Args:
        network: A network in evaluation mode, on the CPU.
        images: Two or more images, which are only looked at for their type and shape; their number is left open.

    Raises:
        DeploymentError: The network has no such graph, as it decides something by the values of an image.
    """
    batch = torch.export.Dim("batch")
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations within torch
            return torch.export.export(network, (images,), dynamic_shapes=({0: batch},))
    except Exception as error:  # the exporter raises types of many modules
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DeploymentError(
            f"the network has no graph that torch.export can write ({type(error).__name__}: {lines[0][:200]})"
        ) from error
