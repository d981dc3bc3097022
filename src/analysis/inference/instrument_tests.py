"""The direction in which instruments push: whether they raise the treatment at all its levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.fits.instrumental_variable import Problem
from analysis.inference import instruments
from analysis.panel import Array

LEVELS = 9  # of the treatment at which pushes are looked at


@dataclass(frozen=True, eq=False)
class Pushes:
    """What the instruments do to the share of rows at or above each of several `levels` of the treatment.

    values, errors: (m,) change of the share per unit of predicted treatment. p_value: Holm-adjusted, of the level at
    which a fall is clearest, against no fall.
    """

    levels: Array
    values: Array
    errors: Array
    p_value: float

    @property
    def worst(self) -> int:
        """The position of the level at which a fall is clearest."""
        return int(np.argmin(self.values / self.errors))


def pushes(problem: Problem, treatment: Array) -> Pushes:
    """Whether the instruments raise the treatment at all its levels. If they push nobody the other way, predicted
    treatment raises the share at or above every level, or leaves it (Angrist and Imbens 1995).

    treatment: (n,) as it is, nothing taken out.
    """
    from scipy import stats

    found = instruments.pair(problem)
    predicted = found.basis @ found.treatment
    lines = []
    for level in _levels(treatment):
        share = problem.without((treatment >= level).astype(float))
        line = instruments.regressed(problem, f"{level:g}", share, predicted)
        if line.error > 0:
            lines.append((level, line))
    t = np.array([line.value / line.error for _, line in lines])
    lowest = float(stats.t.cdf(t.min(), lines[0][1].df)) if lines else 1.0
    return Pushes(
        np.array([level for level, _ in lines]),
        np.array([line.value for _, line in lines]),
        np.array([line.error for _, line in lines]),
        min(1.0, lowest * len(lines)),
    )


def _levels(treatment: Array) -> Array:
    """Values of the treatment that split its rows, the lowest left aside."""
    values = np.unique(np.quantile(treatment, np.linspace(0, 1, LEVELS + 2)[1:-1], method="higher"))
    distinct = np.unique(treatment)
    values = distinct if len(distinct) <= LEVELS + 1 else values
    return np.asarray(values[values > distinct[0]])
