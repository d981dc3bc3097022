"""CSV into typed columns: a fast reader for files without a fault, a patient one that finds the fault and names it.

Both give equal columns. Fields are UTF-8 between commas; an empty field is missing and nothing else is, unless the
declaration lists it as a missing code. Text stays as it is written: `001`, `NA` and `null` survive.
"""

from __future__ import annotations

import csv
import datetime
import io
import math
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.data.catalog import Column
from analysis.refusal import Refusal
from analysis.study import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

TRUE, FALSE = ["true", "True", "TRUE", "1"], ["false", "False", "FALSE", "0"]
EXACT = 2**53
_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_COMMA = re.compile(r"[-+]?[0-9.' ]*,[0-9]+")
_INFINITE = re.compile(r"(?i)[-+]?(inf|infinity)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class _Doubt(Exception):
    """The fast reader met something that only the patient one can judge."""


def read(path: Path, shown: str, columns: Mapping[str, Column]) -> dict[str, pa.ChunkedArray]:
    """The declared `columns` of the CSV file `path` as Arrow columns: int64, double, string, bool or date32.

    Other columns of the file are left out. Raises Refusal D402 (column missing), D403 (a field that is not of its type)
    or D407 (not UTF-8, no rows, duplicate header, wrong number of fields, wrong separator, open quotes).
    """
    import pyarrow as pa

    data = path.read_bytes()
    _legible(data, shown)
    _check_header(data, shown, columns)
    for whole in (pa.int64(), pa.float64()):
        try:
            return _fast(data, shown, columns, whole)
        except (_Doubt, pa.ArrowException):
            continue
    return _patient(data, shown, columns)


def line_of(path: Path, row: int) -> int:
    """The line of the file on which the data row `row` (from 0) ends."""
    rows = _rows(path.read_bytes(), path.name)
    next(rows)
    return next(line for number, (line, _) in enumerate(rows) if number == row)


def reads_as_missing(declared: Column) -> set[str]:
    """The missing codes that must be known before a field is converted; numeric codes of numbers are not."""
    numeric = declared.type in ("integer", "number")
    return {str(code) for code in declared.missing_codes if isinstance(code, str) or not numeric}


def _legible(data: bytes, shown: str) -> None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data:
        raise Refusal("D407", shown, "not UTF-8 text (UTF-16 or binary)", "save the file as CSV in UTF-8")
    if data.isascii():
        return
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"line {line}: not UTF-8 (byte 0x{data[error.start]:02x})"
        raise Refusal("D407", shown, problem, "save the file as CSV in UTF-8") from None


def _rows(data: bytes, shown: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each row; empty lines are skipped."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline=""), strict=True)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        fix = "close the quotes; write a quote inside quotes twice"
        raise Refusal("D407", shown, f"line {reader.line_num}: {error}", fix) from None


def _check_header(data: bytes, shown: str, columns: Mapping[str, Column]) -> None:
    header = next(_rows(data, shown), (1, []))[1]
    if not header:
        raise Refusal("D407", shown, "the file is empty", "put the table there, its first line naming the columns")
    for other, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and other in header[0] and other not in "".join(columns):
            fix = "save it with commas between fields and points in numbers"
            raise Refusal("D407", shown, f"fields are separated by {name}", fix)
    for name in header:
        if header.count(name) > 1:
            problem = f"the header names {header.count(name)} columns {name!r}"
            raise Refusal("D407", f"{shown}:{name}", problem, "rename or delete all but one")
    for name in columns:
        if name not in header:
            raise Refusal("D402", f"{shown}:{name}", f"the file has no column {name!r}", did_you_mean(name, header))


def _fast(data: bytes, shown: str, columns: Mapping[str, Column], whole: pa.DataType) -> dict[str, pa.ChunkedArray]:
    import pyarrow as pa
    from pyarrow import csv as arrow

    quoted = b'"' in data
    if b"0x" in data or b"0X" in data:  # read as hexadecimal numbers
        raise _Doubt
    if quoted:  # the fast reader takes an open quote to the end of the file for text
        deque(_rows(data, shown), maxlen=0)
    types = {
        "integer": whole, "number": pa.float64(), "text": pa.string(), "boolean": pa.bool_(), "date": pa.date32()
    }  # fmt: skip
    coded = {name for name, declared in columns.items() if declared.type != "text" and reads_as_missing(declared)}
    wanted = {name: types[declared.type] for name, declared in columns.items()}
    options = arrow.ConvertOptions(
        column_types=wanted | dict.fromkeys(coded, pa.string()),
        include_columns=list(columns),
        null_values=[""],
        strings_can_be_null=True,
        true_values=TRUE,
        false_values=FALSE,
    )
    lines = arrow.ParseOptions(newlines_in_values=quoted)
    table = arrow.read_csv(pa.BufferReader(data), parse_options=lines, convert_options=options)
    if table.num_rows == 0:
        raise _Doubt
    decoded = {name: _decoded(table[name], wanted[name], columns[name]) for name in coded}
    return {name: _settled(decoded.get(name, table[name]), columns[name]) for name in columns}


def _decoded(column: pa.ChunkedArray, wanted: pa.DataType, declared: Column) -> pa.ChunkedArray:
    """A numeric column that was read as text because words stand for missing values."""
    import pyarrow as pa
    from pyarrow import compute

    if declared.type not in ("integer", "number"):
        raise _Doubt
    missing = compute.is_in(column, value_set=pa.array(sorted(reads_as_missing(declared))))
    return compute.cast(compute.if_else(missing, pa.scalar(None, pa.string()), column), wanted)


def _settled(column: pa.ChunkedArray, declared: Column) -> pa.ChunkedArray:
    """The column if its floats are finite and, where whole numbers are declared, whole; then as int64."""
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_floating(column.type):
        return column
    if compute.any(compute.invert(compute.is_finite(column))).as_py():
        raise _Doubt
    if declared.type == "number":
        return column
    if compute.any(compute.greater_equal(compute.abs(column), float(EXACT))).as_py():
        raise _Doubt
    return compute.cast(column, pa.int64())


def _patient(data: bytes, shown: str, columns: Mapping[str, Column]) -> dict[str, pa.ChunkedArray]:
    import pyarrow as pa

    rows = _rows(data, shown)
    header = next(rows)[1]
    lines: list[int] = []
    fields: dict[str, list[str]] = {name: [] for name in columns}
    places = [(values, header.index(name)) for name, values in fields.items()]
    for line, row in rows:
        if len(row) != len(header):
            problem = f"line {line}: {len(row)} fields where the header has {len(header)}"
            raise Refusal("D407", shown, problem, "write every field of the row; quote text that holds a comma")
        lines.append(line)
        for values, place in places:
            values.append(row[place])
    if not lines:
        raise Refusal("D407", shown, "the table has no rows", "put the data below the header")
    kinds = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string(), "boolean": pa.bool_()}
    return {
        name: pa.chunked_array(
            [_converted(fields[name], lines, f"{shown}:{name}", declared)], kinds.get(declared.type, pa.date32())
        )
        for name, declared in columns.items()
    }


def _converted(fields: list[str], lines: list[int], where: str, declared: Column) -> list[Any]:
    convert, codes = _CONVERT[declared.type], reads_as_missing(declared)
    values: list[Any] = []
    for field, line in zip(fields, lines, strict=True):
        bare = field if declared.type == "text" else field.strip(" \t")
        if bare == "" or (declared.type != "text" and bare in codes):
            values.append(None)
            continue
        try:
            values.append(convert(bare))
        except ValueError:
            problem, fix = _diagnosis(bare, declared)
            raise Refusal("D403", where, f"line {line}: {problem}", fix) from None
    return values


def _number(field: str) -> float:
    if not _NUMBER.fullmatch(field) or not math.isfinite(value := float(field)):
        raise ValueError(field)
    return value


def _whole(field: str) -> int:
    if _WHOLE.fullmatch(field) and len(field) <= 20:
        value = int(field)
    else:
        number = _number(field)
        if not number.is_integer() or abs(number) >= EXACT:
            raise ValueError(field)
        value = int(number)
    if not -(2**63) <= value < 2**63:
        raise ValueError(field)
    return value


def _boolean(field: str) -> bool:
    if field not in TRUE and field not in FALSE:
        raise ValueError(field)
    return field in TRUE


def _date(field: str) -> datetime.date:
    if not _DATE.fullmatch(field):
        raise ValueError(field)
    return datetime.date.fromisoformat(field)


_CONVERT: dict[str, Callable[[str], Any]] = {
    "integer": _whole, "number": _number, "text": str, "boolean": _boolean, "date": _date
}  # fmt: skip


def _diagnosis(field: str, declared: Column) -> tuple[str, str]:
    shown = repr(field if len(field) <= 40 else f"{field[:37]}...")
    if declared.type == "boolean":
        return f"{shown} is neither true nor false", "write true or false (or 1 and 0)"
    if declared.type == "date":
        return f"{shown} is not a date", "write dates as year-month-day, like 2014-01-31"
    if _COMMA.fullmatch(field):
        return f"{shown} has a comma in a number", "write a point before decimals and no separator of thousands"
    if _INFINITE.fullmatch(field) or (_NUMBER.fullmatch(field) and not math.isfinite(float(field))):
        return f"{shown} is not a finite number", "correct the value, or leave the field empty if it is missing"
    if declared.type == "integer" and _NUMBER.fullmatch(field):
        if abs(float(field)) >= EXACT:
            return f"{shown} is too long for a number", "declare `type: text`"
        return f"{shown} is not a whole number", "declare `type: number`, or correct the value"
    kind = "a whole number" if declared.type == "integer" else "a number"
    fix = f"leave the field empty and declare `missing: allow`, or add {shown} to missing_codes, or correct the value"
    return f"{shown} is not {kind}", fix
