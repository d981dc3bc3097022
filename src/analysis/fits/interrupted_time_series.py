"""What an interrupted time series estimates: effects by period under the policy, and the series behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from analysis.panel import Array
from analysis.result import Effects


def _none() -> Array:
    return np.empty(0)


@dataclass(frozen=True)
class Coefficient:
    """One term of the regression, in words, with its error; `role` says what it is there for."""

    name: str
    value: float
    error: float
    role: Literal["policy", "trend", "season", "event", "covariate", "transition"]


@dataclass(frozen=True, eq=False)
class Interrupted(Effects):
    """Effects by period since the start (event_time 0 is the first period that counts), and what the charts need.

    time: (T,) period labels in order. observed, fitted, counterfactual: (T,), the last without the policy. under: (T,)
    the policy is in force; counted: (T,) its effect counts (transition over). residuals: (T,) of the regression;
    innovations: (T,) what its error model cannot foresee. matrix: (T, k) the regressors; contrast: (k,) the weights of
    their coefficients in the average (linear models). logged: coefficients are on the log scale. controlled: the series
    is a difference to control series. handled: the errors allow for autocorrelation.
    """

    time: Array = field(default_factory=_none)
    observed: Array = field(default_factory=_none)
    fitted: Array = field(default_factory=_none)
    counterfactual: Array = field(default_factory=_none)
    under: Array = field(default_factory=_none)
    counted: Array = field(default_factory=_none)
    residuals: Array = field(default_factory=_none)
    innovations: Array = field(default_factory=_none)
    matrix: Array = field(default_factory=_none)
    contrast: Array = field(default_factory=_none)
    coefficients: tuple[Coefficient, ...] = ()
    logged: bool = False
    controlled: bool = False
    handled: bool = True

    @property
    def before(self) -> int:
        """Periods before the policy."""
        return int(np.argmax(self.under))

    @property
    def after(self) -> int:
        """Periods whose effect counts."""
        return int(self.counted.sum())

    @property
    def rho(self) -> float:
        """Correlation of a residual with the one before."""
        own = self.residuals
        return float(own[1:] @ own[:-1] / (own @ own))

    def cumulative(self) -> tuple[Array, Array]:
        """(K,) effects added up from the start to each period, and their standard errors."""
        total = np.tril(np.ones((len(self.table),) * 2))
        variance = np.diag(total @ self.covariance @ total.T)
        return total @ self.estimate, np.sqrt(np.clip(variance, 0, None))
