"""Defective parameter files: one line with file, field and fix; exit code 2; no kernel; nothing published touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project_copy import PARAMETER_FILE, PARAMETERS, STUDY, Project, copy

OTHER = "params/small/other.yml"


def changed(old: str, new: str) -> bytes:
    """The good parameter file with one thing replaced."""
    assert old in PARAMETERS
    return PARAMETERS.replace(old, new).encode()


def added(line: str) -> bytes:
    """The good parameter file with one line more."""
    return f"{PARAMETERS}{line}\n".encode()


# name: (content of the file, code, what the line must name, what its fix must say)
DEFECTS: dict[str, tuple[bytes, str, list[str], str]] = {
    "unknown name": (added("levle: 0.9"), "R301", [f"{OTHER}:levle", "unknown parameter"], "did you mean 'level'?"),
    "wrong type": (changed("level: 0.95", 'level: "high"'), "R302", [f"{OTHER}:level", "'high'"], "write a number"),
    "out of range": (changed("level: 0.95", "level: 1.5"), "R302", [f"{OTHER}:level", "1.5"], "correct `level`"),
    "negative seed": (added("seed: -1"), "R302", [f"{OTHER}:seed", "-1"], "correct `seed`"),
    "not a choice": (changed("higher", "more"), "R302", [f"{OTHER}:better", "'more'"], "use one of higher, lower"),
    "not a question": (
        changed("score?", "score."),
        "R302",
        [f"{OTHER}:question", "question mark"],
        "add one",
    ),
    "missing column": (changed("outcome: score", "outcome: scroe"), "D402", [f"{OTHER}:outcome"], "'score'"),
    "a choice without effect": (
        added("family: poisson"),
        "R302",
        [f"{OTHER}:family", "family has no effect under design group_time"],
        "remove it",
    ),
    "an adjustment without covariates": (
        added("adjustment: regression"),
        "R302",
        [f"{OTHER}:adjustment", "without covariates"],
        "name some under `covariates`",
    ),
    "a covariate of words": (
        added("covariates: [region]"),
        "D402",
        [f"{OTHER}:covariates", "'region' holds text"],
        "name a column of numbers",
    ),
    "a dose that is not there": (added("dose: doze"), "D402", [f"{OTHER}:dose"], "use one of"),
    "an estimator nobody knows": (
        added("estimators: [imputatoin]"),
        "R302",
        [f"{OTHER}:estimators", "'imputatoin'"],
        "did you mean 'imputation'?",
    ),
    "missing covariate": (
        added("covariates: [regoin]").replace(b"design: group_time", b"design: two_by_two"),
        "D402",
        [f"{OTHER}:covariates"],
        "'region'",
    ),
    "missing filter column": (added('where: ["yaer >= 2002"]'), "D402", [f"{OTHER}:where"], "'year'"),
    "unknown dataset": (changed("dataset: small", "dataset: smal"), "D406", [f"{OTHER}:dataset"], "'small'"),
    "unknown design": (changed("group_time", "group_tmie"), "R302", [f"{OTHER}:design"], "'group_time'"),
    "date": (changed("outcome: score", "outcome: 2014-01-01"), "R304", [f"{OTHER} line 6", "2014-01-01"], "quote"),
    "yes": (changed("better: higher", "better: yes"), "R304", [f"{OTHER} line 9", "yes"], "quote"),
    "no": (changed("better: higher", "better: no"), "R304", [f"{OTHER} line 9", "no"], "quote"),
    "on": (changed("better: higher", "better: on"), "R304", [f"{OTHER} line 9", "on"], "quote"),
    "octal": (changed("outcome: score", "outcome: 0123"), "R304", [f"{OTHER} line 6", "0123"], "quote"),
    "duplicate key": (added("level: 0.9"), "R304", [f"{OTHER} line 11", "duplicate key 'level'"], "keep one"),
    "tag": (added("weight: !!python/name:os.system"), "R304", [f"{OTHER} line 11", "tag"], "delete the tag"),
    "alias": (added("where: [&a a, *a]"), "R304", [f"{OTHER} line 11"], "delete it"),
    "code as a name": (
        added("__import__('os').system('touch executed'): 1"),
        "R301",
        [OTHER, "plain identifier"],
        "remove or rename",
    ),
    "keyword as a name": (added("class: 1"), "R301", [OTHER, "class"], "remove or rename"),
    "nested mapping": (added("cluster: {a: 1}"), "R302", [f"{OTHER}:cluster", "flat list"], "cluster: value"),
    "nested list": (added("where: [[a]]"), "R302", [f"{OTHER}:where", "flat list"], "where: value"),
    "empty file": (b"", "R304", [OTHER, "empty"], "name: value"),
    "comments only": (b"# nothing yet\n", "R304", [OTHER, "empty"], "name: value"),
    "a list": (b"- level\n", "R304", [OTHER], "name: value"),
    "not utf-8": (
        changed("the small policy\n", "the sm\u00e5ll policy\n").decode().encode("latin-1"),
        "R304",
        [OTHER],
        "UTF-8",
    ),
    "not a number": (changed("worthwhile: 0.5", "worthwhile: .nan"), "R304", [f"{OTHER} line 8"], "quote"),
}


@pytest.fixture(scope="module")
def project(published: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with one published study, in which nothing may move."""
    own = copy(published, tmp_path_factory.mktemp("parameters") / "project")
    before, executions = own.published(), own.executions()
    assert before
    yield own
    assert own.published() == before
    assert own.executions() == executions


def refused(project: Project, *arguments: str) -> str:
    """Run a command that must be refused; its one line."""
    before = project.published()
    run = project.run(*arguments)
    assert run.code == 2, run
    assert run.cpu < 2
    assert run.out == ""
    assert project.published() == before
    (line,) = run.err.splitlines()
    return line


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defective_file_is_refused_in_one_line(project: Project, defect: str) -> None:
    content, code, named, fix = DEFECTS[defect]
    (project.root / OTHER).write_bytes(content)
    line = refused(project, "report", "--params", OTHER)
    assert line.startswith(f"{code} STOP ")
    for what in named:
        assert what in line
    _, _, advice = line.partition(". Fix: ")
    assert fix in advice, line
    assert not (project.root / "executed").exists()


@pytest.mark.parametrize(
    ("file", "named", "fix"),
    [
        ("params/small/Bad Name.yml", "'Bad Name' cannot name", "lower-case letters"),
        (f"params/small/{'x' * 65}.yml", "cannot name", "at most 64"),
        ("params/smal/other.yml", "no notebook 'smal'", "did you mean 'small'?"),
        ("params/other.yml", "lives at params/<notebook>/<study>.yml", "move or rename"),
        ("other.yml", "lives at params/<notebook>/<study>.yml", "move or rename"),
        ("params/small/small-polcy.yml", "no such parameter file", f"did you mean '{STUDY}'?"),
    ],
)
def test_a_file_in_the_wrong_place_is_refused(project: Project, file: str, named: str, fix: str) -> None:
    path = project.root / file
    wanted = named != "no such parameter file"
    if wanted:
        path.parent.mkdir(exist_ok=True)
        path.write_text(PARAMETERS)
    line = refused(project, "report", "--params", file)
    assert line.startswith("R303 STOP ")
    assert file in line
    assert named in line
    assert fix in line
    if wanted:
        path.unlink()


def test_a_path_is_taken_from_the_working_directory(project: Project) -> None:
    run = project.run("check-params", str(Path("notebooks") / ".." / PARAMETER_FILE))
    assert (run.code, run.out) == (0, f"{PARAMETER_FILE}: in order\n")


@pytest.mark.parametrize("study", ["small-polcy", "../small-policy", "Small", ""])
def test_an_unknown_study_is_refused(project: Project, study: str) -> None:
    line = refused(project, "report", study)
    assert line.startswith(f"R303 STOP STUDY={study} — ")


def test_a_misspelt_study_gets_a_suggestion(project: Project) -> None:
    (project.root / OTHER).unlink(missing_ok=True)
    assert refused(project, "report", "small-polcy").endswith(f"Fix: did you mean '{STUDY}'?")


def test_two_notebooks_with_one_study_name_are_listed(published: Project, tmp_path: Path) -> None:
    own = copy(published, tmp_path / "project")
    (own.root / "notebooks/large.ipynb").write_bytes((own.root / "notebooks/small.ipynb").read_bytes())
    (own.root / "params/large").mkdir()
    own.write(f"params/large/{STUDY}.yml", PARAMETERS)
    line = refused(own, "report", STUDY)
    assert f"PARAMS=params/large/{STUDY}.yml or PARAMS={PARAMETER_FILE}" in line
    assert "would publish into one folder" in refused(own, "report", "--params", PARAMETER_FILE)


BROKEN_NOTEBOOKS: dict[str, Callable[[Project], None]] = {
    "not `name = literal`": lambda p: p.edit("notebooks/small.ipynb", "level = 0.9 ", "level = max(1, 2) "),
    "0 cells are tagged": lambda p: p.edit("notebooks/small.ipynb", '"parameters"', '"other"'),
    "not a notebook": lambda p: p.write("notebooks/small.ipynb", "{"),
}


@pytest.mark.parametrize("problem", BROKEN_NOTEBOOKS)
def test_a_notebook_without_plain_parameters_is_refused(published: Project, tmp_path: Path, problem: str) -> None:
    own = copy(published, tmp_path / "project")
    BROKEN_NOTEBOOKS[problem](own)
    line = refused(own, "report", STUDY)
    assert line.startswith("R303 STOP notebooks/small.ipynb — ")
    assert problem in line


def test_every_parameter_file_of_the_project_is_in_order() -> None:
    from analysis.run import parameters

    for path in parameters.every():
        assert parameters.load(path).study.question
