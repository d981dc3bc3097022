"""The regression of one design on other terms, two regressions compared, and what is held constant step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.estimate import Estimate, t_interval
from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference import panel_fit, random_effects
from analysis.inference.panel_errors import errors
from analysis.inference.panel_fit import PanelFit
from analysis.inference.panel_terms import Terms, terms
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows

SAME = 1e-9  # a difference below this share of the numbers compared is rounding


@dataclass(frozen=True)
class Choices:
    """What stands behind an estimate of this family: the columns, the lags, what is held constant, the errors."""

    treatment: str
    change: float = 1.0
    covariates: tuple[str, ...] = ()
    lags: int = 0
    before: float | None = None
    effects: str = ""
    errors: str = "clustered"

    def terms(self, data: Rows, *, leads: int = 0, bare: bool = False) -> Terms:
        """The terms of the regression, without covariates where `bare`."""
        held = () if bare else self.covariates
        values: dict[str, Any] = {"change": self.change, "lags": self.lags, "before": self.before}
        return terms(data, self.treatment, covariates=held, leads=leads, **values)


def choices(effects: PanelEffects) -> Choices:
    """The choices behind `effects`."""
    found = dict(effects.refit.keywords)  # type: ignore[attr-defined]
    return Choices(**found | {"covariates": tuple(found.get("covariates", ()))})


def refitted(model: str, parts: Terms, effects: str) -> PanelFit:
    """The regression of the design `model` on other terms."""
    if model == "fixed_effects":
        return panel_fit.within(parts, effects)
    if model == "first_differences":
        return panel_fit.differences(parts, effects)
    if model == "random_effects":
        return panel_fit.quasi(parts, random_effects.shares(parts, effects), effects)
    return panel_fit.pooled(parts)


@dataclass(frozen=True)
class Difference:
    """Two coefficients of the treatment from the same data, and their difference with an error of its own."""

    answer: float
    other: float
    error: float
    df: float

    @property
    def gap(self) -> float:
        """Other minus answer."""
        return self.other - self.answer

    @property
    def turned(self) -> bool:
        """The two point in opposite directions."""
        return self.answer * self.other < 0

    def interval(self, level: float) -> tuple[float, float, float]:
        """Low, high and p-value of the difference."""
        if abs(self.gap) <= SAME * max(abs(self.answer), abs(self.other)):
            return 0.0, 0.0, 1.0
        return t_interval(self.gap, self.error, self.df, level)


def difference(answer: PanelFit, other: PanelFit) -> Difference:
    """Two fits compared: their noise is largely the same, so that the error comes from the difference of what each
    cluster contributes to them (as in a Hausman test that clusters cannot invalidate). Degrees of freedom are the equal
    clusters that the fewer of the two are worth, less one, close to what Satterthwaite's formula gives."""
    codes = np.union1d(answer.codes, other.codes)
    own, others = (_spread(fit, codes) for fit in (answer, other))
    df = max(min(answer.worth, other.worth) - 1, 1.0)
    return Difference(answer.value, other.value, float(np.linalg.norm(others - own)), df)


def _spread(fit: PanelFit, codes: Array) -> Array:
    found = np.zeros(len(codes))
    found[np.searchsorted(codes, fit.codes)] = fit.contributions[:, 0]
    return found


@dataclass(frozen=True)
class Step:
    """The effect with one set of things held constant; chosen: it is the answer's set."""

    held: str
    estimate: Estimate
    chosen: bool


def ladder(data: Rows, effects: PanelEffects, level: float) -> list[Step]:
    """The same effect with more and more held constant, errors clustered: nothing, period effects, unit effects, both,
    covariates, a trend of each unit. Steps that these data cannot take are left out."""
    own = choices(effects)
    bare, full = own.terms(data, bare=True), own.terms(data)
    steps: list[tuple[str, str, Terms]] = [
        ("nothing (pooled)", "", bare),
        ("period effects", "time", bare),
        ("unit effects", "entity", bare),
        ("unit and period effects", "two_way", bare),
    ]
    if own.covariates:
        steps.append(("unit and period effects, covariates", "two_way", full))
    steps.append((f"{steps[-1][0]}, a trend of each unit", "trends", full))
    asked = effects.model == "fixed_effects", own.effects, bool(own.covariates)
    found = []
    for held, kind, parts in steps:
        fit = _step(kind, parts)
        if fit is not None:
            chosen = asked == (True, kind, "covariates" in held) or (effects.model == "pooled" and not kind)
            found.append(Step(held, estimate(fit, effects, level), chosen and not (kind == "" and own.covariates)))
    return found


def _step(kind: str, parts: Terms) -> PanelFit | None:
    try:
        if kind == "trends":
            return panel_fit.trends(parts, "two_way")
        return panel_fit.within(parts, kind) if kind else panel_fit.pooled(parts)
    except Refusal:  # these data leave nothing to see once this is held constant
        return None


def estimate(fit: PanelFit, effects: PanelEffects, level: float, kind: str = "clustered") -> Estimate:
    """The treatment's coefficient of `fit` as an estimate with errors of `kind`."""
    found = errors(fit, kind)
    error = float(np.sqrt(found.covariance[0, 0]))
    df = float(found.df[0])
    low, high, p_value = t_interval(fit.value, error, df, level)
    words = f"{found.words}; t distribution with {df:.4g} degrees of freedom"
    counts = (fit.n, fit.clusters, effects.treated_clusters)
    method = effects.method.partition(";")[0]
    return Estimate(fit.value, error, low, high, level, p_value, df, *counts, effects.estimand, method, words)
