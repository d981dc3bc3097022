"""The data before any row is left out for a missing value: every used column, and where values are missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.data import joins, roles
from analysis.data.declared import Column, Source
from analysis.inference import descriptives
from analysis.inference.descriptives import Gaps
from analysis.panel import Array, Labels
from analysis.studies.interrupted_time_series import Study as Series
from analysis.studies.randomised_trial import Study as Trial
from analysis.studies.regression_discontinuity import Study as Discontinuity
from analysis.studies.weighting import Study as Weighting
from analysis.study import Study

if TYPE_CHECKING:
    import pandas as pd

MANY = 0.05
HEAPED = 0.1
DOMINANT = 0.95
MOST_ARMS = 4
AMOUNTS = 20


@dataclass(frozen=True)
class Held:
    """One used column: rows with and without a value, distinct values, and its smallest, middle and largest value.

    For rows of people smallest and largest are the 1st and 99th percentiles. NaN where a column holds no amounts
    (text, identifiers; periods have no middle). flags: what deserves a look, in words.
    """

    name: str
    declared: Column
    present: int
    missing: int
    distinct: int
    low: float
    middle: float
    high: float
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """What the used rows of a table hold. rows: how many; columns: each used one; gaps: missing values by group and
    period; absent: unit-periods of a panel without a row, of how many; matches: how joins went; people: whether rows
    are declared to be people."""

    rows: int
    columns: tuple[Held, ...]
    gaps: Gaps
    absent: tuple[int, int]
    matches: tuple[joins.Match, ...]
    people: bool


def examine(study: Study) -> Audit:
    """The audit of the rows that `study` chooses. Raises Refusal as `data.load` does."""
    source, frame, labels, _ = roles.chosen_rows(study)
    names = used(study, labels)
    people = source.units == "people"
    optional = {labels.first_treated, *(name for field, name in study.columns() if field in study.GAPS)}
    others = [name for name in names if name not in (labels.outcome, *optional)]
    return Audit(
        rows=len(frame),
        columns=tuple(_held(name, source, frame[name], labels, people) for name in names),
        gaps=descriptives.gaps(
            frame[labels.outcome].isna().to_numpy(),
            frame[others].isna().any(axis=1).to_numpy() if others else np.zeros(len(frame), dtype=bool),
            _groups(study, frame, labels),
            frame[labels.time].to_numpy() if labels.time else None,
        ),
        absent=_absent(frame, labels),
        matches=tuple(joins.matches(study.dataset)),
        people=people,
    )


def used(study: Study, labels: Labels) -> list[str]:
    """The columns that the answer uses, without repeats: outcome first, then choices, then roles."""
    kept = (labels.treatment, labels.first_treated, labels.time, labels.unit, labels.weight, labels.cluster)
    return list(dict.fromkeys([labels.outcome, *(name for _, name in study.columns()), *(n for n in kept if n)]))


def _held(name: str, source: Source, column: pd.Series[Any], labels: Labels, people: bool) -> Held:
    declared, present = source.columns[name], column.dropna()
    low = middle = high = math.nan
    if declared.type in ("integer", "number") and len(present) and name not in (labels.unit, labels.cluster):
        values = present.to_numpy(dtype=float)
        low, high = np.percentile(values, (1, 99)) if people else (values.min(), values.max())
        middle = math.nan if name in (labels.time, labels.first_treated) else float(np.median(values))
    return Held(
        name=name,
        declared=declared,
        present=len(present),
        missing=len(column) - len(present),
        distinct=int(present.nunique()),
        low=float(low),
        middle=middle,
        high=float(high),
        flags=tuple(_flags(name, declared, column, present, labels)),
    )


def _flags(
    name: str, declared: Column, column: pd.Series[Any], present: pd.Series[Any], labels: Labels
) -> Sequence[str]:
    found = []
    share = 1 - len(present) / max(len(column), 1)
    if share > MANY and name != labels.first_treated:
        found.append(f"{100 * share:.0f} % missing")
    if not len(present) or name in (labels.unit, labels.time, labels.cluster, labels.first_treated):
        return found
    counts = present.value_counts()
    if len(counts) == 1:
        return [*found, "never varies"]
    if counts.iloc[0] / len(present) > DOMINANT:
        found.append("one value in nearly all rows")
    if declared.type in ("integer", "number"):
        values = present.to_numpy(dtype=float)
        found += descriptives.oddities(values)
        at_top = float((values == values.max()).mean())
        if len(counts) > AMOUNTS and at_top > HEAPED:
            found.append("many values at the largest one")
    return found


def _groups(study: Study, frame: pd.DataFrame, labels: Labels) -> tuple[tuple[str, ...], Array]:
    """Names of the groups that the design compares, and (rows,) the place of each row among them; -1 where unknown."""
    if isinstance(study, (Trial, Weighting)):
        return _by_value(frame[study.treatment])
    if isinstance(study, Discontinuity):
        score = frame[study.running].to_numpy(dtype=float, na_value=np.nan)
        side = np.where(np.isnan(score), -1, (score >= study.cutoff).astype(int))
        return ("Below the cut-off", "At or above it"), side
    if isinstance(study, Series):
        return ("Before the policy", "From its start on"), (frame[labels.time].to_numpy() >= study.start).astype(int)
    if study.SHAPE == "panel" and labels.first_treated:
        return ("Never reached by the policy", "Reached at some time"), frame[labels.first_treated].notna().to_numpy(
            int
        )
    if study.SHAPE == "panel":
        switched = frame[labels.treatment].to_numpy(dtype=float, na_value=np.nan)
        return ("Not under the policy", "Under the policy"), np.where(np.isnan(switched), -1, switched != 0).astype(int)
    return ("All rows",), np.zeros(len(frame), dtype=int)


def _by_value(column: pd.Series[Any]) -> tuple[tuple[str, ...], Array]:
    values = sorted(column.dropna().unique().tolist())
    if len(values) > MOST_ARMS:
        return ("All rows",), np.zeros(len(column), dtype=int)
    plain = [f"{value:g}" if isinstance(value, (int, float)) else str(value) for value in values]
    names = ("Control group", "Treated group") if plain == ["0", "1"] else tuple(plain)
    place = {value: number for number, value in enumerate(values)}
    return names, column.map(place).fillna(-1).to_numpy(dtype=int)


def _absent(frame: pd.DataFrame, labels: Labels) -> tuple[int, int]:
    """Unit-periods without a row, and how many there would be; (0, 0) where the table is no panel."""
    if not (labels.unit and labels.time):
        return 0, 0
    full = int(frame[labels.unit].nunique() * frame[labels.time].nunique())
    return full - len(frame), full
