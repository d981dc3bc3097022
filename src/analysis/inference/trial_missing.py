"""Who of those assigned has an outcome, arm by arm, and the bounds on the effect that follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.inference.attrition_bounds import Bounds, lee
from analysis.inference.trial_arms import Arms
from analysis.inference.trial_rows import Everyone, everyone
from analysis.panel import Array
from analysis.rows import Rows


@dataclass(frozen=True, eq=False)
class Missing:
    """names of all arms, the control arm first; rows assigned and seen: (arms,). bounds: Lee's, on the effect of the
    headline's arm; None where nobody is missing. rows: everyone, with missingness as outcome."""

    names: tuple[str, ...]
    assigned: Array
    seen: Array
    bounds: Bounds | None
    rows: Rows

    @property
    def shares(self) -> Array:
        """(arms,) shares without an outcome."""
        return np.asarray(1 - self.seen / self.assigned)

    @property
    def overall(self) -> float:
        """The share without an outcome in the two arms compared."""
        return float(1 - self.seen[:2].sum() / self.assigned[:2].sum())


def missing(data: Rows, arms: Arms, *, strata: str | None, level: float) -> Missing:
    """Counts by arm, and bounds where outcomes are missing in the two arms compared (strata taken out first)."""
    who = everyone(data, arms, strata)
    many = len(arms.names)
    assigned = np.bincount(who.code, minlength=many)
    seen = np.bincount(who.code[who.seen], minlength=many)
    bounds = _bounds(data, who, level) if (assigned[:2] > seen[:2]).any() else None
    pair = who.code <= 1
    return Missing(arms.shown, assigned, seen, bounds, who.rows.rows(pair))


def _net_of_strata(outcome: Array, code: Array, stratum: Array) -> Array:
    """The outcome less the effect of its stratum, so that the difference of the two arms is the answer's."""
    pair = code <= 1
    group = np.unique(stratum, return_inverse=True)[1]
    size = np.maximum(np.bincount(group, pair), 1)

    def within(values: Array) -> Array:
        return np.asarray(values - (np.bincount(group, pair * values) / size)[group])

    d, y = within((code == 1).astype(float)), within(outcome)
    effect = (pair * d * y).sum() / (pair * d * d).sum()
    means = np.bincount(group, pair * (outcome - effect * (code == 1))) / size
    return np.asarray(outcome - means[group])


def _bounds(data: Rows, who: Everyone, level: float) -> Bounds:
    outcome = np.full(len(who.code), np.nan)
    outcome[who.seen] = _net_of_strata(data.outcome, who.code[who.seen], who.stratum[who.seen])
    pair = who.code <= 1
    cluster = np.unique(who.rows.cluster[pair], return_inverse=True)[1] if who.rows.clustered else None
    return lee(outcome[pair], who.code[pair] == 1, cluster, level)
