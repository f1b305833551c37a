"""The front of an earlier search, also of one that stated its candidates or their costs otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evaluator.costs import COSTS
from nas.candidate import Candidate
from nas.cost_rule import CostRule
from nas.dimensions import Genotype, IntRange
from nas.errors import SettingsError
from nas.simple_space import SimpleSpace
from nas.study.warm_start import recounted, warm_start

MOST = 4


class Ranks(SimpleSpace):
    """Ranks above four are four."""

    def __init__(self) -> None:
        super().__init__("ranks", IntRange(name="rank", low=1, high=8))

    def decode(self, genotype: Genotype) -> Candidate:
        return self.canonical(super().decode(genotype))

    def canonical(self, candidate: Candidate) -> Candidate:
        return replace(candidate, architecture={"rank": min(int(str(candidate.architecture["rank"])), MOST)})


def member(trial: int, rank: int, recorded: int, macs: float) -> dict[str, Any]:
    candidate = Candidate(space="ranks", architecture={"rank": recorded}, training={})
    return {
        "trial": trial, "genotype": {"rank": rank}, "candidate": candidate.to_json(), "digest": candidate.digest,
        "values": {"macs": macs, "accuracy": 50.0},
    }  # fmt: skip


def front(path: Path, *members: Mapping[str, Any], **more: Any) -> Path:
    path.write_text(json.dumps({"format": 1, "members": members, **more}))
    return path


def costs(candidate: Candidate) -> dict[str, float]:
    return {"macs": 10.0 * min(float(str(candidate.architecture["rank"])), MOST), "params": 1.0}


def test_a_member_that_is_stated_otherwise_now_is_taken_and_another_network_is_not(tmp_path: Path) -> None:
    path = front(tmp_path / "pareto.json", member(3, 6, 6, 60.0), member(5, 2, 2, 20.0))
    assert list(warm_start(path, Ranks()).values()) == [{"rank": 6}, {"rank": 2}]
    front(path, member(3, 6, 3, 30.0))
    with pytest.raises(SettingsError, match="trial 3 means another network in the space of this search"):
        warm_start(path, Ranks())


@pytest.mark.parametrize("version", [{}, {"costs_version": 1}, {"costs_version": "?"}])
def test_members_that_were_counted_otherwise_are_told_in_a_line(tmp_path: Path, version: dict[str, Any]) -> None:
    path = front(tmp_path / "pareto.json", member(3, 6, 6, 60.0), member(5, 2, 2, 20.0), **version)
    (line,) = recounted(path, CostRule(costs=costs, version=2), (COSTS["macs"].objective(1.0),))
    assert line.startswith(f"multiply-adds of 1 of the 2 networks in {path} are counted anew")


def test_a_count_that_is_the_same_or_gives_the_same_says_nothing(tmp_path: Path) -> None:
    # The costs of trial 3 were decided by its training.
    path = front(tmp_path / "pareto.json", member(3, 6, 6, 33.0), costs_version=2)
    assert recounted(path, CostRule(costs=costs, version=2)) == []
    front(path, member(5, 2, 2, 20.0), costs_version=1)
    assert recounted(path, CostRule(costs=costs, version=2)) == []
