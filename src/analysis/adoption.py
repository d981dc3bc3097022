"""Adoption dates as positions among the periods observed."""

from __future__ import annotations

import numpy as np

from analysis.panel import NEVER, Array
from analysis.refusal import Refusal


def positions(adoption_dates: Array, periods: Array, column: str) -> Array:
    """Positions of adoption dates (NaN = never) among sorted `periods`; dates after the last one are NEVER."""
    dates = np.asarray(adoption_dates, dtype=float)
    known = np.isfinite(dates)
    if np.isinf(dates).any():
        raise Refusal("P009", column, "an infinite adoption date", "leave it blank for never-treated")
    low, high = float(periods[0]), float(periods[-1])
    span = max(high - low, 20.0)
    odd = known & ((dates < low - span) | (dates > high + 5 * span) | ((dates <= 0) & (low > 0)))
    if odd.any():
        value = dates[odd][0]
        raise Refusal(
            "P009",
            column,
            f"value {value:g} looks like a code for 'never' (periods run from {low:g} to {high:g})",
            "leave it blank for never-treated, or declare it under missing_codes in source.yml",
        )
    place = np.searchsorted(periods, np.where(known, dates, high + 1), side="left")
    return np.where(place >= len(periods), NEVER, place)


def upcoming(adoption_dates: Array, periods: Array) -> Array:
    """Periods from the last of `periods` to each later adoption date, at the usual spacing; 0 for all others."""
    step = float(np.median(np.diff(periods.astype(float)))) if len(periods) > 1 else 1.0
    ahead = np.ceil((np.asarray(adoption_dates, dtype=float) - float(periods[-1])) / step)
    return np.where(np.isfinite(ahead) & (ahead > 0), np.nan_to_num(ahead), 0).astype(int)


def switches(treatment: Array) -> tuple[Array, bool]:
    """(units,) position of the first change of `treatment` (units, periods), and whether it is only ever switched on.

    Where it is (0 before, 1 from some period on), units treated from the first period on have position 0. Missing cells
    are skipped.
    """
    seen = np.isfinite(treatment)
    first = treatment[np.arange(len(treatment)), seen.argmax(axis=1)]
    forward = _carried(treatment, first)
    changed = forward != first[:, None]
    position = np.where(changed.any(axis=1), changed.argmax(axis=1), NEVER)
    absorbing = bool(np.isin(first, (0.0, 1.0)).all() and np.isin(forward, (0.0, 1.0)).all())
    if absorbing and bool((np.diff(forward, axis=1) >= 0).all()):
        return np.where(first == 1.0, 0, position), True
    return position, False


def _carried(values: Array, first: Array) -> Array:
    """`values` with each missing cell replaced by the last one before it."""
    out = np.where(np.isfinite(values), values, np.nan)
    out[:, 0] = first
    for column in range(1, values.shape[1]):
        out[:, column] = np.where(np.isnan(out[:, column]), out[:, column - 1], out[:, column])
    return out
