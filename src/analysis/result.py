"""What every design and every check returns: `Effects`, `Estimate`, `Check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.averaging import averaged
from analysis.estimate import Estimate, t_interval
from analysis.panel import Array, Panel, Sample
from analysis.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AnyData", "Check", "Data", "Effects", "Estimate", "t_interval"]

Severity = Literal["stop", "warn", "note"]
Kind = Literal["cells", "event_time", "cohort", "period", "single"]


@dataclass(frozen=True)
class Check:
    """One threat to validity: what was looked at, what was found with its uncertainty, what to do.

    Never a bare "passed": `finding` says how much the check could have seen; the report writes `amounts`, in the unit
    of the outcome, where it has {name}. p_value, low and high are None where the check has none. overturns: what would
    make no effect plausible, where the check found that out, written like `finding`.
    """

    name: str
    code: str
    assumption: str
    finding: str
    advice: str
    severity: Severity
    statistic: float | None = None
    p_value: float | None = None
    low: float | None = None
    high: float | None = None
    amounts: Mapping[str, float] = field(default_factory=dict)
    overturns: str = ""


@dataclass(frozen=True, eq=False)
class Effects:
    """The pieces a design estimates, with everything later steps need.

    table: one row per piece with columns cohort, period, event_time, estimate, std_error, weight (its weight in the
    average), treated_clusters and comparison_clusters (behind it) and, where there is a reference cell, estimate 0 and
    std_error 0.
    event_time counts periods since adoption, negative before. share: (G,) sizes of the cohorts in `share_cohorts` as
    shares of all units, with `joint` the (K+G, K+G) covariance of estimates and shares, so that averages carry the
    uncertainty of estimated shares. cohort_clusters: (G,) clusters of each cohort; concentration: (G, G) sums over
    clusters of the product of their shares in two cohorts. reference: event time of the reference cell, None if it
    varies. baseline: the treated units' mean outcome in the last period before adoption. refit estimates again on other
    data.
    influence() gives (clusters, K+G) contributions whose cross-product is `joint`. related: further estimands of the
    same fit by name. linear: estimates are sums of outcomes times weights that do not depend on them.
    against: equally weighted clusters that the comparison units are worth, where it is known. bounds: for a single
    piece whose interval is not its estimate +- t times its error, the interval (low, high) and the p-value at a level;
    centre: the middle of its distribution. compared: where the baseline was measured ("in the control group"), else
    before. aside: why this only stands beside a headline. unstated: why no error is shown, where clusters are enough.
    """

    table: pd.DataFrame
    joint: Array
    kind: Kind
    estimand: str
    method: str
    inference: str
    df: float
    n: int
    clusters: int
    treated_clusters: int
    baseline: float
    refit: Callable[[Any], Effects]
    share: Array = field(default_factory=lambda: np.empty(0))
    share_cohorts: Array = field(default_factory=lambda: np.empty(0))
    reference: int | None = None
    anticipation: int = 0
    cohort_clusters: Array = field(default_factory=lambda: np.empty(0))
    concentration: Array = field(default_factory=lambda: np.empty(0))
    effective: float | None = None
    by_cohort: Array | None = None
    influence: Callable[[], Array] | None = None
    related: Mapping[str, Effects] = field(default_factory=dict)
    linear: bool = True
    against: float | None = None
    bounds: Callable[[float], tuple[float, float, float]] | None = None
    centre: float | None = None
    compared: str = ""
    aside: str = ""
    unstated: str = ""

    @property
    def estimate(self) -> Array:
        """(K,) the estimates."""
        return np.asarray(self.table["estimate"].to_numpy(dtype=float))

    @property
    def covariance(self) -> Array:
        """(K, K) covariance of the estimates."""
        k = len(self.table)
        return self.joint[:k, :k]

    def by(self, dimension: Literal["event_time", "cohort", "period"]) -> Effects:
        """Averages of the pieces along one dimension, with their joint covariance.

        Event times and periods weight cohorts by size; a cohort averages its own treated periods equally
        (Callaway and Sant'Anna 2021, section 3).
        """
        if self.kind == dimension:
            return self
        if self.kind != "cells":
            raise ValueError(f"pieces by {self.kind} cannot be averaged by {dimension}")
        rows = self.table if dimension == "event_time" else self.table[self.table["event_time"] >= 0]
        labels = sorted(rows[dimension].unique())
        weights = np.stack([self._within((rows[dimension] == label) & True, dimension) for label in labels])
        return self._averaged(weights, dimension, labels)

    def along(self, average: str) -> Effects:
        """The pieces that the named average ("simple", "event_time", "cohort", "period") averages in its last step.

        Pieces by event time alone know two averages: weighted as their design does ("simple", and the best they have
        for cohorts and periods), or every period since adoption alike ("event_time").
        """
        if self.kind == "event_time" and average == "event_time":
            labels = self.table["event_time"].to_numpy()
            return replace(self, table=self.table.assign(weight=_weights("event_time", labels, *[self.share] * 2)))
        if self.kind != "cells" or average == "simple":
            return self
        return self.by(average)  # type: ignore[arg-type]

    def averaged_over(self) -> Effects:
        """The average over treated periods as a single piece, weighting pieces as their kind implies."""
        return self if self.kind == "single" else self._averaged(self._overall()[None], "single", [0])

    def average(self, level: float) -> Estimate:
        """`averaged_over` as an estimate with a t interval."""
        return _estimate(self.averaged_over(), level)

    def pre(self) -> Effects:
        """The pieces before adoption (and before anticipation), without the reference cell."""
        keep = (self.table["event_time"] < -self.anticipation) & (self.table["std_error"] > 0)
        return self._only(keep.to_numpy())

    def resting_on(self, clusters: int) -> Effects:
        """The pieces with at least `clusters` treated and as many comparison clusters behind them."""
        return self._only((self._behind() >= clusters).to_numpy())

    def post(self) -> Effects:
        """The pieces from adoption on."""
        return self._only((self.table["event_time"] >= 0).to_numpy())

    def intervals(self, level: float, enough: int) -> pd.DataFrame:
        """The table with low, high and p_value by piece; std_error and they are missing for reference cells and for
        pieces with fewer than `enough` treated or comparison clusters behind them."""
        shown = (self.table["std_error"] > 0) & (self._behind() >= enough)
        bounds = [
            t_interval(float(value), float(error), self.df, level) if keep else (np.nan, np.nan, np.nan)
            for value, error, keep in zip(self.estimate, self.table["std_error"], shown, strict=True)
        ]
        low, high, p_value = np.array(bounds, dtype=float).reshape(-1, 3).T
        return self.table.assign(
            low=low,
            high=high,
            p_value=p_value,
            std_error=self.table["std_error"].where(shown),
            reference=self.table["std_error"] == 0,
        )

    def _behind(self) -> pd.Series[int]:
        return self.table[["treated_clusters", "comparison_clusters"]].min(axis=1)

    def _only(self, keep: Array) -> Effects:
        places = np.flatnonzero(np.concatenate([keep, np.ones(len(self.share), dtype=bool)]))
        return replace(
            self,
            table=self.table[keep].reset_index(drop=True),
            joint=self.joint[np.ix_(places, places)],
            influence=_composed(self.influence, np.eye(len(self.joint))[places]),
            by_cohort=None if self.by_cohort is None else self.by_cohort[keep],
        )

    def _within(self, chosen: Any, dimension: str) -> Array:
        inside = np.zeros(len(self.table))
        inside[chosen[chosen].index.to_numpy()] = 1.0
        return inside / inside.sum() if dimension == "cohort" else inside

    def _overall(self) -> Array:
        post = (self.table["event_time"] >= 0).to_numpy(dtype=float)
        if not post.any():
            raise ValueError("no treated cell to average")
        return post * self.table["weight"].to_numpy() if self.kind == "event_time" else post

    def _averaged(self, inside: Array, kind: Kind, labels: list[Any]) -> Effects:
        """Weighted averages; `inside` (M, K) holds the fixed part of each weight, shares multiply it if they apply."""
        import pandas as pd

        shared = self.kind in ("cells", "cohort") and len(self.share) > 0 and kind != "cohort"
        member = self._own_cohort() if shared else None
        weights, values, jacobian = averaged(self.estimate, inside, self.share, member)
        joint = jacobian @ self.joint @ jacobian.T
        by = weights @ self._member() if len(self.share) else None
        errors = np.sqrt(np.clip(np.diag(joint)[: len(inside)], 0, None))
        column = np.asarray(labels)
        table = pd.DataFrame(
            {
                "cohort": column if kind == "cohort" else -1,
                "period": column if kind == "period" else -1,
                "event_time": column if kind == "event_time" else 0,
                "estimate": values,
                "std_error": errors,
                "weight": _weights(kind, column, self.share, self.share_cohorts),
                "treated_clusters": self._clusters_behind(weights),
                "comparison_clusters": self._fewest_comparisons(weights),
            }
        )
        effective = self._effective(weights[0]) if kind == "single" else self.effective
        influence = _composed(self.influence, jacobian)
        return replace(
            self, table=table, joint=joint, kind=kind, influence=influence, effective=effective, by_cohort=by
        )

    def _clusters_behind(self, weights: Array) -> Array:
        """(M,) treated clusters with weight in each average."""
        if not len(self.cohort_clusters):
            return np.full(len(weights), self.treated_clusters)
        return np.asarray(np.minimum(((weights @ self._member()) > 0) @ self.cohort_clusters, self.treated_clusters))

    def _fewest_comparisons(self, weights: Array) -> Array:
        """(M,) the fewest comparison clusters behind any piece that has weight, reference cells aside."""
        counts = np.where(self.table["std_error"] > 0, self.table["comparison_clusters"], np.inf)
        fewest = np.where(weights > 0, counts, np.inf).min(axis=1)
        return np.asarray(np.where(np.isfinite(fewest), fewest, self.table["comparison_clusters"].max()), dtype=int)

    def _member(self) -> Array:
        """(K, G) how much of each piece comes from each cohort."""
        return self._own_cohort() if self.by_cohort is None else self.by_cohort

    def _own_cohort(self) -> Array:
        """(K, G) indicators of the cohort in the table."""
        return np.asarray(self.table["cohort"].to_numpy()[:, None] == self.share_cohorts[None, :], dtype=float)

    def _effective(self, weights: Array) -> float | None:
        """Equally weighted treated clusters that an average with these weights is worth (inverse Herfindahl)."""
        if not len(self.concentration):
            return self.effective
        cohort = weights @ self._member()
        return float(1 / (cohort @ self.concentration @ cohort))


def _composed(influence: Callable[[], Array] | None, jacobian: Array) -> Callable[[], Array] | None:
    """The contributions to linear combinations of what `influence` gives the contributions to."""
    return None if influence is None else partial(_times, influence, jacobian)


def _times(influence: Callable[[], Array], jacobian: Array) -> Array:
    return np.asarray(influence() @ jacobian.T)


def _weights(kind: Kind, labels: Array, share: Array, cohorts: Array) -> Array:
    if kind == "cohort":
        own = share[np.searchsorted(cohorts, labels)]
        return np.asarray(own / own.sum())
    post = labels >= 0 if kind == "event_time" else np.ones(len(labels), dtype=bool)
    return np.asarray(np.where(post, 1 / max(int(post.sum()), 1), 0.0))


def _estimate(one: Effects, level: float) -> Estimate:
    value, error = float(one.estimate[0]), float(one.table["std_error"].iloc[0])
    low, high, p_value = one.bounds(level) if one.bounds else t_interval(value, error, one.df, level)
    return Estimate(
        value,
        None if np.isnan(error) else error,
        low,
        high,
        level,
        p_value,
        one.df,
        one.n,
        one.clusters,
        one.treated_clusters,
        one.estimand,
        one.method,
        one.inference,
        one.effective,
        one.centre,
        one.unstated,
    )


Data = Panel | Sample
AnyData = Panel | Sample | Rows
