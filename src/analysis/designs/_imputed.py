"""Untreated outcomes from untreated cells: the algebra behind `imputation`, for rows that are cohorts or units.

A row r has weight w, regressors z (first a constant) and outcomes y over T periods; its untreated, observed cells are
`free`. The model y_rt = a_r + z_r . theta_t is fitted on free cells only. Row effects are taken out first (the mean
over a row's free cells), so that the normal equations are T q x T q whatever the number of rows. Cohorts may stand for
their units when all units of a cohort have the same free cells and no regressor but the constant.
Borusyak, Jaravel and Spiess (2024), sections 4.1 to 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.panel import NEVER, Array

NEGLIGIBLE = 1e-10


@dataclass(frozen=True, eq=False)
class Normal:
    """The normal equations of the untreated model. R rows, T periods, q regressors.

    free, share: (R, T) untreated and observed, and the same divided by its number in the row. inverse: generalised
    (Tq, Tq). null: (Tq, m) directions that the untreated cells say nothing about. rank: of the equations.
    """

    free: Array
    share: Array
    weight: Array
    z: Array
    inverse: Array
    null: Array
    rank: int

    def effects(self, y: Array) -> Array:
        """(R, T) outcomes net of the fitted row and period effects: residuals in free cells, effects in others."""
        gap = self.centred(y)
        gap -= self.z @ (self.inverse @ self.moment(self.free * gap)).reshape(y.shape[1], -1).T
        return np.asarray(gap - (self.share * gap).sum(axis=1, keepdims=True))

    def centred(self, y: Array) -> Array:
        """(R, T) outcomes less their mean over each row's free cells; less one of them first, which loses no digits."""
        first = self.free.argmax(axis=1)[:, None]
        gap = y - np.take_along_axis(y, first, axis=1)
        return np.asarray(gap - (self.share * gap).sum(axis=1, keepdims=True))

    def moment(self, y: Array) -> Array:
        """(Tq,) the right-hand side that outcomes y (R, T), already net of row means, give the normal equations."""
        return np.asarray(((self.z * self.weight[:, None]).T @ y).T.ravel())

    def estimable(self, x: Array) -> Array:
        """Whether each of x (..., T, q), a combination of the period coefficients, is identified."""
        flat = x.reshape(*x.shape[:-2], len(self.inverse))
        return np.asarray((np.abs(flat @ self.null) < 1e-8).all(axis=-1))

    def net(self, v: Array) -> Array:
        """(R, T, K) weights v on free cells, net of their mean over each row's free cells."""
        mean = np.einsum("rt,rtk->rk", self.share, v)[:, None]
        return np.asarray(self.free[:, :, None] * (v - mean))

    def solved(self, x: Array) -> Array:
        """(K, T, q) the solutions of the normal equations for x (K, T, q)."""
        return np.asarray((x.reshape(len(x), len(self.inverse)) @ self.inverse).reshape(x.shape))


@dataclass(frozen=True, eq=False)
class Leads:
    """Coefficients of time to adoption on untreated cells, one per lead, common to all cohorts. L leads.

    times, estimate: (L,). residual: (R, T) of this regression. A row of the cohort adopting at g contributes to lead l
    weight x sum over t of residual_t (own[g]_tl - z . pull_lt), with own (T, L) and pull (L, T, q), both scaled by the
    small-sample factor G/(G-1) x (N-1)/(N-K).
    """

    times: Array
    estimate: Array
    residual: Array
    own: dict[int, Array]
    pull: Array


def normal(free: Array, weight: Array, z: Array) -> Normal:
    """The normal equations for rows with untreated cells `free` (R, T), `weight` (R,) and regressors z (R, q)."""
    share = free / np.maximum(free.sum(axis=1, keepdims=True), 1)
    periods, q = free.shape[1], z.shape[1]
    matrix = np.empty((periods, q, periods, q))
    for a in range(q):
        for b in range(a + 1):
            matrix[:, a, :, b] = matrix[:, b, :, a] = _within(free, share, weight * z[:, a] * z[:, b])
    size = np.sqrt(((weight[:, None] * z**2).T @ free).T.ravel())
    inverse, null, rank = _inverse(matrix.reshape(periods * q, periods * q), size)
    return Normal(free, share, weight, z, inverse, null, rank)


def targets(equations: Normal, rows: Array, counts: Array) -> Array:
    """(T, T, q) what the mean effect of `rows` in each period asks of the period coefficients.

    counts: (rows, T) the weight of each row in the mean of each period; a period without any asks nothing.
    """
    within = counts / np.maximum(counts.sum(axis=0), np.finfo(float).tiny)
    periods, q = counts.shape[1], equations.z.shape[1]
    x = np.empty((periods, periods, q))
    for a in range(q):
        weighted = within * equations.z[rows, a, None]
        x[:, :, a] = np.diag(weighted.sum(axis=0)) - weighted.T @ equations.share[rows]
    return x


def leads(equations: Normal, y: Array, adoption: Array, last: int, observations: int, clusters: int) -> Leads:
    """The regression of y on time to adoption (leads up to `last`, negative), row effects and period coefficients.

    Leads that the untreated cells cannot tell from row and period effects are left out (without never-treated units
    that is all of them: a line in time to adoption is a line in time less one in dates), and so are all leads when the
    regression has as many coefficients as `observations`.
    """
    times, places = _placed(equations, adoption, last)
    periods, q = equations.free.shape[1], equations.z.shape[1]
    centred = equations.free * equations.centred(y)
    cross, within, right = np.zeros((len(times), periods, q)), np.zeros((len(times),) * 2), np.zeros(len(times))
    for cohort, (lead, place) in places.items():
        rows = np.flatnonzero(adoption == cohort)
        free, share, weight = equations.free[rows], equations.share[rows], equations.weight[rows]
        for a in range(q):
            cross[lead, :, a] += _within(free, share, weight * equations.z[rows, a])[place]
        within[np.ix_(lead, lead)] += _within(free, share, weight)[np.ix_(place, place)]
        right[lead] += (weight @ centred[rows])[place]
    solved = equations.solved(cross)
    pulled = solved.reshape(len(times), periods * q)
    inverse, null, rank = _inverse(within - pulled @ cross.reshape(pulled.shape).T, np.sqrt(np.diag(within)))
    beta = inverse @ (right - pulled @ equations.moment(centred))
    spare = observations - (rank + equations.rank + 1)
    kept = np.flatnonzero((np.abs(null) < 1e-8).all(axis=1) & (spare > 0))
    scaled = inverse[:, kept] * np.sqrt(clusters / max(clusters - 1, 1) * (observations - 1) / max(spare, 1))
    moved, own = _less(y, equations, adoption, places, beta, scaled)
    residual = equations.free * equations.effects(moved)
    return Leads(times[kept], beta[kept], residual, own, np.einsum("eta,el->lta", solved, scaled))


def _less(
    y: Array, equations: Normal, adoption: Array, places: dict[int, tuple[Array, Array]], beta: Array, scaled: Array
) -> tuple[Array, dict[int, Array]]:
    """Outcomes less what the leads explain, and by cohort the (T, L) weights of its own leads."""
    moved, own = y.copy(), {}
    for cohort, (lead, place) in places.items():
        rows = np.ix_(adoption == cohort, place)
        moved[rows] -= beta[lead] * equations.free[rows]
        own[cohort] = np.zeros((y.shape[1], scaled.shape[1]))
        own[cohort][place] = scaled[lead]
    return moved, own


def _placed(equations: Normal, adoption: Array, last: int) -> tuple[Array, dict[int, tuple[Array, Array]]]:
    """The leads present, and for each cohort which of them it has (positions) and in which periods."""
    found = {}
    for cohort in np.unique(adoption[adoption != NEVER]):
        seen = np.flatnonzero(equations.free[adoption == cohort].any(axis=0))
        found[int(cohort)] = seen[seen - cohort <= last]
    times = np.unique(np.concatenate([place - cohort for cohort, place in found.items()]))
    return times, {g: (np.searchsorted(times, place - g), place) for g, place in found.items() if len(place)}


def _within(free: Array, share: Array, weight: Array) -> Array:
    """(T, T) sum over rows of weight times the projection that takes out the row's mean over its free cells."""
    return np.asarray(np.diag(weight @ free) - (share * weight[:, None]).T @ free)


def _inverse(matrix: Array, size: Array) -> tuple[Array, Array, int]:
    """A generalised inverse of a symmetric positive matrix, its null space (columns of length one) and its rank.

    size: length of each regressor before anything was taken out of it, against which nothing counts as nothing.
    """
    present = size > 0
    scale = np.where(present, 1 / np.where(present, size, 1), 0)
    values, vectors = np.linalg.eigh(matrix * np.outer(scale, scale))
    kept = values > NEGLIGIBLE
    root = scale[:, None] * vectors[:, kept] / np.sqrt(values[kept])
    null = np.where(present, scale, 1)[:, None] * vectors[:, ~kept]
    return root @ root.T, null / np.sqrt((null**2).sum(axis=0)), int(kept.sum())


def contributions(equations: Normal, residual: Array, pull: Array, cluster: Array) -> Array:
    """(clusters, K) what untreated cells contribute to estimates that lean on the period coefficients by `pull`
    (K, T, q); `cluster` (R,) holds the code of each row."""
    weighted, total = equations.weight[:, None] * residual, int(cluster.max()) + 1
    by_cluster = np.hstack([summed(weighted * z[:, None], cluster, total) for z in equations.z.T])
    return np.asarray(by_cluster @ -pull.transpose(2, 1, 0).reshape(by_cluster.shape[1], len(pull)))


def lead_contributions(equations: Normal, found: Leads, adoption: Array, cluster: Array) -> Array:
    """(clusters, L) what every row contributes to the leads."""
    psi = contributions(equations, found.residual, found.pull, cluster)
    for cohort, own in found.own.items():
        rows = np.flatnonzero(adoption == cohort)
        codes, place = np.unique(cluster[rows], return_inverse=True)
        psi[codes] += summed(equations.weight[rows, None] * found.residual[rows], place, len(codes)) @ own
    return psi


def summed(x: Array, cluster: Array, clusters: int) -> Array:
    """(clusters, T) rows of x (R, T) added up by cluster."""
    total = np.empty((clusters, x.shape[1]))
    for place in range(x.shape[1]):
        total[:, place] = np.bincount(cluster, weights=x[:, place], minlength=clusters)
    return total
