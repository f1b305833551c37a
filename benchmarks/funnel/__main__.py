"""Three steps from all arms to claims: a short screening, the survivors in longer settings, a judgement with new seeds.

    python -m benchmarks.funnel --root DATA --output runs/funnel [--workers 2] [--until screen|middle|judge]

The same command continues a funnel that was stopped. Rules in rules.yaml decide which arms go on from one step to the next,
and the seeds of the steps are disjoint, so that an arm is not judged by the runs that chose it. The claims are decided by
the last step alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import yaml

from benchmarks.ablation.__main__ import read_settings
from benchmarks.ablation.arms import ARMS
from benchmarks.ablation.runs import Finished, Run, train_all
from benchmarks.ablation.settings import Settings
from benchmarks.ablation.table import ROWS, hours
from benchmarks.command import command
from benchmarks.paired_runs import holm, paired_difference, verdict
from nas.errors import SettingsError
from nas.output.atomic_file import write_atomically

RULES = Path(__file__).with_name("rules.yaml")
STEPS = ("screen", "middle", "judge")
CANDIDATES = tuple(
    name
    for name, arm in ARMS.items()
    if arm.mixer in ("dynamic", "static_dynamic", "blend", "kronecker_blend") and name != "constant"
)
"""Arms that depend on the image; only these can win."""
LEFT_OUT = ("fixed_macs", "fixed_params", "random_each")
"""Arms that are left out of the screening: networks of other widths, and permutations that are not learned."""
Runs = Mapping[tuple[str, int], Run]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules that were fixed beforehand."""

    reference: str
    """The arm that all others are compared with."""
    control: str
    """An arm that is known to gain, which shows whether a setting can show a gain at all."""
    widened: str
    """The reference widened to as many parameters as the most expensive arm."""
    screen: str
    """Config of the screening."""
    settings: tuple[str, ...]
    """Configs of the other two steps."""
    within: float
    """Largest mean difference, in points below the reference, with which an arm goes on from the screening."""
    most: int
    """Most arms that go on from the screening."""
    best: int
    """Number of arms that are judged."""
    screen_pairs: int
    middle_pairs: int
    judge_pairs: int

    @classmethod
    def read(cls, path: Path = RULES) -> Rules:
        """Reads the rules in a file."""
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        return cls(**{**values, "settings": tuple(values["settings"])})


def screened() -> tuple[str, ...]:
    """Arms of the screening."""
    return tuple(arm for arm in ARMS if arm not in LEFT_OUT)


def survivors(runs: Runs, rules: Rules) -> list[str]:
    """Candidates that go on from the screening, the best first."""
    means = {arm: mean_difference(runs, arm, rules.reference) for arm in CANDIDATES}
    within = [arm for arm, mean in means.items() if mean is not None and mean >= -rules.within]
    return sorted(within, key=lambda arm: -(means[arm] or 0.0))[: rules.most]


def judged(by_setting: Mapping[str, Runs], arms: Sequence[str], rules: Rules) -> list[str]:
    """Arms of the middle step with the highest mean difference to the reference over both settings together."""
    totals = {}
    for arm in arms:
        means = [mean_difference(runs, arm, rules.reference) for runs in by_setting.values()]
        totals[arm] = fmean(mean for mean in means if mean is not None)
    return sorted(arms, key=lambda arm: -totals[arm])[: rules.best]


def mean_difference(runs: Runs, arm: str, reference: str) -> float | None:
    """Mean difference in points over the seeds that both arms have; None if they share none."""
    pairs = _pairs(runs, arm, reference)
    return fmean(a - b for a, b in pairs) if pairs else None


def _pairs(runs: Runs, arm: str, reference: str) -> list[tuple[float, float]]:
    seeds = sorted(seed for name, seed in runs if name == arm and (reference, seed) in runs)
    return [(runs[arm, seed].accuracy("hard"), runs[reference, seed].accuracy("hard")) for seed in seeds]


def step_table(runs: Runs, rules: Rules) -> list[str]:
    """One row per arm: accuracy, its difference to the reference, costs, and shuffle statistics."""
    lines = [
        f"| arm | accuracy % | std | n | minus {rules.reference}, points, 95 % | live weights % | multiply-adds | parameters | "
        "valid | disagreement | what |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for arm in ARMS:
        own = [run for (name, _), run in sorted(runs.items()) if name == arm]
        if not own:
            continue
        accuracies = [run.accuracy("hard") for run in own]
        spread = f"{stdev(accuracies):.2f}" if len(own) > 1 else "-"
        pairs = _pairs(runs, arm, rules.reference)
        difference = paired_difference(*zip(*pairs, strict=True)) if pairs and arm != rules.reference else None
        told = "" if difference is None else f"{difference.mean:+.2f} ± {difference.half_width:.2f}"
        shuffles = [
            f"{fmean(run.shuffles[name] for run in own):.3f}" if own[0].shuffles else "-"
            for name in ("valid", "disagreement")
        ]
        lines.append(
            f"| {arm} | {fmean(accuracies):.2f} | {spread} | {len(own)} | {told} | "
            f"{fmean(run.accuracy('live') for run in own):.2f} | {own[0].macs / 1e6:.3f} M | {own[0].params / 1e3:.1f} k | "
            f"{shuffles[0]} | {shuffles[1]} | {ROWS[arm].words} |"
        )
    return lines


def claims(by_setting: Mapping[str, Runs], arms: Sequence[str], rules: Rules) -> list[str]:
    """The claims on the judged arms, with p adjusted over all of them."""
    compared = []
    for setting, runs in by_setting.items():
        against = (rules.reference, rules.widened, rules.control)
        for above, below in [(arm, other) for arm in arms for other in against] + [(rules.control, rules.reference)]:
            if pairs := _pairs(runs, above, below):
                compared.append((setting, above, below, paired_difference(*zip(*pairs, strict=True))))
    adjusted = holm([difference.p for *_, difference in compared])
    lines = [
        "| setting | claim | difference in points, 95 % | pairs | p (Holm) | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for (setting, above, below, difference), p in zip(compared, adjusted, strict=True):
        lines.append(
            f"| {setting} | {above} beats {below} | {difference.mean:+.2f} ± {difference.half_width:.2f} | {difference.pairs} | "
            f"{p:.3f} | {verdict(difference, p)} |"
        )
    return lines


class Funnel:
    """The three steps, as far as they are on disk.

    Args:
        rules: The rules that were fixed beforehand.
        root: Folder of the images.
        output: Folder with one sub-folder per config, and with the table.
        workers: Number of networks trained at the same time.
    """

    def __init__(self, rules: Rules, root: str, output: Path, workers: int) -> None:
        self.rules = rules
        self._root, self._output, self._workers = root, output, workers
        self._sections: list[str] = []

    def run(self, until: str) -> str:
        """Trains what is missing, step by step, and returns the text of all tables so far.

        Raises:
            NasError: A setting, the images or a folder are unusable.
        """
        rules = self.rules
        arms = screened()
        runs = self._step(rules.screen, arms, 0, rules.screen_pairs, "All arms, short")
        chosen = survivors(runs, rules)
        self._sections += [f"Within {rules.within} points of {rules.reference}: {', '.join(chosen) or 'none'}.", ""]
        if until == "screen" or not chosen:
            return self._write()
        both = {}
        for setting in rules.settings:
            middle = (rules.reference, rules.control, *chosen)
            both[setting] = self._step(
                setting, middle, rules.screen_pairs, rules.middle_pairs, f"Those that went on, in `{setting}`"
            )
        best = judged(both, chosen, rules)
        self._sections += [f"Judged: {', '.join(best)}.", ""]
        if until == "middle":
            return self._write()
        for setting in rules.settings:
            last = (rules.reference, rules.widened, rules.control, *best)
            first = rules.screen_pairs + rules.middle_pairs
            both[setting] = self._step(
                setting, last, first, rules.judge_pairs, f"The best with new seeds, in `{setting}`"
            )
        self._sections += claims(both, best, rules)
        return self._write()

    def _step(self, config: str, arms: Sequence[str], first_seed: int, pairs: int, title: str) -> Runs:
        settings = self._settings(config, arms, first_seed, pairs)

        def after(finished: Finished) -> None:
            self._write(self._told(finished, title, len(arms) * pairs))

        finished = train_all(settings, after)
        self._sections += self._told(finished, title, len(arms) * pairs)
        return finished.runs

    def _settings(self, config: str, arms: Sequence[str], first_seed: int, pairs: int) -> Settings:
        flags = {
            "config": config,
            "data.root": self._root,
            "output": str(self._output / config),
            "ablation.arms": f"[{','.join(arms)}]",
            "ablation.first_seed": first_seed,
            "ablation.pairs": pairs,
            "ablation.control_pairs": pairs,
            "ablation.workers": self._workers,
        }
        return read_settings([part for name, value in flags.items() for part in (f"--{name}", str(value))])

    def _told(self, finished: Finished, title: str, planned: int) -> list[str]:
        head = f"### {title}"
        count = f"{len(finished.runs)} of {planned} runs, {hours(finished.runs):.1f} hours of training."
        failed = [f"Arm {arm}, seed {seed} gave no result: {why}" for (arm, seed), why in finished.failures.items()]
        return [head, "", count, *failed, "", *step_table(finished.runs, self.rules), ""]

    def _write(self, more: Sequence[str] = ()) -> str:
        text = "\n".join([*self._sections, *more]) + "\n"
        write_atomically(self._output / "funnel.md", text.encode())
        return text


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="Folder that holds cifar10/.")
    parser.add_argument("--output", default="runs/funnel", help="Folder of runs and tables.")
    parser.add_argument("--workers", type=int, default=2, help="Networks trained at the same time.")
    parser.add_argument("--until", choices=STEPS, default="judge", help="The last step to be done.")
    return parser


@command(continues=True)
def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code."""
    options = make_parser().parse_args(argv)
    if options.workers < 1:
        raise SettingsError(f"--workers is {options.workers}; allowed: 1 or more")
    print(Funnel(Rules.read(), options.root, Path(options.output), options.workers).run(options.until))
    return 0


if __name__ == "__main__":
    sys.exit(main())
