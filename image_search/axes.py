"""The axes of a search of images: settings are made into objectives, limits and further quantities that are reported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

from evaluator.costs import COSTS
from evaluator.measures import MEASURES
from nas.objectives import Objective, ObjectiveKind
from nas.settings.axes import amounts, amounts_text, limits_of, objective_names
from nas.settings.search import SearchSettings


class Axes:
    """The objectives, limits and references of a search, by name.

    Args:
        settings: Settings of the search, already checked.
        classes: Number of classes.
    """

    def __init__(self, settings: SearchSettings, classes: int) -> None:
        self._settings = settings
        self._names = objective_names(settings.objectives)
        self._classes = classes
        self.learned = next(name for name in self._names if name in MEASURES)
        """Name of the learned objective."""
        self.costs = tuple(name for name in self._names if name in COSTS)
        """Names of the other objectives."""
        self.names = (self.learned, *self.costs)
        """Names of all objectives, the learned one first."""
        self.limits = limits_of(settings, COSTS)
        """Largest allowed cost, by its name."""
        self.references = amounts("--search.references", settings.references, COSTS)
        """Costs from which the hypervolume is measured, where settings name them."""

    @property
    def cost_names(self) -> frozenset[str]:
        """Names of the costs that are objectives or have a limit."""
        return frozenset((*self.costs, *self.limits))

    @property
    def measured(self) -> frozenset[str]:
        """Names of those costs that are measured on a device."""
        return frozenset(name for name in self.cost_names if COSTS[name].count is None)

    @property
    def depends_on_batch(self) -> bool:
        """Whether one of the costs depends on the number of images in a forward."""
        return any(COSTS[name].of_batch for name in self.cost_names)

    @cached_property
    def declared(self) -> tuple[Objective, ...]:
        """Every quantity that the evaluator declares, measures first. References of costs are not filled in."""
        return (
            *(measure.objective(self._classes) for measure in MEASURES.values()),
            *(cost.objective(1.0) for cost in COSTS.values()),
        )

    def objectives(self, default: Callable[[str], float]) -> tuple[Objective, ...]:
        """The axes of the front, the learned one first.

        Args:
            default: Gives the reference of a cost for which the settings have none.
        """
        references = {name: self.references[name] if name in self.references else default(name) for name in self.costs}
        return (
            MEASURES[self.learned].objective(self._classes),
            *(COSTS[name].objective(references[name]) for name in self.costs),
        )

    def quantities(self, objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
        """All quantities that are reported of a candidate, in the order of tables: learned objective, costs, further measures."""
        named = {objective.name: objective for objective in objectives}
        costs = [each for each in self.declared if each.kind is not ObjectiveKind.LEARNED]
        further = [each for each in self.declared if each.kind is ObjectiveKind.LEARNED and each.name != self.learned]
        return (named[self.learned], *(named.get(each.name, each) for each in costs), *further)

    def resolved(self, objectives: tuple[Objective, ...]) -> SearchSettings:
        """The settings with limits and references in their long form and with open choices filled in."""
        references = {each.name: each.reference for each in objectives if each.kind is not ObjectiveKind.LEARNED}
        return replace(
            self._settings,
            limits=amounts_text(self.limits),
            references=amounts_text({**self.references, **references}),
            max_macs=None,
            max_params=None,
        )
