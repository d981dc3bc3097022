"""What a machine can enforce of the notebook style."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from analysis import paths
from analysis.study import model

NOTEBOOKS = sorted(paths.NOTEBOOKS.glob("*.ipynb"))


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def code(path: Path) -> list[dict]:
    return [c for c in cells(path) if c["cell_type"] == "code"]


def parameters(path: Path) -> dict:
    (cell,) = [c for c in code(path) if "parameters" in c["metadata"].get("tags", [])]
    return cell


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
class TestStyle:
    def test_stored_without_outputs(self, path: Path) -> None:
        assert all(not c["outputs"] and c["execution_count"] is None for c in code(path))

    def test_one_h1_that_asks(self, path: Path) -> None:
        heads = [h for c in cells(path) if c["cell_type"] == "markdown" for h in re.findall(r"^# .*", source(c), re.M)]
        assert len(heads) == 1 and heads[0].endswith("?")
        assert source(cells(path)[0]).startswith(heads[0]) and len(source(cells(path)[0]).splitlines()) <= 8

    def test_headings_ask_or_close(self, path: Path) -> None:
        heads = [
            h for c in cells(path) if c["cell_type"] == "markdown" for h in re.findall(r"^## (.*)", source(c), re.M)
        ]
        closing = ["What this cannot tell", "Provenance"]
        assert heads[-2:] == closing and all(h.endswith("?") for h in heads[:-2])

    def test_parameters_second_flat_commented_and_studys(self, path: Path) -> None:
        cell = parameters(path)
        assert cells(path)[1] is cell or source(cells(path)[1]) == source(cell)
        names, values = [], {}
        for line, node in zip(source(cell).splitlines(), ast.parse(source(cell)).body, strict=True):
            assert isinstance(node, ast.Assign) and "  # " in line
            names.append(node.targets[0].id)
            values[names[-1]] = ast.literal_eval(node.value)
            # Papermill cannot read the help of a line whose comment holds an equals sign.
            assert "=" not in line.split("  # ", 1)[1]
        kind = model(values["design"])
        assert set(names) == set(kind.model_fields) and len(names) == len(values)
        assert path.stem == kind.FAMILY
        kind.read(values, path.name)

    def test_every_parameter_is_used_and_none_redefined(self, path: Path) -> None:
        names = {node.targets[0].id for node in ast.parse(source(parameters(path))).body}
        rest = [
            ast.parse(source(c))
            for c in code(path)
            if c is not parameters(path) and source(c) != source(parameters(path))
        ]
        used = {
            n.id for tree in rest for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
        }
        bound = {
            n.id for tree in rest for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        bound |= {
            a.asname or a.name for t in rest for n in ast.walk(t) if isinstance(n, ast.ImportFrom) for a in n.names
        }
        assert names <= used and not names & bound

    def test_cells_are_short_and_define_nothing(self, path: Path) -> None:
        for cell in code(path):
            tree = ast.parse(source(cell))
            kinds = {type(node) for node in ast.walk(tree)}
            assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While}
            called = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
            assert "print" not in called and not any(name.startswith("warnings.") for name in called)
            assert "%" not in source(cell)[:1] and "/" not in "".join(re.findall(r'"([^"]*)"', source(cell)[:0]))
            if source(cell) != source(parameters(path)):
                assert len(source(cell).splitlines()) <= 12
                assert sum(isinstance(n, ast.Expr) for n in tree.body) <= 1
                shown = [k for k, n in enumerate(tree.body) if isinstance(n, ast.Expr)]
                assert shown in ([], [len(tree.body) - 1])

    def test_size(self, path: Path) -> None:
        assert len(cells(path)) <= 40
        assert sum(len(source(c).splitlines()) for c in code(path)) <= 150

    def test_no_numbers_typed_in_prose(self, path: Path) -> None:
        for cell in cells(path):
            if cell["cell_type"] == "markdown":
                assert not re.search(r"\d", source(cell)), source(cell)
