"""Measures trained networks on the test images, which no search and no training uses."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from evaluator.device import resolve_device, resolve_execution
from evaluator.images.augmentation import Normalization
from evaluator.images.batches import BatchSource
from evaluator.images.data import DataSummary, load_test
from evaluator.measuring.metrics import score
from evaluator.settings import DataSettings, TrainSettings
from nas.records import Measurement


class TestImages:
    """The test images, which are opened when this is made.

    Args:
        data: Settings of the images.
        train: How the networks were trained.
        device: Name of the device: auto, cpu or cuda.
        summary: Description of the images, by which they are normalized.

    Raises:
        NasError: A setting, the dataset or the device is unusable.
    """

    __test__ = False  # the name is not that of a test

    def __init__(self, data: DataSettings, train: TrainSettings, device: str, summary: DataSummary) -> None:
        self._execution = resolve_execution(train, resolve_device(device))
        self._images = BatchSource(load_test(data), self._execution.device)
        self._normalize = Normalization(summary, self._execution.device, self._execution.memory_format)
        self._batch_size = train.batch_size

    def __len__(self) -> int:
        return len(self._images)

    def measure(self, network: nn.Module, learned: str) -> Mapping[str, Measurement]:
        """All measures of a trained network by name, with hard shuffles, as a search measures on validation images.

        Raises:
            RefusedNumberError: The measure `learned` is not a finite number.
        """
        placed = self._execution.place(network.eval())
        found = score(placed, self._images, self._normalize, self._execution, batch_size=self._batch_size)
        return found.measurements(learned)
