"""What the data look like before any model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.panel import NEVER, Array, Panel, Sample
from analysis.result import Data


def group_means(data: Data) -> tuple[Array, Array | None]:
    """Weighted mean outcome per period (T,) of the units the policy reached, and of those it did not (None if none)."""
    if isinstance(data, Sample):
        return _by_period(data, data.treated), _by_period(data, ~data.treated)
    treated = data.adoption != NEVER
    return _path(data, treated), _path(data, ~treated) if (~treated).any() else None


def group_rows(sample: Sample) -> tuple[Array, Array]:
    """(T,) rows per period of the group that the policy reached, and of the other."""
    periods = np.arange(len(sample.periods))
    counts = [(sample.period[member][:, None] == periods).sum(axis=0) for member in (sample.treated, ~sample.treated)]
    return counts[0], counts[1]


def _by_period(sample: Sample, member: Array) -> Array:
    rows = [member & (sample.period == t) for t in range(len(sample.periods))]
    return np.array([np.average(sample.outcome[row], weights=sample.weight[row]) for row in rows])


def _path(panel: Panel, member: Array) -> Array:
    seen = np.isfinite(panel.outcome[member])
    weight = panel.weight[member, None] * seen
    return np.asarray((np.where(seen, panel.outcome[member], 0.0) * weight).sum(axis=0) / weight.sum(axis=0))


MOST_PERIODS = 12
CODES = (-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, 99999.0)


@dataclass(frozen=True)
class Gaps:
    """Missing values by group and period.

    groups: their names; periods: the label of each row, one row for all where there are no periods. rows, outcome,
    others: (periods, groups) counts of rows, of rows without an outcome, and of rows without another used value.
    """

    groups: tuple[str, ...]
    periods: tuple[str, ...]
    rows: Array
    outcome: Array
    others: Array


def gaps(outcome: Array, others: Array, groups: tuple[tuple[str, ...], Array], time: Array | None) -> Gaps:
    """Count rows with a missing outcome, or another missing value (both (rows,) booleans), by group and period.

    groups: names, and (rows,) places among them; rows whose place is -1 form a group of their own. time: (rows,) period
    labels or None; neighbouring periods are put together where there are more than MOST_PERIODS.
    """
    names, place = groups
    if (place < 0).any():
        names, place = (*names, "Not known"), np.where(place < 0, len(names), place)
    labels, period = _periods(time, len(outcome))
    cell = period * len(names) + place
    size = len(labels) * len(names)

    def count(chosen: Array) -> Array:
        return np.bincount(cell[chosen], minlength=size).reshape(len(labels), len(names))

    return Gaps(names, labels, count(np.ones(len(cell), dtype=bool)), count(outcome), count(others))


def _periods(time: Array | None, rows: int) -> tuple[tuple[str, ...], Array]:
    if time is None or not rows:
        return ("All rows",), np.zeros(rows, dtype=int)
    labels, place = np.unique(time, return_inverse=True)
    starts = np.unique(np.linspace(0, len(labels), min(MOST_PERIODS, len(labels)), endpoint=False).astype(int))
    bucket = np.searchsorted(starts, np.arange(len(labels)), side="right") - 1
    ends = [*(starts[1:] - 1), len(labels) - 1]
    names = [
        f"{labels[a]:.10g}" if a == b else f"{labels[a]:.10g} to {labels[b]:.10g}"
        for a, b in zip(starts, ends, strict=True)
    ]
    return tuple(names), bucket[place]


def oddities(values: Array) -> list[str]:
    """What looks like a code for missing among `values` (finite): a usual code, at an end, far from all others."""
    distinct = np.unique(values)
    if len(distinct) < 4:
        return []
    found = []
    for code, nearest in ((distinct[0], distinct[1]), (distinct[-1], distinct[-2])):
        rest = values[values != code]
        spread = float(np.subtract(*np.percentile(rest, (75, 25))))
        if code in CODES and abs(code - nearest) > 3 * max(spread, 1e-12):
            found.append(f"{code:g} stands far from all others: a code for missing?")
    return found
