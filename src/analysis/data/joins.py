"""Tables side by side: the joins that a source.yml declares, carried out so that no row is multiplied or lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.data import catalog
from analysis.data.declared import Join, Source
from analysis.data.grid import plain
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Match:
    """How one join went: rows here, those that found a match, those with a key missing; the same for rows there."""

    join: Join
    rows: int
    matched: int
    without_key: int
    other_rows: int
    other_matched: int
    other_without_key: int

    @property
    def rate(self) -> float:
        """The share of rows here that found a match."""
        return self.matched / self.rows if self.rows else 1.0


def carried_out(
    frame: pd.DataFrame, source: Source, others: Sequence[pd.DataFrame]
) -> tuple[pd.DataFrame, list[Match]]:
    """`frame` with the columns of its joins, rows as they were, and how each join went; `others` in their order.

    Rows without a match keep their place, the joined columns missing; a missing key matches nothing. Raises Refusal
    D408 where a row would match several, or fewer rows match than the declaration asks for.
    """
    found = []
    for place, (join, other) in enumerate(zip(source.joins, others, strict=True)):
        frame, match = _one(frame, join, other, f"{source.declaration}:joins.{place}")
        found.append(match)
    return frame, found


def matches(dataset: str) -> list[Match]:
    """How the joins of `dataset` went, in their order; empty where it has none. Raises Refusal as `table.load` does."""
    from analysis.data import table

    source = catalog.read(dataset)
    return table.stored(source)[1] if source.joins else []


def _one(frame: pd.DataFrame, join: Join, other: pd.DataFrame, where: str) -> tuple[pd.DataFrame, Match]:
    on = list(join.on)
    complete = other[on].notna().all(axis=1)
    there = other.loc[complete, [*on, *join.columns]]
    _refuse_repeats(there, on, f"rows of {join.dataset} repeat", where)
    here = frame[on].notna().all(axis=1).to_numpy()
    if join.kind == "one_to_one":
        _refuse_repeats(frame.loc[here, on], on, "rows here repeat", where)
    # "m:1" also where one_to_one was asked for: a missing key may stand in several rows.
    merged = frame.merge(there, on=on, how="left", validate="m:1", indicator="_side")
    found = (merged.pop("_side") == "both").to_numpy()
    used = there.merge(frame.loc[here, on].drop_duplicates(), on=on, validate="1:1")
    match = Match(join, len(frame), int(found.sum()), int((~here).sum()), len(other), len(used), int((~complete).sum()))
    _refuse_few(match, frame.loc[~found, on], where)
    return merged.assign(**{name: _settled(merged[name]) for name in join.columns}), match


def _refuse_repeats(keys: pd.DataFrame, on: list[str], whose: str, where: str) -> None:
    twice = keys.duplicated(on).to_numpy()
    if twice.any():
        problem = f"{int(twice.sum())} {whose} a key, first: {_shown(keys.loc[twice, on].iloc[0])}"
        fix = "keep one row for each key there, or add to `on` the column that tells them apart"
        if whose.startswith("rows here"):
            fix = "write `kind: many_to_one` if several rows here belong to one there, or drop the repeats"
        raise Refusal("D408", f"{where}.on", problem, fix)


def _refuse_few(match: Match, lost: pd.DataFrame, where: str) -> None:
    """Raises Refusal D408 where fewer rows match than the declaration asks for, naming the first without a match."""
    join = match.join
    if match.rate < join.minimum_match:
        counted = f"{match.matched} of {match.rows} rows find a match in {join.dataset} ({100 * match.rate:.1f} %)"
        problem = f"{counted}, fewer than minimum_match {join.minimum_match:g}; first without: {_shown(lost.iloc[0])}"
        fix = "correct the keys, or write the share you expect, such as `minimum_match: 0.9`"
        raise Refusal("D408", f"{where}.minimum_match", problem, fix)


def _shown(key: Any) -> str:
    return ",".join("(missing)" if value != value else str(plain(value)) for value in key)


def _settled(series: pd.Series[Any]) -> pd.Series[Any]:
    """Booleans beside missing values as 0 and 1, as `table.load` has them everywhere."""
    return series.astype("float64") if series.dtype == object else series
