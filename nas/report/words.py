"""Sentences of a report: what was done, what the results are, and how far to trust them."""

from __future__ import annotations

from collections import Counter

from nas.output.machine import Machine
from nas.records import Trial, TrialState
from nas.report.images import majority, majority_sentence, uneven_sentence
from nas.report.peers import pairs
from nas.report.quantities import difference, signed_difference, with_error, with_unit
from nas.report.statistics import (
    expected_value,
    learned_value,
    members,
    resolution,
    standard_error,
    trained,
    trainings,
)
from nas.search.result import SearchResult


def data_name(result: SearchResult) -> str:
    """The name of the images."""
    return str(result.data.get("name", "unknown data"))


def seed_text(result: SearchResult) -> str:
    """The root seed as part of a title; empty if the settings do not have it."""
    search = result.settings.get("search")
    seed = search.get("seed") if isinstance(search, dict) else None
    return "" if seed is None else f"seed {seed}"


def title(result: SearchResult) -> str:
    """A title that says what was searched on which images."""
    space = result.title or str(result.space.get("name", "")) or "networks"
    return f"{space} on {data_name(result)}"


def subtitle(result: SearchResult) -> str:
    """How much was trained, in a few words."""
    done = len(trained(result))
    parts = [f"{done} network{'' if done == 1 else 's'} trained", _epochs(trained(result)), seed_text(result)]
    return ", ".join(part for part in parts if part)


def answer(result: SearchResult) -> str:
    """The whole search in one sentence."""
    pool = trained(result)
    front = members(result)
    if not pool or not front:
        return "No network has been trained to the end yet, so there is no front." + _so_far(result)
    learned = result.learned
    best = min(front, key=lambda trial: learned.loss(expected_value(result, trial)))
    cheapest = front[0]
    by = f"{'expected ' if result.observed else ''}validation {learned.words}"
    if len(pool) == 1:
        return f"One network has been trained on {data_name(result)}: {_shown(result, best)}, by {by}."
    counted = f"Of {len(pool)} networks trained on {data_name(result)}"
    if len(front) == 1:
        return f"{counted}, one is best in all objectives: {_shown(result, best)}, by {by}."
    return (
        f"{counted}, {len(front)} are on the front: from {_shown(result, cheapest)} to {_shown(result, best)}, by {by} "
        f"(hypervolume {result.front.hypervolume:.4g})."
    )


def beside_majority(result: SearchResult) -> list[str]:
    """Sentences that compare the networks with always answering the commonest class; none where that cannot be compared."""
    alone = majority(result.data) if result.learned.beside_majority else None
    if alone is None:
        return []
    told = majority_sentence(result.data)
    front = members(result)
    no_better = sum(
        expected_value(result, trial) <= alone + (standard_error(learned_value(result, trial)) or 0) for trial in front
    )
    if no_better:
        better = len(front) - no_better
        which = f"{better} of the {len(front)} networks of the front" if better else "no network of the front"
        told += f"; {which} {'are' if better > 1 else 'is'} better than that by more than a standard error"
    uneven = uneven_sentence(result.data)
    return [_sentence(told), *([_sentence(uneven)] if uneven else [])]


def versus_unchanged(result: SearchResult) -> list[str]:
    """Sentences on what the changed networks of the front gain over unchanged ones; none where nothing is compared."""
    of_front = [pair for pair in pairs(result) if pair.trial in result.front.trials]
    pool = trained(result)
    unchanged = [trial for trial in pool if result.portrait(trial).kind in result.legend.unchanged_kinds]
    if not unchanged or not any(result.is_changed(trial) for trial in pool):
        return []
    tuned = sum(trial.baseline is None for trial in unchanged)
    given = f"{tuned or 'none'} of them with searched training settings"
    told = []
    if of_front:
        gains = sorted(pair.difference for pair in of_front)
        written = [signed_difference(result.learned, gain) for gain in (gains[0], gains[-1])]
        span = written[0] if written[0] == written[1] else f"{written[0]} to {written[1]}"
        resolved = sum(pair.resolved and pair.better for pair in of_front)
        verdict = (
            f"{resolved or 'none'} of {len(gains)}" if len(gains) > 1 else "which is" if resolved else "which is not"
        )
        told.append(
            f"Beside the best {result.legend.unchanged} network of no greater cost, the front's other networks are at "
            f"{span} {result.learned.difference_unit} ({verdict} better by more than twice the standard error)."
        )
    else:
        told.append(
            f"Every network of the front is {result.legend.unchanged}: no other network was better at its cost."
        )
    untuned = sum(not pair.tuned for pair in of_front)
    if untuned:
        whose = (
            "That network's"
            if len(of_front) == 1
            else f"In {untuned} of these {len(of_front)} comparisons that network's"
        )
        told.append(f"{whose} training settings were given and not searched, which favours the other one.")
    told.append(f"{len(unchanged)} of the {len(pool)} trained networks are {result.legend.unchanged}, {given}.")
    return told


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def image_facts(result: SearchResult) -> list[str]:
    """How the images were chosen, and which of them were not used unchanged."""
    return [_sentence(each) for each in result.data.get("told", ())]


def cautions(result: SearchResult) -> list[str]:
    """Warnings that a reader must know before trusting a number."""
    if not trained(result):
        return []
    validation = result.data.get("validation")
    images = f" ({validation:,} images)" if isinstance(validation, int) else ""
    told = [
        f"The front was chosen on the validation split{images}; no network was measured on the test split. "
        "Expect the chosen networks to do a little worse on new images."
    ]
    told += beside_majority(result)
    words = result.learned.words
    if result.observed is None:
        told.append(f"The best of many noisy measurements of {words} is optimistic: another training would do worse.")
    else:
        told.append(
            f"The best of many noisy measurements of {words} would be worse next time. So the front is chosen by expected "
            f"{words}: what another training would give, as estimated from all trainings of this search. The dashed front of "
            "observed values is optimistic."
        )
    repeated = sum(trainings(result, trial) > 1 for trial in members(result))
    if repeated:
        told.append(
            f"{repeated} of the {len(result.front)} networks of the front were trained more than once, with different seeds."
        )
    least = resolution(result)
    if least is None:
        told.append(
            f"No standard error of {words} is known, so this report cannot say which differences are more than chance."
        )
    else:
        told.append(
            f"Two networks whose {words} differs by less than {difference(result.learned, least)} cannot be told apart: that is "
            "twice the standard error of a difference, from the number of validation images alone. The spread between training "
            "seeds is not included."
        )
    caution = result.cost.caution
    if caution and any(result.is_changed(trial) for trial in trained(result)):
        told.append(caution)
    if len(result.objectives) > 2:
        names = ", ".join(objective.words for objective in result.objectives)
        told.append(
            f"The front is over {len(result.objectives)} objectives ({names}). A member below the line is there for a value "
            "that the picture does not show."
        )
    return [*told, *result.notes, *result.weightless_lines]


def machine(result: SearchResult) -> str:
    """A sentence on hardware and libraries; empty if they are unknown."""
    told = result.provenance.get("machine")
    return f"Computed with {Machine.from_json(told)}." if told else ""


def state_counts(result: SearchResult) -> dict[str, int]:
    """Number of trials in each state, in the order of the states."""
    counts = Counter(trial.state for trial in result.trials)
    return {state.value: counts[state] for state in TrialState if counts[state]}


def _shown(result: SearchResult, trial: Trial) -> str:
    error = standard_error(learned_value(result, trial))
    value = with_error(result.learned, expected_value(result, trial), error)
    return f"{f'{value} {result.learned.unit}'.strip()} at {with_unit(result.cost, trial.values()[result.cost.name])}"


def _so_far(result: SearchResult) -> str:
    counts = state_counts(result)
    return (" So far: " + ", ".join(f"{count} {state}" for state, count in counts.items()) + ".") if counts else ""


def _epochs(trials: list[Trial]) -> str:
    epochs = {trial.outcome.epochs for trial in trials if trial.outcome is not None}
    if len(epochs) != 1:
        return ""
    (one,) = epochs
    return f"{one} epoch{'' if one == 1 else 's'} each"
