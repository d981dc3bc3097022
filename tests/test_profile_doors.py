"""Workbooks, Stata, Parquet and databases: what is stored is what they hold, to the last digit."""

from __future__ import annotations

import contextlib
import datetime
import sqlite3
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from analysis import cli, paths
from analysis.data import catalog, table
from analysis.profile import doors, incoming, intake, text

AMOUNTS = [round(0.1 * number + 1e-12 * number, 12) for number in range(12)]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "RAW", tmp_path / "data" / "raw")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def workbook(rows: list[list[Any]], name: str = "book.xlsx", **formats: str) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Data"
    for row in rows:
        sheet.append(row)
    for cell, shown in formats.items():
        sheet[cell].number_format = shown
    book.save(name)
    return book


def said(brought: intake.Brought) -> list[str]:
    return [f"{one.severity} {one.column}: {one.problem}" for one in brought.profile.findings]


def test_a_workbook_keeps_every_digit_dates_and_words(project: Path) -> None:
    rows: list[list[Any]] = [["code", "amount", "day", "yes", "word"]]
    for number in range(12):
        day = datetime.datetime(2020, 1, 1 + number)
        rows.append([f"{number:03d}", AMOUNTS[number], day, number % 2 == 0, ["NA", "north"][number % 2]])
    workbook([*rows, [None, None]])
    intake.bring("book.xlsx")
    lines = (paths.RAW / "book" / "book.csv").read_text().splitlines()
    assert lines[0] == "code,amount,day,yes,word"
    assert lines[1] == "000,0,2020-01-01,true,NA" and lines[3] == "002,0.200000000002,2020-01-03,true,NA"
    assert len(lines) == 13, "empty rows below the table are no rows"
    source = catalog.read("book")
    assert {name: column.type for name, column in source.columns.items()} == {
        "code": "text", "amount": "number", "day": "date", "yes": "boolean", "word": "text"
    }  # fmt: skip
    assert "book.xlsx, sheet Data" in source.obtained and "sha256" in source.obtained
    assert table.load("book")["amount"].tolist() == AMOUNTS


def test_a_workbook_names_rows_as_the_sheet_does(project: Path) -> None:
    rows: list[list[Any]] = [["shop", "sales"], *([number, number * 2.5] for number in range(9)), [9, "many"]]
    workbook(rows)
    assert "serious sales: 9 numbers and 1 word, first word in row 11 ('many')" in said(intake.bring("book.xlsx"))


def test_leading_zeros_that_only_the_sheet_shows_are_named(project: Path) -> None:
    rows: list[list[Any]] = [["zip", "share"], *([2139 + number, number / 10] for number in range(9))]
    workbook(rows, **{f"A{row}": "00000" for row in range(2, 11)}, **{f"B{row}": "0.0%" for row in range(2, 11)})
    found = said(intake.bring("book.xlsx"))
    assert "caution zip: the sheet shows leading zeros, the workbook stores numbers without them" in found
    assert "note share: the sheet shows per cent, the workbook stores shares (0.12 for 12 %)" in found


def test_hidden_rows_are_named(project: Path) -> None:
    book = workbook([["shop", "sales"], *([number, number * 2.5] for number in range(9))])
    assert book.active is not None
    book.active.row_dimensions[4].hidden = True
    book.save("book.xlsx")
    assert "caution : 1 hidden row of the sheet, taken in like the others" in said(intake.bring("book.xlsx"))


def test_results_of_formulas_are_taken_and_error_cells_named(project: Path) -> None:
    rows: list[list[Any]] = [["shop", "sales"], *([number, number * 2.5] for number in range(9)), [9, "=B3*2"]]
    workbook(rows)
    stored = zipfile.ZipFile("book.xlsx")
    parts = {name: stored.read(name) for name in stored.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    for result, kind in (("#REF!", ' t="e"'), ("5", "")):
        found = sheet.replace('<c r="B11"><f>B3*2</f><v></v></c>', f'<c r="B11"{kind}><f>B3*2</f><v>{result}</v></c>')
        found = found.replace('<c r="B11"><f>B3*2</f><v/></c>', f'<c r="B11"{kind}><f>B3*2</f><v>{result}</v></c>')
        assert found != sheet
        name = f"book{len(result)}.xlsx"
        with zipfile.ZipFile(name, "w") as file:
            for part, content in parts.items():
                file.writestr(part, found if part == "xl/worksheets/sheet1.xml" else content)
    assert "serious sales: 1 error cell of a spreadsheet, first in row 11 ('#REF!')" in said(intake.bring("book5.xlsx"))
    good = intake.bring("book1.xlsx")
    assert (good.folder / good.file).read_text().endswith("9,5\n")
    assert "note : 1 formula, first in cell B11; the results were taken" in said(good)


def test_the_sheet_that_is_named_is_read(project: Path) -> None:
    book = workbook([["shop", "sales"], *([number, number * 2.5] for number in range(9))])
    other = book.create_sheet("Other")
    other.append(["town", "people"])
    for number in range(9):
        other.append([f"Town {number}", 1000 + number])
    book.save("book.xlsx")
    assert intake.bring("book.xlsx", sheet="Other").profile.facts.keys() == {"town", "people"}


def stata(**options: Any) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "id": np.arange(12, dtype="int32"),
            "sex": pd.Categorical(["male", "female"] * 6, categories=["male", "female"]),
            "wage": (np.arange(12) / 7).astype("float32"),
            "day": pd.date_range("2020-01-01", periods=12),
            "month": pd.date_range("2017-04-01", periods=12, freq="MS"),
            "gap": [1.5, None] * 6,
        }
    )
    form = {"day": "td", "month": "tm"}
    frame.to_stata("survey.dta", write_index=False, convert_dates=form, **options)
    return frame


def test_stata_labels_codes_and_periods(project: Path) -> None:
    frame = stata(variable_labels={"wage": "Hourly wage in dollars", "sex": "Sex of the worker"})
    brought = intake.bring("survey.dta")
    source, loaded = catalog.read("survey"), table.load("survey")
    assert (
        source.columns["wage"].label == "Hourly wage in dollars" and source.columns["sex"].label == "Sex of the worker"
    )
    assert source.columns["sex"].values == [0, 1]
    assert "# Codes: 0 = male, 1 = female" in (brought.folder / "source.yml").read_text()
    assert loaded["month"].tolist()[:2] == [201704, 201705] and source.columns["day"].type == "date"
    assert loaded["wage"].tolist() == frame["wage"].astype("float64").tolist(), "single precision, widened exactly"
    assert int(loaded["gap"].isna().sum()) == 6


def test_years_stored_as_stata_dates_stay_years(project: Path) -> None:
    frame = pd.DataFrame({"year": pd.to_datetime([f"{year}-01-01" for year in range(2001, 2011)]), "y": range(10)})
    frame.to_stata("years.dta", write_index=False, convert_dates={"year": "ty"})
    intake.bring("years.dta")
    assert table.load("years")["year"].tolist() == list(range(2001, 2011))


def test_parquet_is_stored_as_it_is(project: Path) -> None:
    columns = {
        "id": pa.array(range(20)),
        "score": pa.array([number / 3 if number % 5 else None for number in range(20)]),
        "zip": pa.array([f"{number:05d}" for number in range(20)]),
        "day": pa.array([datetime.date(2020, 1, 1 + number) for number in range(20)]),
        "tags": pa.array([[number] for number in range(20)]),
        "inf": pa.array([float("inf")] * 2 + [0.0] * 18),
        "kind": pa.array(["a", "b"] * 10).dictionary_encode(),
        "price": pa.array([Decimal("1.10")] * 20),
    }
    parquet.write_table(pa.table(columns), "mine.parquet")
    brought = intake.bring("mine.parquet")
    assert (brought.folder / "mine.parquet").read_bytes() == Path("mine.parquet").read_bytes()
    source = catalog.read("mine")
    assert {name: column.type for name, column in source.columns.items()} == {
        "id": "integer", "score": "number", "zip": "text", "day": "date", "kind": "text", "price": "number"
    }  # fmt: skip
    assert source.columns["score"].missing == "allow" and source.columns["kind"].values == ["a", "b"]
    found = said(brought)
    assert any("tags: the file holds list" in one for one in found) and any(
        "inf: it holds infinite" in one for one in found
    )


def test_a_database_table_comes_in_the_order_of_its_key_and_the_password_stays_out(project: Path) -> None:
    with contextlib.closing(sqlite3.connect("city.db")) as connection:
        connection.execute("create table shops (shop text primary key, sales real, opened date, n integer)")
        rows = [(f"{number:02d}", number / 3, f"2020-01-{number + 1:02d}", 2**40 + number) for number in range(20)]
        connection.executemany("insert into shops values (?, ?, ?, ?)", rows[::-1])
        connection.commit()
    brought = intake.bring("sqlite:///city.db", table_name="shops")
    assert brought.dataset == "shops"
    lines = (brought.folder / "shops.csv").read_text().splitlines()
    assert lines[2] == f"01,{1 / 3!r},2020-01-02,{2**40 + 1}"
    source = catalog.read("shops")
    assert "sqlite database city.db, table shops" in source.obtained and source.columns["shop"].type == "text"


def test_a_table_without_a_key_is_named(project: Path) -> None:
    with contextlib.closing(sqlite3.connect("city.db")) as connection:
        connection.execute("create table shops (shop text, sales real)")
        connection.executemany("insert into shops values (?, ?)", [(str(number), number / 3) for number in range(20)])
        connection.commit()
    assert any("no primary key" in one for one in said(intake.bring("sqlite:///city.db", table_name="shops")))


def test_no_part_of_an_address_reaches_the_declaration_or_the_screen(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["dataset", "postgresql+nothing://reader:secret@db.example/town?sslkey=secret", "--table", "shops"])
    printed = capsys.readouterr()
    assert code == 2 and "secret" not in printed.out + printed.err and "reader" not in printed.err


def test_cells_become_fields_that_give_back_the_value() -> None:
    cells = [None, True, 3, 2.0, 0.1, Decimal("1.10"), "NA", datetime.date(2020, 2, 29), float("nan"), 1e300]
    fields = incoming.as_fields(cells, "x")
    assert fields == ["", "true", "3", "2", "0.1", "1.10", "NA", "2020-02-29", "", "1e+300"]
    assert incoming.as_fields([datetime.datetime(2020, 1, 1, 9, 30)], "x") == ["2020-01-01 09:30:00"]


@pytest.mark.parametrize(
    ("encoding", "words", "name"),
    [
        ("cp1252", "Düsseldorf und Köln für Bürger – mit großen Straßen; “Märkte”", "Windows-1252"),
        ("latin_1", "São Paulo, município não informado, educação e saúde pública", "Windows-1252 or cp1250"),
        ("cp1251", "Москва и Санкт-Петербург, образование и здравоохранение", "cp1251"),
    ],
)
def test_encodings_are_named(encoding: str, words: str, name: str) -> None:
    assert text.encoding_of(f"a,b\n1,{words}\n".encode(encoding)) == name


def test_two_databases_or_files_are_never_confused() -> None:
    assert intake.default_name("Sales 2020 (final).csv") == "sales_2020_final"
    assert intake.default_name("2020.csv") == "data_2020" and intake.default_name("ß.csv") == "data"
    assert intake.default_name("sqlite:///x.db", "Main.Shops") == "main_shops"
    assert set(doors.TEXT) & set(doors.OTHER) == set()
