"""Drafts on permuted outcomes: made beside the published versions, marked everywhere, never published or released."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from project_copy import PARAMETER_FILE, STUDY, Project, copy, make
from test_plans import settle

from analysis.refusal import Refusal
from analysis.run import draft, parameters, plans, publish, release, versions

DRAFTS = f"reports/.drafts/{STUDY}"


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a draft and nothing published; take a `copy` to change anything."""
    project = make(tmp_path_factory.mktemp("drafted") / "project")
    run = project.run("draft", STUDY)
    assert run.code == 0, run
    assert f"{STUDY}: a draft on permuted outcomes; no number in it means anything\n" in run.out
    assert run.last.startswith(DRAFTS) and (project.root / run.last).is_file()
    return project


def folders(project: Project) -> list[Path]:
    return sorted(path.parent for path in (project.root / DRAFTS).glob("*/manifest.json"))


def test_a_draft_is_no_version(drafted: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(drafted, monkeypatch)
    assert len(folders(drafted)) == 1
    assert versions.of(STUDY) == [] and versions.latest_of_all() == [] and drafted.published() == {}
    manifest = json.loads((folders(drafted)[0] / "manifest.json").read_text())
    assert manifest["parameters"]["masked"] is True and manifest["status"] == {"state": "draft"}


def test_every_printed_page_and_the_title_say_so(drafted: Project) -> None:
    page = (folders(drafted)[0] / "report.html").read_text("utf-8")
    under = page[page.index("<main>") : page.index('<p class="answer">')]
    assert "No number here says anything about the policy" in under
    running = page[page.index("@top-left{content:") :]
    assert "MASKED" in running[: running.index("}")].upper()


def test_the_document_title_says_so(drafted: Project) -> None:
    page = (folders(drafted)[0] / "report.html").read_text("utf-8")
    title = page[page.index("<title>") : page.index("</title>")]
    assert "masked" in title.lower()


def test_a_plan_after_a_draft_has_seen_nothing(
    drafted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = copy(drafted, tmp_path / "project")
    settle(project, monkeypatch)
    results = folders(project)[0] / "results.json"
    results.write_text(results.read_text().replace('"id": "att"', '"id": "headline"'))
    checked = parameters.load(project.root / PARAMETER_FILE)
    plan = plans.register(checked, None, draft.detectable(checked)).plan
    assert plan.public == ()
    found = plan.fields.flat()["smallest_effect_found"]
    assert found["about"] == pytest.approx(0.4 + 0.8416 * 0.2, rel=0.05) and found["unit"] == "points"
    assert "rough" in found["made"]
    project.edit(PARAMETER_FILE, "worthwhile: 0.5", "worthwhile: 0.6")
    assert draft.detectable(parameters.load(project.root / PARAMETER_FILE)) is None


def test_a_new_draft_takes_the_place_of_the_old_one(drafted: Project, tmp_path: Path) -> None:
    project = copy(drafted, tmp_path / "project")
    again = project.run("draft", STUDY)
    assert again.code == 0 and "(the draft was up to date)" in again.out and project.executions() == 1
    before = folders(project)
    project.edit(PARAMETER_FILE, "worthwhile: 0.5", "worthwhile: 0.6")
    assert project.run("draft", STUDY).code == 0
    assert len(folders(project)) == 1 and folders(project) != before
    assert project.published() == {} and project.left_over() == []


def test_masked_outcomes_are_never_published(drafted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = copy(drafted, tmp_path / "project")
    project.edit(PARAMETER_FILE, "better: higher", "better: higher\nmasked: true")
    run = project.report()
    assert run.code == 2 and len(run.err.strip().splitlines()) == 1
    assert run.err.startswith(f"R306 STOP {PARAMETER_FILE}:masked") and f"make draft STUDY={STUDY}" in run.err
    assert project.published() == {}
    settle(project, monkeypatch)
    checked = draft.masked(parameters.load(project.root / PARAMETER_FILE))
    for elsewhere in (None, project.root / "reports", project.root / "reports/.drafts/../", project.root / "elsewhere"):
        with pytest.raises(Refusal, match="R306"):
            publish.publish(checked, into=elsewhere)
    assert project.published() == {}


def test_a_draft_cannot_be_reviewed_or_released(
    drafted: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where it is, nor when somebody moves its folder among the versions."""
    project = copy(drafted, tmp_path / "project")
    settle(project, monkeypatch)
    for step in (
        lambda: release.open_review(STUDY),
        lambda: release.decide(STUDY, "approve", "Ada Lovelace", "It is fair."),
        lambda: release.release(STUDY, "Grace Hopper", "the question of 3 October"),
    ):
        with pytest.raises(Refusal, match="no published version"):
            step()
    moved = project.root / "reports" / STUDY / folders(project)[0].name
    shutil.copytree(folders(project)[0], moved)
    for step in (
        lambda: release.open_review(STUDY),
        lambda: release.decide(STUDY, "approve", "Ada Lovelace", "It is fair."),
        lambda: release.release(STUDY, "Grace Hopper", "the question of 3 October"),
    ):
        with pytest.raises(Refusal, match="outcomes are masked, so it stays a draft for good"):
            step()
    assert json.loads((moved / "manifest.json").read_text())["status"] == {"state": "draft"}


def test_a_notebook_that_cannot_mask_is_refused(drafted: Project, tmp_path: Path) -> None:
    project = copy(drafted, tmp_path / "project")
    text = (project.root / "notebooks/small.ipynb").read_text()
    plain = text.replace("\\nmasked = False  # outcomes as they are", "").replace(",\\n              masked=masked", "")
    assert plain != text
    project.write("notebooks/small.ipynb", plain)
    run = project.run("draft", STUDY)
    assert run.code == 2 and run.err.startswith(
        "R303 STOP notebooks/small.ipynb — the notebook has no parameter 'masked'"
    )
