"""Tables are read as declared: nothing is guessed, both readers agree, each defect is named with its line."""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from analysis import paths
from analysis.data import castle, delimited, injury, kielmc, mpdta, organ_donations, table
from analysis.refusal import Refusal

FILE = "data/raw/mine/mine.csv"
COLUMNS: dict[str, Any] = {
    "id": {"type": "text", "label": "School", "role": "unit"},
    "year": {"type": "integer", "label": "Year", "role": "time", "minimum": 1990, "maximum": 2030},
    "first.treat": {
        "type": "integer",
        "label": "Start",
        "role": "first_treated",
        "missing": "allow",
        "missing_codes": [0],
    },
    "score": {"type": "number", "label": "Score", "missing": "allow", "missing_codes": ["NA"], "maximum": 100},
    "urban": {"type": "boolean", "label": "Urban"},
    "opened": {"type": "date", "label": "Opened", "missing": "allow"},
    "name": {"type": "text", "label": "Name", "missing": "allow", "missing_codes": ["unknown"]},
}
HEADER = "id,year,first.treat,score,urban,opened,name,extra"
ROWS = [
    "001,2014,0,1.5,true,2014-01-31,NA,x",
    '002,2015,2015,NA,0,,"Null, ""A""\nSchool",',
    "003,2016,,,FALSE,1999-12-31,,x",
    "004,2017.0,2016,1e-3,1,2000-02-29,unknown,x",
]
GOOD = "\n".join([HEADER, *ROWS]) + "\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "RAW", tmp_path / "data" / "raw")
    folder = paths.RAW / "mine"
    folder.mkdir(parents=True)
    return folder


def put(folder: Path, data: str | bytes | Path, columns: dict[str, Any] | None = None, **changes: Any) -> None:
    """The dataset `mine` with these bytes (or this file, already there) and these columns."""
    file = data.name if isinstance(data, Path) else "mine.csv"
    if not isinstance(data, Path):
        (folder / file).write_bytes(data.encode() if isinstance(data, str) else data)
    texts = dict.fromkeys(["title", "origin", "citation", "licence", "obtained"], "A text")
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    values = {**texts, "file": file, "sha256": digest, "synthetic": True, "columns": columns or COLUMNS, **changes}
    (folder / "source.yml").write_text(json.dumps(values), encoding="utf-8")


def refused(folder: Path, data: str | bytes | Path, columns: dict[str, Any] | None = None, **changes: Any) -> Refusal:
    put(folder, data, columns, **changes)
    with pytest.raises(Refusal) as caught:
        table.load("mine")
    assert "\n" not in str(caught.value)
    return caught.value


def one(kind: str, *fields: str, **keys: Any) -> tuple[str, dict[str, Any]]:
    """A file with the column x beside a key, and its declaration."""
    rows = "".join(f"k,{field}\n" for field in fields)
    return f"key,x\n{rows}", {"x": {"type": kind, "label": "Column", **keys}}


def test_values_have_the_declared_types_and_only_empty_fields_and_codes_are_missing(folder: Path) -> None:
    put(folder, GOOD)
    frame = table.load("mine")
    assert list(frame.columns) == list(COLUMNS)
    assert frame["id"].tolist() == ["001", "002", "003", "004"]
    assert frame["year"].dtype == "int64"
    assert frame["year"].tolist() == [2014, 2015, 2016, 2017]
    assert frame["first.treat"].dtype == "float64"
    np.testing.assert_array_equal(frame["first.treat"], [np.nan, 2015, np.nan, 2016])
    np.testing.assert_array_equal(frame["score"], [1.5, np.nan, np.nan, 0.001])
    assert frame["urban"].dtype == "bool"
    assert frame["urban"].tolist() == [True, False, False, True]
    assert frame["opened"].dtype == "datetime64[s]"
    assert frame["opened"][3] == pd.Timestamp("2000-02-29")
    assert frame["opened"].isna().tolist() == [False, True, False, False]
    assert isinstance(frame["name"].dtype, pd.StringDtype)
    assert frame["name"][:2].tolist() == ["NA", 'Null, "A"\nSchool']
    assert frame["name"][2:].isna().all()


def test_a_boolean_with_missing_values_is_a_number(folder: Path) -> None:
    put(folder, *one("boolean", "true", "", "0", missing="allow"))
    np.testing.assert_array_equal(table.load("mine")["x"], [1.0, np.nan, 0.0])


@pytest.mark.parametrize("changed", ["plain", "windows", "marked", "unended", "blank"])
def test_the_fast_and_the_patient_reader_agree(folder: Path, monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    text = {
        "plain": GOOD,
        "windows": GOOD.replace("\n", "\r\n"),
        "marked": "\ufeff" + GOOD,
        "unended": GOOD.rstrip("\n"),
        "blank": GOOD + "\n\n",
    }[changed]
    put(folder, text)

    def stop(*_: object) -> None:
        raise AssertionError("the other reader was called")

    with monkeypatch.context() as patch:
        patch.setattr(delimited, "_patient", stop)
        fast = table.load("mine")

    def doubt(*_: object) -> None:
        raise delimited._Doubt

    monkeypatch.setattr(delimited, "_fast", doubt)
    pd.testing.assert_frame_equal(fast, table.load("mine"), check_exact=True)


def test_random_numbers_survive_the_round_trip_in_both_readers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=500) * 10.0 ** np.arange(-250, 250)
    put(folder, *one("number", *(repr(float(value)) for value in values)))
    np.testing.assert_array_equal(table.load("mine")["x"], values)
    monkeypatch.setattr(delimited, "_fast", lambda *_: (_ for _ in ()).throw(delimited._Doubt()))
    np.testing.assert_array_equal(table.load("mine")["x"], values)


def test_rows_keep_their_order_and_undeclared_columns_are_dropped(folder: Path) -> None:
    put(folder, "z,x\nq,3\nq,1\nq,2\n", {"x": {"type": "integer", "label": "Column"}})
    frame = table.load("mine")
    assert frame["x"].tolist() == [3, 1, 2]
    assert list(frame.columns) == ["x"]


@pytest.mark.parametrize(
    ("kind", "field", "problem", "fix"),
    [
        ("integer", "abc", "'abc' is not a whole number", "leave the field empty and declare `missing: allow`"),
        ("integer", "1.5", "'1.5' is not a whole number", "declare `type: number`, or correct the value"),
        ("integer", "0x1F", "'0x1F' is not a whole number", "leave the field empty"),
        ("integer", "9" * 25, f"'{'9' * 25}' is too long for a number", "declare `type: text`"),
        ("number", "NA", "'NA' is not a number", "or add 'NA' to missing_codes, or correct the value"),
        ("number", "nan", "'nan' is not a number", "leave the field empty"),
        ("number", '"3,5"', "'3,5' has a comma in a number", "write a point before decimals"),
        ("number", '"1,234.5"', "'1,234.5' is not a number", "correct the value"),
        ("number", "inf", "'inf' is not a finite number", "leave the field empty if it is missing"),
        ("number", "1e999", "'1e999' is not a finite number", "leave the field empty if it is missing"),
        ("number", "1_000", "'1_000' is not a number", "correct the value"),
        ("boolean", "yes", "'yes' is neither true nor false", "write true or false (or 1 and 0)"),
        ("date", "13/04/2024", "'13/04/2024' is not a date", "write dates as year-month-day, like 2014-01-31"),
        ("date", "2024-02-30", "'2024-02-30' is not a date", "write dates as year-month-day"),
    ],
)
def test_a_field_that_is_not_of_its_type_is_refused(
    folder: Path, kind: str, field: str, problem: str, fix: str
) -> None:
    good = {"integer": "1", "number": "1", "boolean": "1", "date": "2024-01-31"}[kind]
    found = refused(folder, *one(kind, good, field))
    assert (found.code, found.where, found.problem) == ("D403", f"{FILE}:x", f"line 3: {problem}")
    assert fix in found.fix


@pytest.mark.parametrize(
    ("kind", "keys", "fields", "problem", "fix"),
    [
        ("number", {"minimum": 0}, ["1", "-2"], "line 3: the value -2 is below the minimum 0", "declared minimum"),
        ("integer", {"maximum": 5}, ["1", "", "7"], "line 4: the value 7 is above the maximum 5", "declared maximum"),
        ("integer", {"values": [0, 1]}, ["1", "2"], "line 3: the value 2 is not one of 0, 1", "extend `values`"),
        ("text", {"values": ["a"]}, ["a", "b"], "line 3: the value 'b' is not one of a", "extend `values`"),
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused(
    folder: Path, kind: str, keys: dict[str, Any], fields: list[str], problem: str, fix: str
) -> None:
    found = refused(folder, *one(kind, *fields, missing="allow", **keys))
    assert (found.code, found.where, found.problem) == ("D404", f"{FILE}:x", problem)
    assert fix in found.fix


def test_the_line_counts_line_ends_inside_quotes(folder: Path) -> None:
    text = 'name,x\n"two\nlines",1\n\nb,-1\n'
    found = refused(folder, text, {"x": {"type": "integer", "label": "Column", "minimum": 0}})
    assert found.problem.startswith("line 5: the value -1")


@pytest.mark.parametrize("kind", ["integer", "number", "text", "boolean", "date"])
def test_a_missing_value_is_refused_unless_allowed(folder: Path, kind: str) -> None:
    good = {"date": "2024-01-31"}.get(kind, "1")
    found = refused(folder, *one(kind, good, "", ""))
    assert str(found) == (
        f"D405 STOP {FILE}:x — line 3: the value is missing (2 such values). "
        "Fix: fill the fields, or declare `missing: allow`"
    )


def test_long_numbers_beside_missing_ones_are_refused(folder: Path) -> None:
    found = refused(folder, *one("integer", "", "9007199254740993", missing="allow"))
    assert (found.code, found.fix) == ("D403", "declare `type: text`")


def test_a_missing_column_is_refused_with_the_nearest_name(folder: Path) -> None:
    found = refused(folder, GOOD.replace("first.treat", "first_treat"))
    assert str(found) == (
        f"D402 STOP {FILE}:first.treat — the file has no column 'first.treat'. Fix: did you mean 'first_treat'?"
    )


@pytest.mark.parametrize(
    ("data", "where", "problem", "fix"),
    [
        ("x,y,x\n1,2,3\n", ":x", "the header names 2 columns 'x'", "rename or delete all but one"),
        ("y,x\n1,2\n1\n", "", "line 3: 1 fields where the header has 2", "write every field of the row"),
        ("y,x\n1,2\n1,2,3\n", "", "line 3: 3 fields where the header has 2", "quote text that holds a comma"),
        ("y;x\n1;2\n", "", "fields are separated by semicolons", "save it with commas between fields"),
        ("y\tx\n1\t2\n", "", "fields are separated by tabs", "save it with commas between fields"),
        ("y,x\né,1\n".encode("latin-1"), "", "line 2: not UTF-8 (byte 0xe9)", "save the file as CSV in UTF-8"),
        ("y,x\n1,2\n".encode("utf-16"), "", "not UTF-8 text (UTF-16 or binary)", "save the file as CSV in UTF-8"),
        ('y,x\n"open,2\na,1\n', "", "line 3: unexpected end of data", "close the quotes"),
        ('y,x\n"a"b,2\n', "", "line 2: ',' expected after '\"'", "close the quotes"),
        ("", "", "the file is empty", "its first line naming the columns"),
        ("y,x\n", "", "the table has no rows", "put the data below the header"),
    ],
)
def test_unreadable_files_are_refused(folder: Path, data: str | bytes, where: str, problem: str, fix: str) -> None:
    found = refused(folder, data, {"x": {"type": "integer", "label": "Column"}})
    assert (found.code, found.where, found.problem) == ("D407", FILE + where, problem)
    assert fix in found.fix


def test_another_number_of_rows_is_refused(folder: Path) -> None:
    found = refused(folder, GOOD, rows=5)
    assert (found.code, found.where) == ("D401", "data/raw/mine/source.yml:rows")
    assert found.problem == "5 rows declared, the file has 4"


def parquet_file(folder: Path, columns: dict[str, Any]) -> Path:
    path = folder / "mine.parquet"
    parquet.write_table(pa.table(columns), path)
    return path


def test_parquet_gives_the_same_frame_as_csv(folder: Path) -> None:
    put(folder, GOOD)
    expected = table.load("mine")
    path = parquet_file(
        folder,
        {
            "extra": [1, 2, 3, 4],
            "id": pa.array(["001", "002", "003", "004"]).dictionary_encode(),
            "year": pa.array([2014, 2015, 2016, 2017], pa.int16()),
            "first.treat": [0.0, 2015.0, None, 2016.0],
            "score": [1.5, float("nan"), None, 0.001],
            "urban": [True, False, False, True],
            "opened": [datetime.date(2014, 1, 31), None, datetime.date(1999, 12, 31), datetime.date(2000, 2, 29)],
            "name": ["NA", 'Null, "A"\nSchool', "", "unknown"],
        },
    )
    put(folder, path)
    pd.testing.assert_frame_equal(table.load("mine"), expected, check_exact=True)


@pytest.mark.parametrize(
    ("kind", "values", "code", "problem"),
    [
        ("integer", ["1"], "D403", "the file holds string, the declaration says integer"),
        ("text", [1], "D403", "the file holds int64, the declaration says text"),
        ("integer", [1.5], "D403", "row 1: the value is not a whole number"),
        ("number", [1.0, float("inf")], "D403", "row 2: the value is not a finite number"),
        ("number", [1.0, None], "D405", "row 2: the value is missing"),
        ("number", pa.array([], pa.float64()), "D407", "the table has no rows"),
    ],
)
def test_parquet_is_refused_like_csv(folder: Path, kind: str, values: Any, code: str, problem: str) -> None:
    found = refused(folder, parquet_file(folder, {"x": values}), {"x": {"type": kind, "label": "Column"}})
    assert (found.code, found.problem) == (code, problem)


def test_a_broken_parquet_file_is_refused(folder: Path) -> None:
    (folder / "mine.parquet").write_bytes(b"PAR1 no")
    found = refused(folder, folder / "mine.parquet")
    assert found.code == "D407"
    assert found.problem.startswith("not readable as Parquet")


def tidies(monkeypatch: pytest.MonkeyPatch, derived: Any) -> None:
    monkeypatch.setattr(table, "_tidied", lambda _, frame: frame.assign(**derived))


DERIVED = {
    "x": {"type": "integer", "label": "Column"},
    "d": {"type": "integer", "label": "Derived", "derived": "as told"},
}


def test_derived_columns_are_checked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder, "x\n1\n2\n", DERIVED)
    tidies(monkeypatch, {"d": [1.0, 2.0]})
    assert table.load("mine")["d"].dtype == "int64"


@pytest.mark.parametrize(
    ("derived", "code", "problem"),
    [
        ({}, "D402", "the derived column is not made"),
        ({"d": ["a", "b"]}, "D403", "the derived column holds str, the declaration says integer"),
        ({"d": [1.5, 2.0]}, "D403", "the derived column holds fractions"),
        ({"d": [1.0, np.nan]}, "D405", "row 2 after tidying: the value is missing"),
    ],
)
def test_wrong_derived_columns_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, derived: Any, code: str, problem: str
) -> None:
    tidies(monkeypatch, derived)
    found = refused(folder, "x\n1\n2\n", DERIVED)
    assert (found.code, found.where, found.problem) == (code, "data/raw/mine/source.yml:d", problem)


MODULES = [
    (
        castle,
        {"sid": [1, 1, 1, 2, 2, 2], "year": [2005, 2006, 2007] * 2, "post": [0, 0, 1, 0, 0, 0]},
        {"first_treated": [2006.0] * 3 + [np.nan] * 3},
    ),
    (
        organ_donations,
        {"State": ["Ohio", "California"], "Quarter": ["Q12012", "Q42010"]},
        {"Quarter_Num": [6, 1], "first_treated": [np.nan, 4.0]},
    ),
    (kielmc, {"nearinc": [0, 1]}, {"first_treated": [np.nan, 1981.0]}),
    (injury, {"afchnge": [1, 0], "highearn": [0, 1]}, {"time": [1, 0], "first_treated": [np.nan, 1.0]}),
    (mpdta, {"countyreal": [8001, 55137]}, {"state": [8, 55]}),
]


@pytest.mark.parametrize(("module", "columns", "expected"), MODULES, ids=lambda value: getattr(value, "__name__", ""))
def test_dataset_modules_derive_columns_and_leave_their_input_alone(module: Any, columns: Any, expected: Any) -> None:
    frame = pd.DataFrame(columns, index=range(5, 5 + len(next(iter(columns.values())))))
    before = frame.copy(deep=True)
    tidied = module.tidy(frame)
    pd.testing.assert_frame_equal(frame, before)
    for name, values in expected.items():
        np.testing.assert_array_equal(tidied[name], values)
