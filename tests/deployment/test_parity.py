import numpy as np
import pytest

from deployment.parity import accuracy, compare, in_layout
from nas.errors import DeploymentError

TRAINED = np.array([[3.0, 0.0], [1.0, 0.999], [0.0, 2.0], [5.0, -5.0]], dtype=np.float32)


def test_a_tie_is_named_with_its_margin() -> None:
    exported = TRAINED.copy()
    exported[1] = (0.999, 1.0)
    found = compare(TRAINED, exported, "validation images")
    assert found.equal_classes == 0.75
    assert found.largest_difference == pytest.approx(0.001, rel=1e-3)
    assert found.beyond_rounding == 0
    (tie,) = found.differing
    assert (tie.image, tie.trained, tie.exported) == (1, 0, 1)
    assert tie.margin == pytest.approx(0.001, rel=1e-3)
    assert "image 1: class 0 by the trained network, 1 by the file" in found.lines[1]
    found.require_close()


@pytest.mark.parametrize("wrong", [100.0, np.nan])
def test_a_file_that_computes_something_else_is_refused(wrong: float) -> None:
    exported = TRAINED.copy()
    exported[:2, 0] = wrong
    with pytest.raises(DeploymentError, match="50 % of 4 random images differ"):
        compare(TRAINED, exported, "random images").require_close()


def test_logits_of_other_classes_are_refused() -> None:
    with pytest.raises(DeploymentError, match=r"shape \(4, 1\)"):
        compare(TRAINED, TRAINED[:, :1], "random images")


def test_accuracy_is_in_percent_with_the_error_of_a_search() -> None:
    found = accuracy(TRAINED, np.array([0, 0, 1, 1]))
    assert (found.mean, found.n) == (75.0, 4)
    assert found.standard_error == pytest.approx(100 * np.sqrt(4 / 6 * 2 / 6 / 4))


def test_a_layout_is_contiguous() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    moved = in_layout(pixels, "nchw")
    assert moved.flags.c_contiguous
    assert moved[0, 2, 1, 3] == pixels[0, 1, 3, 2]
