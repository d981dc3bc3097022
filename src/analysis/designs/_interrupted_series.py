"""One series in the order of time, as all designs of an interrupted series see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.inference import periods
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows


@dataclass(frozen=True, eq=False)
class Series:
    """One series in the order of time. labels: (T,) periods as written; place: (T,) whole numbers one apart; under:
    (T,) the policy is in force; counted: (T,) and its transition is over."""

    rows: Rows
    labels: Array
    place: Array
    under: Array
    counted: Array

    @property
    def outcome(self) -> Array:
        """(T,) the outcome."""
        return self.rows.outcome

    @property
    def first(self) -> int:
        """Position of the first period under the policy."""
        return int(np.argmax(self.under))


def series(data: Rows, start: float, end: float | None, lag: int) -> Series:
    """The series in time order. Raises Refusal: no time (D402), gaps or repeats (P001, P008), no start (P005)."""
    if data.time is None:
        raise Refusal("D402", "time", "the table has no column with the role time", "declare one in source.yml")
    rows = data.rows(np.argsort(data.time, kind="stable"))
    assert rows.time is not None
    labels = np.asarray(rows.time, dtype=float)
    place = periods.places(labels, data.labels.time)
    periods.belongs(start, labels, "start")
    periods.belongs(start if end is None else end, labels, "end")
    under = (labels >= start) & (labels <= (np.inf if end is None else end))
    span = f"the data run from {periods.words(labels[0], periods.calendar(labels))} to "
    span += periods.words(labels[-1], periods.calendar(labels))
    if not under.any() or under[0]:
        raise Refusal(
            "P005", "start", f"no period {'before' if under[0] else 'under'} the policy: {span}", "correct it"
        )
    counted = under & (np.arange(len(labels)) >= int(np.argmax(under)) + lag)
    if not counted.any():
        raise Refusal("P005", "lag", "no period is left once the transition is over", "shorten `lag`")
    return Series(rows, labels, place, under, counted)


def at_most(one: Series, periods: int) -> None:
    """Refuse a series too long for a design that works with all pairs of periods."""
    if len(one.place) > periods:
        problem = f"{len(one.place):,} periods, and this design takes at most {periods:,}"
        raise Refusal("E125", "design", problem, "add periods up (weeks, months), or choose another design")


def mean_of(one: Series, names: list[str]) -> Array:
    """(T,) the mean of some columns in each period."""
    return np.asarray(np.mean([one.rows.column(name) for name in names], axis=0))
