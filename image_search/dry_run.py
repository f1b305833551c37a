"""The expected cost of a search of images, before anything is trained."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from image_search.plan import MOST_NEW_COSTS, Plan
from image_search.rehearsal import Timing, Timings, rehearse_workers
from image_search.settings import Settings, require_sound
from nas.watchers.console import tell

if TYPE_CHECKING:
    from nas.candidate import Candidate
    from nas.report.duration import SearchPace

DRAWN = 8
"""Number of networks that are drawn from the space and timed beside the unchanged ones."""
LATENCY_SECONDS = 2.0
"""Seconds that the measurement of a latency takes, with the process that it is made in."""


def dry_run(settings: Settings) -> str:
    """The size of the space, the costs of the baselines and an estimate of the time, in words.

    It trains some networks for a few steps, as many at once as the search will, and writes nothing except the image cache.
    """
    from nas.report.forecast import BaselineCost, forecast_text

    require_sound(settings)
    plan = Plan(settings)
    plan.refuse_impossible()
    known = {name: plan.space.decode(genotype) for name, genotype in plan.space.baselines().items()}
    drawn, counting = _drawn(plan)
    timings = _timings(plan, known, drawn)
    baselines = [
        BaselineCost(name=name, costs=plan.exact_costs(candidate), step_seconds=timings.by_name[name].step_seconds)
        for name, candidate in known.items()
    ]
    return forecast_text(
        data=plan.data.to_json(),
        space=plan.space,
        quantities=plan.axes.declared,
        baselines=baselines,
        training=plan.training_line,
        steps=plan.steps,
        seconds=_seconds(plan, _pace(plan, timings, known, counting), len(known)),
        what=_what(plan, timings),
    )


def _drawn(plan: Plan) -> tuple[dict[str, Candidate], float]:
    """Networks drawn from the space, by name, and the seconds that counting the costs of one takes."""
    import numpy as np

    rng = np.random.default_rng(plan.settings.search.seed)
    drawn = {f"drawn {number}": plan.space.decode(plan.problem.draw(rng)) for number in range(DRAWN)}
    begin = time.perf_counter()
    for candidate in drawn.values():
        plan.exact_costs(candidate)
    return drawn, (time.perf_counter() - begin) / DRAWN


def _timings(plan: Plan, known: Mapping[str, Candidate], drawn: Mapping[str, Candidate]) -> Timings:
    """What the parts of trainings take, with as many processes as there will be workers."""
    spec = plan.worker_spec(Path("unused"))
    spec = replace(spec, arguments={**spec.arguments, "check": None})
    workers = min(plan.workers, plan.settings.search.trials)
    at_once = f", in {workers} processes at once" if workers > 1 else ""
    tell(f"timing some networks of the space{at_once}; this takes half a minute, or longer where other programs run")
    return rehearse_workers(spec, {**known, **drawn}, [*known, *list(drawn)[:1]], workers)


def _pace(plan: Plan, timings: Timings, known: Mapping[str, Candidate], counting: float) -> SearchPace:
    from evaluator.training.trainer import CURVE_SHARE
    from nas.early_stopping import rungs
    from nas.report.duration import SearchPace

    each_epoch = plan.data.validation <= CURVE_SHARE * plan.data.train
    passes = plan.epochs - 1 if each_epoch else len(rungs(plan.epochs))

    def whole(timing: Timing) -> float:
        validations = (passes + timing.passes_at_end) * timing.validation_seconds
        return timing.setup_seconds + plan.steps * timing.step_seconds + validations

    wholes = {name: whole(timing) for name, timing in timings.by_name.items()}
    drawn = fmean(seconds for name, seconds in wholes.items() if name not in known)
    return SearchPace(
        start=timings.start_seconds,
        unchanged=fmean(wholes[name] for name in known) if known else drawn,
        drawn=drawn,
        proposal=MOST_NEW_COSTS * counting + (LATENCY_SECONDS if plan.axes.measured else 0.0),
    )


def _seconds(plan: Plan, pace: SearchPace, known: int) -> tuple[float, float]:
    """The least and the greatest expected number of seconds of the search, as its endings allow."""
    from nas.report.duration import expected_seconds

    search = plan.settings.search
    trials = search.trials if search.max_epochs is None else min(search.trials, search.max_epochs // plan.epochs)
    low, high = expected_seconds(
        pace,
        trials=trials,
        known=known,
        unchanged_share=search.unchanged_share if known else 0.0,
        workers=plan.workers,
        stops=search.stopping != "none" and plan.epochs > 1,
    )
    calibration = plan.settings.latency.networks * LATENCY_SECONDS if plan.axes.measured else 0.0
    # A training that has begun before the last hour is over is finished.
    most = float("inf") if search.max_hours is None else 3600 * search.max_hours + max(pace.drawn, pace.unchanged)
    return min(low + calibration, most), min(high + calibration, most)


def _what(plan: Plan, timings: Timings) -> str:
    search = plan.settings.search
    epochs = "1 epoch" if plan.epochs == 1 else f"{plan.epochs:,} epochs"
    words = (
        f"{search.trials} trials of {epochs}, {plan.workers} at a time on {plan.device.type}, from start to report, as the "
        f"machine is now ({len(timings.by_name)} networks timed"
    )
    if plan.workers > 1:
        words += f", in {min(plan.workers, search.trials)} processes at once"
    words += ")"
    if search.replicates > 1:
        words += "; without the repeated trainings of --search.replicates"
    if plan.on_cluster:
        words += "; timed on this machine, not on the cluster"
    return words
