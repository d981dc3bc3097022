"""What a first reader of `make dataset` must not miss: keys with repeats, the level of the decision, unread numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_profile import Rows, clean, every, profile, project, put, written

from analysis import cli, paths
from analysis.data import catalog
from analysis.profile import doors, profiled

__all__ = ["project"]
MEDICAID = paths.RAW / "ehec_data" / "ehec_data.csv"


def unnamed(rows: Rows) -> Rows:
    """The unit under a name that says nothing."""
    return [{("which" if name == "state" else name): value for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("name", ["which", "state"])
@pytest.mark.parametrize(("again", "words"), [(1, "line 82 repeats"), (3, "lines 82, 83, 84 repeat earlier ones, the")])
def test_a_key_with_repeats_stays_the_unit(name: str, again: int, words: str) -> None:
    rows = clean() if name == "state" else unnamed(clean())
    rows += [dict(row) for row in rows[8 : 8 + again]]
    found = profile(rows)
    assert (found.roles.column("unit"), found.roles.column("cluster")) == (name, "") and found.roles.key == ()
    problem = next(one for one in found.findings if one.column == name).problem
    first = "Bayern, 2010"
    assert problem.startswith(f"{name} and year name 80 of {80 + again} rows; {words}") and problem.endswith(first)


@pytest.mark.skipif(not MEDICAID.is_file(), reason="needs make data")
@pytest.mark.parametrize("lines", ["1,2008,0.9,,613156.0\n", ""])
def test_one_repeated_line_does_not_turn_a_panel_into_samples(
    project: Path, capsys: pytest.CaptureFixture[str], lines: str
) -> None:
    text = MEDICAID.read_text()
    (project / "mine.csv").write_text(text + (lines or "".join(text.splitlines(keepends=True)[-3:])))
    assert cli.main(["dataset", "mine.csv"]) == 0
    said = capsys.readouterr().out
    assert "stfips and year name 552 of 55" in said and "Nothing doubtful" not in said
    assert "line 554 repeats 1, 2008" in said or not lines
    assert catalog.read("mine").columns["stfips"].role == "unit"
    assert "CONFIRM: stfips and year name 552 of" in " ".join((paths.RAW / "mine" / "source.yml").read_text().split())


@pytest.mark.parametrize("dataset", ["kielmc", "injury"])
def test_real_samples_stay_samples(dataset: str) -> None:
    path = paths.RAW / dataset / f"{dataset}.csv"
    if not path.is_file():
        pytest.skip("needs make data")
    assert profiled.of(doors.read(str(path)), dataset).roles.column("unit") == ""


def test_groups_within_which_the_policy_never_differs_are_named() -> None:
    rows = clean()
    country = {row["state"]: "north" if row["adopted"] == "2014" else "south" for row in rows}
    every("country", lambda n, r: country[r["state"]])(rows)
    differs = [one for one in profile(rows).findings if one.column == "country"]
    assert differs == [], "states of the south adopt in 2016 or never"
    every("country", lambda n, r: {"2014": "north", "2016": "east"}.get(r["adopted"], "south"))(rows)
    (one,) = (one for one in profile(rows).findings if one.column == "country")
    assert "the policy does not differ within `country` (3 groups, by adopted)" in one.problem
    assert one.fix == "if it was decided there, give `country` the line `role: cluster`" and one.severity == "caution"


def test_the_level_of_a_decision_about_shops_in_one_wave() -> None:
    """Without dates: 40 shops, all of one state under the policy; a column of opening hours is no level."""
    rows = [
        {"shop_id": str(n), "state": "NJ" if n < 25 else "PA", "treated": str(int(n < 25)), "hours": str(7 + n % 5)}
        for n in range(40)
    ]
    found = [one for one in profile(rows).findings if "does not differ" in one.problem]
    assert [(one.column, one.problem) for one in found] == [
        ("state", "the policy does not differ within `state` (2 groups, by treated)")
    ]


def comma(number: int, row: dict[str, str]) -> str:
    return row["score"].replace(".", ",")


def test_a_few_decimal_commas_are_counted_and_serious(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = clean()
    put("score", "0,68", 3, 9, 20)(rows)
    (one,) = profile(rows).findings
    assert (one.severity, one.column) == ("serious", "score")
    assert one.problem == "3 numbers with a decimal comma, first in line 5 ('0,68')"


@pytest.mark.parametrize("whole", [True, False])
def test_unread_numbers_come_before_the_next_steps(
    project: Path, capsys: pytest.CaptureFixture[str], whole: bool
) -> None:
    rows = clean()
    (every("score", comma) if whole else put("score", "0,68", 3, 9))(rows)
    (project / "mine.csv").write_bytes(written(rows))
    assert cli.main(["dataset", "mine.csv"]) == 0
    out = capsys.readouterr().out
    assert "The file must be corrected first" in out and "Columns: score." in out and "make study" not in out
    assert "delete the folder data/raw/mine" in out and catalog.read("mine").columns["score"].type == "text"
    assert cli.main(["study", "group_time", "mine", "x", "--outcome", "score"]) == 2
    err = capsys.readouterr().err
    many = "80 of 80" if whole else "2 of 80"
    assert f"score was taken in as text: {many} values are not written as numbers, such as" in err
    assert "make dataset" in err and err.count("\n") == 1


def test_two_waves_side_by_side_are_told_how_to_stand_below_one_another(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"shop": f"S{n}", "treated": str(n % 2)} | {f"{a}{b}": str(n * k % 17) for k, a in enumerate("pqrs", 3)
                                                 for b in ("ay", "ay2")}
        for n in range(40)
    ]  # fmt: skip
    (one,) = (one for one in profile(rows).findings if "side by side" in one.problem)
    assert "copy the columns of the second wave (pay2, ...) below those of the first (pay, ...)" in one.fix
    assert "a column `wave` (1 and 2)" in one.fix
    (project / "mine.csv").write_bytes(written(rows))
    assert cli.main(["dataset", "mine.csv"]) == 0
    capsys.readouterr()
    assert cli.main(["study", "two_by_two", "mine", "x"]) == 2
    err = capsys.readouterr().err
    assert "none can be a period. Fix: if the table has columns per wave, write one row per unit and wave" in err
    assert "add the line" not in err and err.count("\n") == 1


def test_a_missing_own_file_keeps_no_other_table_waiting(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("aaa", "mine", "zzz"):
        (project / f"{name}.csv").write_bytes(written(clean()))
        assert cli.main(["dataset", f"{name}.csv"]) == 0
    (paths.RAW / "aaa" / "aaa.csv").unlink()
    capsys.readouterr()
    assert cli.main(["data"]) == 2
    out, err = capsys.readouterr()
    assert [line.split()[:2] for line in out.splitlines()] == [["mine", "unchanged"], ["zzz", "unchanged"]]
    start = "D406 STOP data/raw/aaa/aaa.csv — the file is missing; all other tables are ready. Fix: put aaa.csv into"
    assert err.startswith(start) and err.count("\n") == 1


def test_a_misspelt_key_is_named_rather_than_the_one_it_stands_for(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "mine.csv").write_bytes(written(clean()))
    assert cli.main(["dataset", "mine.csv"]) == 0
    declared = paths.RAW / "mine" / "source.yml"
    declared.write_text(declared.read_text().replace("\ntitle:", "\ntitel:"))
    capsys.readouterr()
    assert cli.main(["data"]) == 2
    assert "source.yml:titel — unknown key 'titel'. Fix: did you mean 'title'?" in capsys.readouterr().err
