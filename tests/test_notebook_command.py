"""`make notebook`: what it says about style and numbers, and its exit codes."""

from __future__ import annotations

from project_copy import STUDY, Project

NO_RULES = "\nRULES = ()\n"


def in_style(project: Project) -> None:
    """The small notebook of the tests is not in the style of the real ones: leave the rules out."""
    file = "src/analysis/run/notebook_check.py"
    project.write(file, (project.root / file).read_text("utf-8") + NO_RULES)


def test_nothing_moves_and_nothing_is_published(project: Project) -> None:
    in_style(project)
    before = project.published()
    run = project.run("notebook", "small")
    assert run.code == 0, run
    assert "notebooks/small.ipynb: the style is in order" in run.out
    assert f"{STUDY}: runs; all 2 numbers are those of {STUDY}/" in run.last
    assert project.published() == before and not project.left_over()


def test_numbers_that_would_move_are_named_with_their_size(project: Project) -> None:
    in_style(project)
    project.misbehave("other number")
    run = project.run("notebook", "notebooks/small.ipynb", "--study", STUDY)
    assert run.code == 1, run
    assert f"{STUDY}: runs; 2 of 2 numbers are not those of {STUDY}/" in run.out
    (line,) = [line for line in run.out.splitlines() if line.startswith("  att (Effect)")]
    assert line.endswith("+0.005 standard errors") and " to " in line


def test_a_notebook_out_of_style_is_said_and_run_all_the_same(project: Project) -> None:
    run = project.run("notebook", "small")
    assert run.code == 1
    assert "notebooks/small.ipynb: the last two sections are not" in run.out
    assert run.last.startswith(f"{STUDY}: runs; all 2 numbers")


def test_a_notebook_that_fails_is_one_line(project: Project) -> None:
    in_style(project)
    project.misbehave("error")
    run = project.run("notebook", "small")
    assert run.code == 1
    assert "the last line says why" in run.err and "Traceback" not in run.err


def test_a_notebook_nobody_uses_is_only_read(project: Project) -> None:
    in_style(project)
    project.write("notebooks/other.ipynb", (project.root / "notebooks/small.ipynb").read_text("utf-8"))
    run = project.run("notebook", "other")
    assert run.code == 0 and run.last == "No parameter file in params/other/ uses it, so nothing was run"


def test_a_study_without_a_version_runs(project: Project) -> None:
    in_style(project)
    parameters = (project.root / f"params/small/{STUDY}.yml").read_text("utf-8")
    project.write("params/small/another.yml", parameters)
    run = project.run("notebook", "small", "--study", "another")
    assert run.code == 0 and "another: runs; 2 numbers, none of them published yet" in run.last


def test_unknown_names_are_refused(project: Project) -> None:
    wrong = project.run("notebook", "smal")
    assert wrong.code == 2
    assert wrong.err.startswith("R303 STOP NAME=smal — there is no notebook 'smal'. Fix: did you mean 'small'?")
    other = project.run("notebook", "small", "--study", "small-polic")
    assert other.code == 2 and f"did you mean '{STUDY}'?" in other.err
