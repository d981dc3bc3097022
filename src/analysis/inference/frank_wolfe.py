"""The iterations by which the R package synthdid finds weights, so that its published digits can be reproduced.

They stop when a step lowers the objective by less than a small share of the noise, and drop small weights after the
first hundred steps; `simplex.nearest` solves the same problem to its optimum.
Source: Arkhangelsky et al. (2021), algorithm 1 and the reference implementation's solver.
"""

from __future__ import annotations

import numpy as np

from analysis.panel import Array

BEFORE, AFTER = 100, 10_000  # most steps before and after small weights are dropped
STOP = 1e-5  # smallest decrease, as a share of the noise (its square is compared)


def weights(columns: Array, target: Array, zeta: float, noise: float) -> Array:
    """Weights w >= 0 with sum one near the least of |columns w - target|^2 / m + zeta^2 |w|^2; columns: (m, n)."""
    n = columns.shape[1]
    first = _steps(columns, target, zeta, np.full(n, 1 / n), STOP * noise, BEFORE)
    kept = np.where(first > first.max() / 4, first, 0.0)
    return _steps(columns, target, zeta, kept / kept.sum(), STOP * noise, AFTER)


def _steps(columns: Array, target: Array, zeta: float, start: Array, stop: float, most: int) -> Array:
    eta = len(columns) * zeta**2
    current, reached = start, np.inf
    for count in range(most):
        current = _step(columns, target, eta, current)
        error = columns @ current - target
        value = zeta**2 * float(current @ current) + float(error @ error) / len(columns)
        if count > 0 and reached - value <= stop**2:
            return current
        reached = value
    return current


def _step(columns: Array, target: Array, eta: float, current: Array) -> Array:
    """Towards the single column that lowers the objective fastest, as far as lowers it most."""
    fitted = columns @ current
    slope = (fitted - target) @ columns + eta * current
    place = int(np.argmin(slope))
    move = -current
    move[place] += 1.0
    if not move.any():
        return current
    change = columns[:, place] - fitted
    length = -float(slope @ move) / float(change @ change + eta * (move @ move))
    return np.asarray(current + min(1.0, max(0.0, length)) * move)
