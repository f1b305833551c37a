"""From a trained network to its use elsewhere, and to answers on images. Importing this module does not import torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployment.prediction.classifier import Classifier

__all__ = ["load_classifier"]


def load_classifier(path: str | Path, device: str = "cpu") -> Classifier:
    """A trained network that answers on image files, with its class names and the preparation of its training.

    Args:
        path: Folder of a model (`runs/x/models/17`), output folder of a search (its most accurate network is taken), or an
            exported file. A `.pt2` file may run any program when it is loaded, so load none of a stranger.
        device: `cpu`, `cuda`, or `auto`, which takes a GPU if there is one. Exported files are computed on the CPU.

    Raises:
        NasError: There is no model, or it is not whole; the message is one line.
    """
    from deployment.prediction.opening import open_classifier

    return open_classifier(Path(path), device)
