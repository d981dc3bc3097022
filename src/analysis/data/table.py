"""A declared dataset as a data frame: every value of the declared type, in range, missing only where it may be."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from analysis import paths
from analysis.data import catalog, columnar, delimited
from analysis.data.catalog import Column, Source
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]

# Where a row stands, in words, from its position.
Place = Callable[[int], str]


def load(dataset: str) -> pd.DataFrame:
    """The table of `dataset` as its source.yml declares it: rows in the order of the file, columns as declared.

    Columns of the file that are not declared are dropped. integer: int64, or float64 where values are missing;
    number: float64; text: Arrow strings; boolean: bool, or float64 (0, 1) where values are missing; date:
    datetime64[s]. If src/analysis/data/<dataset>.py exists its `tidy(frame) -> frame` adds the derived columns, which
    are checked like the others.

    Raises Refusal D401, D406, R304 or R305 (`catalog.read`, `catalog.verify`), D402 column missing, D403 wrong type,
    D404 out of range or not an allowed value, D405 missing where nothing may be missing, D407 unreadable file.
    """
    import pandas as pd

    source = catalog.read(dataset)
    path = catalog.verify(source)
    shown = paths.shown(path)
    stored = {name: declared for name, declared in source.columns.items() if declared.derived is None}
    flat = path.suffix == ".csv"
    columns = delimited.read(path, shown, stored) if flat else columnar.read(path, shown, stored)
    place: Place = (lambda row: f"line {delimited.line_of(path, row)}") if flat else (lambda row: f"row {row + 1}")
    series = {name: _series(columns.pop(name), f"{shown}:{name}", stored[name], place) for name in stored}
    frame = pd.DataFrame(series, copy=False)
    _check_rows(source, len(frame))
    return _derived(source, _tidied(source, frame))


def _check_rows(source: Source, rows: int) -> None:
    if source.rows is not None and rows != source.rows:
        problem = f"{source.rows} rows declared, the file has {rows}"
        raise Refusal("D401", f"{source.declaration}:rows", problem, "correct `rows`, or restore the file")


def _series(column: pa.ChunkedArray, where: str, declared: Column, place: Place) -> pd.Series[Any]:
    import pandas as pd

    if declared.type == "text":
        text = pd.Series(_text_dtype().__from_arrow__(column))
        coded = text.isin([code for code in declared.missing_codes if isinstance(code, str)])
        series = text.mask(coded) if coded.any() else text
    else:
        series = pd.Series(_plain(column, declared), copy=False)
    _check(series, where, declared, place)
    return series


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


def _check(series: pd.Series[Any], where: str, declared: Column, place: Place) -> None:
    """Refuse the first column that breaks its declaration, naming the first row that does."""
    missing = series.isna()
    if declared.missing == "refuse":
        _refuse("D405", where, missing, series, place, "missing", "fill the fields, or declare `missing: allow`")
    if declared.values is not None:
        allowed = ", ".join(str(value) for value in declared.values[:8])
        bad = ~series.isin(declared.values) & ~missing
        _refuse("D404", where, bad, series, place, f"not one of {allowed}", "correct the values, or extend `values`")
    for limit, name in ((declared.minimum, "minimum"), (declared.maximum, "maximum")):
        if limit is not None:
            bad = series < limit if name == "minimum" else series > limit
            word = f"{'below' if name == 'minimum' else 'above'} the {name} {limit}"
            _refuse("D404", where, bad, series, place, word, f"correct the values, or the declared {name}")
    if declared.type == "integer" and series.dtype.kind == "f":
        bad = series.abs() >= delimited.EXACT
        _refuse("D403", where, bad, series, place, "too long to be exact beside missing ones", "declare `type: text`")


def _refuse(
    code: str, where: str, bad: pd.Series[bool], series: pd.Series[Any], place: Place, word: str, fix: str
) -> None:
    flags = bad.to_numpy()
    if flags.any():
        row, count = int(flags.argmax()), int(flags.sum())
        value = "" if code == "D405" else f" {_plainly(series.iloc[row])}"
        many = f" ({count} such values)" if count > 1 else ""
        raise Refusal(code, where, f"{place(row)}: the value{value} is {word}{many}", fix)


def _plainly(value: Any) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else f"{value[:37]}...")
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _tidied(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` after the dataset's own module, if there is one."""
    if not (paths.SOURCE / "data" / f"{source.dataset}.py").is_file():
        return frame
    tidied: pd.DataFrame = importlib.import_module(f"analysis.data.{source.dataset}").tidy(frame)
    return tidied


def _derived(source: Source, frame: pd.DataFrame) -> pd.DataFrame:
    """The declared columns of `frame`, the derived ones checked against their declaration."""
    checked = {}
    for name, declared in source.columns.items():
        if declared.derived is None:
            continue
        where = f"{source.declaration}:{name}"
        if name not in frame:
            fix = f"write it in src/analysis/data/{source.dataset}.py, or delete `derived`"
            raise Refusal("D402", where, "the derived column is not made", fix)
        checked[name] = _as_declared(frame[name], where, declared)
        _check(checked[name], where, declared, lambda row: f"row {row + 1} after tidying")
    return frame.assign(**checked)[list(source.columns)]


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
