"""The stored notebook, read as plain JSON: its parameters and its text, without starting or importing Jupyter."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.refusal import Refusal
from analysis.study import did_you_mean

PARAMETERS_TAG = "parameters"


@dataclass(frozen=True)
class SourceCell:
    """One cell as people wrote it: `kind` is code, markdown or raw; `parameters` marks the parameters cell."""

    kind: str
    source: str
    parameters: bool


def path_of(notebook: str, where: str) -> Path:
    """The file of `notebook`. Raises Refusal R303 at `where` if there is none."""
    path = paths.NOTEBOOKS / f"{notebook}.ipynb"
    if not path.is_file():
        known = [p.stem for p in paths.NOTEBOOKS.glob("*.ipynb")]
        raise Refusal("R303", where, f"there is no notebook {notebook!r}", did_you_mean(notebook, known))
    return path


def cells(path: Path) -> list[SourceCell]:
    """The cells of the notebook at `path`, outputs and metadata left out. Raises Refusal R303 for a broken file."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return [_cell(cell) for cell in raw["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        problem = f"not a notebook: {type(error).__name__} {error}"
        raise Refusal("R303", paths.shown(path), problem, "restore the file from version control") from None


def _cell(cell: dict[str, Any]) -> SourceCell:
    source = cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    return SourceCell(cell["cell_type"], text, PARAMETERS_TAG in cell.get("metadata", {}).get("tags", []))


def defaults(path: Path) -> dict[str, Any]:
    """The parameters that the notebook at `path` declares, in its order, with their default values.

    Read from the source of the one cell tagged `parameters`, which may only hold `name = literal` lines: nothing is
    executed. Raises Refusal R303 naming the notebook otherwise.
    """
    shown = paths.shown(path)
    tagged = [cell.source for cell in cells(path) if cell.parameters]
    if len(tagged) != 1:
        fix = f"tag exactly one cell `{PARAMETERS_TAG}`"
        raise Refusal("R303", shown, f"{len(tagged)} cells are tagged `{PARAMETERS_TAG}`", fix)
    found: dict[str, Any] = {}
    try:
        for statement in ast.parse(tagged[0]).body:
            name, value = _assignment(statement)
            found[name] = ast.literal_eval(value)
    except (SyntaxError, ValueError) as error:
        problem = f"the parameters cell is not `name = literal` lines ({' '.join(str(error).split())[:100]})"
        raise Refusal("R303", shown, problem, "write one literal value per parameter") from None
    return found


def _assignment(statement: ast.stmt) -> tuple[str, ast.expr]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is not None:
        return statement.target.id, statement.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id, statement.value
    raise ValueError(f"line {statement.lineno}: {ast.unparse(statement)[:60]}")
