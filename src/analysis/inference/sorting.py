"""How much sorting across a cut-off would undo a finding: trimming the most favourable rows of the treated side.

Reference: Gerard, Rokkanen and Rothe (2020), Quantitative Economics 11(3): with a known share of rows that chose their
side, the bounds trim that share from one end of the outcome. Here the spread near the cut-off stands for that at it.
"""

from __future__ import annotations

import numpy as np

from analysis.panel import Array


def share_to_zero(rest: Array, weight: Array, per_unit: float, low: float, high: float) -> float:
    """The smallest share of the treated side that, trimmed from its favourable end, brings zero into (low, high).

    rest: (rows,) outcomes of the treated side less their line; weight: (rows,) their weight at the cut-off; per_unit:
    change of the outcome for one unit of the effect. NaN where zero is inside already or no share is enough.
    """
    if not np.isfinite([low, high]).all() or low <= 0 <= high or len(rest) < 2:
        return float("nan")
    needed = min(abs(low), abs(high)) * per_unit
    up = rest if low > 0 else -rest
    order = np.argsort(-up, kind="stable")
    mass = weight[order] / weight.sum()
    gone = np.cumsum(mass)[:-1]
    left = np.average(up, weights=weight) - np.cumsum(mass * up[order])[:-1]
    fall = np.average(up, weights=weight) - left / (1 - gone)
    enough = np.flatnonzero(fall >= needed)
    return float(gone[enough[0]]) if len(enough) else float("nan")
