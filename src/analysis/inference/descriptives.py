"""What the data look like before any model."""

from __future__ import annotations

import numpy as np

from analysis.panel import NEVER, Array, Panel, Sample
from analysis.result import Data


def group_means(data: Data) -> tuple[Array, Array | None]:
    """Weighted mean outcome per period (T,) of the units the policy reached, and of those it did not (None if none)."""
    if isinstance(data, Sample):
        return _by_period(data, data.treated), _by_period(data, ~data.treated)
    treated = data.adoption != NEVER
    return _path(data, treated), _path(data, ~treated) if (~treated).any() else None


def _by_period(sample: Sample, member: Array) -> Array:
    rows = [member & (sample.period == t) for t in range(len(sample.periods))]
    return np.array([np.average(sample.outcome[row], weights=sample.weight[row]) for row in rows])


def _path(panel: Panel, member: Array) -> Array:
    seen = np.isfinite(panel.outcome[member])
    weight = panel.weight[member, None] * seen
    return np.asarray((np.where(seen, panel.outcome[member], 0.0) * weight).sum(axis=0) / weight.sum(axis=0))
