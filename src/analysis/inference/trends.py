"""How a difference in trends would move an answer: distances in time between what an average compares."""

from __future__ import annotations

import numpy as np

from analysis.panel import Sample
from analysis.result import Data, Effects


def mean_distance(data: Data, effects: Effects, path: Effects | None, average: str) -> float:
    """Average number of periods between the treated cells behind the headline and the periods they are compared with.

    A difference in trends of one unit a period moves the headline by this many units.
    """
    if path is None or isinstance(data, Sample):
        places = np.arange(len(data.periods))
        start = data.start if isinstance(data, Sample) else int(data.cohorts.max())
        return float(places[start:].mean() - places[:start].mean())
    if effects.kind == "single":
        times = path.table["event_time"]
        return float(times[times >= 0].mean() - times[times < 0].mean())
    chosen = path if average == "event_time" else effects
    post = chosen.table[chosen.table["event_time"] >= 0]
    return float(np.average(post["event_time"] + 1 + effects.anticipation, weights=post["weight"]))
