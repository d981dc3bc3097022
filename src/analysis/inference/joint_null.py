"""Many specifications of one question at once: could they look as they do if there were no effect at all?

Three statistics of the whole curve (Simonsohn, Simmons and Nelson 2020): the median estimate, the share of estimates
with the sign that most have, and the share that have it and an interval without zero. Specifications share their data,
so their distribution under no effect is drawn for all of them together: by random signs on clusters' contributions
(a multiplier bootstrap of the influence functions), or from estimates on data in which the treatment was reassigned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.panel import Array

Way = Literal["multipliers", "reassigned"]
# Fewer independent blocks than this have too few patterns of signs for a p-value below one in a thousand.
FEWEST_BLOCKS = 10


@dataclass(frozen=True)
class Statistic:
    """One statistic of the curve: its value, its mean and the 95th percentile of draws under no effect, its p-value."""

    value: float
    expected: float
    extreme: float
    p_value: float


@dataclass(frozen=True)
class Joint:
    """The three statistics, how many specifications and draws are behind them, and how draws were made.

    blocks: independent blocks (clusters that no specification splits) that signs or assignments are drawn for.
    """

    median: Statistic
    sign: Statistic
    significant: Statistic
    specifications: int
    draws: int
    blocks: int
    way: Way


def by_multipliers(
    estimate: Array, error: Array, critical: Array, contributions: Array, *, draws: int, seed: int
) -> Joint:
    """The three statistics with signs drawn at random for blocks.

    Args:
        estimate, error: (S,) estimates and their standard errors. critical: (S,) how many errors an estimate must be
            away from zero for its interval to exclude it.
        contributions: (B, S) influence of every block on every estimate; rescaled to have `error` as their root sum of
            squares, so that draws spread as the errors that are shown.

    A draw is xi' psi with xi_b = +-1: it has mean zero, the errors shown, and the specifications' own correlations
    (van der Vaart and Wellner 1996, section 2.9). The order of blocks and specifications does not matter to the
    distribution; the seed fixes the draws.
    """
    spread = np.sqrt((contributions**2).sum(axis=0))
    if (spread == 0).any() or (error <= 0).any():
        raise ValueError("a specification without spread has no distribution")
    blocks = len(contributions)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, blocks))
    null = signs @ (contributions * (error / spread))
    return _joint(
        estimate, np.abs(estimate) > critical * error, null, np.abs(null) > critical * error, blocks, "multipliers"
    )


def by_draws(estimate: Array, significant: Array, null: Array, null_significant: Array, *, blocks: int) -> Joint:
    """The three statistics against estimates (draws, S) on data in which the treatment was reassigned.

    NaN where a design refused an assignment: that specification is left out of that draw, and a draw that all refuse
    is none.
    """
    made = np.isfinite(null).any(axis=1)
    null, null_significant = null[made], null_significant[made]
    return _joint(estimate, significant, null, null_significant, blocks, "reassigned")


def _joint(estimate: Array, significant: Array, null: Array, flagged: Array, blocks: int, way: Way) -> Joint:
    own = curve(estimate, significant)
    drawn = np.array([curve(row, flag) for row, flag in zip(null, flagged, strict=True)])
    return Joint(*_statistics(own, drawn), len(estimate), len(null), blocks, way)


def curve(estimate: Array, significant: Array) -> tuple[float, float, float]:
    """(size of the median, share with the sign that most have, share with it whose interval excludes zero)."""
    known = np.isfinite(estimate)
    estimate, significant = estimate[known], significant[known].astype(bool)
    if not len(estimate):
        return 0.0, 0.5, 0.0
    positive = float((estimate > 0).mean() + 0.5 * (estimate == 0).mean())
    found = [float(((side * estimate > 0) & significant).mean()) for side in (1, -1)]
    most = max(found) if positive == 0.5 else found[0 if positive > 0.5 else 1]
    return float(abs(np.median(estimate))), max(positive, 1 - positive), most


def _statistics(own: Sequence[float], drawn: Array) -> tuple[Statistic, Statistic, Statistic]:
    """p-values count the observed curve as one of the draws: (1 + draws at least as extreme) / (1 + draws)."""
    made = [
        Statistic(
            value,
            float(column.mean()),
            float(np.quantile(column, 0.95)),
            float((1 + (column >= value - 1e-12).sum()) / (1 + len(column))),
        )
        for value, column in zip(own, drawn.T, strict=True)
    ]
    return made[0], made[1], made[2]
