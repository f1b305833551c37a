"""BoTorch as a peer of known_cost: its mixed Gaussian process, the cost as a deterministic model, and qLogNEHVI.

It has the same information as known_cost: the exact cost of every candidate, also as a feature of the accuracy model; the
same references; and which decisions have no effect. The acquisition function is maximized exactly over all unseen networks
of a table of up to 10,000; in larger spaces over 2,000 draws and the neighbours of the front. It needs the packages of the
optional extra `peers`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
import torch
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState
from torch import Tensor

from benchmarks.searched_spaces import Genotype, Problem
from nas.errors import SettingsError
from nas.samplers.distributions import draw

STARTUP = 10
MOST_ENUMERATED = 10_000
DRAWN = 2_000
NEIGHBOURS = 20
"""Number of changed copies of each member of the front."""
SAMPLES = 64
"""Number of samples of the posterior for an expectation."""
FITTED = ("covar_module", "likelihood", "mean_module")
ITERATIONS = 50
"""Iterations of a fit, which begins with the length scales of the previous fit; from scratch it takes ten times as long."""


class BoTorchSampler(BaseSampler):
    """Maximizes accuracy and minimizes cost, in this order; the first ten trials are random.

    Args:
        problem: The problem that is searched.
        seed: Seed of all randomness.

    Raises:
        SettingsError: BoTorch is not installed.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        try:
            with warnings.catch_warnings():  # its dependencies script functions while they are imported
                warnings.simplefilter("ignore", DeprecationWarning)
                import botorch
        except ImportError as error:
            raise SettingsError(
                "--samplers: botorch needs its packages: pip install -e '.[peers]' -c constraints.txt"
            ) from error
        botorch.settings.validate_input_scaling(False)
        self._problem = problem
        self._rng = np.random.default_rng(seed)
        self._seed = seed
        self._domains = problem.distributions
        self._categorical = [
            k for k, domain in enumerate(self._domains.values()) if isinstance(domain, CategoricalDistribution)
        ]
        self._fitted: dict[str, dict[str, Tensor]] = {}
        self._every = _every(self._domains)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The whole space, since every decision is proposed at once."""
        return self._domains

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The candidate with the largest acquisition value."""
        done = [each for each in study.get_trials(deepcopy=False) if each.state == TrialState.COMPLETE]
        if len(done) < STARTUP:
            return draw(self._domains, self._rng)
        genotypes = [each.params for each in done]
        values = np.array([each.values for each in done])
        known = {self._problem.key(genotype) for genotype in genotypes}
        pool = [genotype for genotype in self._pool(genotypes, values) if self._problem.key(genotype) not in known]
        return dict(pool[self._best(self._rows(genotypes), values, self._rows(pool), trial.number)])

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A uniform random value; not used if all decisions are asked for together."""
        return draw({param_name: param_distribution}, self._rng)[param_name]

    def _best(self, rows: Tensor, values: NDArray[np.float64], pool: Tensor, number: int) -> int:
        """Index of the best of the pool, `float[n d], float[n 2], float[m d] -> int`; the last feature is log cost."""
        from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import MixedSingleTaskGP, ModelList
        from botorch.models.deterministic import GenericDeterministicModel
        from botorch.models.transforms import Standardize
        from botorch.sampling.get_sampler import get_sampler
        from gpytorch.mlls import ExactMarginalLogLikelihood

        low, width = pool[:, -1].min(), (pool[:, -1].max() - pool[:, -1].min()).clamp_min(1e-12)
        rows, pool = rows.clone(), pool.clone()
        rows[:, -1], pool[:, -1] = (rows[:, -1] - low) / width, (pool[:, -1] - low) / width
        accuracies = torch.from_numpy(values[:, :1])
        with warnings.catch_warnings(), torch.random.fork_rng():
            warnings.simplefilter("ignore")  # fits that need a second try say so
            torch.manual_seed(self._seed * 100_003 + number)
            accuracy = MixedSingleTaskGP(rows, accuracies, self._categorical, outcome_transform=Standardize(1))
            for name, state in self._fitted.items():
                accuracy.get_submodule(name).load_state_dict(state)
            fit_gpytorch_mll(
                ExactMarginalLogLikelihood(accuracy.likelihood, accuracy),
                optimizer_kwargs={"options": {"maxiter": ITERATIONS}},
            )
            self._fitted = {name: accuracy.get_submodule(name).state_dict() for name in FITTED}
            model = ModelList(accuracy, GenericDeterministicModel(lambda x: -x[..., -1:]))
            acquisition = qLogNoisyExpectedHypervolumeImprovement(
                model,
                ref_point=[float(accuracies[:STARTUP].median()), -float(pool[:, -1].max())],
                X_baseline=rows,
                sampler=get_sampler(model.posterior(rows[:1]), torch.Size([SAMPLES]), seed=number),
                prune_baseline=True,
            )
            with torch.no_grad():
                gains = torch.cat([acquisition(part[:, None]) for part in torch.split(pool, 1024)])
        return int(gains.argmax())

    def _pool(self, seen: Sequence[Genotype], values: NDArray[np.float64]) -> list[dict[str, Any]]:
        if self._every is not None:
            return self._every
        drawn = [draw(self._domains, self._rng) for _ in range(DRAWN)]
        for k in _front(values):
            drawn += [self._neighbour(seen[k]) for _ in range(NEIGHBOURS)]
        return drawn

    def _neighbour(self, genotype: Genotype) -> dict[str, Any]:
        """A copy with one or two decisions drawn anew; numbers stay near their values."""
        changed, fresh = dict(genotype), draw(self._domains, self._rng)
        for name in self._rng.choice(list(self._domains), size=int(self._rng.integers(1, 3)), replace=False):
            domain = self._domains[str(name)]
            changed[str(name)] = fresh[str(name)]
            if isinstance(domain, FloatDistribution):
                place = _place(domain, genotype[str(name)]) + 0.1 * self._rng.standard_normal()
                changed[str(name)] = _value(domain, min(max(place, 0.0), 1.0))
        return changed

    def _rows(self, genotypes: Sequence[Genotype]) -> Tensor:
        """Features `float[n d]`: choices by number (an inactive one has its own), numbers scaled to 0 ... 1, and log cost."""
        return torch.tensor([self._row(genotype) for genotype in genotypes], dtype=torch.double)

    def _row(self, genotype: Genotype) -> list[float]:
        active = self._problem.space.decode(genotype).decisions
        row = []
        for name, domain in self._domains.items():
            if isinstance(domain, CategoricalDistribution):
                row.append(float(domain.choices.index(active[name]) if name in active else len(domain.choices)))
            else:
                assert isinstance(domain, FloatDistribution | IntDistribution)
                row.append(_place(domain, active[name]) if name in active else 0.5)
        return [*row, math.log10(self._problem.cost(genotype))]


def _every(domains: Mapping[str, BaseDistribution]) -> list[dict[str, Any]] | None:
    """All genotypes, if there are few enough and all decisions are choices."""
    if not all(isinstance(domain, CategoricalDistribution) for domain in domains.values()):
        return None
    choices = [domain.choices for domain in domains.values() if isinstance(domain, CategoricalDistribution)]
    if math.prod(map(len, choices)) > MOST_ENUMERATED:
        return None
    grid = np.stack(np.meshgrid(*[np.arange(len(each)) for each in choices], indexing="ij"), -1)
    return [
        {name: options[k] for name, options, k in zip(domains, choices, row, strict=True)}
        for row in grid.reshape(-1, len(choices))
    ]


def _front(values: NDArray[np.float64]) -> list[int]:
    """Indices of the observed front of accuracies and costs, `float[n 2]`."""
    best, members = -math.inf, []
    for k in np.lexsort((-values[:, 0], values[:, 1])):
        if values[k, 0] > best:
            best = values[k, 0]
            members.append(int(k))
    return members


def _place(domain: FloatDistribution | IntDistribution, value: Any) -> float:
    if domain.log:
        return math.log(value / domain.low) / math.log(domain.high / domain.low)
    return float((value - domain.low) / (domain.high - domain.low))


def _value(domain: FloatDistribution, place: float) -> float:
    if domain.log:
        return float(domain.low * (domain.high / domain.low) ** place)
    return float(domain.low + place * (domain.high - domain.low))
