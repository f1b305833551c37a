"""Sentences on what a front is worth: what casts doubt on it, and what is gained over networks that nobody changed."""

from __future__ import annotations

from nas.report.findings.doubts import common_error, images_for_steps, nothing_learned, still_rising
from nas.report.findings.edges import Edge, edges
from nas.report.findings.peers import pairs
from nas.report.findings.statistics import expected_value, learned_value, members, standard_error, trained
from nas.report.images import majority, majority_sentence, uneven_sentence
from nas.report.quantities import difference, signed_difference
from nas.search.result import SearchResult


def verdicts(result: SearchResult) -> list[str]:
    """All sentences of this module that apply, the most important first."""
    return [
        *guessing(result),
        *versus_unchanged(result),
        *beside_majority(result),
        *unfinished(result),
        *at_edges(result),
        *shared_doubt(result),
    ]


def guessing(result: SearchResult) -> list[str]:
    """A warning if no network of the front is better than guessing."""
    if not nothing_learned(result):
        return []
    return [
        "No network of this search is better than guessing, so none of them is a winner. Train longer (--train.epochs), with "
        "other learning rates, or look whether the labels are right."
    ]


def unfinished(result: SearchResult) -> list[str]:
    """A warning if the trainings of the front were still improving much when they ended."""
    gain = still_rising(result)
    if gain is None:
        return []
    rate = difference(result.learned, gain)
    return [
        f"The networks of the front still gained {rate} per epoch when their training ended. Longer trainings (--train.epochs) "
        "would reach more, and may rank the networks differently."
    ]


def at_edges(result: SearchResult) -> list[str]:
    """A sentence for each decision whose best values lie at an end of its range, with a wider range to try."""
    space = result.settings.get("space")
    given = space if isinstance(space, dict) else {}
    return [_edge(edge, is_setting=_is_range(given.get(edge.name))) for edge in edges(result)]


def _is_range(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


def _edge(edge: Edge, *, is_setting: bool) -> str:
    which = "upper" if edge.upper else "lower"
    low, high = (f"{end:.2g}" for end in edge.wider)
    wider = f"--space.{edge.name} [{low},{high}]" if is_setting else f"{low} to {high}"
    networks = f"{len(edge.trials)} of {edge.of} networks of the front" if edge.of > 1 else "the network of the front"
    return (
        f"{edge.name.replace('_', ' ')} of {networks} lies at the {which} end of its range ({edge.low:g} to {edge.high:g}): better "
        f"values may lie beyond. A wider range to try: {wider}."
    )


def shared_doubt(result: SearchResult) -> list[str]:
    """How far all values of the front may be off together, and how many images would tell its networks apart."""
    error, wanted = common_error(result), images_for_steps(result)
    images = result.data.get("validation")
    if error is None or not isinstance(images, int):
        return []
    told = [
        f"All networks were measured on the same {images:,} validation images. On others the whole front may lie up to "
        f"{difference(result.learned, error)} higher or lower (95 %)."
    ]
    if wanted is not None:
        step, count = wanted
        told.append(
            f"Neighbours on the front differ by {difference(result.learned, step)}; to tell these apart takes about "
            f"{float(f'{count:.2g}'):,.0f} validation images."
        )
    return told


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
    return [sentence(told), *([sentence(uneven)] if uneven else [])]


def versus_unchanged(result: SearchResult) -> list[str]:
    """Sentences on what the changed networks of the front gain over unchanged ones; none where nothing is compared."""
    changed = [pair for pair in pairs(result) if pair.trial in result.front.trials]
    # Where every unchanged network costs more, there is none of no greater cost.
    of_front = [pair for pair in changed if pair.affordable]
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
    elif changed:
        told.append(
            f"The front's other networks cost less than every {result.legend.unchanged} network, so there is none to compare with."
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


def sentence(text: str) -> str:
    """A text with a capital at its beginning and a full stop at its end."""
    return f"{text[0].upper()}{text[1:]}."
