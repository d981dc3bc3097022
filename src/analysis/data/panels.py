"""From a long table to a `Panel`: every structural defect is found here, before any estimate.

The common case, a table sorted by unit and period with no row missing, is recognised without sorting or hashing,
so that millions of rows cost a few passes over contiguous memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.panel import NEVER, Array, Labels, Panel, positions, upcoming
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd


def panel_from_frame(
    frame: pd.DataFrame,
    labels: Labels,
    *,
    covariates: Sequence[str] = (),
    unbalanced: str = "refuse",
) -> Panel:
    """The panel that `frame` (one row per unit and period) holds under the roles in `labels`.

    Args:
        frame: long table; not changed. Blank first_treated = never treated.
        labels: the column of each role; weight and cluster may be "" (equal weights; every unit its own cluster).
        covariates: columns carried along, observed in every cell.
        unbalanced: "refuse" missing unit-periods, or "drop_units" that miss any.

    Raises:
        Refusal: duplicates, missing keys, non-finite outcomes, missing cells, adoption dates that vary within a unit
            or look like codes, weights or clusters that vary within a unit, no treated or no untreated observation.
    """
    index = _Index(frame, labels)
    outcome = _finite_outcome(index.matrix(labels.outcome), labels.outcome)
    dates = index.constant(labels.first_treated, "P003")
    panel = Panel(
        outcome=outcome,
        units=index.units,
        periods=index.periods,
        adoption=positions(dates, index.periods, labels.first_treated),
        upcoming=upcoming(dates, index.periods),
        notes=_gaps(index.periods, labels.time),
        weight=_weight(index, labels),
        cluster=_cluster(index, labels),
        labels=labels,
        covariates={name: index.matrix(name) for name in covariates},
    )
    panel = _balanced(panel, unbalanced)
    _check_covariates(panel)
    reason = f"treated from the first period ({panel.periods[0]}) on: no period before the policy"
    panel = panel.only(np.asarray(panel.adoption != 0), reason)
    _check_contrast(panel)
    panel.outcome.flags.writeable = False
    return panel


class _Index:
    """Where each row of a long table belongs in the units x periods matrix."""

    def __init__(self, frame: pd.DataFrame, labels: Labels) -> None:
        self.frame, self.labels = frame, labels
        if not len(frame):
            raise Refusal("P005", labels.outcome, "no rows are left", "check `where`, `since` and `until`")
        for name in (labels.unit, labels.time):
            missing = int(frame[name].isna().sum())
            if missing:
                raise Refusal("P001", name, f"{missing} rows have no value", "every row needs its unit and its period")
        unit, time = frame[labels.unit].to_numpy(), frame[labels.time].to_numpy()
        if time.dtype.kind not in "iuf":
            raise Refusal("P008", labels.time, "periods are not numbers", "number them, e.g. 20141 for a first quarter")
        width = _sorted_width(unit, time)
        if width:
            self.place: Array | None = None
            self.units, self.periods = unit[::width], time[:width].copy()
        else:
            self.units, self.periods, self.place = self._hashed(unit, time)
        self.shape = (len(self.units), len(self.periods))

    def _hashed(self, unit: Array, time: Array) -> tuple[Array, Array, Array]:
        import pandas as pd

        row, units = pd.factorize(unit, sort=True)
        column, periods = pd.factorize(time, sort=True)
        place = row * len(periods) + column
        seen = np.zeros(len(units) * len(periods), dtype=bool)
        seen[place] = True
        if int(seen.sum()) < len(place):
            counts = np.bincount(place)
            first = int(np.flatnonzero(counts > 1)[0])
            where = f"({self.labels.unit},{self.labels.time})"
            example = f"{_plain(units[first // len(periods)])},{_plain(periods[first % len(periods)])}"
            raise Refusal(
                "P001",
                where,
                f"{int((counts - 1).clip(min=0).sum())} duplicate unit-time rows, first: {example}",
                "aggregate or drop duplicates, or choose another time column",
            )
        return np.asarray(units), np.asarray(periods), place

    def matrix(self, name: str) -> Array:
        """Column `name` as units x periods floats; NaN where the row is absent."""
        values = self.frame[name].to_numpy(dtype=float, na_value=np.nan)
        if self.place is None:
            return values.reshape(self.shape)
        out = np.full(self.shape[0] * self.shape[1], np.nan)
        out[self.place] = values
        return out.reshape(self.shape)

    def constant(self, name: str, code: str) -> Array:
        """Column `name` as one value per unit. Raises Refusal where it varies within a unit."""
        values = self.matrix(name)
        first = values[:, 0] if self.place is None else self._first(values)
        present = self._present(values)
        same = (values == first[:, None]) | (np.isnan(values) & (np.isnan(first)[:, None] | ~present))
        if not same.all():
            row = int(np.flatnonzero(~same.all(axis=1))[0])
            found = ", ".join(f"{v:g}" if np.isfinite(v) else "blank" for v in np.unique(values[row][present[row]])[:3])
            raise Refusal(
                code,
                name,
                f"not constant within unit {_plain(self.units[row])} ({found})",
                f"one {name} value per unit",
            )
        return np.asarray(first)

    def _present(self, values: Array) -> Array:
        if self.place is None:
            return np.ones(self.shape, dtype=bool)
        present = np.zeros(values.size, dtype=bool)
        present[self.place] = True
        return present.reshape(self.shape)

    def _first(self, values: Array) -> Array:
        column = self._present(values).argmax(axis=1)
        return np.asarray(values[np.arange(len(values)), column])


def _sorted_width(unit: Array, time: Array) -> int:
    """The number of periods when rows run unit by unit through the same increasing periods, else 0."""
    n = len(unit)
    changes = np.flatnonzero(unit[: min(n, 100_000)] != unit[0])
    width = int(changes[0]) if len(changes) else n
    if n % width or unit.dtype == object:
        return 0
    units, times = unit.reshape(-1, width), time.reshape(-1, width)
    regular = (
        bool((units[1:, 0] > units[:-1, 0]).all())
        and bool((times[0, 1:] > times[0, :-1]).all())
        and bool((units == units[:, :1]).all())
        and bool((times == times[0]).all())
    )
    return width if regular else 0


def _finite_outcome(outcome: Array, name: str) -> Array:
    count = int(np.isinf(outcome).sum())
    if count:
        raise infinite(name, count)
    low, high = (np.fmin.reduce(outcome, axis=None), np.fmax.reduce(outcome, axis=None)) if outcome.size else (0, 0)
    if not high > low:
        raise Refusal("E117", name, "the outcome never varies", "choose another outcome, or check `where`")
    return outcome


def infinite(name: str, count: int) -> Refusal:
    """The refusal of an outcome with infinite values."""
    return Refusal("E117", name, f"{count} infinite values", "correct the source")


def _balanced(panel: Panel, unbalanced: str) -> Panel:
    missing = ~np.isfinite(panel.outcome)
    for values in panel.covariates.values():
        missing |= ~np.isfinite(values)
    count = int(missing.sum())
    if not count:
        return panel
    if unbalanced == "drop_units":
        kept = panel.only(np.logical_not(missing.any(axis=1)), "not observed in every period")
        if len(kept.units):
            return kept
    row = int(np.flatnonzero(missing.any(axis=1))[0])
    column = int(np.flatnonzero(missing[row])[0])
    raise Refusal(
        "P007",
        f"({panel.labels.unit},{panel.labels.time})",
        f"panel unbalanced: {count} of {missing.size} unit-periods missing, first: "
        f"{_plain(panel.units[row])},{_plain(panel.periods[column])}",
        "supply them, narrow `since`/`until`, or set `unbalanced: drop_units` to leave those units out and say so",
    )


def _weight(index: _Index, labels: Labels) -> Array:
    if not labels.weight:
        return np.ones(index.shape[0])
    weight = index.constant(labels.weight, "E129")
    return positive(weight, labels.weight)


def positive(weight: Array, name: str) -> Array:
    """Weights scaled to mean one. Raises Refusal unless all are finite and positive."""
    if not (np.isfinite(weight).all() and (weight > 0).all()):
        raise Refusal("E129", name, "a weight is missing, zero or negative", "every unit needs a positive weight")
    return np.asarray(weight / weight.mean())


def _cluster(index: _Index, labels: Labels) -> Array:
    if not labels.cluster or labels.cluster == labels.unit:
        return np.arange(index.shape[0])
    column = index.frame[labels.cluster]
    if column.isna().any():
        raise Refusal("E105", labels.cluster, "a row has no cluster", "every unit needs its cluster")
    coded = index.frame.assign(**{labels.cluster: codes(column.to_numpy())})
    return codes(_Index(coded, labels).constant(labels.cluster, "E105"))


def _gaps(periods: Array, name: str) -> tuple[str, ...]:
    steps = np.diff(periods.astype(float))
    if not len(steps) or steps.max() == steps.min():
        return ()
    place = int(steps.argmax())
    jump = f"{_plain(periods[place])} to {_plain(periods[place + 1])}"
    return (f"{name} jumps from {jump}: time since adoption is counted in observed periods",)


def _plain(key: object) -> str:
    """A unit or period as people write it: 2, not 2.0."""
    return f"{key:g}" if isinstance(key, float) else str(key)


def codes(values: Array) -> Array:
    """Codes 0, 1, ... of the sorted distinct values."""
    return np.asarray(np.unique(values, return_inverse=True)[1])


def _check_covariates(panel: Panel) -> None:
    for name, values in panel.covariates.items():
        if values.min() == values.max():
            raise Refusal("E107", name, "the covariate never varies", "drop it from `covariates`")


def _check_contrast(panel: Panel) -> None:
    where = panel.labels.first_treated
    if not (panel.adoption != NEVER).any():
        raise Refusal("P005", where, "no treated units within these periods", "check the adoption dates and `until`")
    if not (~panel.treated[:, int(panel.cohorts[panel.cohorts != NEVER].min())]).any():
        raise Refusal(
            "P005", where, "no untreated observation to compare with", "add units that adopted later or never"
        )
