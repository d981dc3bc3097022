"""Declarations of tables: the committed ones are right, and each mistake in one is named with its fix."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from analysis import paths
from analysis.data import catalog
from analysis.refusal import Refusal

DATA = b"id,year,y\n1,2000,0.5\n"
SIX = ["castle", "ehec_data", "injury", "kielmc", "mpdta", "organ_donations"]
FILE = "data/raw/mine/source.yml"
ROLES = "'unit', 'time', 'first_treated', 'treated', 'outcome', 'covariate', 'weight', 'cluster'"


def declaration(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "title": "A table",
        "origin": "An office",
        "citation": "None",
        "licence": "Open",
        "obtained": "By hand",
        "file": "mine.csv",
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "rows": 1,
        "synthetic": True,
        "columns": {
            "id": {"type": "integer", "label": "Office", "role": "unit"},
            "year": {"type": "integer", "label": "Year", "role": "time", "minimum": 1990},
            "y": {"type": "number", "label": "Outcome", "unit": "share", "role": "outcome"},
        },
    }
    return {key: value for key, value in {**values, **changes}.items() if value is not ...}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose only dataset is `mine`."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "RAW", tmp_path / "data" / "raw")
    folder = paths.RAW / "mine"
    folder.mkdir(parents=True)
    (folder / "mine.csv").write_bytes(DATA)
    declare(folder)
    return folder


def declare(folder: Path, **changes: Any) -> None:
    (folder / "source.yml").write_text(json.dumps(declaration(**changes)), encoding="utf-8")


def column(**changes: Any) -> dict[str, Any]:
    return {"x": {"type": "integer", "label": "Column", **changes}}


def refused(dataset: str = "mine") -> Refusal:
    with pytest.raises(Refusal) as caught:
        catalog.read(dataset)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("dataset", SIX)
def test_committed_declarations_are_right(dataset: str) -> None:
    source = catalog.read(dataset)
    assert source.distribution is not None
    assert source.sha256 is not None
    assert source.traps
    assert not source.synthetic
    for role in ("time", "first_treated"):
        assert len(catalog.by_role(source, role)) == 1
    assert catalog.by_role(source, "outcome")
    assert bool(catalog.by_role(source, "unit")) is (dataset not in ("kielmc", "injury"))
    assert all(not value.label.endswith(".") for value in source.columns.values())


def test_committed_datasets_are_listed() -> None:
    assert set(SIX) <= set(catalog.datasets())


def test_modules_that_are_not_datasets_are_reserved_names() -> None:
    modules = {path.stem for path in (paths.SOURCE / "data").glob("*.py") if path.stem != "__init__"}
    assert modules <= catalog.RESERVED | set(catalog.datasets())


def test_reads_roles_columns_and_a_persons_own_table(folder: Path) -> None:
    source = catalog.read("mine")
    assert (source.dataset, source.distribution, source.path) == ("mine", None, folder / "mine.csv")
    assert catalog.by_role(source, "unit") == ["id"]
    assert catalog.by_role(source, "weight") == []
    assert catalog.column(source, "y").unit == "share"
    assert catalog.verify(source) == folder / "mine.csv"


def test_an_unknown_column_is_refused_with_the_nearest_name(folder: Path) -> None:
    with pytest.raises(Refusal) as caught:
        catalog.column(catalog.read("mine"), "yaer")
    assert str(caught.value) == f"D402 STOP {FILE}:yaer — no column 'yaer'. Fix: did you mean 'year'?"


@pytest.mark.usefixtures("folder")
def test_an_unknown_dataset_is_refused_with_the_nearest_name() -> None:
    message = "D406 STOP data/raw/mini/source.yml — no dataset 'mini'. Fix: did you mean 'mine'?"
    assert str(refused("mini")) == message


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["../mine", "", "a b", "a/b", "table", "catalog"])
def test_names_that_leave_the_folder_or_are_taken_by_modules_are_refused(name: str) -> None:
    found = refused(name)
    assert (found.code, found.where) == ("D406", "data/raw")
    assert "cannot be the name of a dataset" in found.problem


@pytest.mark.parametrize(
    ("changes", "where", "problem", "fix"),
    [
        ({"titel": "x"}, ":titel", "unknown key 'titel'", "did you mean 'title'?"),
        ({"licence": ...}, ":licence", "the key is missing", "add a line `licence: ...`"),
        ({"dataset": "x"}, ":dataset", "unknown key 'dataset'", "delete it: the folder is the name"),
        ({"columns": column(lable="x")}, ":columns.x.lable", "unknown key 'lable'", "did you mean 'label'?"),
        ({"columns": {"x": {"type": "integer"}}}, ":columns.x.label", "the key is missing", "add a line `label: ...`"),
        (
            {"columns": column(role="untit")},
            ":columns.x.role",
            f"input should be {ROLES} or 'other', got 'untit'",
            "correct `role`",
        ),
        (
            {"columns": column(minimum=2, maximum=1)},
            ":columns.x",
            "minimum 2 is above maximum 1",
            "exchange them",
        ),
        (
            {"columns": column(type="text", minimum=2)},
            ":columns.x",
            "a range for a text column",
            "delete minimum and maximum, or list values",
        ),
        (
            {"columns": column(values=["a"])},
            ":columns.x",
            "values do not fit type integer",
            "write values of that type",
        ),
        (
            {"columns": column(missing_codes=[0])},
            ":columns.x",
            "missing_codes although missing values are refused",
            "write `missing: allow`",
        ),
        (
            {"columns": {name: {"type": "integer", "label": "Column", "role": "time"} for name in ("a", "b")}},
            "",
            "role time is given to a and b",
            "keep one",
        ),
        (
            {"synthetic": "maybe"},
            ":synthetic",
            "input should be a valid boolean, got 'maybe'",
            "correct `synthetic`",
        ),
    ],
)
def test_each_mistake_in_a_declaration_is_named(
    folder: Path, changes: dict[str, Any], where: str, problem: str, fix: str
) -> None:
    declare(folder, **changes)
    found = refused()
    assert (found.code, found.where, found.problem, found.fix) == ("D401", FILE + where, problem, fix)


@pytest.mark.parametrize(("key", "value"), [("file", "../mine.csv"), ("file", "mine.xlsx"), ("sha256", "abc")])
def test_paths_formats_and_checksums_are_checked(folder: Path, key: str, value: str) -> None:
    declare(folder, **{key: value})
    assert (refused().code, refused().where) == ("D401", f"{FILE}:{key}")


def test_a_member_outside_its_distribution_is_refused(folder: Path) -> None:
    digest = "0" * 64
    archive = {"name": "a", "version": "1", "sha256": digest, "member_sha256": digest, "format": "csv"}
    declare(folder, distribution={**archive, "member": "a/../../b.csv"})
    assert refused().problem == "the path leaves the distribution"


def test_doubtful_yaml_is_refused_with_its_line(folder: Path) -> None:
    (folder / "source.yml").write_text("title: A\ntitle: B\n", encoding="utf-8")
    assert str(refused()) == f"R304 STOP {FILE} line 2 — duplicate key 'title'. Fix: keep one of the two"


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "mine.csv").unlink()
    with pytest.raises(Refusal) as caught:
        catalog.verify(catalog.read("mine"))
    message = "D406 STOP data/raw/mine/mine.csv — the file is missing. Fix: put the file into data/raw/mine"
    assert str(caught.value) == message


def test_a_changed_byte_is_refused(folder: Path) -> None:
    changed = DATA.replace(b"0.5", b"0.6")
    (folder / "mine.csv").write_bytes(changed)
    with pytest.raises(Refusal) as caught:
        catalog.verify(catalog.read("mine"))
    assert (caught.value.code, caught.value.where) == ("R305", "data/raw/mine/mine.csv")
    assert caught.value.problem.startswith("the file has changed: sha256 ")
    assert f'write `sha256: "{hashlib.sha256(changed).hexdigest()}"` in {FILE}' in caught.value.fix


def test_a_table_without_a_checksum_is_refused_with_the_line_to_add(folder: Path) -> None:
    declare(folder, sha256=...)
    with pytest.raises(Refusal) as caught:
        catalog.verify(catalog.read("mine"))
    assert (caught.value.code, caught.value.where) == ("D401", f"{FILE}:sha256")
    assert caught.value.fix.endswith(f'add the line `sha256: "{hashlib.sha256(DATA).hexdigest()}"`')


def test_the_catalogue_does_not_import_pandas() -> None:
    import subprocess
    import sys

    code = "import sys; from analysis.data import catalog; catalog.read('castle'); print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
