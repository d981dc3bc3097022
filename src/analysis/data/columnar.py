"""Parquet into typed columns: types are in the file already and are compared with the declaration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.data.catalog import Column
from analysis.refusal import Refusal
from analysis.study import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


def read(path: Path, shown: str, columns: Mapping[str, Column]) -> dict[str, pa.ChunkedArray]:
    """The declared `columns` of the Parquet file `path` as Arrow columns: int64, double, string, bool or date32.

    Other columns of the file are left out. NaN in a column of numbers is missing. Raises Refusal D402 (column missing),
    D403 (another type in the file) or D407 (not readable, no rows, two columns of one name).
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            _check_header(file.schema_arrow.names, shown, columns)
            table = file.read(columns=list(columns))
    except (pa.ArrowException, OSError) as error:
        problem = f"not readable as Parquet ({' '.join(str(error).split())[:100]})"
        raise Refusal("D407", shown, problem, "write the file again") from None
    if table.num_rows == 0:
        raise Refusal("D407", shown, "the table has no rows", "put the data there")
    return {name: _typed(table[name], declared, f"{shown}:{name}") for name, declared in columns.items()}


def _check_header(header: list[str], shown: str, columns: Mapping[str, Column]) -> None:
    for name in columns:
        if name not in header:
            raise Refusal("D402", f"{shown}:{name}", f"the file has no column {name!r}", did_you_mean(name, header))
        if header.count(name) > 1:
            problem = f"the file has {header.count(name)} columns {name!r}"
            raise Refusal("D407", f"{shown}:{name}", problem, "rename or delete all but one")


def _typed(column: pa.ChunkedArray, declared: Column, where: str) -> pa.ChunkedArray:
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_dictionary(column.type):
        column = compute.cast(column, column.type.value_type)
    kind, held = declared.type, column.type
    try:
        if kind in ("integer", "number") and (pa.types.is_integer(held) or pa.types.is_floating(held)):
            return _numeric(column, declared, where)
        if kind == "number" and pa.types.is_decimal(held):
            return compute.cast(column, pa.float64())
        if kind == "text" and (pa.types.is_string(held) or pa.types.is_large_string(held)):
            return compute.if_else(compute.equal(column, ""), pa.scalar(None, held), column)
        if kind == "boolean" and pa.types.is_boolean(held):
            return column
        if kind == "date" and (pa.types.is_date(held) or pa.types.is_timestamp(held)):
            return compute.cast(column, pa.date32())
    except pa.ArrowInvalid as error:
        raise Refusal("D403", where, str(error).splitlines()[0], "declare the type that the file has") from None
    fix = "declare the type that the file has, or write the file again"
    raise Refusal("D403", where, f"the file holds {held}, the declaration says {kind}", fix)


def _numeric(column: pa.ChunkedArray, declared: Column, where: str) -> pa.ChunkedArray:
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_integer(column.type):
        return compute.cast(column, pa.int64() if declared.type == "integer" else pa.float64())
    column = compute.cast(column, pa.float64())
    column = compute.if_else(compute.is_nan(column), pa.scalar(None, pa.float64()), column)
    _refuse_where(compute.is_inf(column), where, "not a finite number", "correct the value, or leave it empty")
    if declared.type == "number":
        return column
    fraction = compute.not_equal(compute.floor(column), column)
    _refuse_where(fraction, where, "not a whole number", "declare `type: number`, or correct the value")
    return compute.cast(column, pa.int64())


def _refuse_where(bad: pa.ChunkedArray, where: str, word: str, fix: str) -> None:
    from pyarrow import compute

    if compute.any(bad).as_py():
        row = compute.index(bad, True).as_py() + 1
        raise Refusal("D403", where, f"row {row}: the value is {word}", fix)
