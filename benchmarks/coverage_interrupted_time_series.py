"""Coverage of the 95 % intervals of an interrupted series, by length and autocorrelation.

Series of 12 to 100 periods around a straight line, the policy in force in the second half, errors that follow a
first-order autoregression (Turner and others 2021). The control series shares a random walk with the outcome.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from analysis.inference import error_models, time_series
from analysis.inference.error_models import EDGE
from analysis.inference.time_series_coverage import LENGTHS, RHO
from benchmarks.simulation_draws import Array
from benchmarks.simulation_table import Row, coverage

Answer = tuple[float, float, float]
DESIGNS = (
    "segmented_regression, classical",
    "segmented_regression, newey_west",
    "prais_winsten",
    "autoregressive_errors",
    "controlled_series",
    "structural_series",
    "arma_errors",
)
# What a fit costs: the slower ones take fewer draws, and the slowest fewer cells.
FEWER = {"structural_series": 5, "arma_errors": 20}
CELLS = {"arma_errors": ((24, 0.4), (100, 0.4))}
EFFECT = 1.0


def run(design: str, draws: int, seed: int) -> list[Row]:
    """One row for each length and autocorrelation."""
    found = []
    count = max(50, draws // FEWER.get(design, 1))
    for t, periods in enumerate(LENGTHS):
        for r, rho in enumerate(RHO):
            if (periods, rho) not in CELLS.get(design, ((periods, rho),)):
                continue
            rng = np.random.default_rng([seed, t, r])
            series = _series(rng, count, periods, rho, common=design == "controlled_series")
            found.append(_cell(design, series, rho))
    return found


def reason(row: Row) -> str:
    """Why a cell lies outside the band of chance."""
    periods, rho = row.clusters, float(row.design.rpartition(" ")[2])
    if row.method.startswith("segmented_regression, classical"):
        return "errors that ignore autocorrelation are too small" if rho else ""
    if row.method == "segmented_regression, newey_west":
        return "Newey-West errors are too small in short series, and where autocorrelation is strong"
    if row.method == "structural_series":
        return "the series follows a straight line with stationary errors, not the wandering level of this design"
    if periods <= 24 or rho >= 0.6:
        return "the autocorrelation cannot be told from the trend in so short a series"
    return "the autocorrelation is estimated too low" if row.method in ("prais_winsten", "arma_errors") else ""


def design_of(periods: int) -> Array:
    """(T, 3) constant, trend and step."""
    place = np.arange(periods)
    return np.column_stack([np.ones(periods), place - place.mean(), (place >= periods // 2) * 1.0])


def _series(rng: np.random.Generator, draws: int, periods: int, rho: float, *, common: bool) -> Array:
    """(draws, T) outcomes; less the control series where there is one."""

    def errors() -> Array:
        shocks = rng.normal(size=(draws, periods))
        found = np.empty_like(shocks)
        found[:, 0] = shocks[:, 0] / np.sqrt(1 - rho**2)
        for t in range(1, periods):
            found[:, t] = rho * found[:, t - 1] + shocks[:, t]
        return found

    line = design_of(periods) @ np.array([10.0, 0.0, EFFECT])
    if not common:
        return np.asarray(line + errors())
    walk = rng.normal(size=(draws, periods)).cumsum(axis=1)
    outcome, control = line + walk + errors(), walk + errors()
    return np.asarray(outcome - control)


def _cell(design: str, series: Array, rho: float) -> Row:
    x = design_of(series.shape[1])
    estimate = ESTIMATORS[design]
    answers = np.array([estimate(y, x) for y in series])
    value, error, df = answers.T
    covered = np.abs(value - EFFECT) <= stats.t.ppf(0.975, df) * error
    half = int(x[:, 2].sum())
    place = ("coverage, interrupted_time_series", f"step, autocorrelation {rho:.1f}", design, len(x), half)
    return coverage(place, value, EFFECT, covered, error)


def _segmented(y: Array, x: Array, lags: int | None) -> Answer:
    beta, left, inverse = time_series.least_squares(y, x)
    df = float(len(y) - x.shape[1])
    if lags is None:
        return float(beta[2]), float(np.sqrt(left @ left / df * inverse[2, 2])), df
    covariance = time_series.newey_west(x * left[:, None], inverse, lags)
    return float(beta[2]), float(np.sqrt(covariance[2, 2])), df


def _prais_winsten(y: Array, x: Array) -> Answer:
    beta, _, covariance, _ = time_series.prais_winsten(y, x)
    return float(beta[2]), float(np.sqrt(covariance[2, 2])), float(len(y) - x.shape[1])


def _likelihood(y: Array, x: Array, whiten: error_models.Whiten, low: float, high: float) -> Answer:
    weights = np.array([0.0, 0.0, 1.0])
    found = error_models.one_parameter(y, x, whiten, low, high, weights)
    return float(found.coefficients[2]), float(np.sqrt(found.covariance[2, 2])), found.df


def _arma(y: Array, x: Array) -> Answer:
    weights = np.array([0.0, 0.0, 1.0])
    _, found = error_models.best_arma(y, x, error_models.ORDERS, weights)
    return float(found.coefficients[2]), float(np.sqrt(found.covariance[2, 2])), found.df


ESTIMATORS: dict[str, Callable[[Array, Array], Answer]] = {
    "segmented_regression, classical": lambda y, x: _segmented(y, x, None),
    "segmented_regression, newey_west": lambda y, x: _segmented(y, x, time_series.usual_lags(len(y))),
    "prais_winsten": _prais_winsten,
    "autoregressive_errors": lambda y, x: _likelihood(y, x, error_models.autoregressive, -EDGE, EDGE),
    "controlled_series": lambda y, x: _likelihood(y, x, error_models.autoregressive, -EDGE, EDGE),
    "structural_series": lambda y, x: _likelihood(y, x, error_models.local_level, 0.0, 1.0),
    "arma_errors": _arma,
}
