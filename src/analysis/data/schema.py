"""What the declaration demands of values, as a pandera schema; and what of it a table breaks, all problems at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.data import delimited
from analysis.data.declared import Column

if TYPE_CHECKING:
    import pandas as pd
    from pandera.pandas import DataFrameSchema

# In the order in which the problems of one column are told.
MISSING, VALUES, MINIMUM, MAXIMUM, EXACT, KEY = "missing", "values", "minimum", "maximum", "exact", "key"
_TYPES = {"number": "float64", "boolean": None, "integer": None, "text": None, "date": "datetime64[s]"}


@dataclass(frozen=True)
class Problem:
    """A rule of one column (or of the key) that rows break: the first such row, from 0, its value, and how many."""

    column: str
    rule: str
    row: int
    value: Any
    rows: int


def of(columns: Mapping[str, Column], key: Sequence[str] = ()) -> DataFrameSchema:
    """The schema of a table with these `columns` (declared types in memory), unique by `key`."""
    import pandera.pandas as pandera

    return pandera.DataFrameSchema(
        {name: _column(declared) for name, declared in columns.items()},
        unique=list(key) or None,
        report_duplicates="exclude_first",
    )


def problems(frame: pd.DataFrame, columns: Mapping[str, Column], key: Sequence[str] = ()) -> list[Problem]:
    """Every rule that `frame` (index 0, 1, ...) breaks, in the order of the declaration; empty where it keeps all."""
    from pandera.errors import SchemaErrors

    try:
        of(columns, key).validate(frame, lazy=True)
    except SchemaErrors as errors:
        return _told(errors.failure_cases, frame, list(columns), list(key))
    return []


def _column(declared: Column) -> Any:
    import pandera.pandas as pandera

    checks = []
    if declared.values is not None:
        checks.append(pandera.Check.isin(declared.values, error=VALUES))
    if declared.minimum is not None:
        checks.append(pandera.Check.ge(declared.minimum, error=MINIMUM))
    if declared.maximum is not None:
        checks.append(pandera.Check.le(declared.maximum, error=MAXIMUM))
    if declared.type == "integer":
        checks.append(pandera.Check(_exact, error=EXACT))
    return pandera.Column(_TYPES[declared.type], checks, nullable=declared.missing == "allow")


def _exact(series: pd.Series[Any]) -> Any:
    """Whole numbers beside missing ones are floats, which are exact up to a limit only."""
    return series.dtype.kind != "f" or series.abs() < delimited.EXACT


def _told(cases: pd.DataFrame, frame: pd.DataFrame, names: list[str], key: list[str]) -> list[Problem]:
    rules = [MISSING, VALUES, MINIMUM, MAXIMUM, EXACT, KEY]
    cases = cases.assign(
        rule=cases["check"].replace({"not_nullable": MISSING, "multiple_fields_uniqueness": KEY}),
    )
    found = []
    for (column, rule), group in cases.groupby(["column", "rule"], sort=False):
        if rule == KEY and column != key[0]:
            continue
        row = int(group["index"].min())
        value = tuple(frame[name].iloc[row] for name in key) if rule == KEY else frame[column].iloc[row]
        found.append(Problem(str(column), str(rule), row, value, len(group)))
    return sorted(found, key=lambda one: (one.rule == KEY, names.index(one.column), rules.index(one.rule)))
