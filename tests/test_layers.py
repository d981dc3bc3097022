"""Imports point downwards: an upward arrow, or a run that knows an estimator, fails here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from analysis import paths

LEVELS = [
    {"paths", "refusal", "strict_yaml"},
    {"study", "panel", "adoption"},
    {"studies", "rows"},
    {"averaging", "estimate"},
    {"result"},
    {"fits"},
    {"report.display", "report.palette"},
    {
        "inference",
        "data.catalog",
        "data.declared",
        "run.identity",
        "run.parameters",
        "run.source_notebook",
        "run.files",
    },
    {"data", "designs", "checks", "decide", "report", "run", "profile", "disclosure", "sweep"},
    {"chooser"},
    {"commands"},
    {"cli"},
]
FORBIDDEN = [
    ("designs", "study", "designs do not know studies", {"designs"}),
    ("checks", "designs", "checks do not know designs", set()),
    ("checks", "study", "checks do not know studies", {"checks"}),
    ("designs", "checks", "designs do not know checks", set()),
    ("report", "designs", "reports do not compute", set()),
    ("report", "checks", "reports do not compute", set()),
    ("run", "designs", "run never imports an estimator", set()),
    ("run", "inference", "run never imports an estimator", set()),
    ("run", "checks", "run never imports an estimator", set()),
]


def name_of(path: Path) -> str:
    parts = path.relative_to(paths.SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name_of(path): path for path in sorted(paths.SOURCE.rglob("*.py")) if name_of(path)}


def imports(module: str) -> set[str]:
    """The project's modules that `module` imports at run time, wherever in the file (not under TYPE_CHECKING)."""
    found = set()
    for node in _running(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            inside = name.removeprefix("analysis.")
            while inside and inside != name and inside not in MODULES:
                inside = inside.rpartition(".")[0]
            if inside != name and inside:
                found.add(inside)
    return found


def _running(tree: ast.AST):
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        yield from _running(node)


def level(module: str) -> int:
    for place, members in enumerate(LEVELS):
        if module in members:
            return place
    return next(place for place, members in enumerate(LEVELS) if module.split(".")[0] in members)


@pytest.mark.parametrize("module", MODULES)
def test_no_upward_import(module: str) -> None:
    upward = {other for other in imports(module) if level(other) > level(module)}
    assert not upward, f"{module} imports {sorted(upward)} from above"


@pytest.mark.parametrize(("folder", "other", "rule", "doors"), FORBIDDEN)
def test_rules_between_neighbours(folder: str, other: str, rule: str, doors: set[str]) -> None:
    members = [m for m in MODULES if m.split(".")[0] == folder and m not in doors]
    assert members
    broken = {m for m in members for target in imports(m) if target.split(".")[0] == other}
    assert not broken, f"{rule}: {sorted(broken)}"


def test_the_test_sees_imports() -> None:
    assert "panel" in imports("designs.group_time") and "inference.moments" in imports("designs.group_time")
    assert "data.table" in imports("data.roles")


def test_sizes() -> None:
    long = {m: n for m, p in MODULES.items() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 300}
    assert not long, "modules over 300 lines"


def test_functions_fit_on_a_screen() -> None:
    """At most 40 lines of body, docstring not counted."""
    long = []
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
                if lines > 40:
                    long.append(f"{module}.{node.name}: {lines}")
    assert not long
