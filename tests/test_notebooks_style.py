"""What a machine can enforce of the notebook style: on every notebook of the project, and on planted faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis import paths
from analysis.refusal import Refusal
from analysis.run import notebook_check

NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))
FAMILY = "panel_fixed_effects"


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 8


@pytest.mark.parametrize("rule", notebook_check.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_keeps_every_rule(path: Path, rule: Callable[[notebook_check.Notebook], list[str]]) -> None:
    assert list(rule(notebook_check.read(path))) == []


Cells = list[dict[str, Any]]


def cell(cells: Cells, holding: str) -> dict[str, Any]:
    """The first cell whose text holds some words."""
    return next(found for found in cells if holding in "".join(found["source"]))


def replace(holding: str, old: str, new: str) -> Callable[[Cells], None]:
    def change(cells: Cells) -> None:
        found = cell(cells, holding)
        text = "".join(found["source"])
        assert old in text
        found["source"] = text.replace(old, new, 1)

    return change


def code(text: str) -> Callable[[Cells], None]:
    """A further cell of code behind the third."""
    made = {"cell_type": "code", "id": "new", "metadata": {}, "source": text, "execution_count": None, "outputs": []}
    return lambda cells: cells.insert(3, made)


def many(cells: Cells) -> None:
    for number in range(15):
        code("\n".join(f"x{number}_{line} = level" for line in range(12)))(cells)


FAULTS: dict[str, tuple[Callable[[Cells], None], str]] = {
    "ran": (lambda cells: cells[2].update(execution_count=3), "cell 3 is stored with its output"),
    "no title": (replace("# Did", "# Did", "Did"), "0 titles"),
    "title tells": (replace("# Did", "to change?", "to change"), "cell 1: the title does not ask"),
    "title later": (lambda cells: cells.insert(0, cells.pop(3)), "is not the first line of the first cell"),
    "long opening": (replace("# Did", "**Path.**", "\n\n\n\n**Path.**"), "cell 1: the opening has"),
    "heading tells": (replace("## What is the answer?", "What is the answer?", "Answer"), "'Answer' does not ask"),
    "no ending": (replace("## Provenance", "## Provenance", "## Where from?"), "the last two sections are not"),
    "untagged": (lambda cells: cells[1].update(metadata={}), "not exactly one cell is tagged"),
    "parameters later": (lambda cells: cells.insert(3, cells.pop(1)), "the parameters are not the second cell"),
    "no meaning": (replace("draws = 999", "  # of every bootstrap", ""), "no meaning behind 'draws = 999'"),
    "equals": (replace("draws = 999", "# of every", "# = of every"), "in the meaning of 'level' misleads Papermill"),
    "unknown": (replace("draws = 999", "draws = 999", "drawings = 1  # many\ndraws = 999"), "'drawings' is not one of"),
    "missing": (replace("draws = 999", "draws = 999  # of every bootstrap\n", ""), "the parameter 'draws' is missing"),
    "other family": (replace("draws = 999", '"fixed_effects"', '"group_time"'), "named after its family"),
    "assigned again": (code("level = 1"), "cell 4 assigns the parameter 'level' again"),
    "imported again": (code("from os import sep as level"), "cell 4 assigns the parameter 'level' again"),
    "never used": (replace("study = Study(", "masked=masked,", ""), "the parameter 'masked' is never used"),
    "function": (code("def f():\n    return 1"), "cell 4 holds a FunctionDef"),
    "loop": (code("for k in study:\n    k"), "cell 4 holds a For"),
    "print": (code("print(study)"), "cell 4 calls print"),
    "warnings": (code("import warnings\nwarnings.simplefilter('ignore')"), "cell 4 calls warnings.simplefilter"),
    "magic": (code("%matplotlib inline"), "cell 4 starts with a command of Jupyter"),
    "long cell": (code("\n".join(["level"] * 13)), "cell 4 has 13 lines"),
    "shows twice": (code("level\nlevel"), "cell 4 shows something before its end"),
    "many cells": (many, "cells, more than 40"),
    "much code": (many, "lines of code, more than 150"),
    "number": (replace("## What is the answer?", "answer?", "answer?\n\nIt is 42."), "a number typed in prose"),
}


def planted(tmp_path: Path, fault: Callable[[Cells], None]) -> Path:
    raw = json.loads((paths.NOTEBOOKS / f"{FAMILY}.ipynb").read_text("utf-8"))
    fault(raw["cells"])
    path = tmp_path / f"{FAMILY}.ipynb"
    path.write_text(json.dumps(raw), "utf-8")
    return path


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(tmp_path: Path, name: str) -> None:
    fault, said = FAULTS[name]
    found = notebook_check.style(planted(tmp_path, fault))
    assert any(said in problem for problem in found), found


def test_a_cell_that_is_not_python_is_refused(tmp_path: Path) -> None:
    path = planted(tmp_path, code("level = = 1"))
    with pytest.raises(Refusal, match=r"R303 STOP .*panel_fixed_effects.ipynb:cell 4 — line 1 is not Python"):
        notebook_check.style(path)


def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text("{}")
    with pytest.raises(Refusal, match="not a notebook"):
        notebook_check.style(path)
