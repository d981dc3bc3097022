"""From a long table to `Rows`: every defect of a cross-section, a series or a panel with gaps is found here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.data.grid import codes, plain
from analysis.data.panels import infinite, positive
from analysis.panel import Array, Labels
from analysis.refusal import Refusal
from analysis.rows import Rows

if TYPE_CHECKING:
    import pandas as pd


def rows_from_frame(
    frame: pd.DataFrame,
    labels: Labels,
    *,
    columns: Sequence[str] = (),
    unobserved: bool = False,
    gaps: Collection[str] = (),
) -> Rows:
    """The rows of `frame` under the roles in `labels`, in the table's order, or in time order for a single series.

    Rows with a missing value in a named column are dropped and counted; rows with a missing outcome too, or set aside
    where `unobserved`. A missing value in one of the `gaps` stays. Text columns become codes with their words in
    `categories`.

    Raises Refusal: no rows left (P005), duplicate or missing unit and time (P001), infinite or constant outcome
    (E117), missing weight (E129) or cluster (E105), a date where numbers are needed (D402).
    """
    outcome = frame[labels.outcome].to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(outcome).any():
        raise infinite(labels.outcome, int(np.isinf(outcome).sum()))
    values, categories = _columns(frame, [name for name in columns if name != labels.outcome])
    unit, units, time = _keys(frame, labels)
    found = Rows(
        outcome=outcome,
        columns=values,
        weight=np.ones(len(frame)),
        cluster=np.arange(len(frame)),
        labels=labels,
        categories=categories,
        unit=unit,
        units=units,
        time=time,
    )
    weight = frame[labels.weight].to_numpy(dtype=float, na_value=np.nan) if labels.weight else found.weight
    cluster = _clusters(frame, labels)
    found = replace(found, weight=weight, cluster=cluster)
    for name, column in values.items():
        if name not in gaps and np.isnan(column).any():
            found = found.only(~np.isnan(found.columns[name]), f"{labels.word(name)} is missing")
    aside = found.rows(np.isnan(found.outcome)) if unobserved else None
    found = _in_order(found.only(~np.isnan(found.outcome), f"{labels.word(labels.outcome)} is missing"))
    _check(found)
    return replace(
        found, weight=positive(found.weight, labels.weight) if labels.weight else found.weight, unobserved=aside
    )


def _columns(frame: pd.DataFrame, names: Sequence[str]) -> tuple[dict[str, Array], dict[str, tuple[str, ...]]]:
    values: dict[str, Array] = {}
    categories: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(names):
        column = frame[name]
        if column.dtype.kind == "M":
            raise Refusal("D402", name, "the column holds dates, where numbers are needed", "name another column")
        if column.dtype.kind in "biuf":
            values[name] = column.to_numpy(dtype=float, na_value=np.nan)
            continue
        words = sorted(str(word) for word in column.dropna().unique())
        place = {word: float(code) for code, word in enumerate(words)}
        values[name] = column.map(place, na_action="ignore").to_numpy(dtype=float, na_value=np.nan)
        categories[name] = tuple(words)
    return values, categories


def _keys(frame: pd.DataFrame, labels: Labels) -> tuple[Array | None, Array, Array | None]:
    """Unit codes and labels, and periods, where declared. Raises Refusal P001 for missing or duplicate keys."""
    for name in (labels.unit, labels.time):
        missing = int(frame[name].isna().sum()) if name else 0
        if missing:
            raise Refusal("P001", name, f"{missing} rows have no value", "every row needs its unit and its period")
    time: Any = frame[labels.time].to_numpy() if labels.time else None
    if time is not None and time.dtype.kind not in "iuf":
        raise Refusal("P008", labels.time, "periods are not numbers", "number them, e.g. 20141 for a first quarter")
    if not labels.unit:
        return None, np.empty(0), time
    units, unit = np.unique(frame[labels.unit].to_numpy().astype(object), return_inverse=True)
    if time is not None:
        _refuse_duplicates(frame, labels)
    return unit, units, time


def _refuse_duplicates(frame: pd.DataFrame, labels: Labels) -> None:
    twice = frame.duplicated([labels.unit, labels.time]).to_numpy()
    if twice.any():
        first = frame.loc[twice, [labels.unit, labels.time]].iloc[0]
        raise Refusal(
            "P001",
            f"({labels.unit},{labels.time})",
            f"{int(twice.sum())} duplicate unit-time rows, first: {','.join(str(plain(x)) for x in first)}",
            "aggregate or drop duplicates, or choose another time column",
        )


def _clusters(frame: pd.DataFrame, labels: Labels) -> Array:
    if not labels.cluster:
        return np.arange(len(frame))
    column = frame[labels.cluster]
    if column.isna().any():
        raise Refusal("E105", labels.cluster, "a row has no cluster", "every row needs its cluster")
    return codes(column.to_numpy())


def _in_order(found: Rows) -> Rows:
    """A single series in the order of time; other rows as they came."""
    if found.time is None or found.unit is not None or len(np.unique(found.time)) < found.n:
        return found
    return found.rows(np.argsort(found.time, kind="stable"))


def _check(found: Rows) -> None:
    if not found.n:
        raise Refusal("P005", found.labels.outcome, "no rows are left", "check `where`, `since` and `until`")
    if found.outcome.min() == found.outcome.max():
        raise Refusal(
            "E117", found.labels.outcome, "the outcome never varies", "choose another outcome, or check `where`"
        )
