"""Coverage of intervals of weighted comparisons: where their models hold, where one of two does, where overlap is thin.

Rows of one covariate on a line and one of two values; treatment follows a logit of both, the effect grows with the
first (1 + x/2), so that the effect on the treated and over everyone differ; errors have standard deviation one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.rows import Rows
from benchmarks.simulation_draws import Array
from benchmarks.simulation_table import LEVEL, Row, coverage

STUDY = "coverage, weighting"
ROWS = 500
GROWTH = 0.5


@dataclass(frozen=True)
class Setup:
    """pull: how strongly covariates move treatment. curve: weight of the first covariate's square in the outcome, which
    no method is told. shared: standard deviation of a shock common to each of 40 clusters."""

    pull: float = 0.6
    curve: float = 0.0
    shared: float = 0.0


SETUPS: dict[str, Setup] = {
    "models right, 500 rows": Setup(),
    "outcome curved, 500 rows": Setup(curve=0.5),
    "thin overlap, 500 rows": Setup(pull=1.3),
    "40 clusters, 500 rows": Setup(shared=0.7),
}
DESIGNS: tuple[str, ...] = tuple(SETUPS)
COMMON: Mapping[str, Any] = {"treatment": "d", "covariates": ["x", "z"], "squares": [], "trim": 0.0}
MATCHING: Mapping[str, Any] = {"calliper": None, "distance": "mahalanobis", "bias_adjusted": True}
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "inverse_probability": ("inverse_probability", {"known_weights": False}),
    "inverse_probability, weights as known": ("inverse_probability", {"known_weights": True}),
    "entropy_balancing": ("entropy_balancing", {"known_weights": False}),
    "augmented_weighting": ("augmented_weighting", {"known_weights": False}),
    "outcome_regression": ("outcome_regression", {"modifiers": None}),
    "matching, 1 neighbour": ("matching", {"neighbours": 1, **MATCHING}),
}
ESTIMANDS = {"treated": "on the treated", "everyone": "over everyone"}


def run(design: str, draws: int, seed: int) -> list[Row]:
    """All methods on the same draws, for both estimands."""
    setup = SETUPS[design]
    random = np.random.default_rng(seed)
    tables = [_table(setup, random) for _ in range(draws)]
    found = []
    for name, (module, options) in METHODS.items():
        if (setup.shared and module == "matching") or (options.get("known_weights") and design != DESIGNS[0]):
            continue
        for estimand, words in ESTIMANDS.items():
            aim = 1 + GROWTH * _mean_of_treated(setup.pull) if estimand == "treated" else 1.0
            cells = np.array([_one(module, table, {**COMMON, **options, "estimand": estimand}) for table in tables])
            value, error, low, high = cells.T
            clusters = 40 if setup.shared else ROWS
            place = (STUDY, design, f"{name}, {words}", clusters, clusters // 2)
            found.append(coverage(place, value, aim, (low <= aim) & (high >= aim), error))
    return found


def reason(row: Row) -> str:
    """Why a cell lies outside its band."""
    if "as known" in row.method:
        return "errors that take weights as known are too large: estimating the weights takes out noise"
    if row.design.startswith("thin"):
        return "thin overlap: few rows carry the comparison, and large-sample errors are too small (the page cautions)"
    if row.design.startswith("outcome curved") and row.method.startswith("outcome_regression"):
        return "the regression is wrong: it was not told of the square"
    if row.design.startswith("outcome curved") and row.method.startswith("matching"):
        return "matches lie at some distance, and the adjustment for it is linear"
    if row.design.startswith("outcome curved") and row.value < row.low:
        return "weights leave the curve's noise in: large-sample errors are about four per cent too small in 500 rows"
    return ""


def _one(module: str, table: Rows, options: dict[str, Any]) -> tuple[float, float, float, float]:
    try:
        found = import_module(f"analysis.designs.{module}").estimate(table, **options)
    except Refusal:
        return (float("nan"),) * 4
    answer = found.average(LEVEL)
    return answer.value, answer.std_error or float("nan"), answer.low, answer.high


def _table(setup: Setup, random: np.random.Generator) -> Rows:
    x, z = random.normal(size=ROWS), random.binomial(1, 0.5, ROWS).astype(float)
    cluster = np.arange(ROWS) % 40 if setup.shared else np.arange(ROWS)
    d = (random.random(ROWS) < _chance(x, z, setup.pull)).astype(float)
    y = d * (1 + GROWTH * x) + x + 0.5 * z + setup.curve * x**2 + random.normal(size=ROWS)
    if setup.shared:
        y = y + setup.shared * random.normal(size=40)[cluster]
    labels = Labels("y", "", cluster="group" if setup.shared else "")
    return Rows(y, {"d": d, "x": x, "z": z}, np.ones(ROWS), cluster, labels)


def _chance(x: Array, z: Array, pull: float) -> Array:
    return np.asarray(1 / (1 + np.exp(-pull * (x + 0.5 * (z - 0.5)))))


def _mean_of_treated(pull: float) -> float:
    """The mean of the first covariate among the treated, by quadrature."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    chance = sum(_chance(points, np.full(80, z), pull) for z in (0.0, 1.0)) / 2
    return float((weights * points * chance).sum() / (weights * chance).sum())
