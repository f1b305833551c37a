"""Everything a report is made of: what a search did and under which conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nas.classified import Classification
from nas.cost_rule import FIRST_VERSION
from nas.dimensions import Dimension
from nas.errors import AllFailedError
from nas.objectives import Direction, Objective, ObjectiveKind, compared_cost, learned
from nas.pareto import ParetoFront
from nas.portrait import PLAIN, Legend, Portrait, plain_portrait
from nas.records import Failure, Trial
from nas.retraining.results import Retrained
from nas.search.estimates import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """The state of a search, finished or not."""

    trials: tuple[Trial, ...]
    """All trials by number, whatever their state."""
    objectives: tuple[Objective, ...]
    """Axes of the front."""
    front: ParetoFront
    """The front of the values that are expected of the candidates (`estimates`)."""
    settings: Mapping[str, Any]
    """All resolved settings, nested by group, without secrets."""
    provenance: Mapping[str, Any]
    """Versions, device, seed, data fingerprint, commit, times, and the `nas.output.machine.Machine` as `machine`; plain JSON."""
    space: Mapping[str, Any]
    """What `SearchSpace.settings()` returned. The space, and with it each candidate's network, can be made from it."""
    data: Mapping[str, Any]
    """Description of the images: name, image_size, channels, classes, class_names, train, validation and test counts,
    fingerprint, and the normalization (mean and std per channel, of pixels scaled to 0..1).
    """

    quantities: tuple[Objective, ...] = ()
    """All quantities that are reported of a candidate, in the order of the tables. Default: the objectives, and all further
    costs and measurements of the trials.
    """
    estimates: Mapping[int, Estimate] = field(default_factory=dict)
    """The value that another training of a candidate is expected to give, by the number of its first trial."""
    dimensions: tuple[Dimension, ...] = ()
    """The decisions of the space with their domains; empty where they are not known."""
    name: str = ""
    """What readers call this search; empty where it has no name, and is then called by its space and its images."""
    title: str = ""
    """The name of the space for readers; empty where none is known."""
    legend: Legend = field(default_factory=Legend)
    """The kinds by which the networks of the space are told apart."""
    portraits: Mapping[int, Portrait] = field(default_factory=dict)
    """How each trial's candidate is described and drawn, by trial number."""
    observed: ParetoFront | None = None
    """The front of the observed values, which is optimistic; None where it equals `front`."""
    costs_version: int = FIRST_VERSION
    """Version of the count by which the costs are stated."""
    notes: tuple[str, ...] = ()
    """Sentences a reader must know in addition, such as how latencies were measured."""
    loading: str = ""
    """The lines of Python that load the network of a front member, whose number replaces `{trial}`, in a Python that was started
    in the folder of the report; empty where no networks are kept.
    """
    model_use: str = ""
    """How a folder of a model is used, as Markdown for its card, in which the folder is called FOLDER; empty where nobody knows."""
    weightless: Mapping[int, str] = field(default_factory=dict)
    """Front members without weights: the reason by trial number."""
    retrained: Retrained | None = None
    """The networks that were trained anew and measured on the test images; None if there are none."""
    classification: Classification | None = None
    """What networks of the front answered on the validation images; None where nobody has kept it."""
    ended: str = ""
    """Why the search ended before all its trials; empty if it ran all of them."""

    def __post_init__(self) -> None:
        if not self.quantities:
            found = {objective.name: objective for objective in self.objectives}
            for trial in self.trials:
                for name in trial.values():
                    kind = ObjectiveKind.KNOWN if name in trial.costs else ObjectiveKind.LEARNED
                    found.setdefault(name, further_quantity(name, kind))
            object.__setattr__(self, "quantities", tuple(found.values()))

    @property
    def learned(self) -> Objective:
        """The objective that is learned by training."""
        return learned(self.objectives)

    @property
    def cost(self) -> Objective:
        """The cost by which networks are compared and drawn."""
        return compared_cost(self.objectives)

    @property
    def costs(self) -> tuple[Objective, ...]:
        """The quantities that are known before training and that the trials have."""
        there = {name for trial in self.trials for name in trial.costs}
        return tuple(each for each in self.quantities if each.kind is not ObjectiveKind.LEARNED and each.name in there)

    @property
    def further_measures(self) -> tuple[Objective, ...]:
        """Quantities measured after training, apart from the learned objective."""
        there = {name for trial in self.trials for name in trial.values()}
        return tuple(
            each
            for each in self.quantities
            if each.kind is ObjectiveKind.LEARNED and each.name in there and each.name != self.learned.name
        )

    def portrait(self, trial: Trial) -> Portrait:
        """How a trial's candidate is described and drawn; by its decisions where its space has no words for it."""
        return self.portraits.get(trial.number) or plain_portrait(trial.candidate)

    def is_changed(self, trial: Trial) -> bool:
        """Whether a trial's network is of a kind that is compared with the unchanged one."""
        return self.portrait(trial).kind not in (*self.legend.unchanged_kinds, PLAIN)

    @property
    def weightless_lines(self) -> list[str]:
        """Lines that report which networks of the front cannot be loaded; empty if all can."""
        if not self.weightless:
            return []
        return [
            *(f"There is no model of trial {number}: {why}." for number, why in self.weightless.items()),
            "What was measured stands. A search with another --output and this one's pareto.json as --search.warm_start trains the "
            "front again.",
        ]

    def require_front(self) -> None:
        """Refuses a search without a front.

        Raises:
            AllFailedError: No candidate was trained to its end; the message gives up to five reasons.
        """
        if len(self.front) > 0:
            return
        failures = [trial.outcome for trial in self.trials if isinstance(trial.outcome, Failure)]
        reasons = sorted({f"{failure.kind.value}: {failure.message}" for failure in failures})
        told = "\n  ".join(reasons[:5]) if reasons else "every proposal is over a limit"
        raise AllFailedError(f"no candidate was trained to its end, there is no front:\n  {told}")


def further_quantity(name: str, kind: ObjectiveKind) -> Objective:
    """A quantity of which only the name is known."""
    return Objective(name=name, direction=Direction.MINIMIZE, kind=kind, unit="", reference=1.0)
