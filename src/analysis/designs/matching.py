"""Nearest-neighbour matching: each row beside the most similar rows of the other group.

Estimand: the average effect on the treated, or over everyone (the parameter estimand); only rows with a match count.
Assumes: given the covariates, who is treated has nothing to do with what the outcome would be without treatment;
    matches are near enough, or the regression among them makes up for the distance.
Reference: Abadie and Imbens (2006), Econometrica 74(1), errors; Abadie and Imbens (2011), bias adjustment. With
    replacement, all ties kept; distance of Mahalanobis, or of the logarithm of the odds of treatment.
Fails when: something unmeasured moves both treatment and outcome, or matches are far. Errors take the propensity as
    known.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from analysis.designs import _weighting
from analysis.fits.weighting import Weighted
from analysis.inference import nearest
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows

FAMILIES = ("weighting",)


@dataclass(frozen=True, eq=False)
class _Matched:
    """One group's differences from its matches (m,), the weights that matches get (n,), how often and with what
    squared shares they are used (n,), and the rows found no match (n,)."""

    differences: Array
    members: Array
    weights: Array
    used: Array
    squared: Array
    alone: Array


def estimate(
    rows: Rows,
    *,
    treatment: str,
    covariates: list[str],
    squares: list[str],
    estimand: str,
    trim: float,
    neighbours: int,
    calliper: float | None,
    distance: str,
    bias_adjusted: bool,
) -> Weighted:
    """The average of matched differences.

    calliper: the farthest a match may lie, in standard deviations of the log odds (propensity) or in Mahalanobis
    distance; rows without a match are left out and counted. bias_adjusted: matches' outcomes are moved to the row's own
    covariates by a regression among the matches.

    Raises Refusal as `_weighting.setting` does; E126 where nothing is matched, E129 and E105 for weights and clusters.
    """
    again = partial(
        estimate,
        treatment=treatment,
        covariates=covariates,
        squares=squares,
        estimand=estimand,
        trim=trim,
        neighbours=neighbours,
        calliper=calliper,
        distance=distance,
        bias_adjusted=bias_adjusted,
    )
    _weighting.independent(rows, "matching")
    at = _weighting.setting(rows, treatment, covariates, squares, estimand, trim)
    points = _points(at, distance)
    sides = [at.treated, ~at.treated] if at.everyone else [at.treated]
    found = [_matched(at, points, member, neighbours, calliper, bias_adjusted) for member in sides]
    many = f"{neighbours} nearest neighbours" if neighbours > 1 else "nearest neighbour"
    return _effects(at, points, found, again, f"matching to the {many} by {distance}", bias_adjusted)


def _points(at: _weighting.Setting, distance: str) -> Array:
    """(n, d) coordinates between which distance is measured; without covariates all rows are alike."""
    if not at.names:
        return np.zeros((at.rows.n, 1))
    if distance == "mahalanobis":
        return nearest.whitened(at.design[:, 1:])
    fitted = _weighting.fitted(at).fitted
    odds = np.log(fitted / (1 - fitted))
    return np.asarray(odds / odds.std())[:, None]


def _matched(
    at: _weighting.Setting, points: Array, member: Array, neighbours: int, calliper: float | None, adjusted: bool
) -> _Matched:
    """The rows of `member` beside their matches in the other group."""
    others, own = np.flatnonzero(~member), np.flatnonzero(member)
    shares = nearest.matches(points[own], points[others], neighbours, calliper)
    has = np.diff(shares.indptr) > 0
    if not has.any():
        raise Refusal("E126", "calliper", "no row has a match so near", "widen it, or leave the comparison")
    shares, own, outcome = shares[has], own[has], at.rows.outcome
    used, squared = np.zeros(at.rows.n), np.zeros(at.rows.n)
    used[others] = np.asarray(shares.sum(axis=0)).ravel()
    squared[others] = np.asarray(shares.power(2).sum(axis=0)).ravel()
    weights = used.copy()
    differences = outcome[own] - shares @ outcome[others]
    if adjusted and at.names:
        slopes = _slopes(at.design, used)
        far = at.design[own] - shares @ at.design[others]
        differences = differences - far @ (slopes @ outcome)
        weights = weights + far.sum(axis=0) @ slopes
    alone = member.copy()
    alone[own] = False
    return _Matched(differences, own, weights, used, squared, alone)


def _slopes(design: Array, used: Array) -> Array:
    """(k, n) weights of the outcomes in the coefficients of a regression among matches, weighted by their use."""
    root = np.sqrt(used)[:, None]
    return np.asarray(np.linalg.pinv(design * root, rcond=1e-9) * root.T)


def _effects(
    at: _weighting.Setting, points: Array, found: list[_Matched], again: Any, method: str, adjusted: bool
) -> Weighted:
    signed = [one.differences * (1 if place == 0 else -1) for place, one in enumerate(found)]
    differences = np.concatenate(signed)
    value, many = float(differences.mean()), len(differences)
    used, squared, weights = (
        np.sum([getattr(one, name) for one in found], axis=0) for name in ("used", "squared", "weights")
    )
    spread = np.zeros(at.rows.n)
    for member in (at.treated, ~at.treated):
        spread[member] = nearest.noise(at.rows.outcome[member], points[member], used[member] > 0)
    variance = nearest.variance(differences, value, used, squared, spread, everyone=at.everyone)
    for one in found:
        weights[one.members] += 1
    weights = weights / many
    alone = np.any([one.alone for one in found], axis=0)
    left = f"; {int(alone.sum())} rows without a match left out" if alone.any() else ""
    level = float((weights * at.rows.outcome)[~at.treated].sum())
    return _weighting.assembled(
        at.only(~alone),
        value,
        variance,
        weights[~alone],
        method=f"{method} distance{', bias-adjusted' if adjusted and at.names else ''}{left}",
        inference="errors of Abadie and Imbens for matching with replacement (propensities taken as known); every row "
        "independent, normal distribution",
        refit=again,
        level=level,
        base=weights[~alone],
        pairs=signed[0],
        unmatched=int(alone.sum()),
    )
