"""What static two-way fixed effects average when adoption is staggered: which comparisons, and which effects.

Two views of the same coefficient. Goodman-Bacon (2021): a weighted average of every two-by-two comparison between two
cohorts, among them comparisons with cohorts already treated. De Chaisemartin and D'Haultfoeuille (2020): a weighted sum
of the effects of all treated cohorts and periods, in which weights can be negative. Both need only cohort sizes and
mean paths. Weights of units, constant over time, enter as sizes: both decompositions stay exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.inference.moments import Moments, moments
from analysis.panel import NEVER, Array, Panel
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd

NEVER_TREATED = "treated against never treated"
EARLIER = "earlier against later treated"
LATER = "later against already treated"
ALWAYS = "treated against always treated"
TYPES = (NEVER_TREATED, EARLIER, LATER, ALWAYS)
TOO_LATE = (LATER, ALWAYS)


@dataclass(frozen=True)
class Heterogeneity:
    """How much effects must vary for two-way fixed effects to mislead (de Chaisemartin and D'Haultfoeuille 2020).

    negative: share of treated unit-periods whose effect counts negatively. negative_sum: sum of those weights (all
    weights sum to one). sign: smallest standard deviation of effects over treated unit-periods at which the coefficient
    is compatible with an average effect of zero. opposite: the same with no effect of the coefficient's sign anywhere;
    infinite where no weight is negative. Both standard deviations are in the unit of the outcome.
    """

    negative: float
    negative_sum: float
    sign: float
    opposite: float


def bacon(panel: Panel) -> pd.DataFrame:
    """Every two-by-two comparison inside the two-way fixed effects coefficient (Goodman-Bacon 2021, theorem 1).

    Args:
        panel: a balanced panel whose treatment stays on once adopted.

    Returns:
        One row per comparison: type (one of TYPES), treated and control (adoption dates; control is missing for never
        treated), estimate in the unit of the outcome, and weight. Weights are positive and sum to one; the weighted sum
        of estimates is the coefficient. Comparisons with cohorts treated in every period have the type ALWAYS.

    Raises:
        Refusal: P007 where cells are missing, P002 where the treatment switches off, P005 where nothing is compared,
            E131 where only eligible units are treated.
    """
    import pandas as pd

    kernel = _kernel(panel)
    rows = [_pair(kernel, a, b) for a in range(len(kernel.cohorts)) for b in range(len(kernel.cohorts)) if a != b]
    kept = [row for row in rows if row is not None and row[4] > 0]
    table = pd.DataFrame(kept, columns=["type", "treated", "control", "estimate", "weight"])
    names = {NEVER: np.nan} | {int(c): float(panel.periods[c]) for c in kernel.cohorts if c != NEVER}
    return table.assign(
        treated=table["treated"].map(names),
        control=table["control"].map(names),
        weight=table["weight"] / table["weight"].sum(),
    )


def by_type(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Comparisons of `bacon` summed by type: type, average estimate within it, weight, number of comparisons."""
    import pandas as pd

    found = []
    for name in TYPES:
        rows = comparisons[comparisons["type"] == name]
        if len(rows):
            average = float(np.average(rows["estimate"], weights=rows["weight"]))
            found.append((name, average, float(rows["weight"].sum()), len(rows)))
    return pd.DataFrame(found, columns=["type", "estimate", "weight", "comparisons"])


def two_way_weights(panel: Panel) -> pd.DataFrame:
    """The weight that two-way fixed effects put on each cohort's effect in each treated period.

    Under parallel trends the coefficient is the sum of these weights, which sum to one, times the effects (de
    Chaisemartin and D'Haultfoeuille 2020, theorem 1).

    Returns:
        One row per treated cohort and period: cohort and period (labels), weight, and share of all treated unit-periods
        (the weight that an average over treated unit-periods would put there).

    Raises:
        Refusal: as `bacon`.
    """
    import pandas as pd

    kernel = _kernel(panel)
    residual = _residual(kernel)
    mass = _treated(kernel) * kernel.size[:, None]
    rows, columns = np.nonzero(mass)
    return pd.DataFrame(
        {
            "cohort": panel.periods[kernel.cohorts[rows]],
            "period": panel.periods[columns],
            "weight": (residual * mass)[rows, columns] / (residual * mass).sum(),
            "share": mass[rows, columns] / mass.sum(),
        }
    )


def coefficient(panel: Panel) -> float:
    """The coefficient that `bacon` and `two_way_weights` take apart. Raises Refusal as `bacon` does."""
    kernel = _kernel(panel)
    weighted = _residual(kernel) * kernel.size[:, None]
    return float((weighted * kernel.mean).sum() / (weighted * _treated(kernel)).sum())


def heterogeneity(weights: Array, share: Array, coefficient: float) -> Heterogeneity:
    """What the weights (K,) on effects, against the `share` (K,) each has of treated unit-periods, allow.

    Corollary 1 of de Chaisemartin and D'Haultfoeuille (2020). With w = weights / share, the first bound is
    |coefficient| / sd(w); the second fixes at zero the effects with the largest w and spreads the rest optimally.
    """
    negative = weights < -1e-12
    w = weights / share
    spread = math.sqrt(float(share @ (w - 1) ** 2))
    return Heterogeneity(
        negative=float(share[negative].sum()),
        negative_sum=float(weights[negative].sum()),
        sign=float(abs(coefficient) / spread) if spread > 1e-9 else math.inf,
        opposite=_opposite(w, share, float(abs(coefficient))) if negative.any() else math.inf,
    )


def _opposite(w: Array, share: Array, size: float) -> float:
    """The smallest standard deviation of effects none of which has the coefficient's sign."""
    order = np.argsort(-w, kind="stable")
    w, share = w[order], share[order]
    tail = np.cumsum(share[::-1])[::-1]
    first = np.cumsum((share * w)[::-1])[::-1]
    second = np.cumsum((share * w**2)[::-1])[::-1]
    with np.errstate(divide="ignore"):
        start = int(np.argmax(w < -first / np.clip(1 - tail, 0, None)))
    return float(size / math.sqrt(second[start] + first[start] ** 2 / (1 - tail[start])))


def _kernel(panel: Panel) -> Moments:
    where = panel.labels.first_treated
    if panel.eligible is not None:
        problem = "only some units of an adopting group are treated, and no cohort shares one path"
        raise Refusal("E131", where, problem, "leave out `eligible` to decompose two-way fixed effects")
    if panel.treatment is not None:
        raise Refusal("P002", where, "the treatment can switch off or vary", "decompose panels where it stays on")
    kernel = moments(panel)
    if not np.isfinite(kernel.mean).all():
        raise Refusal("P007", where, "cells are missing", "set `unbalanced: drop_units`")
    if not np.abs(_residual(kernel)).max() > 1e-9:
        raise Refusal("P005", where, "no two cohorts to compare", "add units that adopt at other dates, or never")
    return kernel


def _treated(kernel: Moments) -> Array:
    place = np.arange(kernel.periods)[None, :]
    return np.asarray((kernel.cohorts[:, None] != NEVER) & (place >= kernel.cohorts[:, None]))


def _residual(kernel: Moments) -> Array:
    """(G, T) the treatment indicator net of unit means and of period means weighted by size."""
    treated = _treated(kernel).astype(float)
    within = treated - treated.mean(axis=1, keepdims=True)
    return np.asarray(within - kernel.size @ within / kernel.size.sum())


def _pair(kernel: Moments, a: int, b: int) -> tuple[str, int, int, float, float] | None:
    """The comparison in which cohort `a` becomes treated and `b` does not change, with its raw weight."""
    treated, control = int(kernel.cohorts[a]), int(kernel.cohorts[b])
    if treated in (NEVER, 0):
        return None
    periods = kernel.periods
    on = 1 - treated / periods
    if control == NEVER:
        kind, window, spread = NEVER_TREATED, (0, periods), on * (1 - on)
    elif control > treated:
        kind, window, spread = EARLIER, (0, control), (on - (1 - control / periods)) * (1 - on)
    else:
        already = 1 - control / periods
        kind, window, spread = (LATER if control else ALWAYS), (control, periods), on * (already - on)
    change = kernel.mean[:, treated : window[1]].mean(axis=1) - kernel.mean[:, window[0] : treated].mean(axis=1)
    return kind, treated, control, float(change[a] - change[b]), float(kernel.size[a] * kernel.size[b] * spread)
