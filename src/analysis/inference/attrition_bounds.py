"""Bounds on the effect on those whose outcome would be seen in either arm, when some outcomes are missing (Lee 2009).

Lee, D. (2009), "Training, wages, and sample selection: estimating sharp bounds on treatment effects", Review of
Economic Studies 76(3), propositions 1a, 2 and 3. The arm with more outcomes is trimmed from the top and from the bottom
by its excess. Errors are those of the proposition, from contributions by row added up by cluster; the interval holds
the effect, not the whole range (Imbens and Manski 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.panel import Array


@dataclass(frozen=True)
class Bounds:
    """The lowest and highest effect, their errors, the share trimmed, and the interval of the effect at a level."""

    lower: float
    upper: float
    lower_error: float
    upper_error: float
    trimmed: float
    low: float
    high: float


def lee(outcome: Array, assigned: Array, cluster: Array | None = None, level: float = 0.95) -> Bounds:
    """Bounds of the effect of `assigned` (n,) on `outcome` (n,), NaN where it is missing.

    Assumes that the assignment moves every unit's response, if at all, in the same direction.
    """
    seen, arm = np.isfinite(outcome), np.asarray(assigned, dtype=bool)
    rates = np.array([seen[~arm].mean(), seen[arm].mean()])
    more, sign = (arm, 1.0) if rates[1] >= rates[0] else (~arm, -1.0)
    share = 1 - rates.min() / rates.max()
    found = []
    for flip in (1.0, -1.0):
        top, psi = _trimmed_top(sign * flip * np.where(seen, outcome, 0.0), seen, more, share)
        rest, other = _mean(sign * flip * np.where(seen, outcome, 0.0), seen, ~more)
        own = psi - other if cluster is None else np.bincount(cluster, psi - other)
        found.append((flip * (top - rest), float(np.sqrt(own @ own))))
    (first, first_error), (second, second_error) = found
    (low, low_error), (high, high_error) = sorted([(first, first_error), (second, second_error)])
    reach = _reach((high - low) / max(low_error, high_error), level)
    return Bounds(
        float(low), float(high), low_error, high_error, float(share), low - reach * low_error, high + reach * high_error
    )


def _trimmed_top(value: Array, seen: Array, more: Array, share: float) -> tuple[float, Array]:
    """Mean of the highest 1 - share of the values seen in the arm `more`, and each row's contribution to its error."""
    own = np.sort(value[more & seen])[::-1]
    kept = (1 - share) * len(own)
    weight = np.clip(kept - np.arange(len(own)), 0.0, 1.0)
    mean = float(weight @ own / kept)
    edge = float(own[min(int(np.ceil(kept)) - 1, len(own) - 1)])
    inside = more & seen
    psi = np.where(inside, np.maximum(value - edge, 0.0) - (1 - share) * (mean - edge), 0.0) / kept
    return mean, psi + _share_part(seen, more, share, (mean - edge) / (1 - share))


def _share_part(seen: Array, more: Array, share: float, slope: float) -> Array:
    """What the estimated share adds: it is one less the ratio of the two arms' response rates."""
    high, low = seen[more].mean(), seen[~more].mean()
    high_part = np.where(more, seen - high, 0.0) / more.sum()
    low_part = np.where(~more, seen - low, 0.0) / (~more).sum()
    return np.asarray(slope * (low * high_part / high**2 - low_part / high))


def _mean(value: Array, seen: Array, arm: Array) -> tuple[float, Array]:
    inside = arm & seen
    mean = float(value[inside].mean())
    return mean, np.where(inside, value - mean, 0.0) / inside.sum()


def _reach(width: float, level: float) -> float:
    """Errors beyond each bound that hold the effect with chance `level`, the bounds being `width` errors apart."""
    from scipy import optimize, stats

    def gap(c: float) -> float:
        return float(stats.norm.cdf(c + width) - stats.norm.cdf(-c)) - level

    return float(optimize.brentq(gap, 0.0, 10.0))
