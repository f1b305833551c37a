"""The search as plain JSON for the page. Everything is computed here, so that the page's script only draws."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from nas.objectives import Objective
from nas.portrait import Legend
from nas.records import Trial, TrialState
from nas.report import words
from nas.report.findings.importance import Importance, importance, value_at_equal_cost, varying_decisions
from nas.report.findings.peers import pairs
from nas.report.findings.recommendation import recommendation
from nas.report.findings.statistics import (
    front_line,
    hypervolume_steps,
    learned_value,
    observed_line,
    reason,
    resolution,
    staircase,
    trained,
)
from nas.report.images import majority
from nas.report.plots import value_limits
from nas.report.quantities import difference, rounded, with_unit
from nas.report.sections.advice import advice
from nas.report.sections.answers import answers
from nas.report.sections.glossary import glossary
from nas.report.sections.retrained import retrained
from nas.report.sections.trials import packed, trial_rows
from nas.report.styles import looks
from nas.report.verdicts import guessing, versus_unchanged
from nas.search.result import SearchResult
from nas.values.shortened_path import without_folders


def payload(result: SearchResult) -> dict[str, Any]:
    """Everything the page shows, as JSON without NaN."""
    pool, learned = trained(result), result.learned
    residuals = dict(zip([t.number for t in pool], value_at_equal_cost(result, pool), strict=True))
    shown = {trial.number: trial for trial in pool}
    kinds = {trial.number: result.portrait(trial).kind for trial in result.trials}
    taken = recommendation(result)
    told = {
        "title": words.title(result),
        "subject": words.subject(result) if result.name else "",
        "answer": words.answer(result),
        "advice": advice(result),
        "recommended": None if taken is None else taken.trial,
        "versus": " ".join([*guessing(result), *versus_unchanged(result)]),
        "cautions": words.cautions(result),
        "images": words.image_facts(result),
        "majority": rounded(majority(result.data)) if learned.beside_majority else None,
        "facts": _facts(result),
        "ended": result.ended,
        "loading": _loading(result),
        "answers": answers(result, None if taken is None else taken.trial),
        "running": any(trial.state is TrialState.RUNNING for trial in result.trials),
        "learned": _quantity(learned),
        "cost": _quantity(result.cost),
        "costs": [_quantity(cost) for cost in result.costs],
        "further": [_quantity(measure) for measure in result.further_measures],
        "objectives": [_quantity(objective) for objective in result.objectives],
        "limits": [rounded(limit) for limit in value_limits(result)] if pool else None,
        "resolution": resolution(result),
        "legend": _legend(result.legend),
        "kinds": _kinds(kinds, pool, result),
        "trials": trial_rows(result, shown, residuals),
        "trained": [trial.number for trial in pool],
        "front": list(result.front.trials),
        "line": [trial.number for trial in front_line(result)],
        "observed": [trial.number for trial in observed_line(result)],
        "glossary": glossary(result),
        "retrained": retrained(result),
        "pairs": [{**dataclasses.asdict(pair), "resolved": pair.resolved} for pair in pairs(result)],
        "hypervolume": [[number, rounded(volume)] for number, volume in hypervolume_steps(result)],
        "importance": _importances(result, pool, residuals),
        "varying": list(varying_decisions(pool)),
        "refused": _refused(result),
        "settings": _flat(result.settings),
        "provenance": _flat(result.provenance),
        "data": _flat({name: value for name, value in result.data.items() if name != "told"}),
    }
    return {name: _without_folders(value) for name, value in told.items()}


def _without_folders(value: Any) -> Any:
    """The same without full paths of this machine in any text."""
    if isinstance(value, str):
        return without_folders(value)
    if isinstance(value, Mapping):
        return {name: _without_folders(each) for name, each in value.items()}
    return [_without_folders(each) for each in value] if isinstance(value, list | tuple) else value


def _loading(result: SearchResult) -> dict[int, str]:
    """For each network of the front that is kept, the lines of Python that load it."""
    if not result.loading:
        return {}
    kept = [number for number in result.front.trials if number not in result.weightless]
    return {number: result.loading.replace("{trial}", str(number)) for number in kept}


def _quantity(objective: Objective) -> dict[str, Any]:
    """What the page needs to format and draw values of a quantity."""
    return {
        **dataclasses.asdict(objective),
        "title": objective.title,
        "counted": objective.is_counted,
        "difference_unit": objective.difference_unit,
    }


def compact(data: Mapping[str, Any]) -> dict[str, Any]:
    """The payload as the page holds it: `dom.js` unpacks trials and pairs."""
    return {**data, "trials": packed(data["trials"]), "pairs": packed(data["pairs"])}


def embedded(data: Mapping[str, Any]) -> str:
    """JSON that may stand inside a `<script>` element: nothing in it can end the element or a line of a script."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _facts(result: SearchResult) -> list[list[str]]:
    """The facts at the top of the page: name, value and explanation of each."""
    least = resolution(result)
    front = result.front
    states = ", ".join(f"{count} {state}" for state, count in words.state_counts(result).items())
    seconds = sum(
        t.outcome.seconds for t in result.trials if t.outcome is not None and t.state is not TrialState.REUSED
    )
    return [
        ["Networks trained", str(len(trained(result))), states or "no trials yet"],
        ["On the front", str(len(front)), _objective_names(result)],
        ["Hypervolume", f"{front.hypervolume:.4g}", _reference(result)],
        [
            "Resolution",
            "unknown" if least is None else difference(result.learned, least),
            f"smaller differences in {result.learned.words} are not resolved",
        ],
        ["Training time", _duration(seconds), "over all workers together"],
    ]


def _objective_names(result: SearchResult) -> str:
    return "in " + ", ".join(
        objective.unit if objective.is_counted else objective.words for objective in result.objectives
    )


def _reference(result: SearchResult) -> str:
    return "measured from " + ", ".join(with_unit(objective, objective.reference) for objective in result.objectives)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m" if hours else f"{minutes} m {rest:02d} s" if minutes else f"{rest} s"


def _legend(legend: Legend) -> dict[str, str]:
    """What the page says about the kinds of the space."""
    names = ("noun", "unchanged", "membership", "comparison", "compared")
    return {name: getattr(legend, name) for name in names}


def _kinds(kinds: Mapping[int, str], pool: Sequence[Trial], result: SearchResult) -> list[dict[str, Any]]:
    """Each kind of networks and of their parts, with its look; kinds of whole networks also have a front of their own."""
    of_parts = {part.kind for trial in result.trials for part in result.portrait(trial).parts}
    found = []
    for name, look in looks(
        result.legend, {kind for kind in of_parts if kind is not None} | set(kinds.values())
    ).items():
        own = [trial for trial in pool if kinds[trial.number] == name]
        found.append(
            {
                "name": name,
                **dataclasses.asdict(look),
                "trained": len(own),
                "front": [trial.number for trial in staircase(result, own)],
            }
        )
    return found


def _importances(result: SearchResult, pool: Sequence[Trial], residuals: Mapping[int, float]) -> list[dict[str, Any]]:
    words = result.learned.words
    targets = {
        words: [learned_value(result, trial).mean for trial in pool],
        f"{words} at equal cost": [residuals[trial.number] for trial in pool],
    }
    return [{"target": name, **_importance(importance(pool, values))} for name, values in targets.items()]


def _importance(found: Importance) -> dict[str, Any]:
    weights = [[weight.decision, rounded(weight.mean), rounded(weight.spread)] for weight in found.weights]
    return {"n": found.n, "score": rounded(found.score), "weights": weights, "verdict": found.verdict}


def _refused(result: SearchResult) -> list[dict[str, Any]]:
    """Trials that failed or were over a limit, grouped by reason, the commonest reason first."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for trial in result.trials:
        if trial.state is TrialState.FAILED:
            groups["failed", reason(trial)].append(trial.number)
        elif trial.state is TrialState.INFEASIBLE:
            # Each candidate exceeds a limit by a different amount; one line per trial would bury the failures.
            trained = "not trained" if trial.outcome is None else "trained before its costs were counted anew"
            groups["infeasible", f"over a limit, {trained}"].append(trial.number)
        elif trial.state is TrialState.UNTRAINED:
            groups["untrained", reason(trial)].append(trial.number)
    ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1])))
    return [{"state": state, "reason": text, "trials": numbers} for (state, text), numbers in ordered]


def _flat(data: Mapping[str, Any], prefix: str = "") -> list[list[str]]:
    """Nested settings as rows of dotted name and text."""
    rows: list[list[str]] = []
    for name, value in data.items():
        if isinstance(value, Mapping) and value:
            rows += _flat(value, f"{prefix}{name}.")
        else:
            argued = name == "command" and isinstance(value, list | tuple)
            rows.append([f"{prefix}{name}", shlex.join(map(str, value)) if argued else _text(value)])
    return rows


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        if any(isinstance(item, list | tuple | dict) for item in value):
            return json.dumps(value)
        return ", ".join(_text(item) for item in value) or "-"
    if isinstance(value, dict):
        return "-"
    return str(value)
