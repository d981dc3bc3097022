"""Random effects: how much of each unit's mean to take out, from the variances between and within units.

The share is theta_i = 1 - sqrt(s2 / (s2 + T_i a2)), with s2 the variance of changes within units and a2 that of lasting
differences between them (Swamy and Arora 1972), as linearmodels computes them. With theta 0 the estimate is pooled
least squares, with theta 1 fixed effects.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.inference.panel_terms import Terms
from analysis.panel import Array


def shares(terms: Terms, effects: str) -> Array:
    """(codes of units,) theta for every unit present, 0 for others."""
    found = fitted(terms, effects)
    theta = np.zeros(int(terms.unit.max()) + 1)
    theta[found.theta.index.to_numpy(dtype=int)] = found.theta.to_numpy()[:, 0]
    return theta


def fitted(terms: Terms, effects: str) -> Any:
    """The fit of linearmodels, with period effects unless `effects` is "entity"."""
    import pandas as pd
    from linearmodels.panel.model import RandomEffects

    index = pd.MultiIndex.from_arrays([terms.unit, terms.period], names=["unit", "period"])
    dummies = [] if effects == "entity" else [terms.period == place for place in np.unique(terms.period)[1:]]
    columns = np.column_stack([np.ones(terms.n), terms.regressors, *dummies])
    scale = float(np.std(terms.outcome)) or 1.0
    outcome = pd.Series((terms.outcome - terms.outcome.mean()) / scale, index=index)
    weight = pd.Series(terms.weight, index=index) if np.ptp(terms.weight) > 0 else None
    return RandomEffects(outcome, pd.DataFrame(columns, index=index), weights=weight).fit()
