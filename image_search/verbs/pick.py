"""`pick`: which network of a search to take."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluator.costs import COSTS
from nas.errors import SettingsError
from nas.settings.axes import amounts, amounts_text
from nas.settings.verb_parser import VerbParser
from nas.values.local_path import local_path
from nas.watchers.console import say

if TYPE_CHECKING:
    from nas.report.findings.recommendation import Recommendation
    from nas.search.result import SearchResult

DESCRIPTION = """\
Says which network of a finished search to take, how good it is expected to be, and what the next cheaper and the next better
one would give. Nothing is trained or changed, and the images are not needed.

  %(prog)s runs/quickstart                       the recommended network: the knee of the front
  %(prog)s runs/quickstart --max_macs 60e3       the most accurate one of at most 60,000 multiply-adds
  %(prog)s runs/quickstart --json                the same for other programs

The knee is the network of the front that lies furthest above the straight line between the cheapest and the best one (Das
1999). If the validation images cannot tell the networks apart, it is the cheapest."""


def main(argv: Sequence[str], prog: str) -> int:
    """Runs the verb and returns the exit code."""
    options = _parser(prog).parse_args(argv)
    from image_search.finished import read_run
    from nas.report.findings.recommendation import best_within, recommendation
    from nas.report.sections.advice import advice_lines

    limits = _limits(options)
    folder = local_path(options.run)
    _, result = read_run(folder, options.storage)
    result.require_front()
    found = recommendation(result, limits) if options.knee or not limits else best_within(result, limits)
    if found is None:
        raise SettingsError(_nobody(result, limits))
    trial = result.trials[found.trial]
    model = folder / "models" / str(trial.number)
    loadable = (model / "weights.pt").is_file()
    if options.json:
        say(json.dumps(_record(result, found, limits, model if loadable else None), indent=2))
        return 0
    say(f"trial {trial.number}: {result.portrait(trial).description}")
    for line in advice_lines(result, found):
        say(line)
    say(f"model: {model}" if loadable else "No weights of it are kept, as it is not on the front: `retrain` trains it.")
    return 0


def _parser(prog: str) -> VerbParser:
    parser = VerbParser(prog, DESCRIPTION)
    parser.add_argument("run", metavar="RUN", help="Output folder of a search.")
    for name, cost in COSTS.items():
        objective = cost.objective(1.0)
        parser.add_argument(
            f"--max_{name}", type=str, metavar="N", help=f"Largest {objective.words}, in {objective.unit or 'units'}."
        )
    parser.add_argument("--knee", action="store_true", help="Take the knee of what is within the limits, not the best.")
    parser.add_argument("--json", action="store_true", help="Write JSON.")
    parser.add_argument(
        "--storage", metavar="URL", help="Where the study is, if its URL has a password, which no folder keeps."
    )
    return parser


def _limits(options: argparse.Namespace) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for name in COSTS:
        text = getattr(options, f"max_{name}")
        if text is not None:
            found.update(amounts(f"--max_{name}", f"{name}={text}", COSTS))
    return found


def _nobody(result: SearchResult, limits: Mapping[str, float]) -> str:
    """Why nothing can be picked, with what there is."""
    from nas.report.findings.statistics import trained

    unknown = [name for name in limits if not any(name in trial.deployed_costs for trial in trained(result))]
    if unknown:
        there = sorted({name for trial in trained(result) for name in trial.deployed_costs})
        return f"this search has not recorded {', '.join(unknown)}; allowed are limits on {', '.join(there)}"
    least = [
        f"the least {COSTS[name].objective(1.0).words} of a trained one: "
        f"{min(trial.deployed_costs[name] for trial in trained(result) if name in trial.deployed_costs):,.6g}"
        for name in limits
    ]
    asked = f" within {amounts_text(limits)}" if limits else ""
    return f"no network of this search{asked} can be recommended" + (f"; {'; '.join(least)}" if least else "")


def _record(
    result: SearchResult, found: Recommendation, limits: Mapping[str, float], model: Path | None
) -> dict[str, Any]:
    from nas.report.findings.statistics import expected_value, trained

    trials = {trial.number: trial for trial in trained(result)}

    def one(number: int | None) -> dict[str, Any] | None:
        if number is None:
            return None
        trial = trials[number]
        return {
            "trial": number,
            f"expected_{result.learned.name}": round(expected_value(result, trial), 3),
            "costs": dict(trial.deployed_costs),
        }

    taken = one(found.trial)
    assert taken is not None
    return {
        **taken,
        "interval_95": None if found.interval is None else [round(end, 3) for end in found.interval],
        "rule": found.rule.value,
        "limits": dict(limits),
        "network": result.portrait(trials[found.trial]).description,
        "model": None if model is None else str(model),
        "next_cheaper": one(found.cheaper),
        "next_better": one(found.better),
    }
