"""Guesses that nobody has looked at are not published."""

from __future__ import annotations

import pytest
from project_copy import PARAMETER_FILE, PARAMETERS, STUDY, Project

DECLARATION = "data/raw/small/source.yml"


def test_a_change_mark_stops_the_report_before_any_kernel(project: Project) -> None:
    project.write(
        PARAMETER_FILE, PARAMETERS.replace("worthwhile: 0.5", "worthwhile: 0.5  # CHANGE the smallest effect")
    )
    before = project.published()
    run = project.run("report", STUDY)
    assert run.code == 2 and run.err.count("\n") == 1
    assert run.err.startswith(f"R308 STOP {PARAMETER_FILE} — line 8 (worthwhile) is still marked CHANGE")
    assert project.published() == before


@pytest.mark.parametrize(("column", "stops"), [("score", True), ("unused", False)])
def test_a_confirm_mark_stops_it_where_the_study_reads_the_column(project: Project, column: str, stops: bool) -> None:
    text = (project.root / DECLARATION).read_text(encoding="utf-8")
    if column == "unused":
        marked = text + "  unused:\n    # CONFIRM: a guess\n    type: integer\n    label: Nothing of use\n"
    else:
        marked = text.replace("  score: {", "  score: # CONFIRM: a guess\n    {")
    assert marked != text
    project.write(DECLARATION, marked)
    run = project.run("report", STUDY)
    assert (run.err.startswith(f"R308 STOP {DECLARATION}")) is stops


def test_the_head_of_a_declaration_may_name_the_mark(project: Project) -> None:
    text = (project.root / DECLARATION).read_text(encoding="utf-8")
    project.write(DECLARATION, "# CONFIRM marks what was guessed.\n" + text)
    assert not project.run("report", STUDY).err.startswith("R308")
