"""The content key: it moves with everything a report depends on and with nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

import pytest
from project_copy import PARAMETER_FILE, PARAMETERS, STUDY, Project, table

from analysis.run import identity

LOCALE = {"PYTHONHASHSEED": "0", "LC_ALL": "C"}


def edit_cells(project: Project, change: Callable[[dict[str, object]], None]) -> None:
    """Apply `change` to every cell of the stored notebook."""
    path = project.root / "notebooks/small.ipynb"
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        change(cell)
    path.write_text(json.dumps(notebook))


def reverse_keys(project: Project) -> None:
    project.write(PARAMETER_FILE, "\n".join(reversed(PARAMETERS.splitlines())) + "\n")


def write_out_a_default(project: Project) -> None:
    project.write(PARAMETER_FILE, PARAMETERS + "weight: null  # as the notebook has it\nseed: 20260101\n")


def run_in_jupyter(project: Project) -> None:
    def executed(cell: dict[str, object]) -> None:
        cell["metadata"] = {**dict(cell["metadata"]), "collapsed": True}  # type: ignore[call-overload]
        if cell["cell_type"] == "code":
            cell["execution_count"] = 7
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "seen"}]

    edit_cells(project, executed)


def split_lines(project: Project) -> None:
    edit_cells(project, lambda cell: cell.update(source=str(cell["source"]).splitlines(keepends=True)))


def leave_caches(project: Project) -> None:
    for folder in ("__pycache__", "run/__pycache__", ".ipynb_checkpoints"):
        (project.root / "src/analysis" / folder).mkdir(parents=True, exist_ok=True)
        project.write(f"src/analysis/{folder}/left.py", "nothing = 1\n")


def touch(project: Project) -> None:
    for path in (project.root / "src").rglob("*.py"):
        os.utime(path, (1, 1))


STAYS: dict[str, Callable[[Project], None]] = {
    "comments": lambda p: p.write(PARAMETER_FILE, "# otherwise\n" + PARAMETERS.replace("# of all", "# for all")),
    "the order of keys": reverse_keys,
    "a default written out": write_out_a_default,
    "outputs and metadata": run_in_jupyter,
    "how sources are stored": split_lines,
    "caches": leave_caches,
    "file times": touch,
    "tests": lambda p: (p.root / "tests").mkdir() or p.write("tests/test_new.py", "x = 1\n"),
    "another study": lambda p: p.write("params/small/other.yml", PARAMETERS),
}


def planned(project: Project) -> None:
    folder = project.root / "reports" / STUDY / "plans"
    folder.mkdir(parents=True)
    (folder / "1.0.yml").write_text("plan: 1.0\n", encoding="utf-8")


MOVES: dict[str, tuple[str, Callable[[Project], None]]] = {
    "a parameter": ("parameters", lambda p: p.edit(PARAMETER_FILE, "0.95", "0.9")),
    "the last digit of a parameter": ("parameters", lambda p: p.edit(PARAMETER_FILE, "0.95", "0.9500000000000001")),
    "a default": (
        "parameters notebook",
        lambda p: p.edit("notebooks/small.ipynb", "seed = 20260101", "seed = 20260102"),
    ),
    "the text": ("notebook", lambda p: p.edit("notebooks/small.ipynb", "Can it be trusted?", "May it be trusted?")),
    "a code cell": (
        "notebook",
        lambda p: p.edit("notebooks/small.ipynb", "small.findings(study)", "small.findings( study)"),
    ),
    "a module": ("code", lambda p: p.edit("src/analysis/small.py", "Nothing before the start", "Nothing before")),
    "a new module": ("code", lambda p: p.write("src/analysis/new.py", "")),
    "a renamed module": ("code", lambda p: (p.root / "src/analysis/small.py").rename(p.root / "src/analysis/new.py")),
    "the template": ("template", lambda p: p.write("src/analysis/report/templates/extra.css", "p {}")),
    "the data": ("data", lambda p: p.write_table(table().replace("10.00", "10.10"))),
    "the declaration": ("data", lambda p: p.edit("data/raw/small/source.yml", "label: Score", "label: Scores")),
    "a plan": ("plan", lambda p: planned(p)),
    "the lock": ("lock", lambda p: p.write("requirements.lock", "nothing==1.1\n")),
}


@pytest.mark.parametrize("what", STAYS)
def test_the_key_does_not_depend_on(project: Project, what: str) -> None:
    before = project.identity(**LOCALE)
    STAYS[what](project)
    assert project.identity(**LOCALE) == before


@pytest.mark.parametrize("what", MOVES)
def test_the_key_moves_with(project: Project, what: str) -> None:
    before = project.identity(**LOCALE)
    parts, change = MOVES[what]
    change(project)
    now = project.identity(**LOCALE)
    assert now["key"] != before["key"]
    assert " ".join(part for part in identity.PARTS if now.get(part) != before.get(part)) == parts


def test_the_key_is_the_same_in_every_process(project: Project) -> None:
    environments = [{"PYTHONHASHSEED": seed} for seed in ("0", "1", "random")]
    environments += [{"LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"}, {"TZ": "Asia/Tokyo"}]
    keys = {project.identity(folder, **own)["key"] for own in environments for folder in ("data", ".")}
    assert len(keys) == 1


def test_python_is_part_of_the_key(project: Project) -> None:
    assert project.identity()["python"] == identity.PYTHON
    assert identity.PYTHON.count(".") == 1


def test_canonical_parameters_refuse_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        identity.canonical({"level": float("nan")})


def test_canonical_parameters_keep_types_and_every_digit() -> None:
    forms = [identity.canonical({"x": value}) for value in (1, 1.0, "1", True, [1], None, 0.3, 0.1 + 0.2)]
    assert len(set(forms)) == len(forms)


def test_moved_names_the_parts() -> None:
    parts = dict.fromkeys(identity.PARTS, "a")
    own = identity.Identity("k" * 64, parts)
    assert own.moved(parts) == []
    assert own.moved({**parts, "lock": "b", "code": "b"}) == ["code", "lock"]
    assert own.moved({}) == list(identity.PARTS)
