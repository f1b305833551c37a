"""What the search in a folder has found below limits on costs, shown without training and without changing anything."""

from __future__ import annotations

from image_search.plan import Plan
from image_search.settings import Settings, require_sound
from nas.errors import OutputError, SettingsError
from nas.settings.axes import amounts, amounts_text


def report_below(settings: Settings, limits: str) -> str:
    """The front among the networks of a search whose costs are within limits, as text for a terminal.

    Args:
        settings: The settings of the search, with its output folder.
        limits: The limits, such as `macs=60e3,params=1e4`.

    Raises:
        SettingsError: A limit is malformed, or of a cost that this search does not record.
        OutputError: There is no search in the folder.
        StudyError: The search in the folder has other settings.
    """
    from evaluator.costs import COSTS
    from image_search.run import read_trials, result_of
    from nas.output.folder import OutputFolder
    from nas.report.console import front_lines
    from nas.values.local_path import local_path

    most = amounts("--report_below", limits, COSTS)
    if not most:
        raise SettingsError("--report_below: must be name=number, such as macs=60e3")
    require_sound(settings)
    folder = OutputFolder(local_path(settings.output))
    if settings.search.storage is None and not folder.database.is_file():
        raise OutputError(f"--report_below: there is no search in {settings.output}; name its folder with --output")
    plan = Plan(settings)
    if plan.axes.measured:
        # The study's references of latencies were measured in its search; nothing is measured here.
        raise SettingsError("--report_below: not for searches by latency, which would have to be measured again")
    trials = read_trials(plan, folder)
    recorded = [name for name in COSTS if all(name in trial.deployed_costs for trial in trials)]
    if unknown := [name for name in most if name not in recorded]:
        raise SettingsError(
            f"--report_below: this search has not recorded {', '.join(unknown)}; allowed: {', '.join(recorded)}"
        )
    within = tuple(
        trial for trial in trials if all(trial.deployed_costs[name] <= limit for name, limit in most.items())
    )
    return "\n".join(
        [
            f"{len(within)} of {len(trials)} trials have at most {amounts_text(most)}; nothing was trained or changed.",
            front_lines(result_of(plan, within, "")),
        ]
    )
