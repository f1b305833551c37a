"""The section on answers: a matrix of few classes, the worst of many, and pictures within a bound."""

from __future__ import annotations

import base64
import dataclasses
import json
import random

import pytest

from nas.classified import Classification, Classified
from nas.report.page import page
from nas.report.payload import payload
from nas.report.sections import answers as section
from nas.search.result import SearchResult
from tests.nas.report.conftest import MakeResult, MakeTrial
from tests.nas.report.page.test_page import HOSTILE, Elements


def answered(result: SearchResult, classes: int, items: int = 400, picture: bytes = b"\x89PNG") -> SearchResult:
    rng = random.Random(3)
    truth = [position % classes for position in range(items)]
    networks = {
        number: Classified(
            predicted=[label if rng.random() < 0.6 else rng.randrange(classes) for label in truth],
            confidence=[rng.random() for _ in truth],
        )
        for number in result.front.trials
    }
    told = Classification(
        classes=[f"{HOSTILE} {k}" for k in range(classes)], truth=truth, networks=networks, picture=lambda _: picture
    )
    return dataclasses.replace(result, classification=told)


@pytest.fixture
def result(make_result: MakeResult, make_trial: MakeTrial) -> SearchResult:
    return make_result([make_trial(k, accuracy=50.0 + 9 * k, macs=1e6 * 2**k) for k in range(4)])


def test_few_classes_are_a_matrix_whose_diagonal_is_what_is_right(result: SearchResult) -> None:
    told = payload(answered(result, classes=10))["answers"]
    assert told["as_matrix"]
    assert next(iter(told["networks"])) == payload(result)["recommended"]
    for network in told["networks"].values():
        matrix = network["matrix"]
        assert sum(matrix[k][k] for k in range(10)) == network["right"] < network["items"] == sum(map(sum, matrix))
        assert [[label, sum(matrix[label]), matrix[label][label]] for label in range(10)] == network["scores"]
        assert len(network["surest"]) == section.MISTAKES
        assert {one[0] for one in network["surest"]} <= set(told["pictures"])


def test_of_many_classes_the_worst_and_the_commonest_confusions_are_told(result: SearchResult) -> None:
    told = payload(answered(result, classes=200, items=2000))["answers"]
    assert not told["as_matrix"]
    for network in told["networks"].values():
        assert network["matrix"] == []
        assert len(network["scores"]) == len(network["confusions"]) == section.WORST
        shares = [right / items for _, items, right in network["scores"]]
        assert shares == sorted(shares)
        mentioned = {one[0] for one in network["scores"]} | {k for one in network["confusions"] for k in one[:2]}
        assert mentioned <= set(told["classes"])
    assert len(told["classes"]) < 200
    assert len(json.dumps(told)) < 100_000


def test_pictures_are_bounded_and_say_what_they_are(result: SearchResult) -> None:
    large = payload(answered(result, classes=10, picture=b"\xff\xd8" + bytes(100_000)))["answers"]["pictures"]
    assert 0 < len(large) <= 3
    assert sum(map(len, large.values())) <= section.PICTURE_BYTES
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in large.values())
    (small, *_) = payload(answered(result, classes=10))["answers"]["pictures"].values()
    assert small == "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()


def test_names_of_classes_are_text_and_short(result: SearchResult) -> None:
    shown = page(answered(result, classes=3))
    assert Elements(shown).tags == Elements(page(result)).tags
    told = payload(answered(result, classes=3))["answers"]["classes"]
    assert all(len(name) <= section.LONGEST_NAME for name in told.values())


def test_without_answers_there_is_no_section(result: SearchResult) -> None:
    assert payload(result)["answers"] is None
