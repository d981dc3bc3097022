"""What a run publishes, what it leaves alone, and the rules a version must meet."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from project_copy import PARAMETER_FILE, STUDY, Project, make, table

from analysis.run import compare, export, results, rules, staging
from analysis.run.failure import Failed


def test_a_version_is_complete_and_says_what_made_it(published: Project) -> None:
    (folder,) = published.versions()
    assert sorted(p.name for p in folder.iterdir()) == ["manifest.json", "report.html", "report.ipynb", "results.json"]
    manifest = published.manifest()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-" + manifest["key"][:12], folder.name)
    assert manifest["version"] == folder.name
    assert manifest["parameters"]["level"] == 0.95 and manifest["parameters"]["seed"] == 20260101
    assert manifest["data"] == {"small": hashlib.sha256(table().encode()).hexdigest()}
    assert manifest["files"]["report.html"] == hashlib.sha256((folder / "report.html").read_bytes()).hexdigest()
    assert (manifest["supersedes"], manifest["verified"]) == (None, [])
    found = json.loads((folder / "results.json").read_text())
    assert [number["id"] for number in found["numbers"]] == ["att", "again"]
    assert (found["study"], found["notebook"], found["schema"]) == (STUDY, "small", 1)
    for path in folder.iterdir():
        assert str(published.root) not in path.read_text(encoding="utf-8")
        assert path.stat().st_mode & 0o044 == 0o044
    assert STUDY in (published.root / "reports/index.html").read_text()
    assert published.left_over() == []


def test_the_stored_notebook_is_deterministic(published: Project, tmp_path: Any) -> None:
    other = make(tmp_path / "elsewhere")
    assert other.report().code == 0
    (ours,), (theirs,) = published.versions(), other.versions()
    assert ours.name == theirs.name
    for name in ("report.ipynb", "results.json"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes()
    notebook = json.loads((ours / "report.ipynb").read_text())
    tags = [cell["metadata"].get("tags") for cell in notebook["cells"]]
    assert tags[1:3] == [["parameters"], ["injected-parameters"]]
    assert "papermill" not in json.dumps(notebook["metadata"])


def test_nothing_to_do_starts_no_kernel(project: Project) -> None:
    before = project.published()
    run = project.report()
    page = f"{project.versions()[0].relative_to(project.root).as_posix()}/report.html"
    assert (run.code, run.out, run.err) == (0, f"{page} is up to date\n{page}\n", "")
    assert (project.executions(), project.published()) == (1, before)
    assert run.cpu < 0.5


def test_another_machine_runs_it_once_and_compares(project: Project) -> None:
    before = project.published()
    project.forget()
    project.write("elsewhere", "")
    run = project.report()
    assert run.code == 0, run
    assert "reproduced here: 2 of 2 published numbers agree" in run.out
    assert run.last.endswith("/report.html")
    assert (project.executions(), project.published()) == (2, before)
    assert project.report().code == 0
    assert project.executions() == 2


def test_floating_point_noise_agrees_and_another_number_does_not(project: Project) -> None:
    before = project.published()
    project.forget()
    project.misbehave("other number")
    run = project.report()
    assert run.code == 1
    assert "not reproduced here: 0 of 2 published numbers" in run.err
    assert re.search(r"att \(estimate\): published 2\.2200000000000006, here 2\.221", run.err)
    assert project.published() == before
    project.misbehave("noise")
    assert "reproduced here: 2 of 2" in project.report().out
    assert project.published() == before


def test_moved_code_with_the_same_content_adds_a_verification(project: Project) -> None:
    before = project.published()
    project.edit("src/analysis/small.py", "class Block:", "class Block:  # same blocks")
    project.write("elsewhere", "")  # the provenance may say so; nothing else does
    run = project.report()
    assert run.code == 0, run
    assert "code changed, 2 of 2 published numbers agree; no new version" in run.out
    now = project.published()
    assert {name for name in now if now[name] != before.get(name)} <= {
        next(name for name in now if name.endswith("manifest.json")),
        "reports/index.html",
    }
    (line,) = project.manifest()["verified"]
    assert (line["agree"], line["of"], line["key"]) == (2, 2, project.identity()["key"])
    assert project.report().out.count("up to date") == 1
    assert project.executions() == 2
    project.forget()
    assert "reproduced here: 2 of 2" in project.report().out
    assert project.published() == now


def test_new_inputs_make_new_versions_that_say_what_changed(project: Project) -> None:
    first = project.published()
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    run = project.report()
    assert run.code == 0, run
    (field,) = project.manifest()["changed"]["described"]
    assert (field["what"], field["ids"], field["label"]) == ("level", ["att", "again"], "Effect")
    assert (field["before"], field["after"], field["alike"]) == (0.95, 0.9, True)
    assert "What changed: parameters (level)." in run.out
    project.write_table(table().replace("10.00", "10.16"))
    run = project.report()
    assert "The main result went from 2.2200 points to 2.2" in run.out
    assert "2 of 2 published numbers moved, " in run.out and "What changed: data (small)." in run.out
    project.edit("notebooks/small.ipynb", "Can it be trusted?", "May it be trusted?")
    assert "no published number moved. What changed: notebook." in project.report().out
    versions = project.versions()
    assert len(versions) == 4
    assert [json.loads((v / "manifest.json").read_text())["supersedes"] for v in versions] == [
        None,
        *[v.name for v in versions[:-1]],
    ]
    now = project.published()
    kept = {name for name in first if name.endswith(("report.html", "results.json"))}
    assert len(kept) == 2 and {name: now[name] for name in kept} == {name: first[name] for name in kept}
    assert project.run("latest").out == f"{(versions[-1] / 'report.ipynb').relative_to(project.root).as_posix()}\n"


def test_earlier_inputs_are_answered_by_their_version(project: Project) -> None:
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    assert project.report().code == 0
    project.edit(PARAMETER_FILE, "0.9 ", "0.95 ")
    first, second = project.versions()
    run = project.report()
    assert run.out.startswith(f"reports/{STUDY}/{first.name}/report.html is up to date (a later version")
    assert second.name in run.out
    assert project.executions() == 2


def change_a_byte(project: Project) -> None:
    project.write_table(table().replace("10.00", "10.10"), declare=False)


DEFECTS: dict[str, tuple[Callable[[Project], None], str]] = {
    "a changed byte": (change_a_byte, r"R305 STOP data/raw/small/small\.csv — the file has changed.*\. Fix: "),
    "no file": (lambda p: (p.root / "data/raw/small/small.csv").unlink(), r"D406 STOP data/raw/small/small\.csv — "),
    "a missing column": (
        lambda p: p.write_table(table().replace("region", "regoin")),
        r"D4\d\d STOP data/raw/small/.*region",
    ),
    "text in a number": (
        lambda p: p.write_table(table().replace("10.00", "ten")),
        r"D403 STOP data/raw/small/small\.csv:score",
    ),
    "out of range": (
        lambda p: p.write_table(table().replace("10.00", "1000")),
        r"D404 STOP data/raw/small/small\.csv:score",
    ),
    "not an allowed value": (
        lambda p: p.write_table(table().replace("north", "nroth", 1)),
        r"D404 STOP .*small\.csv:region",
    ),
    "a missing value": (
        lambda p: p.write_table(table().replace("10.00", "")),
        r"D405 STOP data/raw/small/small\.csv:score",
    ),
    "a duplicate header": (
        lambda p: p.write_table(table().replace("region", "score", 1)),
        r"D407 STOP .*small\.csv.*score",
    ),
    "duplicate rows": (
        lambda p: p.write_table(table() + "0,2001,2003,10.00,south\n"),
        r"P001 STOP .*small\.csv:\(unit,year\)",
    ),
    "a missing period": (lambda p: p.write_table(re.sub(r"3,2002.*\n", "", table())), r"P007 STOP .*small\.csv"),
    "a wrong declaration": (
        lambda p: p.edit("data/raw/small/source.yml", "type: number", "type: nmuber"),
        r"D401 STOP data/raw/small/source\.yml:columns\.score\.type",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_defective_data_are_refused_before_any_kernel(project: Project, defect: str) -> None:
    before = project.published()
    damage, pattern = DEFECTS[defect]
    damage(project)
    run = project.report()
    assert (run.code, run.out) == (2, ""), run
    (line,) = run.err.splitlines()
    assert re.match(pattern, line), line
    assert ". Fix: " in line
    assert run.cpu < 2
    assert (project.executions(), project.published()) == (1, before)


FAILURES = {
    "error": r'cell 6 under "What is the answer\?": ValueError: the last line says why',
    "warning": r"cell 6 wrote a warning or message: RuntimeWarning: something is off",
    "refusal": r"^P001 STOP data/raw/small/small\.csv:year — 3 duplicate rows\. Fix: drop them$",
    "not a number": r"results: answer\.headline\.value: .*number",
    "outside": r"results: number att: the estimate .* is outside its interval",
    "die": r'cell 6 under "What is the answer\?": the kernel died',
}


@pytest.mark.parametrize("mode", FAILURES)
def test_a_failed_run_is_kept_apart(project: Project, mode: str) -> None:
    before = project.published()
    project.edit(PARAMETER_FILE, "0.95", "0.9")
    project.misbehave(mode)
    run = project.report()
    assert run.code == (2 if mode == "refusal" else 1), run
    assert re.search(FAILURES[mode], run.err, re.MULTILINE), run.err
    assert "Traceback" not in run.err
    kept = re.search(r"reports/\.failed/\S+/report\.ipynb", run.err)
    assert kept and json.loads((project.root / kept[0]).read_text())["nbformat"] == 4
    assert (project.root / kept[0]).with_name("reason.txt").read_text().count("\n") == 1
    assert (project.published(), project.left_over()) == (before, [])


def test_a_changed_published_file_is_noticed(project: Project) -> None:
    (folder,) = project.versions()
    (folder / "report.html").write_text("something else")
    run = project.report()
    assert run.code == 2
    assert run.err.startswith(f"R305 STOP reports/{STUDY}/{folder.name}/report.html — ")
    assert "git checkout -- " in run.err


def test_at_most_five_failed_runs_are_kept(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "FAILED", tmp_path)
    (tmp_path / "a-b-20260101T000000000000Z").mkdir()
    kept = [staging.keep_failed("a", "{}", f"reason {number}") for number in range(7)]
    left = sorted(p.name for p in tmp_path.iterdir())
    assert left == sorted(["a-b-20260101T000000000000Z", *(name.split("/")[-2] for name in kept[2:])])


NUMBER = {"id": "a", "estimate": 2.0, "std_error": 0.5, "low": 1.0, "high": 3.0, "label": "A", "level": 0.95, "n": 9}
NUMBER |= {
    "p_value": 0.04,
    "inference": "",
    "clusters": None,
    "treated_clusters": None,
    "unit": "",
    "method": "",
    "estimand": "",
}


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({}, None),
        ({"estimate": 2.0 + 4e-7}, None),
        ({"estimate": 2.0 + 6e-7}, "estimate"),
        ({"std_error": 0.5 + 6e-7}, "std_error"),
        ({"std_error": None}, "std_error"),
        ({"low": 1.0 - 6e-7}, "low"),
        ({"high": None}, "high"),
        ({"p_value": 0.04 + 5e-7}, None),
        ({"p_value": 0.05}, "p_value"),
        ({"n": 10}, "n"),
        ({"unit": "share"}, "unit"),
        ({"id": "b"}, "estimate"),
    ],
)
def test_numbers_agree_within_a_millionth_of_their_standard_error(change: dict[str, Any], differs: str | None) -> None:
    found = compare.agreement({"numbers": [NUMBER]}, {"numbers": [{**NUMBER, **change}]})
    assert [difference.what for difference in found.numbers][:1] == ([differs] if differs else [])
    assert (found.agree, found.of, found.complete) == ((0, 1, False) if differs else (1, 1, True))


GOOD_PAGE = (
    "<html><head><meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\"></head><body><h1>Q</h1>"
    "<a href='https://example.org'>a link may lead away</a><img alt='a chart' src='data:image/png;base64,AA=='>"
    "</body></html>"
)
BAD_PAGES = {
    "<script src='https://cdn.example/x.js'></script>": "<script src> loads",
    "<link rel='stylesheet' href='//cdn.example/x.css'>": "<link href> loads",
    "<img alt='x' srcset='a.png 1x, http://example.org/b.png 2x'>": "<img srcset> loads",
    "<style>p { background: url( 'https://example.org/a.png') }</style>": "a <style> loads",
    "<style>@import 'x.css';</style>": "a <style> loads",
    "<p style='background: url(//example.org/a.png)'>": "the style of a <p> loads",
    "<img src='data:image/png;base64,AA=='>": "no alternative text",
    "<h1>again</h1>": "2 h1 headings",
    "<p>" + "x" * 5_000_000: "more than 1,500,000",
}


@pytest.mark.parametrize("extra", BAD_PAGES, ids=list(BAD_PAGES.values()))
def test_pages_that_break_a_rule_are_named(extra: str) -> None:
    assert rules.page_problems(GOOD_PAGE) == []
    (problem,) = rules.page_problems(GOOD_PAGE.replace("</body>", f"{extra}</body>"))
    assert BAD_PAGES[extra] in problem


def test_a_page_needs_a_content_security_policy() -> None:
    assert rules.page_problems("<h1>Q</h1>") == ["the page has no content security policy"]


def test_an_absolute_path_is_found_wherever_it_is_written() -> None:
    named = [("a", f"x {rules.paths.ROOT}/y"), ("b", "src/analysis")]
    assert rules.path_problems(named) == ["a contains the absolute path of the project"]


def test_results_need_one_answer_and_distinct_numbers(published: Project) -> None:
    notebook = json.loads((published.versions()[0] / "report.ipynb").read_text())
    blocks = [o["metadata"]["analysis"] for c in notebook["cells"] for o in c.get("outputs", []) if o["metadata"]]

    def refused(*shown: dict[str, Any]) -> str:
        outputs = [{"metadata": {"analysis": block}} for block in shown]
        with pytest.raises(Failed) as caught:
            results.collect({"cells": [{"outputs": outputs}]}, "s", "n", "q?")
        return caught.value.message

    answer = blocks[0]
    assert "shows 0 answers" in refused()
    assert "shows 2 answers" in refused(answer, answer)
    assert "numbers" in refused({**answer, "numbers": []})
    other = copy.deepcopy(answer["numbers"][0]) | {"estimate": 2.3}
    assert "two numbers have the id 'att'" in refused(answer, {"numbers": [other]})
    assert "estimand" in refused({**answer, "numbers": [{k: v for k, v in other.items() if k != "estimand"}]})


def test_cleaning_a_notebook_removes_what_depends_on_the_machine() -> None:
    cell = {"cell_type": "code", "id": "x7", "source": "", "metadata": {"papermill": {}, "tags": [], "execution": {}}}
    notebook = {"metadata": {"papermill": {"input_path": "/a"}}, "nbformat": 4, "nbformat_minor": 4, "cells": [cell]}
    cleaned = export.clean(copy.deepcopy(notebook))
    assert cleaned["cells"][0] == {"cell_type": "code", "id": "cell-1", "source": "", "metadata": {}}
    assert list(cleaned["metadata"]) == ["kernelspec"]


def test_another_python_reproduces_and_leaves_the_published_files_alone(project: Project) -> None:
    """Editing the recorded Python stands for a machine that runs another one."""
    assert project.report().code == 0
    (folder,) = project.versions()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"]["python"] = "3.99"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    project.forget()
    before = project.published()
    run = project.report()
    assert run.code == 0 and "reproduced here: 2 of 2 published numbers agree" in run.out, run
    assert project.published() == before
    assert "is up to date" in project.report().out
