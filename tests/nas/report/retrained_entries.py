"""Made-up networks that were trained anew, of a synthetic search. No number in them was measured."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from nas.records import Measurement, Trial
from nas.report.findings.statistics import expected_value, trained
from nas.retraining.networks import Network, Role
from nas.retraining.results import NO_TEACHER, Entry, Retrained
from nas.search.result import SearchResult

IMAGES = 10_000


def network(
    result: SearchResult, trial: Trial, role: Role = Role.CHOSEN, *, name: str | None = None, peer: str | None = None
) -> Network:
    portrait = result.portrait(trial)
    return Network(
        name=name or str(trial.number),
        candidate=trial.candidate,
        role=role,
        training_from="its own, found by the search",
        costs=trial.deployed_costs,
        description=portrait.description,
        kind=portrait.kind,
        expected=expected_value(result, trial),
        peer=peer,
    )


def entry(made: Network, values: Sequence[float], *, epochs: int = 200, teacher: str = NO_TEACHER) -> Entry:
    def measured(value: float) -> Mapping[str, Measurement]:
        return {"accuracy": Measurement(mean=value, std=math.sqrt(value * (100 - value)), n=IMAGES)}

    return Entry(
        name=f"{made.name}-{epochs}epochs{'' if teacher == NO_TEACHER else '-kd'}",
        network=made,
        epochs=epochs,
        teacher=teacher,
        values={seed: measured(value) for seed, value in enumerate(values)},
        costs=made.costs,
    )


def retrained(entries: Sequence[Entry], *, openings: int = 1) -> Retrained:
    return Retrained(entries=tuple(entries), openings=openings, test_images=IMAGES)


def made_up(result: SearchResult, *, taught: bool = False, openings: int = 1) -> Retrained:
    """Four networks of the front, an unchanged one beside each, and, if asked for, all of them with a teacher too."""
    rng = random.Random(5)
    trials = {trial.number: trial for trial in trained(result)}
    unchanged = sorted(
        (one for one in trials.values() if not result.is_changed(one)), key=lambda one: one.deployed_costs["macs"]
    )
    chosen = [trials[number] for number in result.front.trials if result.is_changed(trials[number])][-4:]
    found: list[Entry] = []
    for trial in chosen:
        near = min(unchanged, key=lambda one: abs(math.log(one.deployed_costs["macs"] / trial.deployed_costs["macs"])))
        peer = network(result, near, Role.UNCHANGED)
        for made in (network(result, trial, peer=peer.name), peer):
            for teacher in (NO_TEACHER, "self, kd, temperature 4, weight 0.9")[: 1 + taught]:
                middle = (made.expected or 0.0) + 9 + 0.7 * (teacher != NO_TEACHER) + rng.gauss(0, 0.8)
                found.append(entry(made, [middle + rng.gauss(0, 0.3) for _ in range(3)], teacher=teacher))
    return retrained(list({one.name: one for one in found}.values()), openings=openings)
