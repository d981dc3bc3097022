"""Panel regressions as one least-squares kernel: effects absorbed, differences taken, errors by convention.

Every estimator here is least squares of transformed columns (Wooldridge 2010, chapter 10): deviations from unit means
(fixed effects), changes between neighbouring periods (first differences), deviations from a share of the unit mean
(random effects), deviations from a line of each unit (unit trends), or the columns themselves (pooled).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from analysis.inference.cluster_robust import Regression, least_squares
from analysis.inference.panel_terms import Terms
from analysis.panel import Array
from analysis.refusal import Refusal

Transform = Literal["within", "differences", "quasi", "trends", "levels"]
COLLINEAR = 1e-7  # share of a column's spread left by the others below which it counts as repeated
FEW = 30  # equal clusters below which errors are corrected for their number
AFFORDABLE = 500  # clusters up to which they can be


@dataclass(frozen=True, eq=False)
class PanelFit:
    """A fitted panel regression: `regression` holds the transformed columns, the K named ones first.

    codes: (G,) the clusters of `regression` as coded in the data. absorbed: parameters taken out beforehand. nested:
    units lie inside clusters, so that clustered errors need not count them. terms: the rows behind it. period: (rows of
    the regression,) its period. exact: everything that was taken out is known to `regression`, as CR2 needs.
    """

    regression: Regression
    terms: Terms
    names: tuple[str, ...]
    codes: Array
    absorbed: int
    nested: bool
    exact: bool
    transform: Transform

    @property
    def value(self) -> float:
        """The coefficient of the treatment."""
        return float(self.regression.estimate[0])

    @property
    def n(self) -> int:
        """Rows of the regression."""
        return len(self.regression.outcome)

    @property
    def clusters(self) -> int:
        """Number of clusters."""
        return self.regression.clusters

    @property
    def parameters(self) -> int:
        """All parameters estimated."""
        return int(self.regression.regressors.shape[1]) + self.absorbed

    @property
    def counted(self) -> int:
        """K of clustered errors: unit effects inside clusters count as one, trends of units all count."""
        if not self.nested:
            return self.parameters
        slopes = self.absorbed // 2 if self.transform == "trends" else 0
        return int(self.regression.regressors.shape[1]) + min(self.absorbed, 1) + slopes

    @cached_property
    def contributions(self) -> Array:
        """(G, K) contributions of clusters to the named coefficients; their cross-product is the CR1 covariance."""
        fit, g, n = self.regression, self.clusters, self.n
        factor = g / (g - 1) * (n - 1) / (n - self.counted)
        return np.asarray(np.sqrt(factor) * fit.scores(fit.residual) @ fit.inverse[:, : fit.asked])

    @cached_property
    def worth(self) -> float:
        """Clusters that all told as much as these do together: the inverse Herfindahl of their parts in the variance of
        the estimate under independent errors, (weight x movement of the treatment left) squared."""
        cluster = np.unique(self.terms.cluster, return_inverse=True)[1]
        share = np.bincount(cluster, (self.regression.weight * self.left[0]) ** 2)
        return float(share.sum() ** 2 / (share**2).sum())

    @property
    def correctable(self) -> bool:
        """Clustered errors can be corrected for the number of clusters."""
        return self.nested and self.exact and self.clusters <= AFFORDABLE

    @property
    def corrected(self) -> bool:
        """Clustered errors of the treatment's coefficient are corrected for the number of clusters."""
        return self.worth < FEW and self.correctable

    @cached_property
    def left(self) -> tuple[Array, Array]:
        """(n,) what the other columns leave of treatment and outcome, whose slope is the coefficient."""
        fit = self.regression
        weight = np.sqrt(fit.weight)
        others = fit.regressors[:, 1:] * weight[:, None]
        treatment = fit.regressors[:, 0] * weight
        if others.shape[1]:
            treatment = treatment - others @ np.linalg.lstsq(others, treatment, rcond=None)[0]
        treatment = treatment / weight
        return treatment, fit.residual + treatment * fit.estimate[0]


def within(terms: Terms, effects: str) -> PanelFit:
    """Fixed effects of units ("entity"), periods ("time") or both ("two_way"). Units seen once say nothing about
    changes and are left out."""
    if effects == "time":
        return _fitted(terms, _dummies(terms.period, constant=True), "levels")
    seen = np.bincount(terms.unit, minlength=int(terms.unit.max()) + 1)[terms.unit]
    if (seen < 2).all():
        raise Refusal(
            "E130", "design", "no unit is observed twice, so that nothing is seen to change", "design: pooled"
        )
    terms = terms.rows(seen > 1)
    return _fitted(terms, _dummies(terms.period) if effects == "two_way" else None, "within")


def pooled(terms: Terms) -> PanelFit:
    """Least squares with a constant alone."""
    return _fitted(terms, np.ones((terms.n, 1)), "levels")


def differences(terms: Terms, effects: str) -> PanelFit:
    """Changes from one period to the next, with period effects unless `effects` is "entity"."""
    first, second = neighbours(terms)
    if not len(first):
        raise Refusal(
            "E130", "design", "no unit is observed in two neighbouring periods", "use `design: fixed_effects`"
        )
    changed = replace(
        terms,
        outcome=terms.outcome[second] - terms.outcome[first],
        regressors=terms.regressors[second] - terms.regressors[first],
        unit=terms.unit[second],
        period=terms.period[second],
        cluster=terms.cluster[second],
        weight=terms.weight[second],
    )
    nuisance = None if effects == "entity" else _dummies(changed.period, constant=True)
    return _fitted(changed, nuisance, "differences")


def quasi(terms: Terms, theta: Array, effects: str) -> PanelFit:
    """Deviations from the share `theta` (units of the coding,) of each unit's mean: random effects (GLS)."""
    nuisance = np.ones((terms.n, 1)) if effects == "entity" else _dummies(terms.period, constant=True)
    return _fitted(terms, nuisance, "quasi", theta=theta)


def trends(terms: Terms, effects: str) -> PanelFit:
    """Fixed effects with a line over time of each unit. Units seen less than three times are left out."""
    seen = np.bincount(terms.unit, minlength=int(terms.unit.max()) + 1)[terms.unit]
    if (seen < 3).all():
        raise Refusal(
            "E130", "design", "no unit is observed three times, which a trend of its own needs", "leave it out"
        )
    terms = terms.rows(seen > 2)
    nuisance = None if effects == "entity" else _dummies(terms.period)[:, :-1]
    return _fitted(terms, nuisance, "trends")


def neighbours(terms: Terms) -> tuple[Array, Array]:
    """Positions of rows of one unit in neighbouring periods: (earlier, later)."""
    order = np.lexsort((terms.period, terms.unit))
    unit, period = terms.unit[order], terms.period[order]
    next_to = (unit[1:] == unit[:-1]) & (period[1:] == period[:-1] + 1)
    return order[:-1][next_to], order[1:][next_to]


def _fitted(terms: Terms, nuisance: Array | None, transform: Transform, theta: Array | None = None) -> PanelFit:
    columns = terms.regressors if nuisance is None else np.hstack([terms.regressors, nuisance])
    codes, cluster = np.unique(terms.cluster, return_inverse=True)
    nested = _constant(terms.cluster, terms.unit)
    y, x, absorbed = _transformed(terms.outcome, columns, terms, transform, theta)
    _refuse_repeated(columns, x, terms)
    inside = transform == "within" and nested and _constant(terms.weight, terms.unit)
    asked = terms.regressors.shape[1]
    if inside:
        found = least_squares(terms.outcome, columns, cluster, weight=terms.weight, asked=asked, unit=terms.unit)
    else:
        found = replace(least_squares(y, x, cluster, weight=terms.weight, asked=asked), absorbed=absorbed)
    return PanelFit(found, terms, terms.names, codes, absorbed, nested, inside or not absorbed, transform)


def _transformed(
    y: Array, x: Array, terms: Terms, transform: Transform, theta: Array | None
) -> tuple[Array, Array, int]:
    """Outcome and columns as the estimator sees them, and how many parameters that took."""
    both = np.column_stack([y, x])
    units = terms.units
    absorbed = 0
    if transform in ("within", "quasi"):
        means = _unit_means(both, terms)
        share = np.ones(terms.n) if theta is None else theta[terms.unit]
        both, absorbed = both - share[:, None] * means, units if theta is None else 0
    elif transform == "trends":
        both, absorbed = _detrended(both, terms), 2 * units
    return both[:, 0], both[:, 1:], absorbed


def _unit_means(columns: Array, terms: Terms) -> Array:
    size = np.bincount(terms.unit, terms.weight)
    sums = np.stack([np.bincount(terms.unit, terms.weight * column) for column in columns.T], axis=1)
    return np.asarray(sums[terms.unit] / size[terms.unit, None])


def _detrended(columns: Array, terms: Terms) -> Array:
    """Deviations from a line over time of each unit."""
    flat = columns - _unit_means(columns, terms)
    clock = terms.periods[terms.period].astype(float)[:, None]
    clock = (clock - _unit_means(clock, terms))[:, 0]
    spread = np.bincount(terms.unit, terms.weight * clock**2)
    sums = np.stack([np.bincount(terms.unit, terms.weight * clock * column) for column in flat.T], axis=1)
    slope = sums[terms.unit] / spread[terms.unit, None]
    return np.asarray(flat - slope * clock[:, None])


def _dummies(period: Array, constant: bool = False) -> Array:
    """(n, periods - 1) indicators of all periods present but the first, after a constant where asked for."""
    present = np.unique(period)
    columns = (period[:, None] == present[1:]).astype(float)
    return np.hstack([np.ones((len(period), 1)), columns]) if constant else columns


def _constant(values: Array, code: Array) -> bool:
    """Whether `values` are the same within each code."""
    first = np.empty(int(code.max()) + 1, dtype=values.dtype)
    first[code] = values
    return bool((first[code] == values).all())


def _refuse_repeated(raw: Array, x: Array, terms: Terms) -> None:
    """Raise E107 for the first named column that the effects and the columns before it leave nothing of: effects first,
    then covariates, the treatment last."""
    named = terms.regressors.shape[1]
    order = [*range(named, x.shape[1]), *range(terms.own, named), *range(terms.own)]
    weight = np.sqrt(terms.weight)[:, None]
    spread = np.linalg.norm(weight * (raw - raw.mean(axis=0)), axis=0)
    spread = np.where(spread > 0, spread, np.linalg.norm(weight * raw, axis=0))
    scaled = (weight * x)[:, order] / np.where(spread > 0, spread, 1.0)[order]
    left = np.abs(np.diag(np.linalg.qr(scaled, mode="r"))) if len(x) >= x.shape[1] else np.zeros(x.shape[1])
    for place, size in zip(order, left, strict=True):
        if place < named and size < COLLINEAR:
            name = terms.names[place]
            where = "treatment" if place < terms.own else f"covariates:{name}"
            problem = f"{name} says nothing that the effects and the other columns do not"
            fix = "hold fewer effects constant" if place < terms.own else f"drop {name.partition(':')[0]}"
            raise Refusal("E107", where, problem, fix)
