"""Which network to take, and why, in one short paragraph."""

from __future__ import annotations

from nas.records import Trial
from nas.report.findings.recommendation import Recommendation, Rule, eligible, recommendation
from nas.report.findings.statistics import expected_value, members, resolution
from nas.report.quantities import short, signed_difference, with_unit
from nas.search.result import SearchResult


def advice(result: SearchResult) -> str:
    """The paragraph; empty if no network can be recommended."""
    found = recommendation(result)
    if found is None:
        return ""
    return " ".join([_what(result, found), _why(result, found), *_neighbours(result, found)])


def _what(result: SearchResult, found: Recommendation) -> str:
    interval = ""
    if found.interval is not None:
        low, high = (short(result.learned, end) for end in found.interval)
        interval = f", 95 % interval {low} to {high} by the number of validation images"
    trial = _trial(result, found.trial)
    expected = "expected " if result.observed is not None else ""
    return (
        f"Trial {found.trial} is recommended: {_value(result, trial)} {expected}{result.learned.words} "
        f"at {_cost(result, trial)}{interval}."
    )


def _why(result: SearchResult, found: Recommendation) -> str:
    count = len(eligible(result))
    ends = f"the straight line from the cheapest to the best one{_scale(result)}"
    if found.rule is Rule.ONLY:
        others = len(members(result)) - 1
        return (
            "It is the only network of the front." if not others else "The others of the front are no better in this."
        )
    if found.rule is Rule.UNRESOLVED:
        return f"The validation images cannot tell the {count} networks of the front apart, so the cheapest of them is taken."
    if found.rule is Rule.BEST:
        return f"No network of the front lies above {ends}, so the front has no knee, and the best one is taken."
    return (
        f"It is the knee of the front, the network that lies furthest above {ends}: what costs more gains less for its cost, "
        "and what costs less loses more than it saves."
    )


def _scale(result: SearchResult) -> str:
    return ", with the cost on a logarithmic scale" if result.cost.log else ""


def _neighbours(result: SearchResult, found: Recommendation) -> list[str]:
    """What the next cheaper and the next better network would give."""
    told = []
    for which, number in (("cheaper", found.cheaper), ("better", found.better)):
        if number is None:
            extreme = {"cheaper": "is cheaper", "better": "is better"}[which]
            if found.rule is not Rule.ONLY:
                told.append(f"No network of the front {extreme}.")
            continue
        told.append(f"The next {which} one is trial {number}: {_beside(result, number, found.trial)}.")
    return told


def _beside(result: SearchResult, number: int, taken: int) -> str:
    """The value and cost of a network beside those of the one that is taken."""
    trial, reference = _trial(result, number), _trial(result, taken)
    gain = expected_value(result, trial) - expected_value(result, reference)
    least = resolution(result)
    unresolved = " (too little for these images to tell)" if least is not None and abs(gain) < least else ""
    change = f"{signed_difference(result.learned, gain)} {result.learned.difference_unit}".strip()
    costs = [each.values()[result.cost.name] for each in (trial, reference)]
    ratio = f", {costs[0] / costs[1]:.2g} times the cost" if costs[1] > 0 else ""
    return f"{_value(result, trial)} at {_cost(result, trial)}, which is {change}{unresolved}{ratio}"


def _trial(result: SearchResult, number: int) -> Trial:
    return next(trial for trial in members(result) if trial.number == number)


def _value(result: SearchResult, trial: Trial) -> str:
    return with_unit(result.learned, expected_value(result, trial))


def _cost(result: SearchResult, trial: Trial) -> str:
    return with_unit(result.cost, trial.values()[result.cost.name])
