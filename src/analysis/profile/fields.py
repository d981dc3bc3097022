"""The stored table as columns of text, exactly as written, and every defect that stops it from being one table.

Text files are read twice as fast as they can be checked field by field; the slow reader only looks for the line of a
defect that the fast one met.
"""

from __future__ import annotations

import csv
import functools
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.profile.finding import many
from analysis.profile.incoming import Counted, Incoming
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")


class Lines:
    """Where a row stands, in words: the line of a text file, the row of a sheet, or the row counted from 1."""

    def __init__(self, content: bytes, counted: Counted) -> None:
        self._content, self._counted = content, counted

    @functools.cached_property
    def _numbers(self) -> list[int] | None:
        """The line of each row, where it is not simply the next one (breaks within fields, empty lines)."""
        data = self._content
        plain = b'"' not in data and not re.search(rb"\A[\r\n]|\n\r?\n|\r\r", data)
        return None if plain else [line for line, _ in rows(data, "")][1:]

    def number(self, row: int) -> int:
        """The line or row number of the data row `row` (from 0)."""
        if self._counted == "row":
            return row + 1
        return row + 2 if self._counted == "sheet" or self._numbers is None else self._numbers[row]

    def __call__(self, row: int) -> str:
        """`line 12` or `row 12`."""
        return f"{'line' if self._counted == 'line' else 'row'} {self.number(row)}"


@dataclass(frozen=True)
class Table:
    """A table as written: Arrow columns by name (text; typed only from Parquet), in the order of the file."""

    shown: str
    columns: Mapping[str, pa.ChunkedArray]
    rows: int
    place: Lines


def read(incoming: Incoming, shown: str) -> Table:
    """The columns of `incoming`; an empty field is missing (null) and nothing else is.

    Raises Refusal D407 (open quotes, rows of different length, equal or missing names of columns, no rows) or D422
    (no header, a title above it).
    """
    columns = _parquet(incoming, shown) if incoming.suffix == "parquet" else _text(incoming, shown)
    count = len(next(iter(columns.values())))
    if count == 0:
        raise Refusal("D407", shown, "the table has no rows", "put the data below the header")
    return Table(shown, columns, count, Lines(incoming.content, incoming.counted))


def rows(data: bytes, shown: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each row of CSV in UTF-8; empty lines are skipped. Raises Refusal D407 (quotes)."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline=""), strict=True)
    begun = 0
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
            begun = reader.line_num
    except csv.Error as error:
        fix = "close the quotes; write a quote inside quotes twice"
        problem = f"line {begun + 1}: quotes that are opened there are not closed, or closed too early ({error})"
        raise Refusal("D407", shown, problem, fix) from None


def _text(incoming: Incoming, shown: str) -> dict[str, pa.ChunkedArray]:
    import pyarrow as pa
    from pyarrow import csv as arrow

    data = incoming.content
    found = rows(data, shown)
    line, header = next(found, (1, []))
    _check_header(header, next(found, (0, []))[1], line, shown)
    quoted = b'"' in data
    if quoted:  # the fast reader takes an open quote to the end of the file for text
        _check_lengths(data, header, shown)
    options = arrow.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()), null_values=[""], strings_can_be_null=True
    )
    try:
        parsing = arrow.ParseOptions(newlines_in_values=quoted)
        table = arrow.read_csv(pa.BufferReader(data), parse_options=parsing, convert_options=options)
        return {name: table[name] for name in header}
    except pa.ArrowException:
        _check_lengths(data, header, shown)
    columns = [list(column) for column in zip(*(fields for _, fields in rows(data, shown)), strict=True)]
    return {
        column[0]: pa.chunked_array([pa.array([field or None for field in column[1:]], pa.string())])
        for column in columns
    }


def _check_lengths(data: bytes, header: list[str], shown: str) -> None:
    wrong = [(line, fields) for line, fields in rows(data, shown) if len(fields) != len(header)]
    if not wrong:
        return
    line, fields = wrong[0]
    listed = ", ".join(str(number) for number, _ in wrong[:5]) + (", …" if len(wrong) > 5 else "")
    problem = f"line {line}: {many(len(fields), 'field')} where the header has {len(header)}"
    if len(wrong) > 1:
        problem += f" ({len(wrong)} such rows: lines {listed})"
    last = len(fields) == 1 and not any(number < line for number, _ in wrong)
    if last and not NUMBER.fullmatch(fields[0].strip()):
        fix = "if this is a footnote or an empty part below the table, delete it; if not, write every field of the row"
    else:
        fix = "write every field of the row; quote text that holds a comma"
    raise Refusal("D407", shown, problem, fix)


def _check_header(header: list[str], first: list[str], line: int, shown: str) -> None:
    """The names of the columns stand in the first line, once each."""
    if not header:
        raise Refusal("D407", shown, "the file holds empty lines only", "export it again")
    filled = [name for name in header if name.strip()]
    if len(filled) <= 1 < len(first) or (len(filled) == 1 < len(header)):
        problem = f"line {line}: one filled field where the next line has {len(first)}: a title, not the header"
        raise Refusal("D422", shown, problem, "delete the lines above the names of the columns")
    if all(NUMBER.fullmatch(name.strip()) for name in filled) and not _years(filled):
        problem = f"line {line} holds numbers, not the names of columns"
        raise Refusal("D422", shown, problem, "write a first line that names the columns")
    for name, count in Counter(header).items():
        if count > 1:
            places = ", ".join(str(place) for place, other in enumerate(header, 1) if other == name)
            what = f"{count} columns are named {name!r}" if name.strip() else f"{count} columns have no name"
            fix = "rename or delete all but one" if name.strip() else "name them, or delete them if they are empty"
            raise Refusal("D407", shown, f"line {line}: {what} (columns {places})", fix)
        if found := _CONTROL.search(name):
            problem = f"line {line}: control character U+{ord(found.group()):04X} in the name of column "
            raise Refusal("D407", shown, f"{problem}{header.index(name) + 1}", "write the name again, in one line")


def _years(names: list[str]) -> bool:
    """Whether the names are years in order: a wide table, not a missing header."""
    return len(names) > 1 and all(re.fullmatch("(18|19|20)[0-9]{2}", name) for name in names) and names == sorted(names)


def _parquet(incoming: Incoming, shown: str) -> dict[str, pa.ChunkedArray]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(pa.BufferReader(incoming.content))
    except (pa.ArrowException, OSError):
        problem = "not readable as Parquet: another kind of file, or broken off"
        raise Refusal("D407", shown, problem, "write the file again") from None
    for name, count in Counter(table.column_names).items():
        if count > 1:
            raise Refusal("D407", shown, f"{count} columns are named {name!r}", "rename or delete all but one")
    if not table.column_names:
        raise Refusal("D407", shown, "the table has no columns", "write the file again")
    return {name: _plain(table[name]) for name in table.column_names}


def _plain(column: pa.ChunkedArray) -> Any:
    """The column without dictionaries; NaN and empty text are missing."""
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_dictionary(column.type):
        column = compute.cast(column, column.type.value_type)
    if pa.types.is_large_string(column.type) or pa.types.is_string(column.type):
        column = compute.cast(column, pa.string())
        return compute.if_else(compute.equal(column, ""), pa.scalar(None, pa.string()), column)
    if pa.types.is_floating(column.type):
        return compute.if_else(compute.is_nan(column), pa.scalar(None, column.type), column)
    return column
