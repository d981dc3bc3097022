"""Simultaneous bands: intervals that all contain their effects at once with the stated probability.

The multiplier bootstrap gives each cluster a random sign and adds up the signed contributions of all clusters to the
effects; the critical value is the quantile of the largest of their absolute values, each divided by its error
(Callaway and Sant'Anna 2021, algorithm 1). Signs are drawn as bits, and clusters come in blocks, so that memory does
not grow with clusters x draws. Without contributions of clusters the draws are normal with the effects' covariance, the
limit of the same bootstrap (Montiel Olea and Plagborg-Moller 2019).

Errors are the effects' own, so that a band is a multiple of the errors shown; or, as in R package did, the
interquartile range of the draws over that of the standard normal. The critical value is moved from the normal to the t
distribution with the effects' degrees of freedom at the same tail probability, and is never below that of one interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.panel import Array
from analysis.result import Effects

if TYPE_CHECKING:
    import pandas as pd

QUARTILES = 1.3489795003921634  # distance between the quartiles of the standard normal distribution
BLOCK = 2_048


@dataclass(frozen=True, eq=False)
class Band:
    """critical: what multiplies each error. quantile: the same before moving to the t distribution. errors: (K,) of the
    effects, 0 for reference cells. covered: how many effects the band covers at once. signs: contributions of clusters
    were used. quartiles: errors come from the interquartile range of the draws."""

    critical: float
    quantile: float
    errors: Array
    covered: int
    level: float
    draws: int
    seed: int
    clusters: int
    df: float
    signs: bool
    quartiles: bool

    def table(self, effects: Effects) -> pd.DataFrame:
        """`effects.table` with low and high of the band; missing for reference cells."""
        half = np.where(self.errors > 0, self.critical * self.errors, np.nan)
        value = effects.table["estimate"]
        return effects.table.assign(low=value - half, high=value + half)

    def words(self) -> str:
        """The convention."""
        how = "multiplier bootstrap, random signs by cluster" if self.signs else "normal draws from the covariance"
        return (
            f"simultaneous {100 * self.level:g} % band over {self.covered} effects: {self.critical:.2f} standard "
            f"errors ({how}; {self.clusters} clusters, {self.draws:,} draws, seed {self.seed}; t distribution with "
            f"{self.df:g} degrees of freedom)"
        )


def band(effects: Effects, *, level: float, draws: int, seed: int, quartiles: bool = False) -> Band:
    """The simultaneous band over all pieces of `effects` that are no reference cells.

    Raises ValueError where there is none.
    """
    own = effects.table["std_error"].to_numpy(dtype=float)
    shown = np.flatnonzero(own > 0)
    if not len(shown):
        raise ValueError("no piece with a standard error to put into a band")
    if effects.influence is not None:
        simulated = signed_sums(effects.influence()[:, shown], draws, seed)
    else:
        simulated = _normal(effects.covariance[np.ix_(shown, shown)], draws, seed)
    errors = np.zeros(len(own))
    errors[shown] = _from_quartiles(simulated) if quartiles else own[shown]
    usable = errors[shown] > 0
    largest = np.abs(simulated[:, usable] / errors[shown][usable]).max(axis=1)
    quantile = float(np.quantile(largest, level, method="inverted_cdf"))
    return Band(
        _t_critical(quantile, effects.df, level),
        quantile,
        errors,
        len(shown),
        level,
        draws,
        seed,
        effects.clusters,
        effects.df,
        effects.influence is not None,
        quartiles,
    )


def signed_sums(influence: Array, draws: int, seed: int) -> Array:
    """(draws, K) sums over clusters of random signs times `influence` (clusters, K)."""
    generator = np.random.default_rng(seed)
    width = -(-draws // 8)
    sums = np.zeros((draws, influence.shape[1]))
    for start in range(0, len(influence), BLOCK):
        part = influence[start : start + BLOCK]
        raw = np.frombuffer(generator.bytes(len(part) * width), dtype=np.uint8).reshape(len(part), width)
        positive = np.unpackbits(raw, axis=1, count=draws)
        sums += 2.0 * (positive.T.astype(float) @ part) - part.sum(axis=0)
    return sums


def _normal(covariance: Array, draws: int, seed: int) -> Array:
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    return np.asarray(np.random.default_rng(seed).normal(size=(draws, len(values))) @ root.T)


def _from_quartiles(simulated: Array) -> Array:
    low, high = np.quantile(simulated, [0.25, 0.75], axis=0, method="inverted_cdf")
    return np.asarray((high - low) / QUARTILES)


def _t_critical(quantile: float, df: float, level: float) -> float:
    from scipy import stats

    single = float(stats.t.ppf((1 + level) / 2, df))
    return max(single, float(stats.t.isf(stats.norm.sf(quantile), df)))
