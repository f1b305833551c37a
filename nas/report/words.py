"""Sentences of a report: what was done, what the results are, and how far to trust them."""

from __future__ import annotations

from collections import Counter

from nas.output.machine import Machine
from nas.records import Trial, TrialState
from nas.report.findings.doubts import nothing_learned
from nas.report.findings.statistics import (
    expected_value,
    learned_value,
    members,
    resolution,
    standard_error,
    trained,
    trainings,
)
from nas.report.quantities import difference, with_error, with_unit
from nas.report.verdicts import at_edges, beside_majority, sentence, shared_doubt, unfinished
from nas.search.result import SearchResult
from nas.values.shortened_path import without_folders


def data_name(result: SearchResult) -> str:
    """The name of the images, without the folders of a path."""
    return without_folders(str(result.data.get("name", "unknown data")))


def seed_text(result: SearchResult) -> str:
    """The root seed as part of a title; empty if the settings do not have it."""
    search = result.settings.get("search")
    seed = search.get("seed") if isinstance(search, dict) else None
    return "" if seed is None else f"seed {seed}"


def title(result: SearchResult) -> str:
    """The name of the search, or what was searched on which images."""
    return result.name or subject(result)


def subject(result: SearchResult) -> str:
    """What was searched on which images."""
    space = result.title or str(result.space.get("name", "")) or "networks"
    return f"{space} on {data_name(result)}"


def subtitle(result: SearchResult) -> str:
    """How much was trained, in a few words."""
    done = len(trained(result))
    parts = [
        subject(result) if result.name else "",
        f"{done} network{'' if done == 1 else 's'} trained",
        _epochs(trained(result)),
        seed_text(result),
    ]
    return ", ".join(part for part in parts if part)


def answer(result: SearchResult) -> str:
    """The whole search in one sentence."""
    pool = trained(result)
    front = members(result)
    if not pool or not front:
        return "No network has been trained to the end yet, so there is no front." + _so_far(result)
    if nothing_learned(result):
        return f"None of {len(pool)} trained network{'s' * (len(pool) > 1)} is better than guessing." + _so_far(result)
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


def image_facts(result: SearchResult) -> list[str]:
    """How the images were chosen, and which of them were not used unchanged."""
    return [sentence(each) for each in result.data.get("told", ())]


def cautions(result: SearchResult) -> list[str]:
    """Warnings that a reader must know before trusting a number."""
    if not trained(result):
        return []
    validation = result.data.get("validation")
    images = f" ({validation:,} images)" if isinstance(validation, int) else ""
    told = [
        f"The front was chosen on the validation split{images}; no network was measured on the test split, on which the chosen "
        "ones will do worse, as the best of many."
    ]
    told += [*beside_majority(result), *unfinished(result), *at_edges(result), *shared_doubt(result)]
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
