"""The cluster jackknife of any design: the effect estimated again without each cluster in turn.

With G clusters the variance is (G-1)/G times the sum of squared changes of the estimate when one cluster is left out,
and the interval uses t(G-1): CR3 for a regression, and the same for every other estimator (Tukey 1958; MacKinnon,
Nielsen and Webb 2023). Where a cluster is the only one behind some piece, the piece goes with it and the average is
over the pieces that remain, as the design would have averaged them without that cluster; such clusters are counted.

Among many clusters those without treated units are left out in groups, by the same formula over all that is left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from analysis.estimate import t_interval
from analysis.panel import NEVER, Array, Panel
from analysis.refusal import Refusal
from analysis.result import Data, Effects


@dataclass(frozen=True, eq=False)
class Jackknife:
    """The jackknife of an average.

    values: (G,) the average without each cluster (or group), NaN where it cannot be estimated without it. thinned:
    clusters whose removal takes pieces of the average along. impossible: clusters without which there is no estimate;
    std_error is then NaN. grouped: clusters without treated units were left out in groups.
    """

    estimate: float
    values: Array
    thinned: int
    impossible: int
    grouped: bool = False

    @property
    def clusters(self) -> int:
        """Number of clusters, or of clusters and groups, G."""
        return len(self.values)

    @property
    def df(self) -> float:
        """Degrees of freedom G-1."""
        return float(self.clusters - 1)

    @property
    def std_error(self) -> float:
        """Root of (G-1)/G times the sum of squared changes, around the estimate."""
        if self.impossible:
            return math.nan
        return float(np.sqrt((self.clusters - 1) / self.clusters * ((self.values - self.estimate) ** 2).sum()))

    def interval(self, level: float) -> tuple[float, float, float]:
        """Bounds at `level` and the p-value of no effect, from t(G-1)."""
        return t_interval(self.estimate, self.std_error, self.df, level)

    def words(self, cluster: str) -> str:
        """The convention, with the name of the cluster column."""
        gone = {0: "", 1: "; without one of them fewer cells are averaged"}.get(
            self.thinned, f"; where one of {self.thinned} of them is left out, fewer cells are averaged"
        )
        what = f"one {cluster} at a time (jackknife, CR3; {self.clusters} clusters"
        if self.grouped:
            others = f"one of {GROUPS} groups of others"
            what = f"one treated {cluster}, or {others}, at a time (jackknife; {self.clusters} refits"
        return f"standard errors from leaving out {what}{gone}); t distribution with {self.df:g} degrees of freedom"


AFFORDABLE = 500
GROUPS = 50
_CACHE: WeakKeyDictionary[Effects, tuple[Data, list[Effects | None]]] = WeakKeyDictionary()


def affordable(clusters: int, treated: int) -> bool:
    """Few enough refits: every cluster, or every treated one and the others in groups."""
    return clusters <= AFFORDABLE or treated <= AFFORDABLE


def jackknife(data: Data, effects: Effects, *, average: str) -> Jackknife:
    """The jackknife of the named average of `effects`, estimated on `data`, over the clusters of `data`.

    The refits are kept as long as `effects`, so that further averages of it cost nothing.
    """
    refits = _refits(data, effects)
    chosen = effects.along(average)
    pieces = _treated(chosen)
    values = [math.nan if one is None else _value(one, average) for one in refits]
    thinned = sum(one is not None and _treated(one.along(average)) < pieces for one in refits)
    grouped = data.clusters > AFFORDABLE
    return Jackknife(_value(effects, average), np.array(values), thinned, refits.count(None), grouped)


def of_path(data: Data, effects: Effects, path: Effects) -> Effects:
    """`path` (effects by event time, made of `effects`) with the jackknife's covariance in place of its own.

    No variance becomes smaller: pieces that go with a cluster, or hardly move without any, keep their own.
    """
    refits = [one.by("event_time") for one in _refits(data, effects) if one is not None]
    times, k = path.table["event_time"].to_numpy(), len(path.table)
    values = np.stack([_at(one, times, path.estimate) for one in refits])
    moved = values - path.estimate
    found = (len(refits) - 1) / len(refits) * moved.T @ moved
    found[np.diag_indices(k)] = np.maximum(np.diag(found), np.diag(path.covariance))
    reference = path.table["std_error"].to_numpy() == 0
    found[reference] = found[:, reference] = 0.0
    joint = np.zeros_like(path.joint)
    joint[:k, :k] = found
    joint[k:, k:] = path.joint[k:, k:]
    words = "standard errors from leaving out one cluster at a time (jackknife); t distribution with "
    table = path.table.assign(std_error=np.sqrt(np.diag(found)))
    return replace(path, table=table, joint=joint, influence=None, inference=f"{words}{path.df:g} degrees of freedom")


def _at(one: Effects, times: Array, otherwise: Array) -> Array:
    """The effects of `one` at `times`, or `otherwise` where it has none."""
    known = one.table.set_index("event_time")["estimate"].reindex(times).to_numpy()
    return np.where(np.isnan(known), otherwise, known)


def _refits(data: Data, effects: Effects) -> list[Effects | None]:
    known = _CACHE.get(effects)
    if known is None or known[0] is not data:
        used = data.without_early_reactions(effects.anticipation) if isinstance(data, Panel) else data
        known = _CACHE[effects] = (data, [_without(used, effects, group) for group in _left_out(used)])
    return known[1]


def _left_out(data: Data) -> list[Array]:
    """The clusters to leave out together: each alone, or among many the untreated ones in random groups."""
    codes = np.arange(data.clusters)
    if not isinstance(data, Panel) or data.clusters <= AFFORDABLE:
        return list(codes[:, None])
    treated = np.unique(data.cluster[data.adoption != NEVER])
    others = np.random.default_rng(0).permutation(np.setdiff1d(codes, treated))
    return [*treated[:, None], *(part for part in np.array_split(others, GROUPS) if len(part))]


def _without(data: Data, effects: Effects, clusters: Array) -> Effects | None:
    """The effects on the other clusters, without contributions (they would keep the data); None where refused."""
    keep = ~np.isin(data.cluster, clusters)
    rest = data.only(keep, "left out by the jackknife") if isinstance(data, Panel) else data.rows(keep)
    try:
        found = effects.refit(rest)
    except Refusal:
        return None
    return replace(found, influence=None, related={}) if _treated(found) else None


def _treated(effects: Effects) -> int:
    return int((effects.table["event_time"] >= 0).sum())


def _value(effects: Effects, average: str) -> float:
    return float(effects.along(average).averaged_over().estimate[0])
