"""Least squares over weights that are not negative and sum to one, solved exactly by an active-set method.

Because weights sum to one, the target can be taken off every column: the answer is the point of a polytope nearest to
the origin (Wolfe 1976, Mathematical Programming 11). The method moves between supports, each solved exactly, until no
column left out would lower the objective; how far that condition fails is returned with the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.panel import Array

FLOOR = 1e-11  # smallest ridge, as a share of the mean squared distance: weights that fit equally well are evened out
CLEAR = 1e-14  # a gain below this share of the mean squared distance is rounding
FIRM = 1e-6  # from this ridge on the Gram matrix is accurate enough


@dataclass(frozen=True)
class Solution:
    """weights: (n,). objective: the minimised sum of squares and ridge. residual: how far the conditions of an optimum
    are violated, as a share of the mean squared distance between target and columns. steps: supports solved."""

    weights: Array
    objective: float
    residual: float
    steps: int


def nearest(
    columns: Array, target: Array, ridge: float = 0.0, start: Array | None = None, refine: bool = True
) -> Solution:
    """Weights w >= 0 with sum one that minimise |columns w - target|^2 + ridge |w|^2.

    columns: (m, n); target: (m,); start: (n,) weights whose support the search starts from, all by default. The ridge
    is at least `FLOOR`, so that of several equally good answers the most even one is taken. refine: solve the last
    support again with the full accuracy of the columns.
    """
    away = columns - target[:, None]
    gram = away.T @ away
    size = float(np.trace(gram)) / len(gram)
    if not size > 0:
        return Solution(np.full(len(gram), 1 / len(gram)), 0.0, 0.0, 0)
    rho = max(ridge, FLOOR * size)
    gram[np.diag_indices_from(gram)] += rho
    support = np.ones(len(gram), dtype=bool) if start is None else start > 0
    weights, steps = _search(gram, _shrunk(gram, support), CLEAR * size)
    weights = _polished(away, weights, rho) if refine and rho < FIRM * size else weights
    slope = away.T @ (away @ weights) + rho * weights
    objective = float(weights @ slope)
    return Solution(weights, objective, max(0.0, objective - float(slope.min())) / size, steps)


def _shrunk(gram: Array, support: Array) -> Array:
    """The optimum on a support from which columns with negative weight are dropped until none is left."""
    weights = np.zeros(len(gram))
    places = np.flatnonzero(support)
    while True:
        best = _affine(gram, places)
        if (best > 0).all():
            weights[places] = best
            return weights
        places = places[best > 0]


def _affine(gram: Array, places: Array) -> Array:
    """The minimiser of w'Gw over weights on `places` with sum one, of any sign."""
    raw = np.linalg.solve(gram[np.ix_(places, places)], np.ones(len(places)))
    return np.asarray(raw / raw.sum())


def _search(gram: Array, weights: Array, clear: float) -> tuple[Array, int]:
    """The optimum, from a point that is optimal on its own support: columns enter one at a time."""
    value, steps = np.inf, 0
    while True:
        slope = gram @ weights
        reached = float(weights @ slope)
        entering = int(np.argmin(slope))
        if slope[entering] >= reached - clear or reached >= value:
            return weights, steps
        value = reached
        weights = _entered(gram, weights, entering)
        steps += 1


def _entered(gram: Array, weights: Array, entering: int) -> Array:
    """The optimum on the support with one column more, columns leaving where their weight falls to zero."""
    current = weights.copy()
    support = current > 0
    support[entering] = True
    while True:
        places = np.flatnonzero(support)
        best = _affine(gram, places)
        if (best > 0).all():
            current[:] = 0.0
            current[places] = best
            return current
        down = places[best <= 0]
        share = current[down] / np.maximum(current[down] - best[best <= 0], 1e-300)
        step = float(share.min())
        current[places] += step * (best - current[places])
        support[down[share <= step]] = False
        current[~support] = 0.0


def _polished(away: Array, weights: Array, rho: float) -> Array:
    """The same support solved again from the columns themselves: the Gram matrix squares their condition number."""
    places = np.flatnonzero(weights > 0)
    if len(places) == 1:
        return weights
    base = np.full(len(places), 1 / len(places))
    rows = np.vstack([away[:, places], np.sqrt(rho) * np.eye(len(places))])
    turn = rows[:, 1:] - rows[:, :1]
    move = np.linalg.lstsq(turn, -rows @ base, rcond=None)[0]
    best = base + np.concatenate([[-move.sum()], move])
    if (best <= 0).any():
        return weights
    found = np.zeros_like(weights)
    found[places] = best / best.sum()
    return found
