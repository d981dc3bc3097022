"""`make study`: a commented file that passes the checks at once, or one line that says what the table lacks."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from analysis import cli, paths, strict_yaml
from analysis.refusal import Refusal
from analysis.run import parameter_schema, parameters, study_file
from analysis.study import FIRST, families, modules

EACH = [
    ("group_time", "castle"),
    ("two_by_two", "organ_donations"),
    ("two_by_two", "kielmc"),
    ("synthetic_did", "prop99"),
    ("segmented_regression", "traffic2"),
    ("controlled_series", "seatbelts"),
    ("fixed_effects", "fatalities"),
    ("difference_in_means", "star"),
    ("lin_adjusted", "nsw_mixtape"),
    ("local_linear", "senate_elections"),
    ("fuzzy_discontinuity", "gov_transfers"),
    ("two_stage_least_squares", "card"),
    ("inverse_probability", "lalonde"),
]


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of parameter files of its own, with the checkout's tables."""
    monkeypatch.setattr(paths, "PARAMS", tmp_path / "params")
    return tmp_path / "params"


@pytest.mark.parametrize(("design", "dataset"), EACH, ids=lambda word: word)
def test_the_file_passes_the_checks_at_once(params: Path, capsys: Any, design: str, dataset: str) -> None:
    assert cli.main(["study", design, dataset, "my-study"]) == 0
    said, err = capsys.readouterr()
    family = families("designs", design)[0]
    path = params / family / "my-study.yml"
    assert f"Written: {path.as_posix()}." in said and not err
    assert said.splitlines()[-2:] == [f"  make params PARAMS={path.as_posix()}", "  make report STUDY=my-study"]
    assert cli.main(["check-params", str(path)]) == 0
    assert re.search(r"in order; \d+ lines are still marked CHANGE", capsys.readouterr().out)
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\b(None|True|False)\b", text) and len(text.splitlines()) <= 45
    schema = json.loads((paths.ROOT / "params" / family / parameter_schema.FILE).read_text(encoding="utf-8"))
    assert text.startswith(f"{parameter_schema.MODELINE}\n")
    jsonschema.validate(strict_yaml.read(path, "x"), schema)


@pytest.mark.parametrize(("design", "dataset"), EACH, ids=lambda word: word)
def test_what_is_commented_out_is_what_holds(params: Path, design: str, dataset: str) -> None:
    path = study_file.write(design, dataset, "my-study")
    before = parameters.load(path)
    head, _, optional = path.read_text(encoding="utf-8").partition("# What may be said besides")
    lines = [line.removeprefix("# ") for line in optional.splitlines()[1:]]
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    assert parameters.load(path).values == before.values and len(lines) >= 6


def test_only_choices_of_the_design_are_offered(params: Path) -> None:
    def offered(design: str, dataset: str, name: str) -> set[str]:
        text = study_file.write(design, dataset, name).read_text(encoding="utf-8")
        return set(re.findall(r"^(?:# )?([a-z_]+): ", text, re.M))

    several, one = offered("group_time", "castle", "a"), offered("two_by_two", "kielmc", "b")
    assert {"comparison", "base_period", "anticipation", "average"} <= several and "errors" not in several
    assert "errors" in one and not {"comparison", "average", "anticipation"} & one
    assert "dose" not in several and "dose" in offered("dose", "mpdta", "c")
    matching = offered("matching", "lalonde", "d")
    assert {"neighbours", "calliper"} <= matching and "known_weights" not in matching
    assert {"neighbours", "modifiers"}.isdisjoint(offered("entropy_balancing", "lalonde", "e"))
    assert {"window", "polynomial"}.isdisjoint(offered("local_linear", "senate_elections", "f"))


def test_required_parameters_come_first_and_needed_checks_are_listed(params: Path) -> None:
    for place, (design, dataset) in enumerate(EACH):
        path = study_file.write(design, dataset, f"s{place}")
        text, kind = path.read_text(encoding="utf-8"), parameter_schema.family(path.parent.name)
        first = text.partition("# What may be said")[0]
        for name, field in kind.model_fields.items():
            assert not field.is_required() or re.search(rf"^{name}: ", first, re.M), (design, name)
        grounds = import_module(f"analysis.decide.{kind.FAMILY}").GROUNDS
        checks = parameters.load(path).study.checks
        assert tuple(checks[: len(grounds.needed)]) == grounds.needed, (design, name)


def test_every_check_that_needs_nothing_more_is_listed_and_the_others_say_what_they_need(params: Path) -> None:
    for place, (design, dataset) in enumerate(EACH):
        path = study_file.write(design, dataset, f"s{place}")
        study, text = parameters.load(path).study, path.read_text(encoding="utf-8")
        remarks = " ".join(text.partition("\nchecks: ")[0].replace("\n#", "").split())
        kinds = import_module(f"analysis.decide.{study.FAMILY}").GROUNDS.kinds
        for name in (name for names in kinds.values() for name in names if name not in study.checks):
            assert re.search(rf"in brackets is filled: .*\b{name} \([a-z_ :]+\)", remarks), (design, name)
        for name in modules("checks", study.FAMILY):
            assert (name in study.checks) != bool(re.search(rf"\b{name}\b( \(|, |\.)", remarks)), (design, name)
    study = parameters.load(study_file.write("group_time", "castle", "a")).study
    assert {"placebo", "anticipation", "leave_one_out", "composition", "weighting"} <= set(study.checks)
    assert not {"placebo_outcome", "spillover", "agreement"} & set(study.checks)


def test_every_design_gives_a_file_or_one_line(params: Path) -> None:
    tables = {
        "difference_in_differences": "organ_donations",
        "synthetic_control": "organ_donations",
        "interrupted_time_series": "seatbelts",
        "panel_fixed_effects": "jtrain",
        "randomised_trial": "rock_the_vote",
        "regression_discontinuity": "drinking_age",
        "instrumental_variable": "cigarettes",
        "weighting": "jobs_ii",
    }
    refused = [
        refusal
        for place, design in enumerate(modules("designs"))
        if (refusal := attempt(design, tables[families("designs", design)[0]], f"s{place}"))
    ]
    assert len(refused) <= 6 and len(list(params.rglob("*.yml"))) == len(modules("designs")) - len(refused)
    assert all("\n" not in str(one) and one.where.endswith("source.yml:columns") for one in refused)


def attempt(design: str, dataset: str, name: str) -> Refusal | None:
    """The refusal that writing the file ends in, if it does."""
    try:
        study_file.write(design, dataset, name)
    except Refusal as refusal:
        return refusal
    return None


def test_roles_decide_and_a_named_outcome_wins(params: Path) -> None:
    study = parameters.load(study_file.write("difference_in_means", "star", "a", "scorek")).study
    assert (study.outcome, study.treatment) == ("scorek", "class_kind")
    assert study.control_arm == "regular class" and study.arm in ("small class", "regular class with an aide")
    text = study_file.write("fixed_effects", "fatalities", "b", "night_rate").read_text(encoding="utf-8")
    assert re.search(r"^outcome: night_rate  # (?!CHANGE)", text, re.M)
    assert parameters.load(study_file.write("inverse_probability", "lalonde", "c")).study.treatment == "treat"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["grup_time", "castle", "x"],
            "R302 STOP DESIGN=grup_time — there is no such design. Fix: did you mean 'group",
        ),
        (["group_time", "castel", "x"], "D406 STOP DATASET=castel — there is no folder data/raw/castel with a source"),
        (["group_time", "../castle", "x"], "D406 STOP DATASET=../castle — there is no folder"),
        (["group_time", "castle", "My Study"], "R303 STOP NAME=My Study — 'My Study' cannot name a study"),
        (["group_time", "castle", "../x"], "R303 STOP NAME=../x — '../x' cannot name a study"),
        (["group_time", "castle", "x", "--outcome", "homicid"], "no column 'homicid'. Fix: did you mean 'homicide'?"),
        (
            ["group_time", "star", "x"],
            "needs, and none can be a period. Fix: if the table has columns per wave, write one row per unit and wave",
        ),
        (["segmented_regression", "lalonde", "x"], "lalonde/source.yml:columns — no column has the role time"),
        (
            ["fixed_effects", "seatbelts", "x"],
            "below the column of the place, firm or person, add the line `role: unit`",
        ),
        (["synthetic_did", "fatalities", "x"], "(empty where it never came), add the line `role: first_treated`"),
        (["fuzzy_discontinuity", "drinking_age", "x"], "the column of who was treated, add the line `role: treated`"),
        (["augmented_weighting", "rock_the_vote", "x"], "add the line `role: covariate`"),
        (["two_by_two", "castle", "x"], "the table has 5 adoption dates, and this design compares around one"),
        (["dose", "ehec_data", "x"], "no column is left for `dose`. Fix: below `columns`, declare a column of the amo"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(params: Path, capsys: Any, arguments: list[str], message: str) -> None:
    assert cli.main(["study", *arguments]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.count("\n") == 1 and not out
    assert not list(params.rglob("*.yml"))


def test_an_existing_name_is_never_overwritten(params: Path, capsys: Any) -> None:
    path = study_file.write("group_time", "castle", "taken")
    text = path.read_text(encoding="utf-8")
    assert cli.main(["study", "local_linear", "senate_elections", "taken"]) == 2
    assert "taken.yml is there already. Fix: choose another name" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == text and len(list(params.rglob("*.yml"))) == 1


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -3, 2.0, 0.00002, 1e6, "plain", "a: b", "a #b", "no", "n", "it's", "2014-01-01", "5 % [x]", "", []],
)
def test_values_survive_as_yaml(value: Any) -> None:
    text = f"x: {study_file._yaml(value)}\nz: {study_file._yaml([value] if value != [] else [])}\n"
    read = strict_yaml.parse(text.encode(), "x")
    assert read["x"] == value and type(read["x"]) in (type(value), int)
    assert read["z"] == ([value] if value != [] else [])


def test_a_study_without_its_table_is_written_from_the_declaration(
    params: Path, monkeypatch: Any, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    for name in ("castle", "seatbelts"):
        (raw / name).mkdir(parents=True)
        (raw / name / "source.yml").write_bytes((paths.RAW / name / "source.yml").read_bytes())
    monkeypatch.setattr(paths, "RAW", raw)
    assert parameters.load(study_file.write("group_time", "castle", "a")).study.FAMILY == FIRST
    assert 196901 < parameters.load(study_file.write("segmented_regression", "seatbelts", "b")).study.start < 198412
