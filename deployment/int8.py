"""A quantized file, and what it gains and loses beside the file that it was made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deployment.onnx_file import runner
from deployment.parity import Logits, accuracy, file_logits, in_layout, measured
from deployment.quantization import quantized
from deployment.run_images import ComparedImages
from deployment.speed import Latencies, measure_files
from nas.records import Measurement

FP32, INT8 = "fp32", "int8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8:
    """A quantized file with its figures. Both files were run on the same validation images."""

    content: bytes
    accuracies: Mapping[str, Measurement]
    """In percent."""
    difference: Measurement
    """Accuracy of int8 less that of fp32, image by image, in points."""
    equal_classes: float
    """Share of the images with equal classes, 0 to 1."""
    bytes: Mapping[str, int]
    latencies: Latencies
    calibration: int
    """Number of training images by which ranges were found."""

    @property
    def lines(self) -> list[str]:
        """A small table, and what has to be known to read it."""
        rows = [
            f"  {name}  {self.accuracies[name].mean:6.2f} ± {self.accuracies[name].standard_error:.2f} %"
            f"  {self.bytes[name]:>11,} bytes  {self.latencies.milliseconds[name]:8.3f} ms"
            for name in (FP32, INT8)
        ]
        others = self.latencies.disturbed_by
        return [
            *rows,
            f"  int8 - fp32: {self.difference.mean:+.2f} ± {self.difference.standard_error:.2f} points on "
            f"{self.difference.n:,} validation images, {100 * self.equal_classes:.4g} % of the classes are equal; "
            f"ranges from {self.calibration:,} training images",
            f"  milliseconds: median for one image on one thread of {self.latencies.machine}, ONNX Runtime"
            + (f"; disturbed: {others}" if others else ""),
        ]

    def to_json(self) -> dict[str, Any]:
        """All figures as plain JSON."""
        return {
            "accuracies": {name: measured(each) for name, each in self.accuracies.items()},
            "difference": measured(self.difference),
            "equal_classes": self.equal_classes,
            "bytes": dict(self.bytes),
            "latencies": asdict(self.latencies),
            "calibration_images": self.calibration,
        }


def make_int8(
    content: bytes, images: ComparedImages, layout: str, described: Mapping[str, Any], exported: Logits
) -> Int8:
    """Quantizes a file and measures both.

    Args:
        content: The file.
        images: The images of the search.
        layout: Layout of the file's images.
        described: The file's description.
        exported: The file's logits for the compared images.
    """
    assert images.labels is not None
    assert images.calibration is not None
    made = quantized(
        content, images.calibration, layout, {**described, "quantization": "int8 weights and activations, QDQ"}
    )
    runners = {FP32: runner(content), INT8: runner(made)}
    small = file_logits(runners[INT8], images.pixels, layout)
    return Int8(
        content=made,
        accuracies={FP32: accuracy(exported, images.labels), INT8: accuracy(small, images.labels)},
        difference=paired(exported, small, images.labels),
        equal_classes=float(np.mean(exported.argmax(1) == small.argmax(1))),
        bytes={FP32: len(content), INT8: len(made)},
        latencies=measure_files(runners, in_layout(images.pixels[:1], layout)),
        calibration=len(images.calibration),
    )


def paired(before: Logits, after: Logits, labels: npt.NDArray[np.int64]) -> Measurement:
    """The difference of two accuracies on the same images in points, with the deviation of one image's difference."""
    gained = (after.argmax(1) == labels).astype(float) - (before.argmax(1) == labels)
    mean = float(gained.mean())
    return Measurement(
        mean=100 * mean, std=100 * math.sqrt(max(float((gained**2).mean()) - mean**2, 0.0)), n=len(labels)
    )
