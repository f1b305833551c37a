import pytest

from nas.settings.nearest import nearest_settings

KNOWN = [
    "config",
    "space.name",
    "space.lr",
    "space.widths",
    "data.name",
    "search.trials",
    "train.epochs",
    "train.warmup",
]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("train.lr", ["space.lr"]), ("trials", ["search.trials"]), ("lr", ["space.lr"]),
        ("search.name", ["space.name", "data.name"]), ("space.width", ["space.widths"]), ("data.nam", ["data.name"]),
        ("search.trails", ["search.trials"]), ("train.widhts", ["space.widths"]), ("epoch", ["train.epochs"]),
        ("nonsense", []), ("", []),
    ],
)  # fmt: skip
def test_names_are_found_by_their_last_part_as_well_as_by_closeness(key: str, found: list[str]) -> None:
    assert nearest_settings(key, KNOWN) == found
