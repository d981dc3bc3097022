"""The JSON Schemas: up to date, true of every parameter file, and false of the usual mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from analysis import cli, paths, strict_yaml
from analysis.refusal import Refusal
from analysis.run import parameter_schema, parameters

FILES = parameters.every()


def validator(notebook: str) -> Draft7Validator:
    return Draft7Validator(json.loads(parameter_schema.path_of(notebook).read_text(encoding="utf-8")))


@pytest.mark.parametrize("notebook", parameter_schema.notebooks())
def test_a_schema_is_up_to_date_and_valid(notebook: str) -> None:
    written = parameter_schema.path_of(notebook).read_text(encoding="utf-8")
    assert written == parameter_schema.text(notebook), "run `.venv/bin/python -m analysis.cli schema`"
    schema = json.loads(written)
    Draft7Validator.check_schema(schema)
    kind = parameter_schema.family(notebook)
    assert set(schema["properties"]) == set(kind.model_fields)
    assert all(entry["description"] for entry in schema["properties"].values())


def test_there_is_a_schema_for_every_family() -> None:
    assert len(parameter_schema.notebooks()) >= 8
    assert {path.parent.name for path in FILES} <= set(parameter_schema.notebooks())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_parameter_file_is_valid(path: Path) -> None:
    found = list(validator(path.parent.name).iter_errors(strict_yaml.read(path, path.name)))
    assert not found, found[0].message


MISTAKES: list[tuple[str, dict[str, Any]]] = [
    ("castle-doctrine", {"outcom": "l_homicide"}),
    ("castle-doctrine", {"question": "This does not ask anything."}),
    ("castle-doctrine", {"level": 95}),
    ("castle-doctrine", {"design": "group_tme"}),
    ("castle-doctrine", {"checks": ["pretrends", "paralel_trends"]}),
    ("castle-doctrine", {"better": "more"}),
    ("castle-doctrine", {"worthwhile": "3 %"}),
    ("castle-doctrine", {"where": ["sid is 4"]}),
    ("castle-doctrine", {"outcome": "l_homicide; drop"}),
    ("incinerator", {"comparison": "never_treated"}),
    ("uk-seat-belts", {"other_events": ["breath tests"]}),
    ("uk-seat-belts", {"start": "February 1983"}),
    ("tobacco-tax", {"predictors": ["packs@1985-"]}),
    ("senate-incumbency", {"order": 3}),
    ("lalonde", {"treatment": None}),
    ("quitting-smoking", {"trim": 0.7}),
    ("job-training", {"estimators": "lin_adjusted"}),
    ("job-training", {"draws": 10}),
]


@pytest.mark.parametrize(("study", "change"), MISTAKES, ids=[f"{s}-{'-'.join(c)}" for s, c in MISTAKES])
def test_planted_mistakes_are_found_by_schema_and_by_the_model(study: str, change: dict[str, Any]) -> None:
    path = parameters.find(study)
    good = strict_yaml.read(path, path.name)
    assert validator(path.parent.name).is_valid(good)
    assert not validator(path.parent.name).is_valid({**good, **change})
    with pytest.raises(Refusal):
        parameters.checked({**good, **change}, path.parent.name, study, path.name)


@pytest.mark.parametrize("name", ["question", "dataset", "design", "worthwhile", "better"])
def test_what_must_be_said_is_required(name: str) -> None:
    good = strict_yaml.read(parameters.find("castle-doctrine"), "x")
    assert not validator("difference_in_differences").is_valid({k: v for k, v in good.items() if k != name})


def test_the_command_writes_what_is_stale_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(paths, "PARAMS", tmp_path)
    assert cli.main(["schema"]) == 0
    count = len(parameter_schema.notebooks())
    assert capsys.readouterr().out.count("written: ") == count
    path = tmp_path / "weighting" / "schema.json"
    path.write_text("{}", encoding="utf-8")
    assert cli.main(["schema"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"written: {path.as_posix()}", f"{count} schemas are up to date"]
    assert not list(tmp_path.glob("*/*.yml")), "no parameter file is touched"
