"""How a difference in trends would move an answer: distances in time between what an average compares."""

from __future__ import annotations

import numpy as np

from analysis.panel import NEVER, Panel
from analysis.result import Data, Effects


def mean_distance(data: Data, effects: Effects, average: str) -> float:
    """What a steady difference in trends of one unit a period, treated against never-treated, makes of the average.

    Panels: the estimator itself, on an outcome that is nothing but this trend. Without never-treated units, for
    estimators that are not linear in outcomes, and for repeated cross-sections, the mean number of periods from before
    to after.
    """
    if isinstance(data, Panel) and (data.adoption == NEVER).any() and effects.linear:
        trend = (data.adoption != NEVER)[:, None] * np.arange(float(len(data.periods)))
        masked = np.where(np.isfinite(data.outcome), trend, np.nan)
        return float(effects.refit(data.with_outcome(masked)).along(average).averaged_over().estimate[0])
    if isinstance(data, Panel):
        chosen = effects.along(average if average == "event_time" else "simple")
        post = chosen.table[chosen.table["event_time"] >= 0]
        return float(np.average(post["event_time"] + 1 + effects.anticipation, weights=post["weight"]))
    places = np.arange(len(data.periods))
    return float(places[data.start :].mean() - places[: data.start].mean())
