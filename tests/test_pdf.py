"""The report on paper: running head and page numbers on every page, tags and outline, nothing orphaned."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import browser
import pytest
import sample_notebook
from project_copy import STUDY, Project
from pypdf import PdfReader

from analysis.report import page, pdf

pytestmark = pytest.mark.browser
HEAD = "Medicaid expansion, version 2026-11-22-3f9a1c72be04"


def printed(folder: Path, **context: Any) -> PdfReader:
    browser.executable()
    html = page.render(sample_notebook.build(), {**sample_notebook.context(), **context})
    (folder / "report.html").write_text(html, "utf-8")
    count = pdf.write(folder / "report.html", folder / "out" / "report.pdf")
    reader = PdfReader(folder / "out" / "report.pdf")
    assert len(reader.pages) == count
    return reader


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> PdfReader:
    return printed(tmp_path_factory.mktemp("paper"))


def lines(reader: PdfReader) -> list[list[str]]:
    return [[line.strip() for line in one.extract_text().splitlines() if line.strip()] for one in reader.pages]


def test_every_page_has_its_head_state_and_number(paper: PdfReader) -> None:
    count = len(paper.pages)
    assert 4 <= count <= 12
    for number, told in enumerate(lines(paper), start=1):
        assert f"{HEAD} Draft" in told and f"Page {number} of {count}" in told


@pytest.mark.parametrize(
    ("state", "word"), [("in_review", "In review"), ("released", "Released"), ("withdrawn", "Withdrawn")]
)
def test_the_head_follows_the_state_of_the_version(tmp_path: Path, state: str, word: str) -> None:
    assert all(f"{HEAD} {word}" in told for told in lines(printed(tmp_path, status={"state": state})))


def test_masked_outcomes_are_said_at_the_head_of_every_page(tmp_path: Path) -> None:
    reader = printed(tmp_path, parameters={**sample_notebook.context()["parameters"], "masked": True})
    assert all(any(line.startswith(page.MASKED) for line in told) for told in lines(reader))


def test_it_is_tagged_titled_and_has_an_outline(paper: PdfReader) -> None:
    root = paper.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root and root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert paper.metadata.title.startswith("Did expanding Medicaid") and "Medicaid expansion" in paper.metadata.title
    names = [entry.title for entry in flat(paper.outline)]
    assert names[0].startswith("Did expanding Medicaid") and names[-1] == "Glossary"
    assert "What do the checks say?" in names


def flat(outline: list[Any]) -> list[Any]:
    return [entry for part in outline for entry in (flat(part) if isinstance(part, list) else [part])]


def test_no_heading_is_the_last_line_of_its_page(paper: PdfReader) -> None:
    heads = {re.sub(r"\s", "", entry.title) for entry in flat(paper.outline)}
    for told in lines(paper):
        body = [line for line in told if not line.startswith((HEAD, "Page "))]
        assert re.sub(r"\s", "", body[-1]) not in heads, body[-1]


def test_links_are_spelled_out_and_what_needs_a_screen_is_left_out(paper: PdfReader) -> None:
    text = " ".join(" ".join(told) for told in lines(paper))
    assert "(https://www.census.gov/programs-surveys/acs)" in text
    assert "Years since adoption Effect, percentage points" not in text  # the numbers behind a figure
    assert "Study(dataset" not in text and "Download" not in text and "All terms of this page" not in text
    assert "The numbers behind every figure" in text and "Figure 1." in text and "Figure 2." in text
    assert sum(
        "/Image" in str(one.get("/Resources", {}).get("/XObject", {})) or bool(one.images) for one in paper.pages
    )


def test_the_command_writes_it_beside_the_reports(project: Project) -> None:
    browser.executable()
    before = project.published()
    run = project.run("pdf", STUDY)
    version = project.versions()[-1].name
    assert run.code == 0 and run.last == f"reports/.pdf/{STUDY}-{version}.pdf", run
    reader = PdfReader(project.root / run.last)
    assert f"{STUDY}/{version}: {len(reader.pages)} pages" in run.out
    assert all(f"Small policy, version {version} Draft" in told for told in lines(reader))
    assert project.published() == before
    assert [p.name for p in (project.root / "reports/.pdf").iterdir()] == [f"{STUDY}-{version}.pdf"]
    again = project.run("pdf", STUDY, "--version", version[-12:])
    assert again.code == 0 and again.last == run.last


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["small-polic"], "R303 STOP STUDY=small-polic — this study has no published version. Fix: did you mean"),
        (["../small"], "this study has no published version"),
        ([STUDY, "--version", "2020-01-01"], "R303 STOP 2020-01-01 — no version"),
    ],
)
def test_what_is_not_published_is_refused(project: Project, arguments: list[str], said: str) -> None:
    run = project.run("pdf", *arguments)
    assert run.code == 2 and said in run.err and len(run.err.splitlines()) == 1


def test_a_study_that_waits_for_its_first_version_is_told_how(project: Project) -> None:
    project.write("params/small/waiting.yml", (project.root / f"params/small/{STUDY}.yml").read_text("utf-8"))
    run = project.run("pdf", "waiting")
    assert run.code == 2 and run.err.strip().endswith("Fix: publish it first: make report STUDY=waiting")


def test_without_a_browser_it_is_one_line_with_the_fix(project: Project, tmp_path: Path) -> None:
    if any(Path(place).is_file() for place in pdf.PLACES):
        pytest.skip("a browser is installed outside the search path")
    run = project.run("pdf", STUDY, PATH=str(tmp_path))
    assert run.code == 2 and len(run.err.splitlines()) == 1
    assert run.err.startswith("R371 STOP") and "apt install chromium" in run.err
    assert not (project.root / "reports/.pdf").exists()


def test_a_browser_that_does_not_start_is_one_line_and_the_old_paper_stays(project: Project, tmp_path: Path) -> None:
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\nexit 7\n")
    fake.chmod(0o755)
    old = project.root / f"reports/.pdf/{STUDY}-{project.versions()[-1].name}.pdf"
    old.parent.mkdir()
    old.write_text("old")
    run = project.run("pdf", STUDY, PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert run.code == 2 and run.err.startswith("R372 STOP") and len(run.err.splitlines()) == 1, run
    assert old.read_text() == "old" and list(old.parent.iterdir()) == [old]
