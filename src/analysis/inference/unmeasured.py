"""How strong would an unmeasured cause have to be: E-values, and Rosenbaum's bounds for matched pairs.

VanderWeele and Ding (2017), Annals of Internal Medicine 167(4), with the approximation of Chinn (2000) for outcomes
that are not shares; Rosenbaum (2002), Observational Studies, section 4.3.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.panel import Array

PER_DEVIATION = 0.91  # log risk ratio that stands for one standard deviation of the outcome


def risk_ratio(effect: float, deviation: float, level: float | None = None) -> float:
    """The ratio of risks, one or more, that an effect of this size amounts to.

    level: the comparison group's mean where the outcome is a share; otherwise the effect in standard deviations is
    translated.
    """
    if level is not None and level > 0:
        ratio = max((level + effect) / level, 1e-12)
    else:
        ratio = math.exp(PER_DEVIATION * effect / deviation)
    return max(ratio, 1 / ratio)


def e_value(ratio: float) -> float:
    """How many times likelier, at the least, an unmeasured cause would have to make both treatment and outcome."""
    return ratio + math.sqrt(ratio * (ratio - 1))


def signed_rank_p(differences: Array, gamma: float) -> float:
    """Largest one-sided p-value of Wilcoxon's signed ranks, were one of a pair up to `gamma` times likelier treated.

    In the direction of the differences' own rank sum; zeros are left out; the normal approximation with ties.
    """
    from scipy import stats

    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    ranks = stats.rankdata(np.abs(moved))
    positive = max(ranks[moved > 0].sum(), ranks[moved < 0].sum())
    chance = gamma / (1 + gamma)
    spread = math.sqrt(chance * (1 - chance) * float((ranks**2).sum()))
    return float(stats.norm.sf((positive - chance * ranks.sum()) / spread))


def sensitivity(differences: Array, alpha: float = 0.025, most: float = 100.0) -> float:
    """The largest `gamma` at which the one-sided p-value stays at or below `alpha`; 1 where it never does."""
    from scipy import optimize

    if signed_rank_p(differences, 1.0) > alpha:
        return 1.0
    if signed_rank_p(differences, most) <= alpha:
        return most
    return float(optimize.brentq(lambda gamma: signed_rank_p(differences, gamma) - alpha, 1.0, most, xtol=1e-6))
