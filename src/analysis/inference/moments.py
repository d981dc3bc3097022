"""The moment kernel: cohort means and within-cohort second moments, from which every contrast gets its covariance.

Without unit-level covariates, cohort sizes, mean outcome paths and the second moments of unit paths around them are
sufficient for every estimator of the difference-in-differences family. An estimator is a set of *scores*: the
contribution of unit i, of cohort g and weight w_i, to contrast k is

    psi_ik = w_i (u_gk . e_i + c_gk) + d_gk,        e_i = Y_i - m_g,

with u the weight on the unit's path, c what the cohort's own departure adds (a mean residual, a pooled control mean)
and d what an estimated share adds. Stacked as a = (u, c, d) against z_i = (w_i e_i, w_i, 1), the covariance is
sum_g a_g' (sum_i z_i z_i') a_g, or, when clusters are coarser than units, the same with z_i summed within cluster and
cohort first. Liang and Zeger (1986); for the group-time case Callaway and Sant'Anna (2021), section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from analysis.panel import Array, Panel
from analysis.refusal import Refusal


@dataclass(frozen=True, eq=False)
class Moments:
    """What the estimators need to know of a panel. G cohorts, T periods.

    cohorts: (G,) adoption positions, NEVER first when present. count: (G,) units. size: (G,) sums of weights.
    mean: (G, T) weighted mean paths, NaN where the cohort was masked. cross: (G, T+2, T+2) sums of z z' by cohort,
    when every unit is its own cluster. pairs: (P, T+2) sums of z by cluster and cohort otherwise, with their codes.
    """

    cohorts: Array
    count: Array
    size: Array
    mean: Array
    cross: Array | None
    pairs: Array | None
    pair_cluster: Array
    pair_cohort: Array
    clusters: int
    treated_clusters: int

    @property
    def periods(self) -> int:
        """Number of periods T."""
        return int(self.mean.shape[1])

    def row(self, adoption: int) -> int:
        """The row of the cohort adopting at position `adoption`."""
        return int(np.searchsorted(self.cohorts, adoption))

    def covariance(self, scores: Array) -> Array:
        """(K, K) covariance of the contrasts whose scores a = (u, c, d) are given as (G, T+2, K)."""
        if self.pairs is None:
            assert self.cross is not None
            return np.asarray(np.einsum("gak,gab,gbl->kl", scores, self.cross, scores, optimize=True))
        psi = self.influence(scores)
        return np.asarray(psi.T @ psi)

    def influence(self, scores: Array) -> Array:
        """(clusters, K) summed contributions of each cluster; only when clusters are coarser than units."""
        assert self.pairs is not None
        parts = np.einsum("pa,pak->pk", self.pairs, scores[self.pair_cohort], optimize=True)
        psi = np.zeros((self.clusters, scores.shape[2]))
        np.add.at(psi, self.pair_cluster, parts)
        return psi


_CACHE: WeakKeyDictionary[Panel, Moments] = WeakKeyDictionary()


def moments(panel: Panel) -> Moments:
    """The moments of `panel`, in one pass: a mean and one matrix product per cohort; kept as long as the panel.

    Raises Refusal P007 where a cohort's cell is missing for some of its units only.
    """
    found = _CACHE.get(panel)
    if found is None:
        found = _CACHE[panel] = _moments(panel)
    return found


def _moments(panel: Panel) -> Moments:
    cohorts, code = np.unique(panel.adoption, return_inverse=True)
    own = panel.clusters == len(panel.units)
    rows = [np.flatnonzero(code == g) for g in range(len(cohorts))]
    found = [_of_cohort(panel, row, own) for row in rows]
    mean = np.stack([path for path, _ in found])
    cross = np.stack([products for _, products in found]) if own else None
    pairs, pair_cluster, pair_cohort = (None, np.empty(0, int), np.empty(0, int)) if own else _pairs(panel, code, mean)
    return Moments(
        cohorts=cohorts,
        count=np.array([len(row) for row in rows]),
        size=np.array([panel.weight[row].sum() for row in rows]),
        mean=mean,
        cross=cross,
        pairs=pairs,
        pair_cluster=pair_cluster,
        pair_cohort=pair_cohort,
        clusters=panel.clusters,
        treated_clusters=panel.treated_clusters,
    )


def cluster_influence(panel: Panel, scores: Array) -> Array:
    """(clusters, K) contributions of each cluster, for clusters of one unit or of many."""
    cohorts, code = np.unique(panel.adoption, return_inverse=True)
    kernel = moments(panel)
    if kernel.pairs is not None:
        return kernel.influence(scores)
    psi = np.empty((len(panel.units), scores.shape[2]))
    for row in range(len(cohorts)):
        member = np.flatnonzero(code == row)
        psi[panel.cluster[member]] = _stacked(panel, member, kernel.mean[row]) @ scores[row]
    return psi


def _of_cohort(panel: Panel, row: Array, own: bool) -> tuple[Array, Array]:
    """Mean path (T,) and, when every unit is its own cluster, sum of z z' (T+2, T+2) of one cohort's units."""
    y, weight = panel.outcome[row], panel.weight[row]
    mean = np.asarray(weight @ y / weight.sum() if panel.weighted else y.mean(axis=0))
    _refuse_gaps(panel, y, mean)
    if not own:
        return mean, np.empty(0)
    y -= mean
    y[:, np.isnan(mean)] = 0.0
    if panel.weighted:
        y *= weight[:, None]
    products = np.empty((len(mean) + 2, len(mean) + 2))
    products[:-2, :-2] = y.T @ y
    products[-2, :-2] = products[:-2, -2] = weight @ y
    products[-1, :-2] = products[:-2, -1] = y.sum(axis=0)
    products[-2:, -2:] = [[weight @ weight, weight.sum()], [weight.sum(), len(row)]]
    return mean, products


def _stacked(panel: Panel, member: Array, mean: Array) -> Array:
    """(members, T+2) z of the units `member`, whose mean path is `mean` (T,) or one row each."""
    weight = panel.weight[member, None]
    departure = np.nan_to_num(panel.outcome[member] - mean)
    return np.hstack([weight * departure, weight, np.ones_like(weight)])


def _pairs(panel: Panel, code: Array, mean: Array) -> tuple[Array, Array, Array]:
    groups = int(code.max()) + 1
    pair, member = np.unique(panel.cluster * groups + code, return_inverse=True)
    sums = np.zeros((len(pair), mean.shape[1] + 2))
    np.add.at(sums, member, _stacked(panel, np.arange(len(code)), mean[code]))
    return sums, pair // groups, pair % groups


def _refuse_gaps(panel: Panel, y: Array, mean: Array) -> None:
    partly = np.isnan(mean) & np.isfinite(y).any(axis=0)
    if partly.any():
        period = panel.periods[int(partly.argmax())]
        raise Refusal(
            "P007",
            f"({panel.labels.unit},{panel.labels.time})",
            f"this design needs every unit in every period, and some have no row in {period:g}",
            "set `unbalanced: drop_units`, or choose `design: group_time` or `imputation`, which work with gaps",
        )
