"""What the designs that make two groups alike return beyond `Effects`: weights, propensities, group means, pairs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analysis.panel import Array
from analysis.result import Effects


@dataclass(frozen=True, eq=False)
class Levels:
    """Mean outcomes of the treated and of the comparison group: as they are, and as the design weighs them."""

    treated: float
    comparison: float
    treated_weighted: float
    comparison_weighted: float


@dataclass(frozen=True, eq=False)
class Weighted(Effects):
    """One effect, the difference of two weighted means.

    kept: (rows of the data,) the rows used. treated: (n,) of the rows used. weights: (n,) adding up to one in each
    group, with which the difference of means is the estimate; regression may make some negative. base: (n,) the weights
    before a regression changes them. propensity: (n,) fitted chances of treatment, empty where the design fits none.
    raw: (n,) inverse-probability weights before they are made to add up to one, empty where there are none. pairs: (m,)
    treated outcomes less their matches', empty without matching. unmatched: rows left out for want of a match.
    everyone: the effect is meant for all rows, not for the treated alone.
    """

    kept: Array = field(default_factory=lambda: np.empty(0, dtype=bool))
    treated: Array = field(default_factory=lambda: np.empty(0, dtype=bool))
    weights: Array = field(default_factory=lambda: np.empty(0))
    base: Array = field(default_factory=lambda: np.empty(0))
    propensity: Array = field(default_factory=lambda: np.empty(0))
    raw: Array = field(default_factory=lambda: np.empty(0))
    pairs: Array = field(default_factory=lambda: np.empty(0))
    unmatched: int = 0
    everyone: bool = False
    levels: Levels = field(default_factory=lambda: Levels(*[np.nan] * 4))
