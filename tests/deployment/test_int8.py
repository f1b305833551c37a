import numpy as np
import pytest

from deployment.int8 import paired


def logits(*classes: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.eye(3, dtype=np.float32)[list(classes)]


def test_accuracies_on_the_same_images_are_compared_image_by_image() -> None:
    labels = np.array([0, 1, 2, 0])
    found = paired(logits(0, 1, 2, 1), logits(0, 0, 2, 0), labels)
    assert (found.mean, found.n) == (0.0, 4)
    assert found.standard_error == pytest.approx(100 * np.sqrt(2 / 4 / 4))
    worse = paired(logits(0, 1, 2, 0), logits(0, 0, 2, 0), labels)
    assert worse.mean == -25.0
    assert paired(logits(0, 1), logits(0, 1), labels[:2]).standard_error == 0
