from dataclasses import replace

import pytest

from evaluator.images.automatic import chosen_epochs, chosen_share
from evaluator.images.data import load
from evaluator.settings import DataSettings


@pytest.mark.parametrize(
    ("images", "share"),
    [(20, 0.3), (450, 0.3), (2_700, 0.3), (5_000, 0.2), (9_000, 0.11), (20_000, 0.1), (100_000, 0.05), (1_281_167, 0.0039)],
)  # fmt: skip
def test_a_share_gives_about_a_thousand_images_where_that_is_affordable(images: int, share: float) -> None:
    assert chosen_share(images) == share
    assert share * images <= 5_100


@pytest.mark.parametrize(
    ("images", "batch_size", "epochs"),
    [(20, 64, 300), (315, 64, 300), (1_890, 64, 103), (8_010, 64, 24), (8_010, 128, 48), (45_000, 64, 6), (1_281_167, 256, 6)],
)  # fmt: skip
def test_epochs_make_about_three_thousand_steps_within_bounds(images: int, batch_size: int, epochs: int) -> None:
    assert chosen_epochs(images, batch_size) == epochs


def test_the_images_are_split_by_the_chosen_share_and_say_so(digits: DataSettings) -> None:
    chosen = load(replace(digits, validation_share=None, train_limit=None), 0).summary
    given = load(replace(digits, validation_share=0.3, train_limit=None), 0).summary

    assert (chosen.validation, chosen.fingerprint) == (given.validation, given.fingerprint)
    assert any("a share of 0.3" in line and "validation_share auto" in line for line in chosen.told)
    assert not any("auto" in line for line in given.told)
