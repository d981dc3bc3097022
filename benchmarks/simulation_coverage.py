"""Coverage of 95 % intervals of the estimators that need no covariates, on several data-generating designs.

12 periods. Three cohorts of twenty units and forty never treated, or one date for forty of a hundred; "20 clusters":
ten treated (cohorts of four, three and three) and ten never treated; "6 treated of 24": two cohorts of three. An
interval is right when it holds the average, in the estimator's own weights, of the true effects; for two-way fixed
effects under several dates it is the average effect on the treated, which is what a reader would take it for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
from scipy import stats

from analysis.panel import NEVER
from analysis.result import Effects
from benchmarks import simulation_draws as draw
from benchmarks.simulation_draws import Array
from benchmarks.simulation_linear import Linear, compiled
from benchmarks.simulation_table import LEVEL, Row, coverage

PERIODS = 12
HUNDRED = {NEVER: 40, 4: 20, 6: 20, 8: 20}
TWENTY = {NEVER: 10, 4: 4, 6: 3, 8: 3}
SIX = {NEVER: 18, 4: 3, 6: 3}
# name: cohorts, the same with one date, effects, rho of the errors
DESIGNS: dict[str, tuple[dict[int, int], dict[int, int], str, float]] = {
    "homogeneous": (HUNDRED, {NEVER: 60, 6: 40}, "homogeneous", 0.0),
    "heterogeneous": (HUNDRED, {NEVER: 60, 6: 40}, "heterogeneous", 0.0),
    "AR(1) .8": (HUNDRED, {NEVER: 60, 6: 40}, "heterogeneous", 0.8),
    "20 clusters": (TWENTY, {NEVER: 10, 6: 10}, "heterogeneous", 0.8),
    "6 treated of 24": (SIX, {NEVER: 18, 6: 6}, "heterogeneous", 0.8),
}
STAGGERED: dict[str, tuple[str, dict[str, Any]]] = {
    "group_time, not yet treated": ("group_time", {}),
    "group_time, never treated": ("group_time", {"comparison": "never_treated"}),
    "imputation": ("imputation", {}),
    "sun_abraham": ("sun_abraham", {}),
    "extended_twfe": ("extended_twfe", {}),
    "stacked, window 3": ("stacked", {"window": 3}),
    "local_projection, window 3": ("local_projection", {"window": 3}),
    "switching": ("switching", {"window": 3}),
    "event_study": ("event_study", {}),
    "two_way_fixed_effects": ("two_way_fixed_effects", {}),
}
ONE_DATE: dict[str, tuple[str, dict[str, Any]]] = {
    "two_by_two, one date": ("two_by_two", {}),
    "event_study, one date": ("event_study", {}),
    "group_time, one date": ("group_time", {}),
}
TWO_WAY = ("event_study", "two_way_fixed_effects")


def run(design: str, draws: int, seed: int, only: str = "") -> list[Row]:
    """All estimators (or the one named `only`) on the same draws of one design."""
    several, one, kind, rho = DESIGNS[design]
    rows = []
    for sizes, every in ((several, STAGGERED), (one, ONE_DATE)):
        methods = {name: how for name, how in every.items() if only in ("", name)}
        adoption = draw.cohorts(sizes)
        rng = np.random.default_rng([seed, len(sizes)])
        effects = draw.effects(adoption, PERIODS, kind)
        y = draw.levels(rng, len(adoption), PERIODS) + draw.errors(rng, draws, len(adoption), PERIODS, rho) + effects
        for method, (name, options) in methods.items():
            fit = partial(import_module(f"analysis.designs.{name}").estimate, **options)
            rows += _rows(design, method, fit, adoption, effects, y, biased=method in TWO_WAY)
    return rows


def _rows(
    design: str,
    method: str,
    fit: Callable[[Any], Effects],
    adoption: Array,
    effects: Array,
    y: Array,
    *,
    biased: bool,
) -> list[Row]:
    linear = compiled(draw.panel(adoption, PERIODS), fit, example=y[0])
    linear.verify(y[0], seed=1)
    aim = target(linear.effects, adoption, effects)
    without_noise = linear.estimates(effects[None])[0]
    assert biased or abs(without_noise - aim) < 1e-9, (design, method, without_noise, aim)
    units, treated = len(adoption), int((adoption != NEVER).sum())
    estimates = linear.estimates(y)
    error, covered = _analytic(linear, y, estimates, aim)
    rows = [coverage(("coverage", design, f"{method}: analytic", units, treated), estimates, aim, covered, error)]
    if linear.shown != "analytic":
        other, covered = _shown(linear, y, estimates, aim)
        place = ("coverage", design, f"{method}: shown, {linear.shown}", units, treated)
        rows.append(coverage(place, estimates, aim, covered, other))
    return rows


def target(effects: Effects, adoption: Array, truth: Array) -> float:
    """The average that `effects` is about, of the true effects (units, periods): its weights on cohorts and times."""
    rows = effects.table[effects.table["event_time"] >= 0]
    if effects.kind == "single":
        return float(truth[truth_cells(adoption, truth)].mean())
    weights = rows["weight"].to_numpy() / rows["weight"].sum()
    if effects.kind == "cells":
        found = [truth[adoption == g, t].mean() for g, t in zip(rows["cohort"], rows["period"], strict=True)]
        return float(weights @ found)
    return float(weights @ [_at(effects, adoption, truth, int(k), int(rows["event_time"][k])) for k in rows.index])


def truth_cells(adoption: Array, truth: Array) -> Array:
    """(units, periods) which cells are treated."""
    return np.asarray((adoption[:, None] != NEVER) & (np.arange(truth.shape[1]) >= adoption[:, None]))


def _at(effects: Effects, adoption: Array, truth: Array, row: int, since: int) -> float:
    """The true effect `since` periods after adoption, over the cohorts in row `row` of the effects."""
    dates = np.unique(adoption[(adoption != NEVER) & (adoption + since < truth.shape[1])])
    path = np.array([truth[adoption == g, g + since].mean() for g in dates])
    if effects.by_cohort is None:
        size = np.array([(adoption == g).sum() for g in dates], dtype=float)
    else:
        known = dict(zip(effects.share_cohorts, effects.by_cohort[row], strict=True))
        size = np.array([known.get(g, 0.0) for g in dates])
    return float(size @ path / size.sum())


def _analytic(linear: Linear, y: Array, estimates: Array, aim: float) -> tuple[Array, Array]:
    error, _ = linear.analytic(y)
    return error, _within(estimates, error, linear.effects.df, aim)


def _shown(linear: Linear, y: Array, estimates: Array, aim: float) -> tuple[Array | None, Array]:
    if linear.shown == "jackknife":
        error, _ = linear.jackknife(y)
        return error, _within(estimates, error, linear.units - 1, aim)
    p_value = linear.shown_p_value(y - aim * linear.panel.treated, seed=1)
    return None, np.asarray(p_value > 1 - LEVEL + 1e-9)


def _within(estimates: Array, error: Array, df: float, aim: float) -> Array:
    return np.asarray(np.abs(estimates - aim) <= float(stats.t.ppf((1 + LEVEL) / 2, df)) * error)
