"""Full paths lose their folders, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from nas.values.shortened_path import without_folders


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/ann/my photos/cats", "cats"),
        ("/home/ann/photos/", "photos"),
        ("~/photos", "photos"),
        ("/mnt/a/b.json is broken: 1/2", "b.json is broken: 1/2"),
        ("/data", "data"),
        (
            "run_search.py --output /mnt/runs/a --data.name=/home/ann/photos",
            "run_search.py --output a --data.name=photos",
        ),
        ("the weights in /mnt/runs/a/models/8 are gone", "the weights in 8 are gone"),
        ("sqlite:////home/ann/study.db", "sqlite:///study.db"),
        ("file:///home/ann/study.db", "file://study.db"),
        ("crashed: No such file: '/home/ann/a.png' (x)", "crashed: No such file: 'a.png' (x)"),
        ("one of /a/b,/c/d", "one of b,d"),
        ("here:/home/ann/x", "here:x"),
    ],
)
def test_the_last_part_of_a_full_path_is_left(text: str, left: str) -> None:
    assert without_folders(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "runs/quickstart/models/8",
        "../photos/cats",
        "and/or, 1/2, a / b",
        "https://github.com/uxlfoundation/oneDNN/issues/6035",
        "sqlite:///study.db",
        "postgresql://ann@host:5432/studies",
        "</script><b>bold</b>",
        "-/+ 3 %",
        "/",
        "",
    ],
)
def test_other_texts_stay(text: str) -> None:
    assert without_folders(text) == text
