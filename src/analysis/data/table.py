"""A declared dataset as a data frame: every value of the declared type, in range, missing only where it may be."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from analysis import paths
from analysis.data import catalog, columnar, delimited, joins, schema
from analysis.data.declared import Column, Joined, Source
from analysis.data.grid import plain
from analysis.data.schema import Problem
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]

# Where a row stands, in words, from its position.
Place = Callable[[int], str]


def load(dataset: str) -> pd.DataFrame:
    """The table of `dataset` as its source.yml declares it: rows in the order of the file, columns as declared.

    Columns of the file that are not declared are dropped; those of declared joins are added. integer: int64, or float64
    where values are missing; number: float64; text: Arrow strings; boolean: bool, or float64 (0, 1) where values are
    missing; date: datetime64[s]. If src/analysis/data/<dataset>.py exists its `tidy(frame) -> frame` adds the derived
    columns, which are checked like the others.

    Raises Refusal D401, D406, R304 or R305 (`catalog.read`, `catalog.verify`), D402 column missing, D403 wrong type,
    D404 out of range or not an allowed value, D405 missing where nothing may be missing, D407 unreadable file, D408 a
    join that cannot be carried out, P001 a declared key that repeats. The first problem is told in full, with the
    number of the others.
    """
    source = catalog.read(dataset)
    return _derived(source, _tidied(source, stored(source)[0]))


def stored(source: Source) -> tuple[pd.DataFrame, list[joins.Match]]:
    """The file's declared columns, checked, with those of its joins, and how each join went. Raises as `load` does."""
    import pandas as pd

    path = catalog.verify(source)
    shown = paths.shown(path)
    held = {name: one for name, one in source.columns.items() if one.derived is None and not isinstance(one, Joined)}
    flat = path.suffix == ".csv"
    columns = delimited.read(path, shown, held) if flat else columnar.read(path, shown, held)
    place: Place = (lambda row: f"line {delimited.line_of(path, row)}") if flat else (lambda row: f"row {row + 1}")
    series = {name: _series(columns.pop(name), held[name]) for name in held}
    frame = pd.DataFrame(series, copy=False)
    _refuse(schema.problems(frame, held, source.key), held, shown, place, source.key)
    _check_rows(source, len(frame))
    return joins.carried_out(frame, source, [load(join.dataset) for join in source.joins])


def _check_rows(source: Source, rows: int) -> None:
    if source.rows is not None and rows != source.rows:
        problem = f"{source.rows} rows declared, the file has {rows}"
        raise Refusal("D401", f"{source.declaration}:rows", problem, "correct `rows`, or restore the file")


def _series(column: pa.ChunkedArray, declared: Column) -> pd.Series[Any]:
    import pandas as pd

    if declared.type != "text":
        return pd.Series(_plain(column, declared), copy=False)
    text = pd.Series(_text_dtype().__from_arrow__(column))
    coded = text.isin([code for code in declared.missing_codes if isinstance(code, str)])
    return text.mask(coded) if coded.any() else text


def _text_dtype() -> Any:
    import numpy as np
    import pandas as pd

    return pd.StringDtype("pyarrow", na_value=np.nan)


def _plain(column: pa.ChunkedArray, declared: Column) -> np.ndarray[Any, Any]:
    """An Arrow column as a numpy array; missing (codes included) is NaN or NaT."""
    import numpy as np
    import pyarrow as pa

    if declared.type == "date":
        return np.asarray(column.to_numpy()).astype("datetime64[s]")
    if declared.type == "boolean" and column.null_count:
        return np.asarray(column.cast(pa.int8()).to_numpy(), dtype="float64")
    values = np.asarray(column.to_numpy())
    codes = [code for code in declared.missing_codes if not isinstance(code, str)]
    if codes and declared.type in ("integer", "number"):
        coded = np.isin(values, codes)
        return np.where(coded, np.nan, values) if coded.any() else values
    return values


def _refuse(
    found: list[Problem], columns: Mapping[str, Column], shown: str, place: Place, key: Sequence[str] = ()
) -> None:
    """Refuse a table with problems: the first in full, the others counted, with their columns."""
    if not found:
        return
    first, others = found[0], list(dict.fromkeys(one.column for one in found[1:]))
    rest = ""
    if others:
        named = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        rest = f"; {len(found) - 1} more problem{'s' if len(found) > 2 else ''} in {named}"
    if first.rule == schema.KEY:
        repeated = ",".join(_bare(value) for value in first.value)
        problem = f"{place(first.row)}: the key {repeated} stands a second time{_many(first, 'repeats')}{rest}"
        fix = "keep one row for each key, or correct `key` in its source.yml"
        raise Refusal("P001", f"{shown}:({','.join(key)})", problem, fix)
    code, word, fix = _said(first, columns[first.column])
    value = "" if first.rule == schema.MISSING else f" {_plainly(first.value)}"
    problem = f"{place(first.row)}: the value{value} is {word}{_many(first, 'values')}{rest}"
    raise Refusal(code, f"{shown}:{first.column}", problem, fix)


def _many(problem: Problem, what: str) -> str:
    return f" ({problem.rows} such {what})" if problem.rows > 1 else ""


def _said(problem: Problem, declared: Column) -> tuple[str, str, str]:
    """Code, words and fix for a rule that values break."""
    allowed = ", ".join(str(value) for value in (declared.values or [])[:8])
    return {
        schema.MISSING: ("D405", "missing", "fill the fields, or declare `missing: allow`"),
        schema.VALUES: ("D404", f"not one of {allowed}", "correct the values, or extend `values`"),
        schema.MINIMUM: (
            "D404",
            f"below the minimum {declared.minimum}",
            "correct the values, or the declared minimum",
        ),
        schema.MAXIMUM: (
            "D404",
            f"above the maximum {declared.maximum}",
            "correct the values, or the declared maximum",
        ),
        schema.EXACT: ("D403", "too long to be exact beside missing ones", "declare `type: text`"),
    }[problem.rule]


def _plainly(value: Any) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:37]}...")
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _bare(value: Any) -> str:
    return value if isinstance(value, str) else plain(value)


def _tidied(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` after the dataset's own module, if there is one."""
    if not (paths.SOURCE / "data" / f"{source.dataset}.py").is_file():
        return frame
    tidied: pd.DataFrame = importlib.import_module(f"analysis.data.{source.dataset}").tidy(frame)
    return tidied


def _derived(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    """The declared columns of `frame`, the derived ones checked against their declaration."""
    made = {name: declared for name, declared in source.columns.items() if declared.derived is not None}
    for name in made:
        if name not in frame:
            fix = f"write it in src/analysis/data/{source.dataset}.py, or delete `derived`"
            raise Refusal("D402", f"{source.declaration}:{name}", "the derived column is not made", fix)
    if not made:
        return frame[list(source.columns)]
    frame = frame.assign(**{n: _as_declared(frame[n], f"{source.declaration}:{n}", d) for n, d in made.items()})
    after = frame[list(made)].reset_index(drop=True)
    _refuse(schema.problems(after, made), made, source.declaration, lambda row: f"row {row + 1} after tidying")
    return frame[list(source.columns)]


def _as_declared(series: pd.Series[Any], where: str, declared: Column) -> pd.Series[Any]:
    fits = {"integer": "iuf", "number": "iuf", "boolean": "bf", "date": "M"}
    if declared.type == "text":
        return series.astype(_text_dtype())
    if series.dtype.kind not in fits[declared.type]:
        problem = f"the derived column holds {series.dtype}, the declaration says {declared.type}"
        raise Refusal("D403", where, problem, "correct the dataset's module, or the declaration")
    if declared.type == "number":
        return series.astype("float64")
    if declared.type != "integer":
        return series
    if series.dtype.kind == "f" and bool((series.dropna() % 1 != 0).any()):
        raise Refusal("D403", where, "the derived column holds fractions", "declare `type: number`")
    return series if series.isna().any() else series.astype("int64")
