"""Relative magnitudes: the path may change after the reference by `mbar` times its largest change before it.

Restriction: |change after| <= mbar * max |change before|, changes being those of the difference in trends between
neighbouring periods (Rambachan and Roth 2023, section 2.4.1). The maximum is a union over the period that holds it and
its sign; each member is tested by its own moments and the confidence set is the union of theirs, as in HonestDiD.
Moments that involve only periods before the reference are left out, as there: they cannot bound the effect.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.inference.honest_conditional import Moments, hull
from analysis.inference.honest_problem import Problem
from analysis.panel import Array

LIMIT = 100.0
STEP = 0.25
WIDTH = 0.001


def interval(problem: Problem, mbar: float) -> tuple[float, float]:
    """The ends of the confidence set at `mbar` >= 0. At zero it is the estimate plus and minus a normal quantile."""
    return hull(moments(problem, mbar), problem.alpha)


def identified(problem: Problem, mbar: float) -> tuple[float, float]:
    """What the restriction leaves open if the estimates were the truth: no sampling error."""
    half = mbar * problem.largest_change * float(np.abs(problem.reach).sum())
    return problem.value - half, problem.value + half


def breakdown(problem: Problem) -> float:
    """The largest `mbar` up to which the confidence set leaves out zero, to a thousandth.

    Zero where it holds zero at once; infinite where it does not at `LIMIT`.
    """
    low, high = 0.0, STEP
    if _holds_zero(problem, low):
        return 0.0
    while not _holds_zero(problem, high):
        low, high = high, 2 * high
        if low >= LIMIT:
            return math.inf
    while high - low > WIDTH:
        middle = (low + high) / 2
        low, high = (low, middle) if _holds_zero(problem, middle) else (middle, high)
    return low


def face_value(problem: Problem) -> float:
    """The `mbar` at which the identified set reaches zero: the breakdown if there were no sampling error."""
    reach = problem.largest_change * float(np.abs(problem.reach).sum())
    return abs(problem.value) / reach if reach > 0 else math.inf


def moments(problem: Problem, mbar: float) -> Moments:
    """The moments of every candidate (S = 2 pre): the change that ends in each period up to the reference, both signs.

    With e the candidate's change, the pair of period t is +-(change in t) - mbar e <= 0.
    """
    before, after = problem.changes[: problem.pre], problem.changes[problem.pre :]
    yardstick = np.concatenate([before, -before])
    spread = _error(problem, after - mbar * yardstick[:, None]), _error(problem, -after - mbar * yardstick[:, None])
    size, rising = np.abs(problem.reach), problem.reach >= 0
    lower = np.where(rising, *spread) @ size
    upper = np.where(rising, *spread[::-1]) @ size
    pair = spread[0] + spread[1]
    slope, none = np.full(len(yardstick), -mbar * size.sum()), np.zeros(len(yardstick))
    loadings = [
        (1 / lower, slope / lower),
        (-1 / upper, slope / upper),
        (none, -2 * mbar / pair.min(axis=1)),
        (none, -2 * mbar / pair.max(axis=1)),
    ]
    basis = np.stack([np.broadcast_to(problem.average, yardstick.shape), yardstick], axis=1)
    return Moments(
        np.stack([np.stack(row, axis=1) for row in loadings], axis=1),
        basis @ problem.beta,
        basis @ problem.covariance @ basis.swapaxes(1, 2),
    )


def _error(problem: Problem, rows: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("...i,ij,...j->...", rows, problem.covariance, rows)))


def _holds_zero(problem: Problem, mbar: float) -> bool:
    low, high = interval(problem, mbar)
    return low <= 0 <= high
