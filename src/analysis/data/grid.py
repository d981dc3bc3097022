"""Where each row of a long table belongs in a units x periods matrix.

The common case, a table sorted by unit and period with no row missing, is recognised without sorting or hashing,
so that millions of rows cost a few passes over contiguous memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.panel import Array, Labels
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd


class Grid:
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
            example = f"{plain(units[first // len(periods)])},{plain(periods[first % len(periods)])}"
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
        present = self.observed(values)
        same = (values == first[:, None]) | (np.isnan(values) & (np.isnan(first)[:, None] | ~present))
        if not same.all():
            row = int(np.flatnonzero(~same.all(axis=1))[0])
            found = ", ".join(f"{v:g}" if np.isfinite(v) else "blank" for v in np.unique(values[row][present[row]])[:3])
            raise Refusal(
                code,
                name,
                f"not constant within unit {plain(self.units[row])} ({found})",
                f"one {name} value per unit",
            )
        return np.asarray(first)

    def observed(self, values: Array) -> Array:
        """Which cells have a row."""
        if self.place is None:
            return np.ones(self.shape, dtype=bool)
        present = np.zeros(values.size, dtype=bool)
        present[self.place] = True
        return present.reshape(self.shape)

    def _first(self, values: Array) -> Array:
        column = self.observed(values).argmax(axis=1)
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


def plain(key: object) -> str:
    """A unit or period as people write it: 2, not 2.0."""
    return f"{key:g}" if isinstance(key, float) else str(key)


def codes(values: Array) -> Array:
    """Codes 0, 1, ... of the sorted distinct values."""
    return np.asarray(np.unique(values, return_inverse=True)[1])
