"""The table of an ablation: the result of each arm, and what it says about each claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import pandas as pd

from benchmarks.ablation.arms import ARMS
from benchmarks.ablation.runs import Run
from benchmarks.paired_runs import Verdict, holm, joint, paired_difference, verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An arm, evaluated in one way."""

    arm: str
    reading: str = "hard"
    words: str = ""


ROWS: dict[str, Row] = {
    "fixed": Row(arm="fixed", words="the host's own shuffle"),
    "fixed_macs": Row(arm="fixed_macs", words="fixed, wider: at least the multiply-adds of dynamic"),
    "fixed_params": Row(arm="fixed_params", words="fixed, wider: at least the parameters of dynamic"),
    "squeeze_excitation": Row(arm="squeeze_excitation", words="fixed, channels scaled by the image"),
    "dynamic": Row(arm="dynamic", words="dynamic, as it starts by default"),
    "dynamic, swapped": Row(arm="dynamic", reading="swapped", words="with another image's permutations"),
    "dynamic, projected": Row(arm="dynamic", reading="projected", words="with the nearest true permutations"),
    "dynamic_varied": Row(arm="dynamic_varied", words="dynamic, differing between images from the start"),
    "dynamic_varied, swapped": Row(arm="dynamic_varied", reading="swapped", words="with another image's permutations"),
    "dynamic_varied, projected": Row(
        arm="dynamic_varied", reading="projected", words="with the nearest true permutations"
    ),
    "constant": Row(arm="constant", words="the generator on a learned constant"),
    "random_each": Row(arm="random_each", words="a random permutation for each image"),
    "soft": Row(arm="soft", reading="soft", words="dynamic_varied, never made hard"),
    "static_full": Row(arm="static_full", words="one learned permutation of all channels"),
    "static_dynamic": Row(arm="static_dynamic", words="dynamic plus a free static matrix"),
    "static_matrix": Row(arm="static_matrix", words="the static matrix alone"),
    "squeeze_excitation_neutral": Row(
        arm="squeeze_excitation_neutral", words="its gates begin at one: the positive control"
    ),
    "attached": Row(arm="attached", words="dynamic, the generator's gradient into the trunk let through"),
    "standardized": Row(arm="standardized", words="dynamic, pooled features standardized, usual start"),
    "gated": Row(arm="gated", words="dynamic, the gradient of what was chosen alone"),
    "annealed": Row(arm="annealed", words="dynamic, temperature 1 to 0.1 over the first half"),
    "annealed_soft": Row(arm="annealed_soft", words="so, and soft in that half"),
    "late": Row(arm="late", words="fixed for 60 % of the steps, then dynamic"),
    "restored": Row(arm="restored", words="dynamic, undone behind each unit"),
    "restored_varied": Row(arm="restored_varied", words="so, differing between images from the start"),
    "blend": Row(arm="blend", words="two fixed permutations, coefficients of the image (tanh)"),
    "blend_softmax": Row(arm="blend_softmax", words="four of them (softmax)"),
    "kronecker_blend": Row(arm="kronecker_blend", words="Kronecker factors blended of cyclic shifts"),
    "stage1": Row(arm="stage1", words="dynamic in the first stage alone"),
    "stage2": Row(arm="stage2", words="dynamic in the second stage alone"),
    "stage3": Row(arm="stage3", words="dynamic in the third stage alone"),
}

JOINT = "dynamic shuffling itself is what helps"
VARIED = ", varied start"
CLAIMS: tuple[tuple[str, str, str], ...] = (
    ("dynamic beats fixed", "dynamic", "fixed"),
    ("dynamic beats fixed at its multiply-adds", "dynamic", "fixed_macs"),
    ("dynamic beats fixed at its parameters", "dynamic", "fixed_params"),
    ("dynamic beats squeeze-and-excitation", "dynamic", "squeeze_excitation"),
    ("dynamic beats its generator on a constant", "dynamic", "constant"),
    ("whose permutation it is matters", "dynamic", "dynamic, swapped"),
    (f"dynamic beats fixed{VARIED}", "dynamic_varied", "fixed"),
    (f"dynamic beats fixed at its multiply-adds{VARIED}", "dynamic_varied", "fixed_macs"),
    (f"dynamic beats fixed at its parameters{VARIED}", "dynamic_varied", "fixed_params"),
    (f"dynamic beats squeeze-and-excitation{VARIED}", "dynamic_varied", "squeeze_excitation"),
    (f"dynamic beats its generator on a constant{VARIED}", "dynamic_varied", "constant"),
    (f"whose permutation it is matters{VARIED}", "dynamic_varied", "dynamic_varied, swapped"),
    (f"projecting to true permutations helps{VARIED}", "dynamic_varied, projected", "dynamic_varied"),
    (f"learned permutations beat random ones{VARIED}", "dynamic_varied", "random_each"),
    (f"hard permutations beat soft matrices{VARIED}", "dynamic_varied", "soft"),
    ("a learned static permutation beats the fixed one", "static_full", "fixed"),
    ("static-dynamic beats fixed", "static_dynamic", "fixed"),
    ("static-dynamic beats its static part", "static_dynamic", "static_matrix"),
)
"""Each claim: words, the row that must be above, the row that must be below."""
PARTS = CLAIMS[1:6], CLAIMS[7:12]
"""The claims that must all hold for the joint one, for either start."""

Runs = Mapping[tuple[str, int], Run]


def arms_table(runs: Runs) -> pd.DataFrame:
    """A row for each way of evaluating an arm: mean, spread and number of its runs, costs, and shuffle statistics."""
    records = []
    for name, row in ROWS.items():
        chosen = [run for (arm, _), run in sorted(runs.items()) if arm == row.arm]
        if not chosen:
            continue
        accuracies = [run.accuracy(row.reading) for run in chosen]
        shuffles = chosen[0].shuffles
        records.append(
            {
                "arm": name,
                "accuracy": fmean(accuracies),
                "std": stdev(accuracies) if len(accuracies) > 1 else float("nan"),
                "n": len(accuracies),
                "macs": chosen[0].macs,
                "params": chosen[0].params,
                "valid": fmean(run.shuffles["valid"] for run in chosen) if shuffles else float("nan"),
                "disagreement": fmean(run.shuffles["disagreement"] for run in chosen) if shuffles else float("nan"),
                "minutes": fmean(run.seconds for run in chosen) / 60,
                "what": row.words,
            }
        )
    return pd.DataFrame(records)


def claims_table(runs: Runs) -> pd.DataFrame:
    """A row for each claim whose arms have runs: paired difference, interval, p adjusted over the claims, verdict."""
    compared = []
    for words, above, below in CLAIMS:
        seeds = _seeds(runs, ROWS[above].arm) & _seeds(runs, ROWS[below].arm)
        if seeds:
            first, second = (_accuracies(runs, ROWS[name], sorted(seeds)) for name in (above, below))
            compared.append((words, above, below, paired_difference(first, second)))
    adjusted = holm([difference.p for *_, difference in compared])
    return pd.DataFrame(
        [
            {
                "claim": words,
                "compared": f"{above} - {below}",
                "difference": difference.mean,
                "half_width": difference.half_width,
                "pairs": difference.pairs,
                "p_holm": p,
                "verdict": str(verdict(difference, p)),
            }
            for (words, above, below, difference), p in zip(compared, adjusted, strict=True)
        ]
    )


def joint_verdicts(claims: pd.DataFrame) -> dict[str, str]:
    """The verdict on the joint claim, for either start. A part without runs is not resolved."""
    found = dict(zip(claims["claim"], claims["verdict"], strict=True)) if len(claims) else {}
    names = (JOINT, JOINT + VARIED)
    return {
        name: str(joint([Verdict(found.get(words, Verdict.NOT_RESOLVED)) for words, _, _ in parts]))
        for name, parts in zip(names, PARTS, strict=True)
    }


def markdown(runs: Runs, title: Sequence[str]) -> str:
    """Both tables and the joint verdicts."""
    lines = [*title, "", "| arm | accuracy % | std | n | multiply-adds | parameters | valid | disagreement | what |"]
    lines.append("|---|---|---|---|---|---|---|---|---|")
    lines += [
        f"| {row['arm']} | {row['accuracy']:.2f} | {_number(row['std'], 2)} | {row['n']} | {row['macs'] / 1e6:.3f} M | "
        f"{row['params'] / 1e3:.1f} k | {_number(row['valid'], 3)} | {_number(row['disagreement'], 3)} | {row['what']} |"
        for row in arms_table(runs).to_dict("records")
    ]
    claims = claims_table(runs)
    lines += ["", "| claim | difference in points, 95 % | pairs | p (Holm) | verdict |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['claim']} | {row['difference']:+.2f} ± {row['half_width']:.2f} | {row['pairs']} | {row['p_holm']:.3f} | "
        f"{row['verdict']} |"
        for row in claims.to_dict("records")
    ]
    lines.append("")
    lines += [f"* {name}: **{found}**" for name, found in joint_verdicts(claims).items()]
    return "\n".join(lines) + "\n"


def hours(runs: Runs) -> float:
    """Total training time of all runs, in hours."""
    return sum(run.seconds for run in runs.values()) / 3600


def _seeds(runs: Runs, arm: str) -> set[int]:
    assert arm in ARMS
    return {seed for name, seed in runs if name == arm}


def _accuracies(runs: Runs, row: Row, seeds: Sequence[int]) -> list[float]:
    return [runs[row.arm, seed].accuracy(row.reading) for seed in seeds]


def _number(value: float, digits: int) -> str:
    return "-" if value != value else f"{value:.{digits}f}"
