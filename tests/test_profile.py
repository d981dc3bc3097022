"""A person's own table: every planted trap is found and named, a clean table is silent, nothing is ever changed.

The traps are planted one at a time in a clean panel, so that each message is seen alone.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv as arrow

from analysis import cli, paths, strict_yaml
from analysis.data import catalog, table
from analysis.profile import doors, intake, profiled, text
from analysis.profile.finding import Finding
from analysis.profile.incoming import Incoming

Rows = list[dict[str, str]]
Change = Callable[[Rows], object]
STATES = ["Alabama", "Bayern", "Chubut", "Drenthe", "Essex", "Fife", "Gelderland", "Hessen", "Idaho", "Jura"]


def clean() -> Rows:
    """Ten states in eight years; four adopt in 2014 or 2016, the others never."""
    rows = []
    draw = random.Random(20260101)
    for place, state in enumerate(STATES):
        start = {0: 2014, 1: 2014, 2: 2016, 3: 2016}.get(place)
        for year in range(2010, 2018):
            treated = int(start is not None and year >= start)
            rows.append(
                {
                    "state": state,
                    "year": str(year),
                    "adopted": str(start or ""),
                    "treated": str(treated),
                    "score": f"{10 + place + treated + draw.random():.3f}",
                    "cases": str(draw.randrange(5, 60)),
                    "kind": draw.choice(["small", "large", "medium"]),
                    "day": f"{year}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}",
                }
            )
    return rows


def written(rows: Rows, separator: str = ",") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[0]), delimiter=separator, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode("utf-8")


def profile(rows: Rows) -> profiled.Profile:
    return profiled.of(Incoming(written(rows), "csv", "mine.csv"), "mine.csv")


def findings(change: Change, severity: str = "") -> list[Finding]:
    """What is found after `change`, besides nothing that the clean table has."""
    rows = clean()
    change(rows)
    return [one for one in profile(rows).findings if not severity or one.severity == severity]


def put(column: str, value: str, *places: int) -> Change:
    def change(rows: Rows) -> None:
        for place in places or (4,):
            rows[place][column] = value

    return change


def every(column: str, form: Callable[[int, dict[str, str]], str]) -> Change:
    def change(rows: Rows) -> None:
        for number, row in enumerate(rows):
            row[column] = form(number, row)

    return change


def renamed(old: str, new: str) -> Change:
    def change(rows: Rows) -> None:
        for row in rows:
            value = row.pop(old)
            row[new] = value

    return change


def again(place: int) -> Change:
    return lambda rows: rows.append(dict(rows[place]))


def without(*places: int) -> Change:
    def change(rows: Rows) -> None:
        for place in sorted(places, reverse=True):
            del rows[place]

    return change


def lost_after_start(rows: Rows) -> None:
    for row in rows:
        if row["treated"] == "1" and int(row["year"]) % 2:
            row["score"] = ""


def shuffled_days(number: int, row: dict[str, str]) -> str:
    draw = random.Random(number)
    return f"{draw.randrange(1935, 2004)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"


GIVEN_NAMES = ["Maria", "James", "Anna", "Peter", "Susan", "Juan", "Ali", "Olga"]
STREETS = ["Oak Street", "Mill Road", "Church Lane", "High Street"]

# name of the trap, what is planted, severity, column, words of the message
# ruff: noqa: E501
TRAPS: dict[str, tuple[Change, str, str, str]] = {
    "leading zeros": (
        every("code", lambda n, r: f"{n % 7:03d}"), "caution", "code", "leading zeros, first in line 2 ('000')"),
    "NA as a word": (put("kind", "NA", 3, 9), "caution", "kind", "2 values 'NA', first in line 5: a value (NA: Namibia"),
    "null as a word": (put("kind", "Null"), "caution", "kind", "1 value 'Null', first in line 6"),
    "None as a word": (put("kind", "None"), "caution", "kind", "1 value 'None', first in line 6"),
    "NA among numbers": (put("score", "NA", 3, 9), "caution", "score", "2 fields 'NA', first in line 5, seem to mean"),
    "dots among numbers": (put("cases", "."), "caution", "cases", "1 field '.', first in line 6, seems to mean missing"),
    "decimal comma": (
        every("score", lambda n, r: r["score"][:-1].replace(".", ",")), "serious", "score",
        "80 numbers with a decimal comma"),
    "separator of thousands": (
        every("cases", lambda n, r: f"{n + 1},{n:03d}"), "serious", "cases", "80 numbers with a separator of thousands"),
    "ambiguous 1,234": (
        every("cases", lambda n, r: f"{n + 1},{n:03d}"), "serious", "cases", "1,234 could also be 1.234"),
    "points for thousands": (
        lambda rows: (every("score", lambda n, r: f"{n + 1}.{n + 100}")(rows),
                      every("cost", lambda n, r: f"{n},5")(rows)),
        "serious", "score", "points that may separate thousands"),
    "mixed day and month": (
        every("day", lambda n, r: "13/04/2024" if n % 2 else "04/15/2024"), "serious", "day",
        "day before month in line 3, month before day in line 2"),
    "ambiguous dates": (
        every("day", lambda n, r: "03/04/2024"), "serious", "day", "that could be day/month or month/day"),
    "13/04 beside 03/04": (
        every("day", lambda n, r: "13/04/2024" if n % 2 else "03/04/2024"), "caution", "day",
        "written day before month; 40 of them could be read the other way round"),
    "two ways of writing dates": (put("day", "1 Jan 2015", 5, 6), "serious", "day", "dates written in 2 ways"),
    "impossible date": (put("day", "2015-02-30"), "serious", "day", "1 date that the calendar does not have"),
    "month names": (every("day", lambda n, r: "Jan-17"), "caution", "day", "80 dates not written year-month-day"),
    "times of day": (every("day", lambda n, r: "2015-01-01 10:00"), "caution", "day", "dates with a time of day"),
    "time zones": (
        every("day", lambda n, r: "2015-01-01T10:00" + ("Z" if n % 2 else "")), "serious", "day", "(40) and without one"),
    "periods as text": (every("when", lambda n, r: f"{r['year']}-Q1"), "caution", "when", "periods as text"),
    "sentinel -999": (put("score", "-999", 3, 9), "serious", "score", "2 values -999, first in line 5, far outside"),
    "sentinel -99": (put("cases", "-99"), "serious", "cases", "1 value -99, first in line 6, far outside all others"),
    "sentinel 9999": (put("cases", "9999"), "serious", "cases", "1 value 9999, first in line 6"),
    "sentinel 99999": (put("score", "99999"), "serious", "score", "1 value 99999, first in line 6"),
    "sentinel among dates of adoption": (
        lambda rows: [row.update(adopted="9999") for row in rows if not row["adopted"]], "serious", "adopted",
        "48 values 9999"),
    "zero as never": (
        lambda rows: [row.update(adopted="0") for row in rows if not row["adopted"]], "serious", "adopted",
        "48 values 0"),
    "constant column": (every("same", lambda n, r: "7"), "note", "same", "the same value in every row"),
    "empty column": (every("nothing", lambda n, r: ""), "note", "nothing", "every field is empty"),
    "mixed types": (
        put("cases", "many", 5, 7), "serious", "cases", "78 numbers and 2 words, first word in line 7 ('many')"),
    "duplicate rows": (again(5), "caution", "", "1 row equal to an earlier row in every column, first in line 82"),
    "duplicate keys": (put("year", "2011", 2), "serious", "state", "state and year name 79 of 80 rows; line 4 repeats Alabama, 2011"),
    "duplicate codes": (
        every("case_id", lambda n, r: str(max(n, 1) + 500)), "caution", "case_id", "1 row with one seen before, first in line 3"),
    "blanks around": (put("kind", " small", 4, 6), "caution", "kind", "2 values with blanks around, first in line 6"),
    "blank names": (renamed("kind", "kind "), "caution", "kind ", "blanks around the name of the column"),
    "names nearly equal": (every("Score", lambda n, r: str(n)), "caution", "score", "nearly equal: 'score' and 'Score'"),
    "percent signs": (every("rate", lambda n, r: f"{n} %"), "serious", "rate", "80 numbers with a percent sign"),
    "currency": (every("cost", lambda n, r: f"${n}.50"), "serious", "cost", "80 numbers with a currency"),
    "brackets for minus": (put("score", "(12.5)", 3, 4, 5, 6), "serious", "score", "4 numbers with marks around them"),
    "days of a spreadsheet": (every("date", lambda n, r: str(42000 + n)), "caution", "date", "counted by a spreadsheet"),
    "dates without separators": (
        every("date", lambda n, r: f"1112{n % 9 + 90}"), "caution", "date", "dates without separators"),
    "error cells": (put("score", "#N/A", 3, 9), "serious", "score", "2 error cells of a spreadsheet, first in line 5"),
    "broken references": (put("score", "#REF!"), "serious", "score", "1 error cell of a spreadsheet, first in line 6"),
    "formulas": (put("score", "=1+1"), "serious", "score", "1 formula instead of a value, first in line 6 ('=1+1')"),
    "Y and N": (every("member", lambda n, r: "YN"[n % 2]), "note", "member", "yes and no written as 'N', 'Y'"),
    "yes in two languages": (
        every("member", lambda n, r: ["yes", "no", "Y"][n % 3]), "serious", "member", "yes and no written as"),
    "codes in scientific notation": (
        every("house_id", lambda n, r: f"1.{n % 7}E+05"), "serious", "house_id", "80 numbers in scientific notation"),
    "rounded long numbers": (
        every("number", lambda n, r: f"{n + 10}00000000000000000"), "serious", "number", "a spreadsheet rounded them"),
    "long numbers": (every("number", lambda n, r: f"9007199254740{n + 993:03d}"), "caution", "number", "more than 15 digits"),
    "spellings by case": (put("kind", "Small"), "serious", "kind", "several spellings: 'small' and 'Small'"),
    "spellings by accent": (
        lambda rows: (put("kind", "médium", 4, 7)(rows)), "serious", "kind", "in several spellings"),
    "totals as a category": (
        lambda rows: rows.extend({**rows[0], "state": "Total", "year": y} for y in ("2010", "2011")),
        "serious", "state", "2 rows of totals, first in line 82"),
    "group key missing": (put("state", ""), "serious", "state", "1 row without a value, first in line 6"),
    "gap in time": (
        lambda rows: rows.__setitem__(slice(None), [r for r in rows if r["year"] != "2012"]), "caution", "year",
        "periods jump: 2011 to 2013"),
    "missing cells": (without(3), "caution", "state", "1 of 80 pairs of state, year without a row (1.2 %)"),
    "adoption varies within units": (put("adopted", "2015"), "serious", "adopted", "more than one date in 1 state"),
    "treatment switches off": (put("treated", "0", 7), "serious", "treated", "falls from 1 to 0 in 1 unit: line 9"),
    "treatment against the date": (
        put("treated", "1", 2), "serious", "treated", "where it is not 1 exactly from adopted on: line 4"),
    "outcome missing after treatment": (
        lost_after_start, "serious", "score", "missing in 50 % of the rows under the policy"),
    "treated from the start": (
        lambda rows: [row.update(adopted="2010", treated="1") for row in rows[:8]], "caution", "adopted",
        "1 unit under the policy from the first period 2010 on"),
    "broken letters": (put("kind", "mÃ©dium"), "caution", "kind", "1 value with broken letters, first in line 6"),
    "wide years": (
        lambda rows: [row.update({"2001": "1", "2002": "2", "2003": "3"}) or row.pop("year") for row in rows],
        "caution", "", "3 columns are named by years: a wide table"),
    "unusable names": (every("2nd score", lambda n, r: str(n)), "note", "2nd score", "conditions under `where` need names"),
    "no name": (every("", lambda n, r: str(n)), "caution", "", "one column has no name; it is left out"),
    "month beside year": (every("month", lambda n, r: str(n % 12 + 1)), "caution", "month", "stand in two columns"),
    "names of people by name": (
        every("owner_name", lambda n, r: f"X{n}"), "serious", "owner_name", "names of people, by its name"),
    "names of people by content": (
        every("label", lambda n, r: f"{GIVEN_NAMES[n % 8]} Q{'abcdefghij'[n // 8]}son"), "serious", "label",
        "names of people, by what stands in it"),
    "e-mail by content": (
        every("info", lambda n, r: f"x{n}@mail.org"), "serious", "info", "e-mail addresses, by what stands in it"),
    "telephone by content": (
        every("info", lambda n, r: f"+49 30 1234{n:03d}"), "serious", "info", "telephone numbers, by what stands in it"),
    "national number by name": (
        every("ssn", lambda n, r: str(123450000 + n)), "serious", "ssn", "national numbers, by its name"),
    "national number by content": (
        every("info", lambda n, r: f"123-45-{6000 + n}"), "serious", "info", "national numbers, by what stands in it"),
    "date of birth by name": (every("dob", shuffled_days), "serious", "dob", "dates of birth, by its name"),
    "date of birth by content": (every("info", shuffled_days), "serious", "info", "dates of birth, by what stands in it"),
    "address by content": (
        every("info", lambda n, r: f"{n + 1} {STREETS[n % 4]}"), "serious", "info", "addresses, by what stands in it"),
    "free text": (
        every("info", lambda n, r: f"The {n}. person said that the office was closed on that day"), "serious", "info",
        "free text, different in nearly every row"),
}  # fmt: skip


@pytest.mark.parametrize("trap", TRAPS)
def test_every_planted_trap_is_found_and_named(trap: str) -> None:
    change, severity, column, words = TRAPS[trap]
    found = findings(change)
    assert any(one.severity == severity and one.column == column and words in one.problem for one in found), "\n".join(
        f"{one.severity} {one.column}: {one.problem}" for one in found
    )


def test_a_clean_table_is_silent() -> None:
    assert findings(lambda rows: None) == []


def test_a_clean_table_with_many_kinds_of_columns_is_silent() -> None:
    """What looks like a trap and is none: fractions like 1.234, a range past 99, a capital N, small powers of ten."""

    def change(rows: Rows) -> None:
        for number, row in enumerate(rows):
            row["three_digits"] = f"{number % 9}.{number + 100}"
            row["age"] = str(20 + number)
            row["growth"] = f"{(-1) ** number * 0.00001 * number!r}"
            row["temperature"] = str(number - 9)
            row["share"] = f"{number / 100}"
            row["switch"] = str(number % 2)
            row["really"] = ["true", "false"][number % 2]
            row["town"] = f"New {STATES[number % 10]}"
            row["post"] = row["treated"]

    assert findings(change) == []


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without datasets."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "RAW", tmp_path / "data" / "raw")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bring(project: Path, rows: Rows, name: str = "mine.csv") -> intake.Brought:
    (project / name).write_bytes(written(rows))
    return intake.bring(name)


def test_the_roles_come_with_reasons_and_what_is_written_can_be_read(project: Path) -> None:
    brought = bring(project, clean())
    source = catalog.read("mine")
    catalog.verify(source)
    roles = {name: column.role for name, column in source.columns.items() if column.role != "other"}
    assert roles == {"state": "unit", "year": "time", "adopted": "first_treated", "treated": "treated"}
    assert source.rows == 80 and source.columns["adopted"].missing == "allow"
    assert source.columns["kind"].values == ["large", "medium", "small"]
    assert (source.columns["year"].minimum, source.columns["year"].maximum) == (2010, 2017)
    assert source.columns["score"].minimum <= 10.1 and source.columns["day"].type == "date"
    said = (brought.folder / "source.yml").read_text()
    assert said.count("CONFIRM role:") == 4 and "# key: [state, year]\n" in said and "# units: places\n" in said
    assert "# CONFIRM role: with year it names every row once; 10 units." in said
    assert len(table.load("mine")) == 80


def test_the_key_can_be_switched_on_and_holds(project: Path) -> None:
    declared = bring(project, clean()).folder / "source.yml"
    declared.write_text(declared.read_text().replace("# key:", "key:").replace("# units:", "units:"))
    assert catalog.read("mine").key == ["state", "year"] and len(table.load("mine")) == 80


def test_a_pair_with_repeats_is_no_key() -> None:
    rows = clean()
    put("year", "2011", 2)(rows)
    found = profile(rows).roles
    assert found.column("unit") == "state" and found.column("time") == "year" and found.key == ()


@pytest.mark.slow
def test_a_million_rows_take_seconds(tmp_path: Path) -> None:
    """20 columns, 1,000,000 rows: under 40 seconds of processor time on a busy machine (12 measured)."""
    draw = np.random.default_rng(20260101)
    count = 1_000_000
    columns = {f"x{place}": draw.normal(size=count) for place in range(10)}
    columns |= {f"n{place}": draw.integers(0, 10 ** (place + 1), count) for place in range(5)}
    columns |= {f"w{place}": np.array(["north", "south"])[draw.integers(0, 2, count)] for place in range(4)}
    path = tmp_path / "large.csv"
    arrow.write_csv(pa.table({"id": np.arange(count), **columns}), path, arrow.WriteOptions(quoting_style="none"))
    begin = time.process_time()
    found = profiled.of(doors.read(str(path)), "large.csv")
    assert found.table.rows == count and found.roles.key == ("id",) and not found.findings
    assert time.process_time() - begin < 40


def test_the_stored_file_is_the_file_byte_for_byte_and_read_only(project: Path) -> None:
    content = b"\xef\xbb\xbf" + written(clean()).replace(b"\n", b"\r\n")
    (project / "My table (2).csv").write_bytes(content)
    brought = intake.bring("My table (2).csv")
    stored = brought.folder / brought.file
    assert brought.dataset == "my_table_2" and stored.read_bytes() == content
    assert stored.stat().st_mode & 0o222 == 0
    assert sorted(path.name for path in paths.RAW.parent.iterdir()) == ["raw"], "nothing is left of the staging"


def test_codes_for_missing_are_declared_to_be_confirmed(project: Path) -> None:
    rows = clean()
    put("score", "-999", 3)(rows)
    put("score", "NA", 4)(rows)
    bring(project, rows)
    column = catalog.read("mine").columns["score"]
    assert column.missing_codes == ["NA", -999] and column.minimum > 0
    assert int(table.load("mine")["score"].isna().sum()) == 2


def test_what_may_identify_people_is_left_out_and_never_repeated(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = clean()
    secret = [f"{GIVEN_NAMES[n % 8]} Secretson{'abcdefghij'[n // 8]}" for n in range(80)]
    every("owner_name", lambda n, r: " " + secret[n] if n == 5 else secret[n])(rows)
    every("email", lambda n, r: f"secret{n}@mail.org" if n != 7 else "Null")(rows)
    every("dob", shuffled_days)(rows)
    (project / "mine.csv").write_bytes(written(rows))
    assert cli.main(["dataset", "mine.csv"]) == 0
    printed = capsys.readouterr()
    said = (paths.RAW / "mine" / "source.yml").read_text()
    for text_ in (printed.out, printed.err, said):
        assert "ecretson" not in text_ and "secret" not in text_ and rows[3]["dob"] not in text_
    assert "may identify people: names of people, by its name" in printed.out
    assert not {"owner_name", "email", "dob"} & set(catalog.read("mine").columns)
    assert "# owner_name:" in said
    uncommented = said.replace("  # owner_name:\n  #   type", "  owner_name:\n    type")
    uncommented = uncommented.replace("  #   label: Own", "    label: Own")
    assert "owner_name" in strict_yaml.parse(uncommented.encode(), "x")["columns"]


def test_output_names_the_next_two_commands_and_the_most_serious_finding_first(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = clean()
    put("score", "-999", 3)(rows)
    every("same", lambda n, r: "[bold]7")(rows)
    (project / "mine.csv").write_bytes(written(rows))
    assert cli.main(["dataset", "mine.csv", "--name", "schools"]) == 0
    out = capsys.readouterr().out
    assert out.index("serious") < out.index("note  ")
    assert out.endswith("  make data\n  make study DESIGN=group_time DATASET=schools NAME=my-study\n")
    assert "[bold]7" in out, "text from the table is never markup"
    assert cli.main(["data"]) == 0


def test_row_order_and_repetition_of_the_profile_change_nothing(project: Path) -> None:
    rows = clean()
    shuffled = random.Random(1).sample(rows, len(rows))
    one, other = profile(rows), profile(shuffled)
    assert one.roles == other.roles and one.guesses == other.guesses
    assert profile(rows).findings == one.findings


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_named_and_give_the_same_table(project: Path, separator: str) -> None:
    rows = clean()
    rows[0]["kind"] = 'odd, "quoted" kind'
    (project / "mine.txt").write_bytes(written(rows, separator))
    brought = intake.bring("mine.txt")
    assert brought.profile.incoming.converted == (
        f"fields separated by commas instead of {text.SEPARATORS[separator]}",
    )
    assert (brought.folder / "mine.csv").read_bytes() == written(rows)
    assert text.SEPARATORS[separator] in catalog.read("mine").obtained


def test_utf_16_that_says_so_is_named_and_kept_letter_by_letter(project: Path) -> None:
    rows = clean()
    rows[0]["kind"] = "größer"
    (project / "mine.csv").write_bytes(written(rows, "\t").decode().encode("utf-16"))
    brought = intake.bring("mine.csv")
    assert "written as UTF-8 instead of UTF-16" in brought.profile.incoming.converted
    assert (brought.folder / "mine.csv").read_bytes() == written(rows)


def test_an_existing_dataset_is_never_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bring(project, clean())
    before = {path.name: path.read_bytes() for path in (paths.RAW / "mine").iterdir()}
    (project / "mine.csv").write_bytes(written(clean()[:40]))
    assert cli.main(["dataset", "mine.csv"]) == 2
    assert "a dataset is never overwritten. Fix: choose another name, NAME=mine_2, or delete" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (paths.RAW / "mine").iterdir()} == before


def test_a_table_without_a_declaration_gets_one_where_it_stands(project: Path) -> None:
    brought = bring(project, clean())
    (brought.folder / "source.yml").unlink()
    intake.bring("data/raw/mine/mine.csv")
    assert catalog.read("mine").rows == 80
    (brought.folder / "source.yml").unlink()
    intake.bring("mine.csv")
    assert catalog.read("mine").rows == 80
    assert sorted(path.name for path in brought.folder.iterdir()) == ["mine.csv", "source.yml"]


def test_a_refused_table_leaves_nothing_behind(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "mine.csv").write_bytes(b"a,b\n1,2\n3\n")
    assert cli.main(["dataset", "mine.csv"]) == 2
    assert not (project / "data").exists()


def test_a_stopped_check_takes_back_what_was_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from analysis.refusal import Refusal

    def refuse(dataset: str) -> None:
        raise Refusal("D403", "here", "no", "yes")

    monkeypatch.setattr(table, "load", refuse)
    with pytest.raises(Refusal):
        bring(project, clean())
    assert not (paths.RAW / "mine").exists()


WORDS = ["1", "2", "3.5", "-999", "9999", "NA", "null", "", "  ", " a", "a", "A", "á", "true", "False", "0", "007", "1e5", "1E+05",
         "12345678901234567890", "1,5", "1,234", "12 %", "$5", "=1+1", "#REF!", "2014-01-31", "2014-02-30", "13/04/2024",
         "Total", "x\ny", 'q"q', "inf", "+5", ".", "yes", "no", "2014", "0x1F", "−5", "\u202e", "\x07", "5.", "0.0", "[b]x[/b]",
         "on", "1e400", "2010", "2011", "2010.0"]  # fmt: skip
HEADS = [
    "id",
    "year",
    "x",
    "on",
    "null",
    "1",
    "a b",
    "é",
    "Year ",
    "first_treated",
    "treated",
    "w",
    "dob",
    "no",
    "2001",
    "y",
]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_written_can_be_read(seed: int, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables of odd words: either refused as no table, or declared so that table.load accepts every value."""
    draw = random.Random(seed)
    heads, count = draw.sample(HEADS, draw.randint(1, 6)), draw.choice([1, 2, 3, 12, 40])
    pools = [draw.sample(WORDS, draw.randint(1, 5)) for _ in heads]
    rows = [{head: draw.choice(pool) for head, pool in zip(heads, pools, strict=True)} for _ in range(count)]
    (project / "mine.csv").write_bytes(written(rows))
    code = cli.main(["dataset", "mine.csv"])
    said = capsys.readouterr().err
    if code == 0:
        assert len(table.load("mine")) == catalog.read("mine").rows
    else:
        assert code == 2 and said.split()[0] in ("D407", "D422", "D423"), said


def test_numbers_written_in_two_ways_are_one_period() -> None:
    rows = clean()
    for row in rows[::2]:
        row["year"] += ".0"
    assert profile(rows).roles == profile(clean()).roles


def test_two_digit_codes_count_only_where_they_are_repeated() -> None:
    one = every("grade", lambda n, r: "99" if n == 5 else str(n % 6))
    two = every("grade", lambda n, r: "99" if n in (5, 7) else str(n % 6))
    assert findings(one) == [] and "2 values 99" in findings(two)[0].problem


def test_findings_are_frozen_and_ordered() -> None:
    found = profile(
        [{**row, "score": "-999" if n == 3 else row["score"], "same": "1"} for n, row in enumerate(clean())]
    )
    assert [one.severity for one in found.findings] == sorted(
        (one.severity for one in found.findings), key=["serious", "caution", "note"].index
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.findings[0].column = "x"  # type: ignore[misc]
