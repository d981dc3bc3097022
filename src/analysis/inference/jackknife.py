"""The cluster jackknife of any design: the effect estimated again without each cluster in turn.

With G clusters the variance is (G-1)/G times the sum of squared changes of the estimate when one cluster is left out,
and the interval uses t(G-1): CR3 for a regression, and the same for every other estimator (Tukey 1958; MacKinnon,
Nielsen and Webb 2023). Where a cluster is the only one behind some piece, the piece goes with it and the average is
over the pieces that remain, as the design would have averaged them without that cluster; such clusters are counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from analysis.estimate import t_interval
from analysis.panel import Array, Panel
from analysis.refusal import Refusal
from analysis.result import Data, Effects


@dataclass(frozen=True, eq=False)
class Jackknife:
    """The jackknife of an average.

    values: (G,) the average without each cluster, NaN where it cannot be estimated without it. thinned: clusters whose
    removal takes pieces of the average along. impossible: clusters without which there is no estimate; std_error is
    then NaN.
    """

    estimate: float
    values: Array
    thinned: int
    impossible: int

    @property
    def clusters(self) -> int:
        """Number of clusters G."""
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
            self.thinned, f"; without any of {self.thinned} of them fewer cells are averaged"
        )
        return (
            f"standard errors from leaving out one {cluster} at a time (jackknife, CR3; {self.clusters} clusters"
            f"{gone}); t distribution with {self.df:g} degrees of freedom"
        )


_CACHE: WeakKeyDictionary[Effects, tuple[Data, list[Effects | None]]] = WeakKeyDictionary()


def jackknife(data: Data, effects: Effects, *, average: str) -> Jackknife:
    """The jackknife of the named average of `effects`, estimated on `data`, over the clusters of `data`.

    The G refits are kept as long as `effects`, so that further averages of it cost nothing.
    """
    refits = _refits(data, effects)
    chosen = effects.along(average)
    pieces = _treated(chosen)
    values = [math.nan if one is None else _value(one, average) for one in refits]
    thinned = sum(one is not None and _treated(one.along(average)) < pieces for one in refits)
    return Jackknife(_value(effects, average), np.array(values), thinned, refits.count(None))


def _refits(data: Data, effects: Effects) -> list[Effects | None]:
    known = _CACHE.get(effects)
    if known is None or known[0] is not data:
        used = data.without_early_reactions(effects.anticipation) if isinstance(data, Panel) else data
        known = _CACHE[effects] = (data, [_without(used, effects, cluster) for cluster in range(used.clusters)])
    return known[1]


def _without(data: Data, effects: Effects, cluster: int) -> Effects | None:
    """The effects on the other clusters; None where the design refuses them."""
    keep = data.cluster != cluster
    rest = data.only(keep, "left out by the jackknife") if isinstance(data, Panel) else data.rows(keep)
    try:
        found = effects.refit(rest)
    except Refusal:
        return None
    return found if _treated(found) else None


def _treated(effects: Effects) -> int:
    return int((effects.table["event_time"] >= 0).sum())


def _value(effects: Effects, average: str) -> float:
    return float(effects.along(average).averaged_over().estimate[0])
