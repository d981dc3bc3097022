"""`make params`: choices that the declaration or the data rule out are refused in one line, before anything runs."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from own_table import column, parameters, put
from own_table import project as project

from analysis import cli, paths
from analysis.run import parameters as files

BASE: dict[str, Any] = {
    "question": "Did the policy change the score?",
    "decision": "Whether to keep the policy.",
    "intervention": "the policy",
    "dataset": "mine",
    "outcome": "score",
    "worthwhile": 1,
    "better": "higher",
    "checks": [],
    "estimators": [],
}
TRIAL = BASE | {"treatment": "arm", "design": "difference_in_means", "control_arm": "a", "covariates": []}
CUT = BASE | {
    "running": "points",
    "cutoff": 0,
    "treated_side": "above",
    "design": "local_linear",
    "placebo_columns": [],
}
LINE = BASE | {"start": 200203, "design": "segmented_regression"}
FIXED = BASE | {"treatment": "points", "design": "fixed_effects"}
COMPARED = BASE | {"treatment": "took", "design": "inverse_probability", "covariates": ["points"]}
PANEL = BASE | {"design": "group_time"}
FAMILY = {
    "difference_in_means": "randomised_trial",
    "complier_effect": "randomised_trial",
    "local_linear": "regression_discontinuity",
    "segmented_regression": "interrupted_time_series",
    "fixed_effects": "panel_fixed_effects",
    "inverse_probability": "weighting",
    "group_time": "difference_in_differences",
}
COLUMNS = {
    "score": column("number"),
    "arm": column("text", values=["a", "b"]),
    "took": column(missing="allow"),
    "points": column("number", minimum=-10, maximum=10),
    "when": column(minimum=200201, maximum=200212, role="time"),
    "born": column("date"),
}


def rows(**changes: Any) -> str:
    lines = [",".join(COLUMNS)]
    for place in range(12):
        cells = {
            "score": place * 7 % 5,
            "arm": "ab"[place % 2],
            "took": place % 2,
            "points": place - 6,
            "when": 200201 + place,
            "born": "1990-01-31",
        }
        lines.append(",".join(str(value) for value in (cells | {k: f(place) for k, f in changes.items()}).values()))
    return "\n".join(lines) + "\n"


def checked(values: dict[str, Any], capsys: Any) -> tuple[int, str]:
    path = parameters("mine", FAMILY[values["design"]], **values)
    code = cli.main(["check-params", str(path)])
    out, err = capsys.readouterr()
    assert (out + err).count("\n") == 1
    return code, out + err


@pytest.mark.parametrize("values", [TRIAL, CUT, LINE, COMPARED], ids=lambda v: v["design"])
def test_good_choices_are_in_order(project: Any, capsys: Any, values: dict[str, Any]) -> None:
    put("mine", rows(), COLUMNS)
    assert checked(values, capsys) == (0, f"params/{FAMILY[values['design']]}/mine.yml: in order\n")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (TRIAL | {"control_arm": "c"}, "R302 STOP {}:control_arm — arm has no value 'c'. Fix: write one of a, b"),
        (TRIAL | {"arm": "x"}, "R302 STOP {}:arm — arm has no value 'x'. Fix: write one of a, b"),
        (TRIAL | {"treatment": "took", "control_arm": "a"}, "R302 STOP {}:control_arm — took holds numbers, not 'a'"),
        (TRIAL | {"since": 200301}, "R302 STOP {}:since — 200301 is above the maximum of when, 200212"),
        (
            TRIAL | {"covariates": ["born"], "checks": ["covariate_balance"]},
            "D402 STOP {}:covariates — born holds dates",
        ),
        (CUT | {"cutoff": 11}, "R302 STOP {}:cutoff — 11 is above the maximum of points, 10"),
        (CUT | {"cutoff": -10}, "R302 STOP {}:cutoff — -10 is at the minimum of points, -10"),
        (LINE | {"start": 200301}, "R302 STOP {}:start — 200301 is above the maximum of when, 200212"),
        (LINE | {"end": 200299}, "R302 STOP {}:end — 200299 is above the maximum"),
        (FIXED, "D401 STOP data/raw/mine/source.yml:columns — no column has the role unit, which panel fixed effects"),
        (PANEL, "(empty where it never came) add the line `role: first_treated`"),
    ],
)
def test_the_declaration_rules_out(project: Any, capsys: Any, values: dict[str, Any], message: str) -> None:
    put("mine", rows(), COLUMNS)
    (paths.RAW / "mine/mine.csv").unlink()
    code, said = checked(values, capsys)
    assert code == 2
    assert said.startswith(message.format(f"params/{FAMILY[values['design']]}/mine.yml")) or message in said


@pytest.mark.parametrize(
    ("values", "changes", "message"),
    [
        (TRIAL | {"treatment": "points", "control_arm": 99}, {}, "R302 STOP {}:control_arm — 99 is above the maximum"),
        (TRIAL | {"treatment": "points", "control_arm": 9}, {}, "P005 STOP {}:control_arm — there is no arm 9. Fix: "),
        (TRIAL | {"treatment": "took", "control_arm": 5}, {}, "P005 STOP {}:control_arm — there is no arm 5"),
        (
            TRIAL | {"received": "points", "design": "complier_effect"},
            {},
            "points — the column holds values other than",
        ),
        (CUT | {"cutoff": 8}, {}, "P005 STOP {}:cutoff — 8 leaves no row above it: points runs from -6 to 5"),
        (LINE | {"start": 200201}, {}, "P005 STOP {}:start — no period before the policy: the data run from January"),
        (LINE | {"start": 200206.5}, {}, "R302 STOP {}:start — 200206 is no period: the months of this series"),
        (COMPARED, {"took": lambda place: place % 3}, "took — the column holds values other than 0 and 1"),
        (
            COMPARED,
            {"score": lambda place: "x"},
            "D403 STOP data/raw/mine/mine.csv:score — line 2: 'x' is not a number",
        ),
        (COMPARED, {"score": lambda place: 1}, "E117 STOP data/raw/mine/mine.csv:score — the outcome never varies"),
    ],
)
def test_the_data_rule_out(
    project: Any, capsys: Any, values: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    put("mine", rows(**changes), COLUMNS)
    code, said = checked(values, capsys)
    assert code == 2 and message.format(f"params/{FAMILY[values['design']]}/mine.yml") in said


def test_periods_that_are_no_numbers_are_refused_with_the_lines_to_write(project: Any, capsys: Any) -> None:
    put("mine", rows(), COLUMNS | {"when": column(), "born": column("date", role="time")})
    code, said = checked(LINE, capsys)
    assert code == 2 and "P008 STOP data/raw/mine/source.yml:columns.born — the role time is on a column of" in said
    assert "201403 for March" in said


def test_without_the_table_it_says_how_far_it_looked(project: Any, capsys: Any) -> None:
    put("mine", rows(), COLUMNS)
    (paths.RAW / "mine/mine.csv").unlink()
    code, said = checked(TRIAL, capsys)
    assert code == 0 and "as far as the declaration tells (make data brings data/raw/mine/mine.csv)" in said


def test_marks_that_are_left_are_counted(project: Any, capsys: Any) -> None:
    put("mine", rows(), COLUMNS)
    path = parameters("mine", "randomised_trial", **TRIAL)
    path.write_text(path.read_text().replace("better: ", "# CHANGE: say what is better\nbetter: "), encoding="utf-8")
    assert cli.main(["check-params", str(path)]) == 0
    assert capsys.readouterr().out.endswith("in order; 1 line is still marked CHANGE\n")


def test_every_study_of_the_project_is_in_order_and_quick(capsys: Any) -> None:
    paths_ = files.every()
    begin = time.process_time()
    assert cli.main(["check-params"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r": in order.*", "", line) for line in lines] == [paths.shown(path) for path in paths_]
    assert time.process_time() - begin < len(paths_)


def test_joined_tables_belong_to_the_study(project: Any) -> None:
    put("other", "arm,size\na,1\nb,2\n", {"arm": column("text"), "size": column("number")})
    join = {"dataset": "other", "on": ["arm"], "kind": "many_to_one", "columns": ["size"]}
    put("mine", rows(), COLUMNS, joins=[join])
    path = parameters(
        "mine", "randomised_trial", **TRIAL | {"outcome": "size", "treatment": "took"} | {"control_arm": 0}
    )
    loaded = files.load(path)
    assert [source.dataset for source in loaded.sources] == ["mine", "other"]
