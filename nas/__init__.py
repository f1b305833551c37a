"""The engine of the search: nouns, study, samplers, engines and report.

Nothing in this package imports torch. This module and the noun modules (`dimensions`, `candidate`, `space`, `objectives`,
`budget`, `records`, `ports`, `pareto`, `errors`, `settings`) import the standard library alone.
"""

from nas.pareto import ParetoFront

__all__ = ["ParetoFront"]
__version__ = "0.1.0"
