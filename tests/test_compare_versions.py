"""Real executions: each change is named exactly, a verification can fail, and what is superseded is thinned."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from project_copy import PARAMETER_FILE, STUDY, Project, table

from analysis.run import rules, versions

NOTHING = {"added": [], "removed": [], "changed": []}
LISTS = ("parameters", "data", "packages", "not_recorded", "numbers", "described", "checks", "answer")


def changed(project: Project) -> dict[str, Any]:
    """Publish once more; what the new version says has changed."""
    run = project.report()
    assert run.code == 0 and "published" in run.out, run
    found: dict[str, Any] = project.manifest()["changed"]
    return found


def named(found: dict[str, Any]) -> set[str]:
    return {name for name in LISTS if found[name]} | ({"modules"} if found["modules"] != NOTHING else set())


def section(project: Project) -> str:
    page = (project.versions()[-1] / "report.html").read_text(encoding="utf-8")
    match = re.search(r'<section id="s-changes">.*?</section>', page, re.DOTALL)
    return match[0] if match else ""


def test_a_data_correction_names_the_data_and_the_numbers_it_moved(project: Project) -> None:
    before = project.manifest()["data"]["small"]
    project.write_table(table().replace("10.00", "10.16"))
    found = changed(project)
    assert found["parts_changed"] == ["data"] and named(found) == {"data", "numbers", "answer"}
    assert found["data"] == [
        {
            "dataset": "small", "rows_before": 32, "rows_after": 32, "columns_added": [], "columns_removed": [],
            "sha256_before": before, "sha256_after": project.manifest()["data"]["small"],
            "declaration_changed": False,
        }
    ]  # fmt: skip
    assert [entry["what"] for entry in found["numbers"]] == [["estimate", "low", "high"]] * 2
    assert [entry["what"] for entry in found["answer"]] == ["sentence"]
    run = project.run("compare", STUDY)
    assert run.code == 1
    assert "Data: small: the same 32 rows and columns, other values; checksum" in run.out
    for absent in ("Parameters", "Code", "Notebook", "Packages", "Page:"):
        assert absent not in run.out
    assert "the same 32 rows and columns" in section(project) and "<b>Code.</b>" not in section(project)


def test_a_parameter_change_names_the_parameter(project: Project) -> None:
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    found = changed(project)
    assert found["parts_changed"] == ["parameters"] and named(found) == {"parameters", "described"}
    (entry,) = found["parameters"]
    assert entry == {"name": "level", "before": 0.95, "after": 0.9, "added": False, "removed": False}
    run = project.run("compare", STUDY)
    assert run.code == 1
    assert "Parameters: level went from 0.95 to 0.9." in run.out
    for absent in ("Data", "Code", "Notebook", "Packages", "Numbers that moved"):
        assert absent not in run.out
    page = project.root / run.out.splitlines()[-2]
    assert page.parent == project.root / "reports/.compare" / STUDY
    first, second = (version.name for version in project.versions())
    assert page.name == f"{first}--{second}.html"
    text = page.read_text(encoding="utf-8")
    assert rules.page_problems(text) == [] and "level went from 0.95 to 0.9." in text
    assert str(project.root) not in text


def test_a_code_change_names_the_module_and_the_numbers_it_moved(project: Project) -> None:
    project.edit("src/analysis/small.py", ".get(mode(), 0.0)", ".get(mode(), 0.05)")
    found = changed(project)
    assert found["parts_changed"] == ["code"] and named(found) == {"modules", "numbers", "answer"}
    assert found["modules"] == {**NOTHING, "changed": ["small.py"]}
    assert [entry["id"] for entry in found["numbers"]] == ["att", "again"]
    assert [entry["in_std_errors"] for entry in found["numbers"]] == pytest.approx([0.25, 0.25])
    assert "2 of 2 published numbers moved, 2 of them by more than a tenth" in found["sentence"]
    run = project.run("compare", STUDY)
    assert run.code == 1 and "Code: Changed: small.py." in run.out and "+0.25" in run.out
    assert run.out.splitlines()[-1] == "exit code 1: the versions differ"
    for absent in ("Data", "Parameters", "Notebook", "Packages"):
        assert absent not in run.out
    assert "Changed: small.py." in section(project) and "+0.25" in section(project)


def test_a_change_of_text_alone_moves_no_number(project: Project) -> None:
    project.edit("notebooks/small.ipynb", "Can it be trusted?", "May it be trusted?")
    found = changed(project)
    assert found["parts_changed"] == ["notebook"] and named(found) == set()
    assert "no published number moved. What changed: notebook." in found["sentence"]
    assert "<table" not in section(project)
    assert project.run("compare", STUDY).code == 1


def another(project: Project, **changed_: Any) -> Path:
    """A second version made by hand: the first one's files, its manifest with other facts."""
    (first,) = project.versions()
    folder = first.with_name("2099-01-01-" + "b" * 12)
    shutil.copytree(first, folder)
    facts = {"version": folder.name, "created": "2099-01-01T00:00:00.000Z", "key": "b" * 64}
    (folder / "manifest.json").write_text(json.dumps({**project.manifest(), **facts, **changed_}))
    return folder


def test_a_package_change_names_the_package(project: Project) -> None:
    manifest = project.manifest()
    old = manifest["packages"]["numpy"]
    packages, parts = {**manifest["packages"], "numpy": "99.0"}, {**manifest["parts"], "lock": "c" * 64}
    another(project, packages=packages, parts=parts)
    run = project.run("compare", STUDY)
    assert run.code == 1 and f"\nPackages: numpy {old} became 99.0.\n" in run.out
    assert "no published number moved. What changed: installed packages (numpy 99.0)." in run.out
    for absent in ("Parameters", "Data", "Code", "Notebook", "Page:", "Numbers that moved"):
        assert absent not in run.out


def test_two_versions_with_the_same_inputs_and_numbers_are_the_same(project: Project) -> None:
    another(project)
    run = project.run("compare", STUDY)
    assert run.code == 0 and "Nothing changed: same inputs, same numbers, same words." in run.out


def test_the_first_version_has_no_section_and_no_comparison(project: Project) -> None:
    assert section(project) == ""
    run = project.run("compare", STUDY)
    assert (run.code, run.out) == (2, "") and run.err.startswith(f"R321 STOP {STUDY}/")


def test_a_version_is_the_same_as_itself(project: Project) -> None:
    key = project.manifest()["key"]
    for names in (("latest", "latest"), (key[:6], project.versions()[0].name[:10]), (f"{STUDY}/latest", key)):
        run = project.run("compare", STUDY, "--from", names[0], "--to", names[1])
        assert run.code == 0 and "Nothing changed: same inputs, same numbers, same words." in run.out, run
    assert (project.root / run.last).is_file()


@pytest.mark.parametrize("names", [("released", "latest"), ("2001-01-01", "latest"), ("ffff", "latest"), ("x", "y")])
def test_a_name_that_means_no_version_is_refused(published: Project, names: tuple[str, str]) -> None:
    run = published.run("compare", STUDY, "--from", names[0], "--to", names[1])
    assert (run.code, run.out) == (2, "") and len(run.err.splitlines()) == 1
    assert run.err.startswith("R303 STOP ") and published.versions()[0].name in run.err


DAMAGE = {
    "not JSON": ("manifest.json", "garbage", "R305 STOP .*manifest.json — not a complete manifest"),
    "a list": ("manifest.json", "[]", "R305 STOP .*manifest.json — not a complete manifest"),
    "unknown schema": ("manifest.json", {"schema": 7}, "R321 STOP .*unknown schema 7"),
    "a lost key": (
        "manifest.json",
        {"packages": None},
        "R321 STOP .*damaged: packages is missing or of the wrong kind",
    ),
    "no results": ("results.json", "", "R305 STOP .*results.json — missing or not readable"),
    "no page": ("report.html", None, "R305 STOP .*report.html — missing or not readable"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damaged_versions_are_not_compared(project: Project, what: str) -> None:
    name, damage, pattern = DAMAGE[what]
    path = project.versions()[0] / name
    if isinstance(damage, dict):
        path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    elif damage is None:
        path.unlink()
    else:
        path.write_text(damage)
    run = project.run("compare", STUDY, "--from", "latest")
    assert (run.code, run.out) == (2, "")
    assert re.match(pattern, run.err) and len(run.err.splitlines()) == 1, run.err
    assert not (project.root / "reports/.compare").exists()


def test_a_superseded_draft_loses_its_notebook_and_nothing_else(project: Project) -> None:
    (first,) = project.versions()
    notebook = (first / "report.ipynb").read_bytes()
    page, digest = (first / "report.html").read_bytes(), project.manifest()["files"]["report.ipynb"]
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    changed(project)
    manifest = json.loads((first / "manifest.json").read_text())
    assert sorted(path.name for path in first.iterdir()) == ["manifest.json", "report.html", "results.json"]
    assert manifest["thinned"] == {"report.ipynb": digest} and sorted(manifest["files"]) == [
        "report.html",
        "results.json",
    ]
    assert (first / "report.html").read_bytes() == page
    project.edit(PARAMETER_FILE, "0.9 ", "0.95 ")
    assert "is up to date (a later version" in project.report().out
    project.forget()
    assert "reproduced here: 2 of 2 published numbers agree" in project.report().out
    (first / "report.ipynb").write_bytes(notebook)
    versions.thin(versions.Version(first, manifest))  # completes a thinning that was killed
    assert not (first / "report.ipynb").exists() and json.loads((first / "manifest.json").read_text()) == manifest


@pytest.mark.parametrize("state", ["in_review", "released", "withdrawn"])
def test_a_version_that_left_draft_is_never_thinned(project: Project, state: str) -> None:
    (first,) = project.versions()
    before = project.published()
    versions.thin(versions.Version(first, {**project.manifest(), "status": {"state": state}}))
    assert project.published() == before


def test_folders_that_are_not_versions_are_left_alone(project: Project) -> None:
    for name in ("plans", "reviews", "2026-01-01-notes"):
        folder = project.root / "reports" / STUDY / name
        folder.mkdir()
        (folder / "manifest.json").write_text("not ours")
    run = project.run("numbers", STUDY)
    assert run.code == 0 and run.out.count("\n") == 3


def test_masked_outcomes_are_never_published(project: Project) -> None:
    before, executions = project.published(), project.executions()
    project.edit(PARAMETER_FILE, "better: higher", "better: higher\nmasked: true")
    run = project.report()
    assert (run.code, run.out) == (2, "") and run.err.startswith(f"R306 STOP {PARAMETER_FILE}:masked — ")
    assert (project.published(), project.executions()) == (before, executions)
    script = (
        "import sys\nfrom analysis import paths\nfrom analysis.refusal import Refusal\n"
        "from analysis.run import parameters, publish\n"
        f"checked = parameters.load(paths.ROOT / {PARAMETER_FILE!r})\n"
        "for into in (paths.REPORTS, paths.REPORTS / 'elsewhere', paths.ROOT / 'out'):\n"
        "    try:\n        publish.publish(checked, into=into)\n    except Refusal as refusal:\n"
        "        print(refusal.code)\n"
        "print(publish.publish(checked, into=paths.REPORTS / publish.DRAFTS).kind)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=project.root, env=project.environment(), capture_output=True, text=True
    )
    words = done.stdout.split()
    assert (words[:3], words[-1]) == (["R306"] * 3, "published"), done
    assert project.published() == before
    (draft,) = (project.root / "reports/.drafts" / STUDY).iterdir()
    assert json.loads((draft / "manifest.json").read_text())["parameters"]["masked"] is True


def test_tables_and_modules_are_recorded(published: Project) -> None:
    manifest = published.manifest()
    small = manifest["tables"]["small"]
    assert (small["rows"], small["columns"]) == (32, ["unit", "year", "start", "score", "region"])
    assert small["sha256"] == manifest["data"]["small"]
    assert re.fullmatch("[0-9a-f]{12}", manifest["modules"]["small.py"]) and "run/publish.py" in manifest["modules"]
    assert manifest["status"] == {"state": "draft"} and manifest["plan"] is None


def test_published_numbers_are_verified(project: Project) -> None:
    before = project.published()
    run = project.run("verify")
    name = f"{STUDY}/{project.versions()[0].name}"
    assert (run.code, run.out, run.err) == (0, f"{name}: 2 of 2 numbers agree\n", ""), run
    project.misbehave("noise")
    assert project.run("verify", STUDY).code == 0
    project.misbehave("other number")
    run = project.run("verify", STUDY)
    assert run.code == 1 and run.out.startswith(f"{name}: 0 of 2 numbers agree\n"), run
    assert "\n  att (estimate): published 2.2200000000000006, here 2.221" in run.out
    assert "\n  code cell 4: Cell outputs differ" in run.out
    assert project.published() == before and project.left_over() == []


def test_a_notebook_that_no_longer_runs_is_a_failure(project: Project) -> None:
    project.misbehave("error")
    run = project.run("verify", STUDY)
    assert run.code == 1 and ": 0 of 2 numbers agree\n" in run.out, run
    assert "ValueError: first line" in run.out or "the last line says why" in run.out
    assert "Traceback" not in run.out + run.err


def test_absent_or_changed_data_are_said_in_one_line(project: Project) -> None:
    file = Path("data/raw/small/small.csv")
    project.write_table(table().replace("10.00", "10.16"))
    run = project.run("verify", STUDY)
    assert run.code == 2 and "cannot be reproduced here: it was made from other data" in run.out
    (project.root / file).unlink()
    run = project.run("verify", STUDY)
    assert (run.code, run.err, run.out.count("\n")) == (2, "", 1)
    assert run.out.endswith(f": cannot be reproduced here: {file} is missing. Fix: put the file into {file.parent}\n")
    assert project.run("verify", "smal-policy").err.startswith("R303 STOP STUDY=smal-policy")


def test_released_versions_are_verified_when_asked_for(project: Project) -> None:
    (first,) = project.versions()
    manifest = {**project.manifest(), "status": {"state": "released"}}
    (first / "manifest.json").write_text(json.dumps(manifest))
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    changed(project)
    assert (first / "report.ipynb").is_file() and json.loads((first / "manifest.json").read_text()) == manifest
    run = project.run("verify", STUDY, "--released")
    assert (run.code, run.out.count("2 of 2 numbers agree")) == (0, 2)
    named_ = project.run("compare", STUDY, "--from", "released")
    assert named_.code == 1 and f"Before: {STUDY}/{first.name}" in named_.out
