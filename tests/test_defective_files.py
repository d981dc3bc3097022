"""Files and declarations with one defect each: one line that names the file, the place and the fix, exit code 2.

`python tests/test_defective_files.py` prints the list of defects and messages. FILES go through `dataset`, TABLES
through `table.load` of a declared dataset, DECLARATIONS through `catalog.read`, PARAMETERS through `check-params`.
"""

# ruff: noqa: E501
from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analysis import cli, paths
from analysis.data import table
from analysis.refusal import Refusal

Make = Callable[[Path], list[str]]
ROWS = "".join(f"{place},{year},{place + year / 10:.1f}\n" for place in range(1, 5) for year in range(2010, 2014))
GOOD = f"shop,year,sales\n{ROWS}"


def file(name: str, content: str | bytes, *more: str) -> Make:
    """`dataset` of a file with this content."""

    def make(folder: Path) -> list[str]:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return ["dataset", name, *more]

    return make


def workbook(change: Callable[..., object], *more: str) -> Make:
    """`dataset` of a workbook with the good table on the sheet `Data`, after `change(book, sheet)`."""

    def make(folder: Path) -> list[str]:
        import openpyxl  # type: ignore[import-untyped]

        book = openpyxl.Workbook()
        sheet = book.active
        sheet.title = "Data"
        for row in [line.split(",") for line in GOOD.splitlines()]:
            sheet.append([float(cell) if cell[0].isdigit() else cell for cell in row])
        change(book, sheet)
        book.save(folder / "shops.xlsx")
        return ["dataset", "shops.xlsx", *more]

    return make


def database(*more: str) -> Make:
    def make(folder: Path) -> list[str]:
        with contextlib.closing(sqlite3.connect(folder / "city.db")) as connection:
            connection.execute("create table shops (shop integer primary key, sales real)")
            connection.execute("create table staff (name text)")
            connection.execute("insert into shops values (1, 2.5)")
            connection.commit()
        return ["dataset", *more]

    return make


def taken(folder: Path) -> list[str]:
    (folder / "data/raw/shops").mkdir(parents=True)
    (folder / "data/raw/shops/source.yml").write_text("title: Shops\n")
    return file("shops.csv", GOOD)(folder)


def occupied(folder: Path) -> list[str]:
    (folder / "data/raw/shops").mkdir(parents=True)
    (folder / "data/raw/shops/other.csv").write_text("a\n1\n")
    return file("shops.csv", GOOD)(folder)


def parquet(folder: Path) -> list[str]:
    (folder / "shops.parquet").write_bytes(b"PAR1 but nothing else")
    return ["dataset", "shops.parquet"]


def appended(text: str) -> Make:
    return file("shops.csv", GOOD + text)


def cells(name: str, value: object) -> Callable[..., object]:
    return lambda book, sheet: sheet.__setitem__(name, value)


def second_sheet(book: object, sheet: object) -> None:
    book.create_sheet("Codes").append(["code", "meaning"])  # type: ignore[attr-defined]


def merged(book: object, sheet: object) -> None:
    sheet.merge_cells("A2:A5")  # type: ignore[attr-defined]


FILES: dict[str, tuple[Make, str]] = {
    "no such file": (
        lambda folder: ["dataset", "shops.csv"],
        "D421 STOP shops.csv — there is no such file. Fix: check the path; it starts from the project's top folder"),
    "a folder": (
        lambda folder: ["dataset", "."],
        "D421 STOP . — this is a folder. Fix: name the file in it: FILE=folder/file.csv"),
    "empty file": (
        file("shops.csv", ""), "D407 STOP shops.csv — the file is empty. Fix: export it again"),
    "header without rows": (
        file("shops.csv", "shop,year,sales\n"),
        "D407 STOP shops.csv — the table has no rows. Fix: put the data below the header"),
    "a kind that is not read": (
        file("shops.sav", "x"),
        "D421 STOP shops.sav — files of the kind .sav are not read. Fix: open it in SPSS and save it as .dta or .csv"),
    "a workbook called .csv": (
        file("shops.csv", b"PK\x03\x04 and so on"),
        "D407 STOP shops.csv — the name says text, the content is a workbook or a zip archive. "
        "Fix: give it the name it should have: .xlsx"),
    "a web page called .csv": (
        file("shops.csv", "<!DOCTYPE html><p>Please log in</p>"),
        "D407 STOP shops.csv — the name says text, the content is a web page or XML. "
        "Fix: download the table itself: .csv or .xlsx"),
    "Windows-1252": (
        file("shops.csv", f"shop,year,town\n{ROWS.replace('.0', ',')}".encode() + "1,2020,Düsseldorf für Bürger, Märkte\n".encode("cp1252")),
        "D407 STOP shops.csv — line 18: not UTF-8 (byte 0xfc); it looks like Windows-1252. Fix: open it in that encoding "
        "and save it as CSV UTF-8 (Excel: Save As, CSV UTF-8), then look at the letters"),
    "UTF-16 without its mark": (
        file("shops.csv", GOOD.encode("utf-16-le")),
        "D407 STOP shops.csv — line 1: a zero byte: UTF-16 without its mark, or not a text file. "
        "Fix: export it again, as CSV UTF-8"),
    "duplicate header": (
        file("shops.csv", GOOD.replace("sales", "year")),
        "D407 STOP shops.csv — line 1: 2 columns are named 'year' (columns 2, 3). Fix: rename or delete all but one"),
    "columns without names": (
        file("shops.csv", "shop,,\n1,2,3\n2,3,4\n3,3,5\n"),
        "D422 STOP shops.csv — line 1: one filled field where the next line has 3: a title, not the header. "
        "Fix: delete the lines above the names of the columns"),
    "two columns without names": (
        file("shops.csv", "shop,year,,\n1,2010,3,4\n2,2010,3,4\n"),
        "D407 STOP shops.csv — line 1: 2 columns have no name (columns 3, 4). "
        "Fix: name them, or delete them if they are empty"),
    "no header": (
        file("shops.csv", ROWS),
        "D422 STOP shops.csv — line 1 holds numbers, not the names of columns. "
        "Fix: write a first line that names the columns"),
    "a title above the header": (
        file("shops.csv", f"Sales of shops\n{GOOD}"),
        "D422 STOP shops.csv — line 1: one filled field where the next line has 3: a title, not the header. "
        "Fix: delete the lines above the names of the columns"),
    "a note for Excel": (
        file("shops.csv", f"sep=,\n{GOOD}"),
        "D422 STOP shops.csv — line 1: 'sep=,' is a note for Excel, not the header. Fix: delete the line"),
    "two header lines": (
        file("shops.csv", GOOD.replace("sales\n", "sales\nnumber,calendar,euro\n")),
        "D422 STOP shops.csv — line 2: words in 3 columns that hold numbers below: a second header line. "
        "Fix: keep one header line; put units into labels"),
    "the header again": (
        appended(GOOD),
        "D422 STOP shops.csv — line 18: the header stands there again. "
        "Fix: delete it; files put below one another need one header"),
    "a short row": (
        file("shops.csv", GOOD.replace("2,2011,203.1", "2,2011")),
        "D407 STOP shops.csv — line 7: 2 fields where the header has 3. "
        "Fix: write every field of the row; quote text that holds a comma"),
    "long rows": (
        file("shops.csv", GOOD.replace("2,2011,203.1", "2,2011,203,1").replace("3,2012,204.2", "3,2012,204,2")),
        "D407 STOP shops.csv — line 7: 4 fields where the header has 3 (2 such rows: lines 7, 12). "
        "Fix: write every field of the row; quote text that holds a comma"),
    "open quotes": (
        file("shops.csv", GOOD.replace("2,2011", '"2,2011')),
        "D407 STOP shops.csv — line 7: quotes that are opened there are not closed, or closed too early "
        "(unexpected end of data). Fix: close the quotes; write a quote inside quotes twice"),
    "empty rows": (
        appended(",,\n,,\n"),
        "D422 STOP shops.csv — line 18: every field is empty (2 such rows). "
        "Fix: delete the empty rows; they are no observations"),
    "a footnote": (
        appended("Source: city council,,\n"),
        "D422 STOP shops.csv — line 18: a single filled field, in column 'shop': a footnote. "
        "Fix: delete the lines below the table"),
    "a footnote without commas": (
        appended("Source: city council\n"),
        "D407 STOP shops.csv — line 18: 1 field where the header has 3. Fix: if this is a footnote or an empty part "
        "below the table, delete it; if not, write every field of the row"),
    "a line of totals": (
        file("shops.csv", "town,sales\nAu,1\nBonn,2\nCelle,3\nTotal,6\n"),
        "D422 STOP shops.csv — line 5: a total in column 'town': column 'sales' is the sum of the lines above. "
        "Fix: delete the line; totals are no observations"),
    "totals with empty keys": (
        file("shops.csv", "town,year,rate\nAu,1,5.5\nBonn,2,6.5\nCelle,3,7.5\nTotal,,6.4\n"),
        "D422 STOP shops.csv — line 5: a total in column 'town', with column 'year' empty in this line alone. "
        "Fix: delete the line; totals are no observations"),
    "two sheets": (
        workbook(second_sheet),
        "D421 STOP shops.xlsx — 2 sheets hold something: 'Data', 'Codes'. Fix: name one, for example SHEET='Data'"),
    "no such sheet": (
        workbook(second_sheet, "--sheet", "Daten"),
        "D421 STOP shops.xlsx:Daten — no sheet 'Daten' that holds anything (there are 'Data', 'Codes'). "
        "Fix: did you mean 'Data'?"),
    "merged cells": (
        workbook(merged),
        "D422 STOP shops.xlsx:Data — cells A2:A5 are merged. "
        "Fix: unmerge them and write the value into every row it belongs to"),
    "a formula that was never computed": (
        workbook(cells("C5", "=C4*2")),
        "D422 STOP shops.xlsx:Data — cell C5: a formula without a stored result. "
        "Fix: open the workbook in Excel, let it compute, and save it"),
    "a sheet for a text file": (
        file("shops.csv", GOOD, "--sheet", "Data"),
        "D421 STOP SHEET=Data — SHEET goes with a workbook only. Fix: leave out SHEET"),
    "not a workbook": (
        file("shops.xlsx", "x"),
        "D407 STOP shops.xlsx — not readable as an Excel workbook. "
        "Fix: open it in Excel, remove the password if it has one, save it as .xlsx"),
    "no such database": (
        database("sqlite:///town.db", "--table", "shops"),
        "D421 STOP sqlite database — there is no file town.db. "
        "Fix: check the path: three slashes before a path from here, four before one from the top"),
    "which table": (
        database("sqlite:///city.db"),
        "D421 STOP sqlite database city.db — which table? there are: shops, staff. Fix: add TABLE=shops"),
    "no such table": (
        database("sqlite:///city.db", "--table", "shop"),
        "D421 STOP sqlite database city.db:shop — no table 'shop'. Fix: did you mean 'shops'?"),
    "an empty table": (
        database("sqlite:///city.db", "--table", "staff"),
        "D407 STOP sqlite database city.db:staff — the table has no rows. Fix: choose another table"),
    "a database without a driver": (
        database("mysql+nothing://me:secret@host/town", "--table", "shops"),
        "D421 STOP mysql database town — no driver for mysql is installed. "
        "Fix: ask whoever keeps the computer to install one, or export the table as .csv"),
    "a broken Stata file": (
        file("shops.dta", "x" * 400),
        "D407 STOP shops.dta — not readable as a Stata file: another kind, broken off, or of a version that is not known. "
        "Fix: save it again in Stata, as version 14 or later"),
    "a broken Parquet file": (
        parquet,
        "D407 STOP shops.parquet — not readable as Parquet: another kind of file, or broken off. Fix: write the file again"),
    "a dataset that exists": (
        taken,
        "D420 STOP shops — data/raw/shops exists already; a dataset is never overwritten. "
        "Fix: choose another name, NAME=shops_2, or delete that folder first if no study uses it"),
    "a folder that holds another table": (
        occupied,
        "D420 STOP data/raw/shops — the folder holds other.csv already; nothing there is overwritten. "
        "Fix: choose another name: NAME=shops_2"),
    "a name that cannot be": (
        file("shops.csv", GOOD, "--name", "my shops"),
        "D420 STOP NAME=my shops — 'my shops' cannot be the name of a dataset. "
        "Fix: use letters, digits, _ and -, beginning with a letter"),
    "a name that belongs to code": (
        file("castle.csv", GOOD),
        "D420 STOP castle — src/analysis/data/castle.py exists and would change this table when it is read. "
        "Fix: choose another name: NAME=castle_2"),
    "personal columns only": (
        file("shops.csv", "email\n" + "".join(f"x{n}@y.org\n" for n in range(9))),
        "D423 STOP shops.csv — no column is left to declare. Fix: leave out what identifies people, "
        "or give the table with the columns that a study needs"),
}  # fmt: skip

SOURCE = """\
title: Shops
origin: City council
citation: None
licence: Open
obtained: By post
file: shops.csv
sha256: {sha256}
rows: 16
synthetic: false
columns:
  shop: {{type: integer, label: Shop, role: unit}}
  year: {{type: integer, label: Year, role: time, minimum: 2010, maximum: 2013}}
  sales: {{type: number, label: Sales, minimum: 0}}
"""

# defect: the table, and the message of table.load
TABLES: dict[str, tuple[str, str]] = {
    "a word among numbers": (
        GOOD.replace("203.1", "many"),
        "D403 STOP data/raw/shops/shops.csv:sales — line 7: 'many' is not a number. Fix: leave the field empty and declare "
        "`missing: allow`, or add 'many' to missing_codes, or correct the value"),
    "a comma in a number": (
        GOOD.replace("203.1", '"203,1"'),
        "D403 STOP data/raw/shops/shops.csv:sales — line 7: '203,1' has a comma in a number. "
        "Fix: write a point before decimals and no separator of thousands"),
    "an empty field": (
        GOOD.replace("203.1", ""),
        "D405 STOP data/raw/shops/shops.csv:sales — line 7: the value is missing. "
        "Fix: fill the fields, or declare `missing: allow`"),
    "a value out of range": (
        GOOD.replace("2,2011", "2,2031"),
        "D404 STOP data/raw/shops/shops.csv:year — line 7: the value 2031 is above the maximum 2013. "
        "Fix: correct the values, or the declared maximum"),
    "a column that is gone": (
        GOOD.replace("sales", "turnover"),
        "D402 STOP data/raw/shops/shops.csv:sales — the file has no column 'sales'. Fix: use one of shop, turnover, year"),
    "a row too few": (
        GOOD.replace("2,2011,203.1\n", ""),
        "D401 STOP data/raw/shops/source.yml:rows — 16 rows declared, the file has 15. "
        "Fix: correct `rows`, or restore the file"),
    "a fraction among whole numbers": (
        GOOD.replace("2,2011", "2,2011.5"),
        "D403 STOP data/raw/shops/shops.csv:year — line 7: '2011.5' is not a whole number. "
        "Fix: declare `type: number`, or correct the value"),
}  # fmt: skip

# defect: a change of the declaration, and the message of catalog.read or verify
DECLARATIONS: dict[str, tuple[tuple[str, str], str]] = {
    "an unknown type": (
        ("type: number", "type: float"),
        "D401 STOP data/raw/shops/source.yml:columns.sales.type — input should be 'integer', 'number', 'text', 'boolean' or "
        "'date', got 'float'. Fix: correct `type`"),
    "a key written twice": (
        ("title: Shops", "title: Shops\ntitle: Stores"),
        "R304 STOP data/raw/shops/source.yml line 2 — duplicate key 'title'. Fix: keep one of the two"),
    "a misspelt key": (
        ("licence: Open", "license: Open"),
        "D401 STOP data/raw/shops/source.yml:license — unknown key 'license'. Fix: did you mean 'licence'?"),
    "a role given twice": (
        ("label: Sales,", "label: Sales, role: time,"),
        "D401 STOP data/raw/shops/source.yml — role time is given to year and sales. Fix: keep one"),
    "a switched-on word": (
        ("label: Shop,", "label: yes,"),
        "R304 STOP data/raw/shops/source.yml line 11 — yes is read differently by different versions of YAML. "
        "Fix: quote it ('yes') if it is text, write true if it is a switch"),
    "limits the wrong way round": (
        ("minimum: 2010, maximum: 2013", "minimum: 2013, maximum: 2010"),
        "D401 STOP data/raw/shops/source.yml:columns.year — minimum 2013 is above maximum 2010. Fix: exchange them"),
}  # fmt: skip

PARAMETERS_FILE = "params/difference_in_differences/shops.yml"
PARAMETERS = """\
question: Did the shops gain?
decision: Whether to go on
intervention: the scheme
dataset: shops
outcome: sales
design: group_time
worthwhile: 1.0
better: higher
"""
ROLES = SOURCE.replace(
    "  sales:", "  start: {{type: integer, label: Start, role: first_treated, missing: allow}}\n  sales:"
)
PARAMETER_DEFECTS: dict[str, tuple[tuple[str, str], str]] = {
    "an unknown parameter": (
        ("outcome: sales", "outcome: sales\nlevle: 0.9"),
        f"R301 STOP {PARAMETERS_FILE}:levle — unknown parameter 'levle'. Fix: did you mean 'level'?"),
    "a design that is none": (
        ("design: group_time", "design: grouptime"),
        f"R302 STOP {PARAMETERS_FILE}:design — unknown name 'grouptime'. Fix: did you mean 'group_time'?"),
    "a dataset that is none": (
        ("dataset: shops", "dataset: shop"),
        f"D406 STOP {PARAMETERS_FILE}:dataset — no dataset 'shop'. Fix: did you mean 'shops'?"),
    "an outcome that is none": (
        ("outcome: sales", "outcome: sale"),
        f"D402 STOP {PARAMETERS_FILE}:outcome — no column 'sale' in data/raw/shops/source.yml. Fix: did you mean 'sales'?"),
    "a level above one": (
        ("better: higher", "better: higher\nlevel: 95"),
        f"R302 STOP {PARAMETERS_FILE}:level — input should be less than or equal to 0.999, got 95.0. Fix: correct `level`"),
}  # fmt: skip


@contextlib.contextmanager
def project(folder: Path) -> Iterator[Path]:
    """An empty project in `folder`, whose notebooks and code are this checkout's."""
    kept = paths.ROOT, paths.RAW, paths.PARAMS, os.getcwd()
    paths.ROOT, paths.RAW, paths.PARAMS = folder, folder / "data" / "raw", folder / "params"
    os.chdir(folder)
    try:
        yield folder
    finally:
        paths.ROOT, paths.RAW, paths.PARAMS = kept[:3]
        os.chdir(kept[3])


def refused(arguments: list[str]) -> str:
    """What a command that is refused prints."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(arguments)
    assert code == 2 and out.getvalue() == "", (code, out.getvalue())
    return err.getvalue().removesuffix("\n")


def declare(folder: Path, content: str, source: str = SOURCE) -> None:
    raw = folder / "data/raw/shops"
    raw.mkdir(parents=True)
    (raw / "shops.csv").write_text(content)
    (raw / "source.yml").write_text(source.format(sha256=hashlib.sha256(content.encode()).hexdigest()))


def message(defect: str, folder: Path) -> str:
    """The message that `defect` gets in an empty project in `folder`."""
    with project(folder):
        if defect in FILES:
            before = sorted(path.name for path in folder.rglob("*"))
            arguments = FILES[defect][0](folder)
            made = sorted(path.name for path in folder.rglob("*"))
            said = refused(arguments)
            assert sorted(path.name for path in folder.rglob("*")) == made, (before, "something was written")
            return said
        if defect in PARAMETER_DEFECTS:
            declare(folder, GOOD, ROLES)
            old, new = PARAMETER_DEFECTS[defect][0]
            path = folder / PARAMETERS_FILE
            path.parent.mkdir(parents=True)
            path.write_text(PARAMETERS.replace(old, new))
            return refused(["check-params", str(path)])
        declare(folder, TABLES[defect][0] if defect in TABLES else GOOD)
        if defect in DECLARATIONS:
            old, new = DECLARATIONS[defect][0]
            path = folder / "data/raw/shops/source.yml"
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, new))
        try:
            table.load("shops")
        except Refusal as refusal:
            return str(refusal)
    raise AssertionError(f"{defect} was not refused")


ALL = {**FILES, **TABLES, **DECLARATIONS, **PARAMETER_DEFECTS}


@pytest.mark.parametrize("defect", ALL)
def test_one_line_names_the_place_and_the_fix(defect: str, tmp_path: Path) -> None:
    said = message(defect, tmp_path)
    assert said == ALL[defect][1]
    assert "\n" not in said and said.count(" STOP ") == 1 and ". Fix: " in said


def test_the_good_file_and_declaration_are_accepted(tmp_path: Path) -> None:
    with project(tmp_path):
        declare(tmp_path, GOOD)
        assert len(table.load("shops")) == 16


def test_at_least_thirty_and_no_two_alike() -> None:
    assert len(ALL) == len(FILES) + len(TABLES) + len(DECLARATIONS) + len(PARAMETER_DEFECTS) >= 30


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    with project(tmp_path):
        for address in ("mysql+nothing://me:secret@host/town", "postgresql://me:secret@", "sqlite://me:secret@/x"):
            said = refused(["dataset", address, "--table", "shops"])
            assert "secret" not in said and "me:" not in said, said


def show() -> None:
    """Print every defect with its message."""
    for number, defect in enumerate(ALL, 1):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{number:>2}. {defect}: {message(defect, Path(folder))}")


if __name__ == "__main__":
    sys.exit(show())
