"""Entropy balancing: the weights nearest to the given ones under which covariate means hit a target exactly.

Hainmueller (2012), Political Analysis 20(1), section 3: Newton's method on the dual, here with halved steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.panel import Array

EXACT = 1e-12  # of a covariate's standard deviation
STEPS = 200
FAR = 500.0  # beyond exp(+-FAR) a weight is all or nothing


@dataclass(frozen=True, eq=False)
class Balanced:
    """weights: (n,) adding up to one. blame: the covariate that cannot be balanced; None where all are."""

    weights: Array
    blame: int | None = None


def balance(covariates: Array, base: Array, target: Array) -> Balanced:
    """Weights of the rows of `covariates` (n, k) whose means are `target` (k,), as near to `base` (n,) as can be.

    Nearness is the Kullback divergence from base weights. Means are met to 1e-12 standard deviations; where no positive
    weights meet them, the covariate farthest from its target is blamed.
    """
    scale = np.where(covariates.std(axis=0) > 0, covariates.std(axis=0), 1.0)
    away = (covariates - target) / scale
    outside = (away.min(axis=0) > EXACT) | (away.max(axis=0) < -EXACT)
    if outside.any():
        return Balanced(base / base.sum(), int(np.flatnonzero(outside)[0]))
    multipliers = np.zeros(away.shape[1])
    weights, value = _dual(away, base, multipliers)
    for _ in range(STEPS):
        gap = weights @ away
        if np.abs(gap).max(initial=0.0) < EXACT:
            return Balanced(weights)
        centred = away - gap
        step = -np.linalg.lstsq((centred * weights[:, None]).T @ centred, gap, rcond=1e-13)[0]
        size, promise = 1.0, float(gap @ step)
        while size > 1e-8:
            tried, lower = _dual(away, base, multipliers + size * step)
            if lower <= value + 1e-4 * size * promise + 1e-15 * max(1.0, abs(value)):
                break
            size /= 2
        multipliers = multipliers + size * step
        weights, value = tried, lower
        if np.abs(away @ multipliers).max() > FAR:
            break
    worst = int(np.argmax(np.abs(weights @ away)))
    met = np.abs(weights @ away).max() < 1e-10
    return Balanced(weights, None if met else worst)


def _dual(away: Array, base: Array, multipliers: Array) -> tuple[Array, float]:
    """The weights that the multipliers imply, and the dual's value."""
    index = away @ multipliers
    top = index.max()
    tilted = base * np.exp(index - top)
    total = tilted.sum()
    return tilted / total, float(np.log(total) + top)
