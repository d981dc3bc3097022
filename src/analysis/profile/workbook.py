"""One sheet of an Excel workbook as CSV: the values that Excel shows last, never a formula computed again."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.profile.finding import Finding, many
from analysis.profile.incoming import Incoming, as_csv, as_fields, checksum
from analysis.refusal import Refusal
from analysis.study import did_you_mean

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook  # type: ignore[import-untyped]
    from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

Grid = list[tuple[Any, ...]]


def read(path: Path, shown: str, sheet: str) -> Incoming:
    """The sheet `sheet` (or the only one that holds anything) of the workbook at `path`.

    Raises Refusal D407 (not readable, empty), D421 (several sheets, no such sheet) or D422 (not a plain table: it does
    not begin in A1, merged cells, formulas without a stored result).
    """
    values, written = _opened(path, shown, True), _opened(path, shown, False)
    name = _chosen(values, sheet, shown)
    where = f"{shown}:{name}"
    _refuse_merged(written[name], where)
    grid = _trimmed([tuple(row) for row in values[name].iter_rows(values_only=True)])
    if not grid or not any(cell is not None for cell in grid[0]):
        raise Refusal("D422", where, "row 1 is empty", "let the header be the first row of the sheet")
    if len(grid) == 1:
        raise Refusal("D407", where, "the table has no rows", "put the data below the header")
    _refuse_unsaved(written[name], grid, where)
    header = ["" if cell is None else str(cell) for cell in grid[0]]
    columns = [
        as_fields(column, f"{where}:{title}") for title, column in zip(header, zip(*grid[1:], strict=True), strict=True)
    ]
    rows = zip(*columns, strict=True)
    said = (f"the sheet {name} of the workbook written as CSV, values in full precision, dates as year-month-day",)
    found = tuple(_findings(written[name], header))
    return Incoming(
        as_csv(header, rows), "csv", f"{path.name}, sheet {name}", checksum(path.read_bytes()), "sheet", said,
        findings=found,
    )  # fmt: skip


def _opened(path: Path, shown: str, results: bool) -> Workbook:
    import openpyxl  # type: ignore[import-untyped]
    from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # styles and extensions that it cannot show do not matter here
        try:
            return openpyxl.load_workbook(path, data_only=results)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
            fix = "open it in Excel, remove the password if it has one, save it as .xlsx"
            raise Refusal("D407", shown, "not readable as an Excel workbook", fix) from None


def _chosen(book: Workbook, sheet: str, shown: str) -> str:
    filled: list[str] = [
        one.title for one in book.worksheets if any(cell is not None for row in one.values for cell in row)
    ]
    if sheet:
        if sheet not in filled:
            names = ", ".join(repr(title) for title in filled)
            near = did_you_mean(sheet, filled) if filled else "choose a sheet that holds a table"
            raise Refusal(
                "D421", f"{shown}:{sheet}", f"no sheet {sheet!r} that holds anything (there are {names})", near
            )
        return sheet
    if not filled:
        raise Refusal("D407", shown, "the workbook is empty", "put the table on a sheet")
    if len(filled) > 1:
        names = ", ".join(repr(title) for title in filled)
        fix = f"name one, for example SHEET={filled[0]!r}"
        raise Refusal("D421", shown, f"{len(filled)} sheets hold something: {names}", fix)
    return filled[0]


def _refuse_merged(sheet: Worksheet, where: str) -> None:
    merged = sorted(str(cells) for cells in sheet.merged_cells.ranges)
    if merged:
        problem = f"cells {merged[0]} are merged" + (f" ({len(merged)} such blocks)" if len(merged) > 1 else "")
        fix = "unmerge them and write the value into every row it belongs to"
        raise Refusal("D422", where, problem, fix)


def _trimmed(grid: Grid) -> Grid:
    """Without the empty rows below and the empty columns right of everything."""
    while grid and not any(cell is not None for cell in grid[-1]):
        grid = grid[:-1]
    width = max((place + 1 for row in grid for place, cell in enumerate(row) if cell is not None), default=0)
    return [row[:width] for row in grid]


def _cells(sheet: Worksheet) -> Iterator[Any]:
    for row in sheet.iter_rows(min_row=2):
        yield from row


def _refuse_unsaved(sheet: Worksheet, grid: Grid, where: str) -> None:
    """A formula whose result was never stored would be read as an empty cell."""
    for cell in _cells(sheet):
        if cell.data_type == "f" and cell.row <= len(grid) and grid[cell.row - 1][cell.column - 1] is None:
            fix = "open the workbook in Excel, let it compute, and save it"
            raise Refusal("D422", where, f"cell {cell.coordinate}: a formula without a stored result", fix)


def _findings(sheet: Worksheet, header: list[str]) -> Iterator[Finding]:
    formulas = [cell for cell in _cells(sheet) if cell.data_type == "f"]
    if formulas:
        problem = f"{many(len(formulas), 'formula')}, first in cell {formulas[0].coordinate}; the results were taken"
        yield Finding("note", "", problem, "check that the workbook was computed when it was saved last")
    hidden = sum(row.hidden for row in sheet.row_dimensions.values())
    if hidden:
        problem = f"{many(hidden, 'hidden row')} of the sheet, taken in like the others"
        yield Finding(
            "caution", "", problem, "delete them in the workbook if they were hidden because they do not count"
        )
    for place, title in enumerate(header):
        formats = {str(row[0].number_format) for row in sheet.iter_rows(2, None, place + 1, place + 1)}
        if any(re.fullmatch(r"0{2,}", one) for one in formats):
            problem = "the sheet shows leading zeros, the workbook stores numbers without them"
            yield Finding("caution", title, problem, "if these are codes (such as 02139), store them as text in Excel")
        if any(one.endswith("%") for one in formats):
            yield Finding("note", title, "the sheet shows per cent, the workbook stores shares (0.12 for 12 %)", "")
