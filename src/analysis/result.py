"""What every design and every check returns: `Effects`, `Estimate`, `Check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.averaging import averaged
from analysis.panel import Array, Panel, Sample

if TYPE_CHECKING:
    import pandas as pd

Severity = Literal["stop", "warn", "note"]
Kind = Literal["cells", "event_time", "cohort", "period", "single"]


@dataclass(frozen=True)
class Estimate:
    """One number with its uncertainty, in the unit of the outcome.

    low and high bound the interval at `level`; they are infinite where the method cannot bound it. std_error is None
    where none is shown (permutation). df: degrees of freedom of the t distribution behind interval and p-value.
    effective: the number of equally weighted treated clusters that the average is worth, where it is known.
    """

    value: float
    std_error: float | None
    low: float
    high: float
    level: float
    p_value: float
    df: float | None
    n: int
    clusters: int
    treated_clusters: int
    estimand: str
    method: str
    inference: str
    effective: float | None = None

    def excludes(self, x: float) -> bool:
        """The interval does not contain `x`."""
        return not self.low <= x <= self.high

    def chance_above(self, x: float) -> float | None:
        """Probability that the effect exceeds `x`, reading the estimate's t distribution as a flat-prior posterior.

        None where no standard error is shown.
        """
        if self.std_error is None or self.df is None:
            return None
        from scipy import stats

        return float(stats.t.sf((x - self.value) / self.std_error, self.df))

    def detectable(self, power: float = 0.8) -> float | None:
        """The smallest effect that a test at this level finds with probability `power`; None without an error."""
        if self.std_error is None or self.df is None:
            return None
        from scipy import stats

        half = (1 + self.level) / 2
        return float((stats.t.ppf(half, self.df) + stats.t.ppf(power, self.df)) * self.std_error)


@dataclass(frozen=True)
class Check:
    """One threat to validity: what was looked at, what was found with its uncertainty, what to do.

    Never a bare "passed": `finding` says how much the check could have seen; the report writes `amounts`, in the unit
    of the outcome, where it has {name}. p_value, low and high are None where the check has none.
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


@dataclass(frozen=True, eq=False)
class Effects:
    """The pieces a design estimates, with everything later steps need.

    table: one row per piece with columns cohort, period, event_time, estimate, std_error, weight (its weight in the
    average), treated_clusters (behind it) and, where there is a reference cell, estimate 0 and std_error 0.
    event_time counts periods since adoption, negative before. share: (G,) sizes of the cohorts in `share_cohorts` as
    shares of all units, with `joint` the (K+G, K+G) covariance of estimates and shares, so that averages carry the
    uncertainty of estimated shares. cohort_clusters: (G,) clusters of each cohort; concentration: (G,) sum of squared
    shares of a cohort's clusters in it. reference: event time of the reference cell, None if it varies. baseline: the
    treated units' mean outcome in the last period before adoption. refit estimates again on other data.
    """

    table: pd.DataFrame
    joint: Array
    share: Array
    share_cohorts: Array
    kind: Kind
    reference: int | None
    anticipation: int
    estimand: str
    method: str
    inference: str
    df: float
    n: int
    clusters: int
    treated_clusters: int
    baseline: float
    refit: Callable[[Any], Effects]
    cohort_clusters: Array = field(default_factory=lambda: np.empty(0))
    concentration: Array = field(default_factory=lambda: np.empty(0))
    effective: float | None = None
    by_cohort: Array | None = None
    influence: Callable[[], Array] | None = None

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

    def average(self, level: float) -> Estimate:
        """The average over treated periods, weighting pieces as their kind implies, with a t interval."""
        one = self if self.kind == "single" else self._averaged(self._overall()[None], "single", [0])
        return _estimate(one, level)

    def pre(self) -> Effects:
        """The pieces before adoption (and before anticipation), without the reference cell."""
        keep = (self.table["event_time"] < -self.anticipation) & (self.table["std_error"] > 0)
        return self._only(keep.to_numpy())

    def resting_on(self, clusters: int) -> Effects:
        """The pieces with at least `clusters` treated clusters behind them."""
        return self._only((self.table["treated_clusters"] >= clusters).to_numpy())

    def post(self) -> Effects:
        """The pieces from adoption on."""
        return self._only((self.table["event_time"] >= 0).to_numpy())

    def intervals(self, level: float, enough: int) -> pd.DataFrame:
        """The table with low, high and p_value by piece; std_error and they are missing for reference cells and for
        pieces with fewer than `enough` treated clusters behind them."""
        shown = (self.table["std_error"] > 0) & (self.table["treated_clusters"] >= enough)
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

    def _only(self, keep: Array) -> Effects:
        places = np.flatnonzero(np.concatenate([keep, np.ones(len(self.share), dtype=bool)]))
        return replace(
            self,
            table=self.table[keep].reset_index(drop=True),
            joint=self.joint[np.ix_(places, places)],
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
        return post

    def _averaged(self, inside: Array, kind: Kind, labels: list[Any]) -> Effects:
        """Weighted averages; `inside` (M, K) holds the fixed part of each weight, shares multiply it if they apply."""
        import pandas as pd

        shared = self.kind in ("cells", "cohort") and len(self.share) > 0 and kind != "cohort"
        member = self._own_cohort() if shared else None
        weights, values, joint = averaged(self.estimate, self.joint, inside, self.share, member)
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
            }
        )
        effective = self._effective(weights[0]) if kind == "single" else None
        return replace(self, table=table, joint=joint, kind=kind, influence=None, effective=effective, by_cohort=by)

    def _clusters_behind(self, weights: Array) -> Array:
        """(M,) treated clusters with weight in each average."""
        if not len(self.cohort_clusters):
            return np.full(len(weights), self.treated_clusters)
        return np.asarray(((weights @ self._member()) > 0) @ self.cohort_clusters)

    def _member(self) -> Array:
        """(K, G) how much of each piece comes from each cohort."""
        return self._own_cohort() if self.by_cohort is None else self.by_cohort

    def _own_cohort(self) -> Array:
        """(K, G) indicators of the cohort in the table."""
        return np.asarray(self.table["cohort"].to_numpy()[:, None] == self.share_cohorts[None, :], dtype=float)

    def _effective(self, weights: Array) -> float | None:
        """Equally weighted treated clusters that an average with these weights is worth (inverse Herfindahl)."""
        if not len(self.concentration):
            return None
        cohort = weights @ self._member()
        return float(1 / (cohort**2 @ self.concentration))


def _weights(kind: Kind, labels: Array, share: Array, cohorts: Array) -> Array:
    if kind == "cohort":
        own = share[np.searchsorted(cohorts, labels)]
        return np.asarray(own / own.sum())
    post = labels >= 0 if kind == "event_time" else np.ones(len(labels), dtype=bool)
    return np.asarray(np.where(post, 1 / max(int(post.sum()), 1), 0.0))


def _estimate(one: Effects, level: float) -> Estimate:
    value, error = float(one.estimate[0]), float(one.table["std_error"].iloc[0])
    low, high, p_value = t_interval(value, error, one.df, level)
    return Estimate(
        value,
        error,
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
    )


def t_interval(value: float, error: float, df: float, level: float) -> tuple[float, float, float]:
    """Interval bounds at `level` and the two-sided p-value of no effect, from a t distribution."""
    from scipy import stats

    half = float(stats.t.ppf((1 + level) / 2, df)) * error
    p_value = float(2 * stats.t.sf(abs(value) / error, df)) if error > 0 else float(value == 0)
    return value - half, value + half, p_value


Data = Panel | Sample
