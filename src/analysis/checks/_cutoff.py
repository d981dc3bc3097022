"""What several checks of a discontinuity do alike: whether a change of the answer is more than noise, and words."""

from __future__ import annotations

import numpy as np

from analysis.checks._common import ALPHA
from analysis.inference.at_cutoff import Jump
from analysis.panel import Array
from analysis.report.display import level_words, p_words, significant
from analysis.result import Estimate


def moved(answer: Estimate, other: Estimate, tries: int = 1) -> bool:
    """A change that counts: larger than chance explains, or a turned sign by more than one error of the answer.

    Two estimates from nested rows differ with about the difference of their variances (Hausman 1978). tries: how many
    changes are looked at, so that one of them looks large by chance in five per cent only.
    """
    from scipy import stats

    critical = float(stats.norm.ppf(1 - ALPHA / 2 / tries))
    error, apart = answer.std_error or 0.0, abs(other.value - answer.value)
    noise = abs((other.std_error or 0.0) ** 2 - error**2) ** 0.5
    return bool((apart > critical * noise and apart > error / 2) or (other.value * answer.value < 0 and apart > error))


def holm(p_values: Array) -> Array:
    """p-values corrected for their number (Holm 1979), in the order given."""
    order = np.argsort(p_values, kind="stable")
    steps = (len(p_values) - np.arange(len(p_values))) * p_values[order]
    found = np.empty(len(p_values))
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return found


def between(found: Jump, level: float) -> str:
    """The bounds in words, in the unit of the column."""
    return f"({level_words(level)} {significant(found.low, 2)} to {significant(found.high, 2)})"


def p_said(p: float) -> str:
    """A p-value inside a sentence."""
    return f"p {p_words(p)}" if p < 0.001 else f"p = {p_words(p)}"
