"""A trial read along the way: the estimate at each reading, with intervals that may be read once or always."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.fits.randomised_trial import Trial
from analysis.inference.sequential import Looks, ends, factor
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import t_interval
from analysis.rows import Rows

LOOKS = 20
FEWEST = 20  # rows at a first reading


def looks(data: Rows, effects: Trial, *, order: str | None, planned: int | None, level: float) -> Looks | None:
    """The readings in `order`, at most twenty and at about equal shares of the rows; None without an order.

    Readings at which the design cannot be estimated yet are left out.
    """
    if order is None:
        return None
    place = data.column(order)
    whole = planned or _units(effects)
    rows = []
    for end in ends(place, LOOKS):
        part = _until(data, effects, place <= end)
        if part is None:
            continue
        value, error = float(part.estimate[0]), float(part.table["std_error"].iloc[0])
        half = float(factor(_units(part), whole, level)) * error
        once = t_interval(value, error, part.df, level)
        share = float((place <= end).mean())
        rows.append([share, part.n, value, value - half, value + half, once[0], once[1]])
    return Looks(*np.array(rows).T) if rows else None


def _until(data: Rows, effects: Trial, read: Array) -> Trial | None:
    if read.sum() < FEWEST:
        return None
    try:
        found: Trial = effects.refit(data.rows(read), uncertainty="design")  # type: ignore[call-arg, assignment]
    except Refusal:
        return None
    return found if float(found.table["std_error"].iloc[0]) > 0 else None


def _units(effects: Trial) -> int:
    return effects.clusters


@dataclass(frozen=True)
class Halves:
    """The effect among the rows read first, and among those read later, with their difference."""

    first: float
    later: float
    apart: float
    low: float
    high: float
    p_value: float


def halves(data: Rows, effects: Trial, *, order: str, level: float) -> Halves | None:
    """The effect in the first and in the second half of the running order; None where one has no estimate."""
    place = data.column(order)
    middle = ends(place, 2)[0]
    parts = [_until(data, effects, place <= middle), _until(data, effects, place > middle)]
    if parts[0] is None or parts[1] is None:
        return None
    (first, a), (later, b) = ((float(p.estimate[0]), float(p.table["std_error"].iloc[0])) for p in parts if p)
    low, high, p_value = t_interval(later - first, float(np.hypot(a, b)), min(p.df for p in parts if p), level)
    return Halves(first, later, later - first, low, high, p_value)
