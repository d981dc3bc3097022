"""The conditional least-favourable hybrid test (Andrews, Roth and Pakes 2023), where two numbers carry all the noise.

Whether an effect theta is compatible with a restriction on trends is a set of moment inequalities with nuisance
parameters: does some choice of them bring every moment to zero or below? The statistic is the value of a linear
programme, the largest of gamma'y over the polytope {gamma >= 0, gamma'X = 0, gamma'sd = 1}. Where each period after the
reference gives a pair of moments, plus or minus its change less a common bound, `X` leaves one direction of changes
free of nuisance: gamma_plus - gamma_minus must be a multiple of the average's reach w. The extreme rays are then w's
positive and negative parts in the two places, and a pair of ones for each period. So the polytope has T + 2 vertices,
whatever the number of periods. The pairs all measure the same number, e, on other scales; only the narrowest and the
widest matter. The vertices are thus four fixed combinations of x (the average) and e (the change taken as yardstick):
nothing is enumerated or solved for a theta, the truncation points are exact, and the least favourable critical value is
an integral over the plane that Owen's function gives.

First stage: reject when the statistic exceeds its 1 - kappa quantile under moments of mean zero, kappa = alpha / 10.
Second: reject when it exceeds zero and the 1 - (alpha - kappa) / (1 - kappa) quantile of a normal truncated to where
the same vertex is the largest, and to the first stage's not rejecting (Rambachan and Roth 2023, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.panel import Array

SCAN = 400
HALVINGS = 40
COLLINEAR = 1e-9


@dataclass(frozen=True, eq=False)
class Moments:
    """S sets of moments at the vertices of their polytopes: loadings (S, 4, 2) on (x - theta, e), in standard units.

    The first vertex bounds theta from below, the second from above, the third and fourth are the narrowest and the
    widest pair. centre: (S, 2) estimates of x and e. spread: (S, 2, 2) their covariance.
    """

    loadings: Array
    centre: Array
    spread: Array

    def at(self, theta: Array) -> Array:
        """(S, 4, P) the moments at `theta` (S, P)."""
        x, e = self.centre[:, :1] - theta, self.centre[:, 1:]
        return np.asarray(self.loadings[:, :, :1] * x[:, None] + self.loadings[:, :, 1:] * e[:, None])

    @cached_property
    def covariance(self) -> Array:
        """(S, 4, 4) covariance of the moments."""
        return np.asarray(self.loadings @ self.spread @ self.loadings.swapaxes(1, 2))


def hull(moments: Moments, alpha: float, critical: Array | None = None) -> tuple[float, float]:
    """The smallest and the largest theta that the test accepts for at least one of the S sets.

    A scan of each set's range, which the first stage bounds, guards against gaps; the ends are found by halving.
    """
    critical = critical_values(moments, alpha / 10) if critical is None else critical
    bounds = _outer(moments, critical)
    theta = bounds[:, :1] + (bounds[:, 1:] - bounds[:, :1]) * np.linspace(0, 1, SCAN)
    kept = accepted(moments, theta, alpha, critical) & (bounds[:, :1] <= bounds[:, 1:])
    sets = np.flatnonzero(kept.any(axis=1))
    first, last = kept[sets].argmax(axis=1), SCAN - 1 - kept[sets, ::-1].argmax(axis=1)
    inside = np.stack([theta[sets, first], theta[sets, last]], axis=1)
    outside = np.stack([theta[sets, np.maximum(first - 1, 0)], theta[sets, np.minimum(last + 1, SCAN - 1)]], axis=1)
    part = Moments(moments.loadings[sets], moments.centre[sets], moments.spread[sets])
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        keep = accepted(part, middle, alpha, critical[sets])
        inside, outside = np.where(keep, middle, inside), np.where(keep, outside, middle)
    return float(inside[:, 0].min()), float(inside[:, 1].max())


def accepted(moments: Moments, theta: Array, alpha: float, critical: Array) -> Array:
    """(S, P) whether each set's hybrid test of size `alpha` accepts `theta` (S, P)."""
    y, kappa = moments.at(theta), alpha / 10
    largest = y.argmax(axis=1)[:, None]
    eta = np.take_along_axis(y, largest, axis=1)[:, 0]
    variance = np.take_along_axis(np.diagonal(moments.covariance, axis1=1, axis2=2)[:, :, None], largest, axis=1)
    shared = np.take_along_axis(moments.covariance, largest, axis=2)
    flat = variance[:, 0] <= 0
    slope = shared / np.where(variance > 0, variance, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        meets = (y - slope * eta[:, None]) / (1 - slope)
    low = np.where(1 - slope > COLLINEAR, meets, -np.inf).max(axis=1)
    high = np.minimum(np.where(1 - slope < -COLLINEAR, meets, np.inf).min(axis=1), critical[:, None])
    error = np.sqrt(np.where(flat, 1.0, variance[:, 0]))
    tail = log_tail(eta / error, np.minimum(low, eta) / error, np.maximum(high, eta) / error)
    beyond = flat | (tail < np.log((alpha - kappa) / (1 - kappa)))
    return np.asarray((eta <= critical[:, None]) & ~((eta > 0) & beyond))


def log_tail(z: Array, low: Array, high: Array) -> Array:
    """log P(Z > z) of a standard normal truncated to [low, high], safe far out in the tail."""
    return _log_between(z, high) - _log_between(low, high)


def critical_values(moments: Moments, kappa: float) -> Array:
    """(S,) exact 1 - kappa quantiles of the largest moment when x - theta and e have mean zero.

    The fourth vertex is left out: where it is the largest, the statistic is negative.
    """
    from scipy import special

    values, vectors = np.linalg.eigh(moments.spread)
    rays = moments.loadings[:, :3] @ (vectors * np.sqrt(np.clip(values, 0, None))[:, None])
    longest = np.linalg.norm(rays, axis=2).max(axis=1)
    low, high = -special.ndtri(kappa) * longest, -special.ndtri(kappa / 3) * longest
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = _exceedance(rays, middle) > kappa
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2)


def _exceedance(rays: Array, bound: Array) -> Array:
    """(S,) P(max_j rays_j'z > bound) for z standard normal in the plane; rays (S, J, 2), bound (S,) above zero.

    Ray j is the largest in a wedge of directions; in it the event is to lie beyond a line, which is a difference of
    two values of Owen's T function.
    """
    from scipy import special

    length = np.linalg.norm(rays, axis=2)
    some = length > 0
    unit = rays / np.where(some, length, 1.0)[:, :, None]
    along = np.einsum("sjk,sik->sji", unit, rays)
    across = np.einsum("sjk,sik->sji", np.stack([-unit[:, :, 1], unit[:, :, 0]], axis=2), rays)
    lead, own = length[:, :, None] - along, range(rays.shape[1])
    across[:, own, own] = lead[:, own, own] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        tangent, distance = lead / across, bound[:, None] / length
    high = np.where(across > 0, tangent, np.inf).min(axis=2)
    low = np.where(across < 0, tangent, -np.inf).max(axis=2)
    wedge = some & (high > low) & ~((across == 0) & (lead < 0)).any(axis=2)
    found = special.owens_t(distance, high) - special.owens_t(distance, low)
    return np.asarray(np.where(wedge, found, 0.0).sum(axis=1))


def _outer(moments: Moments, critical: Array) -> Array:
    """(S, 2) the range of theta in which the first stage does not reject by the first two vertices."""
    loading = moments.loadings[:, :2]
    past = (loading[:, :, 1] * moments.centre[:, 1:] - critical[:, None]) / loading[:, :, 0]
    return np.asarray(moments.centre[:, :1] + past)


def _log_between(a: Array, b: Array) -> Array:
    """log P(a < Z < b), a <= b."""
    from scipy import special

    upper, gap = special.log_ndtr(-a), special.log_ndtr(-b)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(upper + np.log1p(-np.exp(np.minimum(gap - upper, 0.0))))
