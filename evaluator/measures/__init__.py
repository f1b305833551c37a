"""The measures of a trained network, by name, in the order of tables. A further measure takes a file here and a line below.

Declaring them imports only the standard library, since names and units are needed before anything heavy is loaded.
"""

from __future__ import annotations

from evaluator.measures.accuracy import MEASURE as ACCURACY
from evaluator.measures.balanced_accuracy import MEASURE as BALANCED_ACCURACY
from evaluator.measures.cross_entropy import MEASURE as CROSS_ENTROPY
from evaluator.measures.macro_f1 import MEASURE as MACRO_F1
from evaluator.measures.measure import Measure

_ALL = (ACCURACY, BALANCED_ACCURACY, MACRO_F1, CROSS_ENTROPY)
MEASURES: dict[str, Measure] = {measure.objective(2).name: measure for measure in _ALL}
DEFAULT = next(iter(MEASURES))
"""The measure by which trainings are judged by default."""
