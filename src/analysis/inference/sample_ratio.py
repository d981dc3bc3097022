"""Did the arms come out as planned? The chi-square test of counts against planned shares (Fabijan et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.panel import Array


def chi_square(counts: Sequence[int] | Array, shares: Sequence[float] | Array) -> tuple[float, float]:
    """Statistic and p-value of `counts` (arms,) when `shares` (arms,) were planned."""
    from scipy import stats

    seen, share = np.asarray(counts, dtype=float), np.asarray(shares, dtype=float)
    expected = seen.sum() * share / share.sum()
    statistic = float(((seen - expected) ** 2 / expected).sum())
    return statistic, float(stats.chi2.sf(statistic, len(seen) - 1))
