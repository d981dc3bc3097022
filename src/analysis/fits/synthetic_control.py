"""What the designs that weigh donors return beyond `Effects`: weights, paths, fit before the policy, placebo units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analysis.panel import Array
from analysis.result import Effects

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Placebos:
    """Every donor in the place of the treated unit, weighed against the other donors by the same design.

    donors: (J,) labels. gaps: (J, K) gap from its own synthetic path by row of the effects' table. pre_rmspe: (J,) root
    mean squared gap over the periods fitted, on a path's own level where the design allows for one. estimate: (J,)
    average gap after. ratio: (J,) root mean squared gap after over pre_rmspe; own: the treated unit's. p_value: share
    of units, the treated one among them, whose ratio is at least as large.
    """

    donors: Array
    gaps: Array
    pre_rmspe: Array
    estimate: Array
    ratio: Array
    own: float
    p_value: float


@dataclass(frozen=True, eq=False)
class Synthetic(Effects):
    """Effects by event time of treated units against weighted donors.

    cohorts: (C,) adoption dates; cohort_units: (C,) treated units of each. donors: (J,) labels; weights: (C, J), each
    row with sum one. times: (T,) period labels; time_weights: (C, T) weights of the periods before in the level that
    gaps are measured from, or None where levels must agree. observed, predicted: (K,) mean outcome of the treated units
    and of their synthetic counterpart by row of the table (calendar periods where there is one date), the level
    difference that a design allows for included; fitted: (K,) rows of the periods that were fitted. pre_rmspe: root
    mean squared gap in them, around its mean where a level difference is allowed; pre_scale: standard deviation of the
    treated units' outcome in them.
    predictors: one row each with columns name, treated, synthetic, donors, weight. objective: what the weights
    minimise, at its optimum (mean squared gap before; with predictors that of the search); residual: worst violation of
    its optimality conditions, relative. starts: searches that reached the best optimum, and all of them.
    excluded: donors left out by name. battery gives `placebos`; limits(level) gives (K, 3) low, high and p-value by row
    where they are not t intervals.
    """

    cohorts: Array = field(default_factory=lambda: np.empty(0))
    cohort_units: Array = field(default_factory=lambda: np.empty(0))
    donors: Array = field(default_factory=lambda: np.empty(0))
    weights: Array = field(default_factory=lambda: np.empty((0, 0)))
    times: Array = field(default_factory=lambda: np.empty(0))
    time_weights: Array | None = None
    observed: Array = field(default_factory=lambda: np.empty(0))
    predicted: Array = field(default_factory=lambda: np.empty(0))
    fitted: Array = field(default_factory=lambda: np.empty(0, dtype=bool))
    pre_rmspe: float = float("nan")
    pre_scale: float = float("nan")
    predictors: pd.DataFrame | None = None
    objective: float = float("nan")
    residual: float = float("nan")
    starts: tuple[int, int] = (1, 1)
    excluded: tuple[str, ...] = ()
    battery: Callable[[], Placebos] | None = None
    limits: Callable[[float], Array] | None = None

    @property
    def gaps(self) -> Array:
        """(K,) observed less predicted."""
        return self.observed - self.predicted

    @property
    def placebos(self) -> Placebos:
        """Every donor treated in turn; estimated at the first call."""
        if self.battery is None:
            raise ValueError("these effects carry no placebo units")
        return self.battery()
