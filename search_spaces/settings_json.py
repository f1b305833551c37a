"""The settings of a space as JSON: equal settings give equal JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from search_spaces.settings import SpaceSettings


def typed(settings: SpaceSettings) -> SpaceSettings:
    """The settings with every number in its own type, so that equal settings have equal JSON."""
    return replace(
        settings,
        units=tuple(tuple(counts) for counts in settings.units or ()),
        mixers=tuple(settings.mixers),
        convolutions=None if settings.convolutions is None else tuple(settings.convolutions),
        residual_units=tuple(settings.residual_units),
        learned_groups=tuple(settings.learned_groups),
        rebuilt_shares=tuple(map(float, settings.rebuilt_shares)),
        filter_groups=tuple(settings.filter_groups),
        transformations=tuple(settings.transformations),
        least_templates=tuple(settings.least_templates),
        sparsity_step=(float(settings.sparsity_step[0]), float(settings.sparsity_step[1])),
        reductions=tuple(settings.reductions),
        shares=tuple(settings.shares),
        kron_ranks=tuple(settings.kron_ranks),
        sum_levels=tuple(settings.sum_levels),
        binarize_from=tuple(map(float, settings.binarize_from)),
        normalizers=tuple(settings.normalizers),
        penalties=tuple(settings.penalties),
        roundings=tuple(settings.roundings),
        orth_weight=(float(settings.orth_weight[0]), float(settings.orth_weight[1])),
        temperature=(float(settings.temperature[0]), float(settings.temperature[1])),
        lr=(float(settings.lr[0]), float(settings.lr[1])),
        weight_decay=(float(settings.weight_decay[0]), float(settings.weight_decay[1])),
    )


def plain(value: Any) -> Any:
    """The value with tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value
