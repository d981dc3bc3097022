"""Do units with more treatment differ lastingly from the others? Random effects against fixed effects.

Two tests: the unit means of the treatment added to the random-effects regression, with clustered errors (Mundlak 1978;
Wooldridge 2010, section 10.7.3), and Hausman's own (1978), which assumes classical errors and is shown beside it.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import about
from analysis.checks._panel import ALPHA, own, p_said, repeated
from analysis.fits.panel_fixed_effects import PanelEffects
from analysis.inference.panel_errors import careful, errors
from analysis.inference.panel_fit import PanelFit, quasi, within
from analysis.inference.panel_models import Choices, choices
from analysis.inference.panel_terms import Terms
from analysis.inference.random_effects import shares
from analysis.panel import Array
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "Lasting differences between units do not pass for the effect."


def run(data: Rows, effects: Effects, path: Effects | None) -> Check:
    """Compares the effect between units with the effect within them."""
    found = own(effects)
    if not repeated(found):
        finding = "Each unit is observed once, so that lasting differences cannot be told from the effect."
        advice = "Find a second period, or read the answer as a comparison of unlike units."
        return Check("hausman", "E110", ASSUMPTION, finding, advice, "warn")
    chosen = choices(found)
    kind = "two_way" if chosen.effects in ("", "time") else chosen.effects
    parts = chosen.terms(data)
    theta = shares(parts, kind)
    random, fixed = quasi(parts, theta, kind), within(parts, kind)
    wald = mundlak(parts, theta, kind)
    if wald is None:
        finding = "Unit means of the treatment cannot be told from the other columns, so that nothing is compared."
        return about("hausman", "E110", ASSUMPTION, finding, "Hold fewer columns constant.")
    classical = _classical(fixed, random)
    return _verdict(found, chosen, wald, classical, {"fixed": fixed.value, "random": random.value})


def mundlak(parts: Terms, theta: Array, kind: str) -> float | None:
    """p-value of the unit means of treatment and lags in the random-effects regression, clustered; None where these
    means say nothing that other columns do not."""
    from scipy import stats

    means = _unit_means(parts)
    moving = np.abs(parts.regressors - means).max(axis=0) > 1e-9 * np.maximum(np.abs(parts.regressors).max(axis=0), 1.0)
    differing = np.ptp(means, axis=0) > 1e-9
    asked = np.flatnonzero(moving & differing)
    own_means = asked[asked < parts.own]
    if not len(own_means):
        return None
    larger = parts.with_columns(means[:, asked], [f"mean of {parts.names[k]}" for k in asked])
    fit = quasi(larger, theta, kind)
    place = parts.regressors.shape[1] + np.arange(len(own_means))
    found = careful(fit)
    covariance = found.covariance[np.ix_(place, place)]
    value = fit.regression.estimate[place]
    f = float(value @ np.linalg.solve(covariance, value)) / len(place)
    return float(stats.f.sf(f, len(place), found.df[place].min()))


def _unit_means(parts: Terms) -> Array:
    size = np.bincount(parts.unit, parts.weight)
    sums = np.stack([np.bincount(parts.unit, parts.weight * column) for column in parts.regressors.T], axis=1)
    return np.asarray(sums[parts.unit] / size[parts.unit, None])


def _classical(fixed: PanelFit, random: PanelFit) -> float | None:
    """Hausman's p-value for the treatment; None where the variance of the difference comes out negative."""
    from scipy import stats

    variance = [float(errors(fit, "classical").covariance[0, 0]) for fit in (fixed, random)]
    if variance[0] <= variance[1]:
        return None
    return float(stats.chi2.sf((fixed.value - random.value) ** 2 / (variance[0] - variance[1]), 1))


def _verdict(
    found: PanelEffects, chosen: Choices, wald: float, classical: float | None, amounts: dict[str, float]
) -> Check:
    differ = wald <= ALPHA
    between = found.model in ("random_effects", "pooled") or chosen.effects == "time"
    also = "not defined here" if classical is None else p_said(classical)
    said = "differ lastingly in ways that matter" if differ else "do not clearly differ lastingly"
    advice = (
        "Use `design: fixed_effects`: the answer leans on differences between units."
        if differ and between
        else "This is why unit effects are held constant here."
        if differ
        else "A difference too small to be seen here can still bias an estimate that uses differences between units."
    )
    return Check(
        "hausman",
        "E110",
        ASSUMPTION,
        f"Within units the effect is {{fixed_number}}; with differences between units mixed in (random effects) it is "
        f"{{random}}. Units with more treatment {said} (test with clustered errors: {p_said(wald)}; Hausman's own, "
        f"which takes rows as independent: {also}).",
        advice,
        "warn" if differ and between else "note",
        amounts["random"] - amounts["fixed"],
        wald,
        amounts=amounts,
    )
