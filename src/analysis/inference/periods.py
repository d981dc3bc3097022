"""Period labels as places in time: whole numbers that follow one another, and their names in words.

Labels are months written 198601, quarters written 19861, or any numbers at equal distances.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from analysis.panel import Array
from analysis.refusal import Refusal

Calendar = Literal["months", "quarters", "numbers"]
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
CYCLE = {"months": 12, "quarters": 4, "numbers": 0}


def calendar(labels: Array) -> Calendar:
    """How the labels are written: 198601 is a month, 19861 a quarter where all labels can be read so."""
    values = np.asarray(labels, dtype=float)
    if (values != np.round(values)).any():
        return "numbers"
    if ((values >= 100_000) & (values < 1_000_000) & (values % 100 >= 1) & (values % 100 <= 12)).all():
        return "months"
    if ((values >= 10_000) & (values < 100_000) & (values % 10 >= 1) & (values % 10 <= 4)).all():
        return "quarters"
    return "numbers"


def places(labels: Array, column: str) -> Array:
    """(T,) whole numbers one apart, of labels in order; months and quarters count from year 0.

    Raises Refusal: a period is repeated (P001) or left out (P008).
    """
    kind, values = calendar(labels), np.asarray(labels, dtype=float)
    if len(values) > 1 and (np.diff(values) <= 0).any():
        twice = values[1:][np.diff(values) <= 0][0]
        fix = "keep one series with `where`, or add the rows of a period up"
        raise Refusal("P001", column, f"several rows for the period {twice:g}", fix)
    if kind == "months":
        counted = values // 100 * 12 + values % 100 - 1
    elif kind == "quarters":
        counted = values // 10 * 4 + values % 10 - 1
    else:
        step = float(np.diff(values).min()) if len(values) > 1 else 1.0
        counted = values / step
        counted = np.round(counted - counted[0]) + (np.round(counted[0]) if abs(counted[0]) < 1e9 else 0.0)
        near = np.abs(values / step - values[0] / step - (counted - counted[0])) < 0.01
        if not near.all():
            raise _gap(values[1:][~near[1:]][0], column)
    jumps = np.diff(counted) > 1
    if jumps.any():
        raise _gap(values[1:][jumps][0], column)
    return np.asarray(counted, dtype=int)


def cycle(season: int | None, labels: Array, before: int) -> int:
    """Periods of a cycle: as given, or a year of months or quarters where at least two precede the policy, else 0."""
    if season is not None:
        return season
    usual = CYCLE[calendar(labels)]
    return usual if usual and before >= 2 * usual else 0


def near(season: int) -> int:
    """Periods within which two steps of a series cannot be told apart: half a cycle, at least two."""
    return max(2, season // 2)


def words(label: float, kind: Calendar) -> str:
    """A period as people name it: January 1986, the third quarter as 1986 Q3, or the number."""
    if kind == "months":
        return f"{MONTHS[int(label) % 100 - 1]} {int(label) // 100}"
    if kind == "quarters":
        return f"{int(label) // 10} Q{int(label) % 10}"
    return f"{label:g}"


def belongs(label: float, labels: Array, where: str) -> float:
    """`label` itself. Raises Refusal R302 where it is not written as the `labels` of the series are."""
    kind = calendar(labels)
    if kind != "numbers" and calendar(np.append(labels, label)) != kind:
        example = f"the {kind} of this series are written like {labels[0]:g}"
        raise Refusal("R302", where, f"{label:g} is no period: {example}", "write it in the same way")
    return label


def position(label: float, labels: Array, at: Array) -> float:
    """The place of any label, also one outside the data, among the places `at` of `labels`."""
    kind = calendar(labels)
    if kind == "months":
        return float(label // 100 * 12 + label % 100 - 1)
    if kind == "quarters":
        return float(label // 10 * 4 + label % 10 - 1)
    step = (labels[-1] - labels[0]) / max(at[-1] - at[0], 1)
    return float(at[0] + (label - labels[0]) / step)


def _gap(label: float, column: str) -> Refusal:
    return Refusal(
        "P008",
        column,
        f"a period before {label:g} is missing: what follows a gap would count as the next period",
        "fill the gap, or use `since` and `until` to cut the series before or after it",
    )
