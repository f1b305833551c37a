"""The words of the page that a reader may not know. What belongs to a space or to a quantity, these explain themselves."""

from __future__ import annotations

from collections.abc import Iterable

from nas.portrait import KindStyle
from nas.report.findings.recommendation import Rule, recommendation
from nas.report.findings.statistics import members, resolution, trained
from nas.search.result import SearchResult

MOST_KINDS = 6
"""Most kinds of the space that are explained."""


def glossary(result: SearchResult) -> list[tuple[str, str]]:
    """Words that the page of this search uses, each with its explanation; empty if nothing was trained."""
    if not trained(result):
        return []
    return [*_of_fronts(result), *_of_measuring(result), *_of_quantities(result), *_of_space(result)]


def _of_fronts(result: SearchResult) -> Iterable[tuple[str, str]]:
    axes = " and ".join(objective.words for objective in result.objectives)
    yield (
        "front",
        f"The networks that no other one beats in {axes} at once. Whoever wants more of one of these has to give up some of "
        "another, so the choice among them is a matter of taste and budget. Also called Pareto front.",
    )
    found = recommendation(result)
    if found is not None and found.rule in (Rule.KNEE, Rule.BEST):
        yield (
            "knee",
            "The bend of a front: up to there a little more cost buys much, and beyond it much more cost buys little.",
        )
    yield (
        "hypervolume",
        "One number for a whole front: the size of what it covers, from a fixed worst value of each objective. It grows "
        "whenever the front improves anywhere, and has no meaning by itself.",
    )
    if result.observed is not None:
        words = result.learned.words
        yield (
            f"expected {words}",
            f"The {words} that another training of the same network would give, as estimated from all trainings of this search. "
            "The best of many measured values is partly luck, and this takes the luck away.",
        )
    yield ("trial", "One network with its training settings, from the moment it was proposed to its result.")


def _of_measuring(result: SearchResult) -> Iterable[tuple[str, str]]:
    yield (
        "validation",
        "Validation images are those that no network was trained on. Networks are compared and chosen by them. Test images are "
        "others again, which a search does not use.",
    )
    if resolution(result) is None:
        return
    yield (
        "standard error",
        "How far a value is typically off because only so many images were there to measure it. In 95 of 100 cases the value "
        "for all images of this kind lies within twice this distance.",
    )
    yield (
        "resolution",
        "The smallest difference between two networks that is more than chance, by the number of validation images.",
    )


def _of_quantities(result: SearchResult) -> Iterable[tuple[str, str]]:
    return ((each.words, each.meaning) for each in (*result.objectives, *result.further_measures) if each.meaning)


def _of_space(result: SearchResult) -> Iterable[tuple[str, str]]:
    yield from result.legend.terms
    yield from ((style.label, style.meaning) for style in _kinds(result)[:MOST_KINDS])


def _kinds(result: SearchResult) -> list[KindStyle]:
    """The kinds of networks and their parts that there are and that need an explanation, those of the front first."""
    front, pool = (
        {
            kind
            for trial in trials
            for kind in (result.portrait(trial).kind, *(part.kind for part in result.portrait(trial).parts))
        }
        for trials in (members(result), trained(result))
    )
    there = [style for style in result.legend.styles if style.name in pool and style.meaning]
    return sorted(there, key=lambda style: style.name not in front)
