"""The words that are explained: those of the page, of its quantities and of its space."""

from __future__ import annotations

import dataclasses
import re

import pytest

from evaluator.costs import COSTS
from evaluator.measures import MEASURES
from nas.portrait import KindStyle, Legend, Portrait
from nas.report.findings.statistics import trained
from nas.report.page import page
from nas.report.payload import payload
from nas.report.sections.glossary import MOST_KINDS, glossary
from search_spaces.portrait import legend
from tests.nas.report.conftest import MakeResult, MakeSearch, MakeTrial
from tests.nas.report.page.test_page import HOSTILE, Elements
from tests.nas.report.page.test_page_browser import OpenPage, browser, visit  # noqa: F401


def test_about_ten_words_and_those_of_the_space_are_explained_once(make_search: MakeSearch) -> None:
    result = make_search(40)
    told = glossary(result)
    words = [word for word, _ in told]
    assert len(set(words)) == len(words)
    assert {"front", "knee", "hypervolume", "validation", "standard error", "accuracy", "multiply-adds"} <= set(words)
    assert {"mixer", "group", "unchanged", "dynamic", "static"} <= set(words)
    assert 10 <= len(words) <= 20
    assert all(meaning.endswith(".") for _, meaning in told)


def test_words_that_the_page_does_not_use_are_not_explained(make_result: MakeResult, make_trial: MakeTrial) -> None:
    one = make_result([make_trial(0, accuracy=50.0, n=1, std=0.0)])
    words = {word for word, _ in glossary(one)}
    assert not words & {"knee", "standard error", "resolution", "dynamic", "expected accuracy"}
    assert {word for word, _ in glossary(dataclasses.replace(one, observed=one.front))} - words == {"expected accuracy"}
    assert glossary(make_result([])) == []


def test_a_space_explains_its_own_words_and_only_kinds_that_there_are(
    make_result: MakeResult, make_trial: MakeTrial
) -> None:
    styles = tuple(KindStyle(name=f"k{k}", label=f"kind {k}", meaning=f"It is {k}.") for k in range(20))
    told = Legend(styles=styles, terms=((HOSTILE, f"{HOSTILE}."),))
    kinds = ("k15", "k3")
    result = make_result(
        [make_trial(k, accuracy=50.0 - k, macs=1e6 * (k + 1)) for k in range(2)],
        legend=told,
        portraits={k: Portrait(description="", kind=kind) for k, kind in enumerate(kinds)},
    )
    of_space = glossary(result)[-3:]
    assert of_space == [(HOSTILE, f"{HOSTILE}."), ("kind 15", "It is 15."), ("kind 3", "It is 3.")]
    plain = make_result([make_trial(0, accuracy=50.0)])
    assert Elements(page(result)).tags == Elements(page(plain)).tags
    assert dict(payload(result)["glossary"]) == dict(glossary(result))
    assert len(styles) > MOST_KINDS


@pytest.mark.parametrize("always_mixes", [True, False])
def test_every_kind_of_the_legend_but_the_mixed_one_has_a_meaning(always_mixes: bool) -> None:
    without = [style.name for style in legend(always_mixes=always_mixes).styles if not style.meaning]
    assert set(without) <= {"mixed", "grouped"}


def test_every_quantity_has_a_meaning() -> None:
    measures = [measure.objective(10) for measure in MEASURES.values()]
    assert all(each.meaning.endswith(".") for each in (*measures, *(cost.objective(1.0) for cost in COSTS.values())))


@pytest.mark.browser
def test_each_word_is_on_the_page_and_its_first_use_leads_to_its_meaning(
    visit: OpenPage,  # noqa: F811
    make_search: MakeSearch,
) -> None:
    result = make_search(40)
    assert trained(result)
    page = visit(result)
    box = page.locator("#glossary")
    assert box.get_attribute("open") is None
    elsewhere = page.locator("body").inner_text()  # without what is folded
    for word, _ in glossary(result):
        assert re.search(rf"\b{re.escape(word)}s?\b", elsewhere, re.IGNORECASE), word
    links = page.locator("a.word")
    assert links.count() >= 6
    assert len(set(links.evaluate_all("all => all.map((one) => one.hash)"))) == links.count()
    page.locator("a.word", has_text="hypervolume").first.click()
    assert box.get_attribute("open") is not None
    assert "One number for a whole front" in page.locator("#words").inner_text()
