"""The results as a table in Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from scipy.stats import t

from benchmarks.compression.arms import ORDERS
from benchmarks.trainings import Record


def table(records: Sequence[Record], milliseconds: Mapping[tuple[str, int], float] | None = None) -> str:
    """Accuracy, cost and time by arm, and paired differences to the narrow network and to the learned order of channels.

    Args:
        records: Records of the trainings that have ended.
        milliseconds: Milliseconds of each deployed network, by arm and seed. Default: not measured yet.
    """
    times = milliseconds or {}
    runs: dict[str, dict[int, Record]] = {}
    for record in records:
        if "failure" not in record:
            runs.setdefault(str(record["arm"]), {})[int(record["seed"])] = record
    lines = [
        "| network | accuracy %, mean ± sd | n | MACs | parameters | ms, 64 images | minus uniform, points, 95 % interval "
        "| minus its own order, from fresh weights |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for arm, by_seed in runs.items():
        accuracies = [record["accuracy"] for record in by_seed.values()]
        spread = f" ± {statistics.stdev(accuracies):.2f}" if len(accuracies) > 1 else ""
        lines.append(
            f"| {arm} | {statistics.fmean(accuracies):.2f}{spread} | {len(accuracies)} | {_mean(by_seed, 'macs'):,.0f} | "
            f"{_mean(by_seed, 'params'):,.0f} | {_time([times.get((arm, seed)) for seed in by_seed])} | "
            f"{_difference(arm, by_seed, runs, 'uniform')} | {_difference(arm, by_seed, runs, 'relearned')} |"
        )
    failures = [
        f"{record['arm']}, seed {record['seed']}: {record['failure']}" for record in records if "failure" in record
    ]
    machines = [f"Computed with {each}" for each in dict.fromkeys(record.get("machine") for record in records) if each]
    notes = [*machines, *(["Failed: " + "; ".join(failures)] if failures else [])]
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def _time(times: Sequence[float | None]) -> str:
    known = [time for time in times if time is not None]
    return f"{statistics.fmean(known):.1f}" if known else ""


def _mean(by_seed: Mapping[int, Record], name: str) -> float:
    return statistics.fmean(record[name] for record in by_seed.values())


def _difference(
    arm: str, by_seed: Mapping[int, Record], runs: Mapping[str, Mapping[int, Record]], reference: str
) -> str:
    """The difference to the reference of the same target, over pairs of equal seeds; for fresh weights, only to other orders."""
    name, _, target = arm.rpartition("-")
    if name == reference or (reference == "relearned" and name not in ORDERS):
        return ""
    other = runs.get(f"{reference}-{target}", {})
    pairs = [by_seed[seed]["accuracy"] - other[seed]["accuracy"] for seed in by_seed if seed in other]
    if not pairs:
        return ""
    if len(pairs) < 2:
        return f"{pairs[0]:+.2f}"
    half = float(t.ppf(0.975, len(pairs) - 1)) * statistics.stdev(pairs) / math.sqrt(len(pairs))
    mean = statistics.fmean(pairs)
    return f"{mean:+.2f} ({mean - half:+.2f} to {mean + half:+.2f})"
