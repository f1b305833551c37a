from __future__ import annotations

import numpy as np

from evaluator.images.data import load, load_test, nothing_held_out
from evaluator.settings import DataSettings


def test_nothing_is_held_out_but_the_test_images() -> None:
    data = DataSettings(name="digits", validation_share=0.3)
    splits = load(data, seed=1)
    found = nothing_held_out(splits)
    both = np.union1d(splits.train.rows, splits.validation.rows)
    np.testing.assert_array_equal(found.train.rows, both)
    assert len(found.validation) == 0
    assert (found.summary.train, found.summary.validation) == (len(both), 0)
    assert found.summary.identity == splits.summary.identity
    trained = {image.tobytes() for image in found.train.images[found.train.rows]}
    tested = load_test(data)
    assert sum(image.tobytes() in trained for image in tested.images) < 0.02 * len(tested)
