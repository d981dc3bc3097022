"""Coverage of estimators that need more than adoption dates: covariates, gaps, counts, doses, switching, eligibility,
rows observed once. One call per draw, because they are not linear in outcomes or units are not alike.

8 periods, a hundred units (two hundred for triple differences), two dates of a quarter each, half never treated. Who
adopts when, covariates, doses, gaps and treatment paths are the same in all draws; errors are new. "20 clusters": five
units share each cluster, its dates and half of the error variance (AR(1), rho .8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from analysis.designs import dose, extended_twfe, group_time, imputation, switching, triple_difference, two_by_two
from analysis.inference import few_clusters
from analysis.panel import NEVER, Labels, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Data, Effects
from benchmarks import simulation_draws as draw
from benchmarks.simulation_coverage import target, truth_cells
from benchmarks.simulation_draws import Array
from benchmarks.simulation_table import LEVEL, Row, coverage

PERIODS, UNITS, FIXED = 8, 100, 20260102
DESIGNS = ("homogeneous", "heterogeneous", "AR(1) .8", "20 clusters")
SAME = {"homogeneous": "homogeneous", "heterogeneous": "heterogeneous"}


@dataclass(frozen=True, eq=False)
class Case:
    """One estimator on one design. data(rng) draws; aim is what the interval should hold."""

    data: Callable[[np.random.Generator], Data]
    fit: Callable[[Any], Effects]
    aim: float


def run(design: str, method: str, draws: int, seed: int) -> list[Row]:
    """`method`, one of METHODS, on one design."""
    case = METHODS[method](design)
    rng = np.random.default_rng(seed)
    found = np.full((draws, 6), np.nan)
    shown = data = None
    for number in range(draws):
        data = case.data(rng)
        try:
            effects = case.fit(data)
            own = effects.average(LEVEL)
            rule = few_clusters.headline(data, effects, average="simple", level=LEVEL, seed=1)
        except Refusal:
            continue
        shown = rule.inference if rule.low != own.low else shown
        found[number] = own.value, own.std_error, own.low, own.high, rule.low, rule.high
    assert data is not None
    place = ("coverage", design, f"{method}: analytic", data.clusters, data.treated_clusters)
    held = (found[:, 2] <= case.aim) & (case.aim <= found[:, 3])
    rows = [coverage(place, found[:, 0], case.aim, held, found[:, 1])]
    if shown:
        held = (found[:, 4] <= case.aim) & (case.aim <= found[:, 5])
        word = "jackknife" if "jackknife" in shown else "permutation of ratios" if "divided" in shown else "permutation"
        rows.append(coverage((*place[:2], f"{method}: shown, {word}", *place[3:]), found[:, 0], case.aim, held))
    return rows


def _adoption(units: int = UNITS) -> Array:
    return draw.cohorts({NEVER: units // 2, 3: units // 4, 5: units // 4})


def _panel(design: str, units: int = UNITS) -> Panel:
    cluster = np.arange(units) // (units // 20) if design == "20 clusters" else None
    return draw.panel(_adoption(units), PERIODS, cluster=cluster)


def _errors(design: str, panel: Panel, rng: np.random.Generator) -> Array:
    units = len(panel.units)
    if design == "20 clusters":
        return np.asarray(draw.clustered(rng, 1, panel.cluster, PERIODS, 0.8)[0])
    return np.asarray(draw.errors(rng, 1, units, PERIODS, 0.8 if design == "AR(1) .8" else 0.0)[0])


def _effects(design: str, adoption: Array) -> Array:
    return draw.effects(adoption, PERIODS, SAME.get(design, "heterogeneous"))


def _linear(
    design: str,
    panel: Panel,
    untreated: Array,
    effects: Array,
    fit: Callable[[Any], Effects],
    aim: float | None = None,
    *,
    exact: bool = True,
) -> Case:
    """Outcomes that are untreated + effects + errors; without errors the estimate must be the aim."""
    mean = untreated + effects
    known = fit(panel.with_outcome(mean))
    aim = target(known, panel.adoption, effects) if aim is None else aim
    gap = known.average(LEVEL).value - aim
    assert not exact or abs(gap) < 1e-6, (design, gap)
    return Case(lambda rng: panel.with_outcome(mean + _errors(design, panel, rng)), fit, aim)


def _levels(units: int = UNITS) -> Array:
    return draw.levels(np.random.default_rng(FIXED), units, PERIODS)


def _adjusted(module: Any, options: dict[str, Any], design: str) -> Case:
    """A covariate that is higher among adopters and moves the trend."""
    panel = _panel(design)
    x = np.random.default_rng(FIXED + 1).normal(size=UNITS) + 0.3 * (panel.adoption != NEVER)
    panel = replace(panel, covariates={"x": np.repeat(x[:, None], PERIODS, axis=1)})
    trend = 0.1 * np.outer(x, np.arange(PERIODS))
    fit = partial(module.estimate, covariates=["x"], **options)
    exact = options.get("adjustment") != "weighting"
    return _linear(design, panel, _levels() + trend, _effects(design, panel.adoption), fit, exact=exact)


def _gaps(module: Any, design: str) -> Case:
    """Eight cells in a hundred missing, others in every draw."""
    panel = _panel(design)
    effects = _effects(design, panel.adoption)
    aim = target(module.estimate(panel.with_outcome(effects)), panel.adoption, effects)

    def data(rng: np.random.Generator) -> Data:
        y = draw.levels(rng, UNITS, PERIODS) + effects + _errors(design, panel, rng)
        return panel.with_outcome(np.where(rng.random(y.shape) < 0.08, np.nan, y))

    return Case(data, module.estimate, aim)


def _counts(design: str) -> Case:
    """Counts around five, effects in per cent, gamma-like noise in the mean where errors are correlated."""
    panel = _panel(design)
    level = np.exp(np.log(5) + 0.3 * _levels())
    lift = np.exp(0.3 * _effects(design, panel.adoption))
    aim = float((level * (lift - 1))[truth_cells(panel.adoption, level)].mean())
    spread = 0.0 if design in SAME else 0.3

    def data(rng: np.random.Generator) -> Data:
        noise = np.exp(spread * _errors(design, panel, rng) - spread**2 / 2)
        return panel.with_outcome(rng.poisson(level * lift * noise).astype(float))

    return Case(data, partial(extended_twfe.estimate, family="poisson"), aim)


def _on_off(design: str) -> Case:
    """The treatment stops and starts again at random; it acts at once and a period later."""
    panel = _panel(design)
    on = _paths(panel)
    size = 1.0 + 0.5 * (panel.adoption == 3) * (design != "homogeneous")
    effects = size[:, None] * (0.5 * on + 0.2 * np.hstack([np.zeros((UNITS, 1)), on[:, :-1]]))
    panel = replace(panel, treatment=on)
    fit = partial(switching.estimate, window=3)
    rows = fit(panel.with_outcome(effects + _levels())).table
    rows = rows[rows["event_time"] >= 0]
    path = [_after(panel.adoption, effects, int(e)) for e in rows["event_time"]]
    weight = rows["weight"].to_numpy()
    return _linear(design, panel, _levels(), effects, fit, float(weight @ path / weight.sum()))


def _paths(panel: Panel) -> Array:
    """(units, periods) 0/1 from each cluster's first date on, the same within a cluster."""
    rng = np.random.default_rng(FIXED + 3)
    change = rng.random((panel.clusters, PERIODS)) < 0.25
    on = np.zeros((UNITS, PERIODS))
    for t in range(1, PERIODS):
        on[:, t] = np.where(change[panel.cluster, t], 1 - on[:, t - 1], on[:, t - 1])
        on[:, t] = np.where(panel.adoption == t, 1.0, np.where(panel.treated[:, t], on[:, t], 0.0))
    return on


def _after(adoption: Array, effects: Array, since: int) -> float:
    reached = np.flatnonzero((adoption != NEVER) & (adoption + since < PERIODS))
    return float(effects[reached, adoption[reached] + since].mean())


def _dosed(slope: bool, design: str) -> Case:
    """Doses between one half and two, effects proportional to them."""
    panel = _panel(design)
    amount = np.where(panel.adoption != NEVER, np.random.default_rng(FIXED + 4).uniform(0.5, 2.0, UNITS), 0.0)
    panel = replace(panel, dose=amount)
    per_dose = _effects(design, panel.adoption)
    aim = float(per_dose[truth_cells(panel.adoption, per_dose)].mean()) if slope else None
    fit = _slope if slope else dose.estimate
    return _linear(design, panel, _levels(), per_dose * amount[:, None], fit, aim)


def _slope(data: Any) -> Effects:
    return dose.estimate(data).related["slope"]


def _triple(design: str) -> Case:
    """Half of every cohort is eligible, with a trend of its own; cohorts have trends too. One date with 20 clusters,
    because the rule counts the clusters of every comparison cohort by itself."""
    panel = _panel(design, 200)
    if design == "20 clusters":
        panel = panel.with_adoption(np.where(panel.adoption == NEVER, NEVER, 3))
    eligible = np.arange(200) % 2 == 0
    panel = replace(panel, eligible=eligible)
    time = np.arange(PERIODS)
    trend = 0.1 * np.outer(eligible, time) + 0.05 * np.outer(panel.adoption, time)
    effects = _effects(design, panel.adoption) * eligible[:, None]
    known = triple_difference.estimate(panel.with_outcome(effects))
    aim = target(known, panel.adoption[eligible], effects[eligible])
    return _linear(design, panel, _levels(200) + trend, effects, triple_difference.estimate, aim)


def _rows(several: bool, design: str) -> Case:
    """Six hundred rows in four periods; with correlated errors, forty (or twenty) clusters share half of the error."""
    periods, start = 4, np.array([NEVER, 1, 2]) if several else np.array([NEVER, 2])
    clusters = {"AR(1) .8": 40, "20 clusters": 20}.get(design)
    row = np.arange(600)
    cluster = row % (clusters or 600)
    group = start[np.where(cluster % 2 == 0, 0, 1 + cluster // 2 % (len(start) - 1))]
    period = row // (clusters or 20) % periods if clusters else np.random.default_rng(FIXED + 5).permutation(row) % 4
    truth = draw.effects(group, periods, SAME.get(design, "heterogeneous"))[row, period]
    labels = Labels("y", "t", "", "g", cluster="c" if clusters else "")
    base = Sample(np.zeros(600), np.arange(periods), period, group, np.ones(600), cluster, labels)

    def data(rng: np.random.Generator) -> Data:
        noise = rng.normal(size=600)
        if clusters:
            common = draw.errors(rng, 1, clusters, periods, 0.8)[0][cluster, period]
            noise = (noise + common) / np.sqrt(2)
        return replace(base, outcome=0.3 * period + truth + noise)

    errors = "clustered" if clusters else "robust"
    fit = group_time.estimate if several else partial(two_by_two.estimate, errors=errors)
    known = fit(replace(base, outcome=0.3 * period + truth + 0.01 * np.random.default_rng(0).normal(size=600)))
    aim = _of_rows(known, group, period, truth)
    return Case(data, fit, aim)


def _of_rows(known: Effects, group: Array, period: Array, truth: Array) -> float:
    """The average of the true effects with the weights of the design."""
    if known.kind == "single":
        return _two_groups(group, period, truth)
    rows = known.table[known.table["event_time"] >= 0]
    weight = rows["weight"].to_numpy()
    found = [truth[(group == g) & (period == t)].mean() for g, t in zip(rows["cohort"], rows["period"], strict=True)]
    return float(weight @ found / weight.sum())


def _two_groups(group: Array, period: Array, truth: Array) -> float:
    """What least squares on group, periods and their interaction makes of the true effects."""
    treated, after = group != NEVER, period >= 2
    columns = [treated & after, np.ones(len(group)), treated, *(period == t for t in range(1, 4))]
    design = np.column_stack([np.asarray(column, dtype=float) for column in columns])
    return float(np.linalg.lstsq(design, truth, rcond=None)[0][0])


METHODS: dict[str, Callable[[str], Case]] = {
    "group_time, doubly robust": partial(_adjusted, group_time, {"adjustment": "doubly_robust"}),
    "group_time, regression": partial(_adjusted, group_time, {"adjustment": "regression"}),
    "group_time, weighting": partial(_adjusted, group_time, {"adjustment": "weighting"}),
    "imputation with a covariate": partial(_adjusted, imputation, {}),
    "extended_twfe with a covariate": partial(_adjusted, extended_twfe, {}),
    "extended_twfe, poisson": _counts,
    "group_time with gaps": partial(_gaps, group_time),
    "imputation with gaps": partial(_gaps, imputation),
    "switching, on and off": _on_off,
    "dose, level": partial(_dosed, False),
    "dose, slope": partial(_dosed, True),
    "triple_difference": _triple,
    "group_time, rows observed once": partial(_rows, True),
    "two_by_two, rows observed once": partial(_rows, False),
}
