"""The alternative stopping rule, for comparison: successive halving by rank within strata of cost.

Source: Li et al., A system for massively parallel hyperparameter tuning (ASHA), MLSys 2020, arXiv 1810.05934. The
    strata are ours, since ranks over all networks would keep only the expensive ones.
"""

from __future__ import annotations

import numpy as np

from nas.early_stopping.curves import Curves

ETA = 3
"""One training in so many goes on from a rung."""
STRATA = 4
LEAST = ETA
"""Trainings in a stratum that are needed before one of them is paused."""


class RankHalving:
    """Pauses a training that is not in the best third of its cost stratum at a rung."""

    def pauses(self, curves: Curves, trial: int, epochs: int) -> bool:
        """Whether this training, measured after so many epochs, should wait."""
        there = curves.at(epochs)
        edges = np.quantile([each.log_cost for each in there], np.linspace(0, 1, STRATA + 1)[1:-1])
        own = int(np.searchsorted(edges, curves[trial].log_cost))
        peers = [each for each in there if int(np.searchsorted(edges, each.log_cost)) == own]
        if len(peers) < LEAST:
            return False
        better = sum(each.rungs[epochs] > curves[trial].rungs[epochs] for each in peers)
        return better >= max(len(peers) // ETA, 1)
