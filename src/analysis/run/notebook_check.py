"""Is a source notebook ready to share? The style that a machine can check, and the published numbers it would move.

A rule takes the notebook and gives a sentence for every place where it is broken, naming the cell.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.refusal import Refusal
from analysis.run import source_notebook
from analysis.study import model

LONGEST_CELL, MOST_CELLS, MOST_CODE, LONGEST_OPENING = 12, 40, 150, 8  # lines, cells, lines, lines
CLOSING = ("What this cannot tell", "Provenance")
DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While)


@dataclass(frozen=True)
class Cell:
    """One cell of a stored notebook: its place (from 1), kind, text, and what the file keeps of a run."""

    place: int
    kind: str
    source: str
    parameters: bool
    ran: bool

    @property
    def tree(self) -> ast.Module:
        """The parsed code, empty for a command of Jupyter. Raises Refusal R303 for a cell that is not Python."""
        if self.command:
            return ast.Module([], [])
        try:
            return ast.parse(self.source)
        except SyntaxError as error:
            problem = f"line {error.lineno} is not Python ({error.msg})"
            raise Refusal("R303", f"cell {self.place}", problem, "correct the cell and run it in JupyterLab") from None

    @property
    def command(self) -> bool:
        """Whether the cell is a command of Jupyter (`%...`, `!...`) instead of Python."""
        return self.source.startswith(("%", "!"))

    @property
    def lines(self) -> int:
        """How many lines the cell has."""
        return len(self.source.splitlines())


@dataclass(frozen=True)
class Notebook:
    """A stored notebook as the rules see it."""

    path: Path
    cells: tuple[Cell, ...]

    @property
    def code(self) -> list[Cell]:
        """The code cells, the parameters among them."""
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def words(self) -> list[Cell]:
        """The cells of text."""
        return [cell for cell in self.cells if cell.kind == "markdown"]

    @property
    def parameters(self) -> Cell | None:
        """The cell tagged `parameters`, where there is exactly one."""
        tagged = [cell for cell in self.code if cell.parameters]
        return tagged[0] if len(tagged) == 1 else None

    @property
    def rest(self) -> list[Cell]:
        """The code cells but the one of the parameters."""
        return [cell for cell in self.code if not cell.parameters]

    def headings(self, level: int) -> list[tuple[Cell, str]]:
        """The headings of one level with their cells."""
        line = re.compile(rf"^{'#' * level} (.*)", re.MULTILINE)
        return [(cell, words.strip()) for cell in self.words for words in line.findall(cell.source)]


def read(path: Path) -> Notebook:
    """The notebook at `path`. Raises Refusal R303 for a file that is no notebook."""
    source_notebook.cells(path)
    raw = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return Notebook(path, tuple(_cell(place, cell) for place, cell in enumerate(raw, start=1)))


def _cell(place: int, raw: dict[str, Any]) -> Cell:
    source = raw["source"] if isinstance(raw["source"], str) else "".join(raw["source"])
    tagged = source_notebook.PARAMETERS_TAG in raw.get("metadata", {}).get("tags", [])
    ran = bool(raw.get("outputs")) or raw.get("execution_count") is not None
    return Cell(place, raw["cell_type"], source, tagged, ran)


def style(path: Path) -> list[str]:
    """Every break of every rule in the notebook at `path`, in the order of RULES; empty for one in order."""
    notebook = read(path)
    try:
        return [problem for rule in RULES for problem in rule(notebook)]
    except Refusal as refusal:
        raise refusal if "/" in refusal.where else refusal.at(paths.shown(path)) from None


def stored_without_outputs(notebook: Notebook) -> Iterator[str]:
    """Outputs belong to published versions."""
    for cell in notebook.code:
        if cell.ran:
            yield f"cell {cell.place} is stored with its output; run `make tidy`"


def one_title_that_asks(notebook: Notebook) -> Iterator[str]:
    """The first cell opens with the only title, a question, and stays short."""
    titles = notebook.headings(1)
    if len(titles) != 1:
        yield f"{len(titles)} titles (`# ...`); a notebook has one"
        return
    cell, words = titles[0]
    if not words.endswith("?"):
        yield f"cell {cell.place}: the title does not ask (no question mark)"
    if cell.place != 1 or not cell.source.startswith("# "):
        yield f"cell {cell.place}: the title is not the first line of the first cell"
    if cell.lines > LONGEST_OPENING:
        yield f"cell {cell.place}: the opening has {cell.lines} lines, more than {LONGEST_OPENING}"


def sections_ask(notebook: Notebook) -> Iterator[str]:
    """Section headings are questions, but the two that close."""
    heads = notebook.headings(2)
    if tuple(words for _, words in heads[-2:]) != CLOSING:
        yield f"the last two sections are not {' and '.join(map(repr, CLOSING))}"
    for cell, words in heads:
        if words not in CLOSING and not words.endswith("?"):
            yield f"cell {cell.place}: the heading {words!r} does not ask what its section answers"


def parameters_are_the_studys(notebook: Notebook) -> Iterator[str]:
    """The second cell declares every parameter of the study's family, a value and a meaning to each line."""
    cell = notebook.parameters
    if cell is None:
        yield "not exactly one cell is tagged `parameters`"
        return
    if cell.place != 2:
        yield f"cell {cell.place}: the parameters are not the second cell"
    for line in cell.source.splitlines():
        value, _, meaning = line.partition("  # ")
        if not meaning.strip():
            yield f"cell {cell.place}: no meaning behind {value.strip()[:40]!r}"
        elif "=" in meaning:
            yield f"cell {cell.place}: an equals sign in the meaning of {value.split()[0]!r} misleads Papermill"
    yield from _belong_to_the_family(notebook)


def _belong_to_the_family(notebook: Notebook) -> Iterator[str]:
    values = source_notebook.defaults(notebook.path)
    if "design" not in values:
        return
    kind = model(str(values["design"]))
    for name in sorted(set(kind.model_fields) ^ set(values)):
        yield f"the parameter {name!r} is {'not one of the study' if name in values else 'missing'}"
    if notebook.path.stem != kind.FAMILY:
        yield f"the file is not named after its family, {kind.FAMILY}"
    if set(kind.model_fields) == set(values):
        kind.read(values, paths.shown(notebook.path))


def parameters_are_used_and_kept(notebook: Notebook) -> Iterator[str]:
    """A parameter nobody reads misleads; one that is assigned again lies."""
    if notebook.parameters is None:
        return
    names = set(source_notebook.defaults(notebook.path))
    used: set[str] = set()
    for cell in notebook.rest:
        nodes = list(ast.walk(cell.tree))
        found = [node for node in nodes if isinstance(node, ast.Name)]
        used |= {node.id for node in found if isinstance(node.ctx, ast.Load)}
        bound = {node.id for node in found if isinstance(node.ctx, ast.Store)}
        bound |= {name.asname or name.name for node in nodes if isinstance(node, ast.ImportFrom) for name in node.names}
        yield from (f"cell {cell.place} assigns the parameter {name!r} again" for name in sorted(names & bound))
    yield from (f"the parameter {name!r} is never used" for name in sorted(names - used))


def cells_tell_and_define_nothing(notebook: Notebook) -> Iterator[str]:
    """Functions live in src/analysis; a cell shows at most one thing, at its end."""
    for cell in notebook.code:
        yield from (f"cell {cell.place} {problem}" for problem in _cell_problems(cell))


def _cell_problems(cell: Cell) -> Iterator[str]:
    if cell.command:
        yield "starts with a command of Jupyter"
        return
    tree = cell.tree
    nodes = list(ast.walk(tree))
    for kind in sorted({type(node).__name__ for node in nodes if isinstance(node, DEFINING)}):
        yield f"holds a {kind}; functions and loops live in src/analysis"
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    for name in sorted(name for name in called if name == "print" or name.startswith("warnings.")):
        yield f"calls {name}"
    if cell.parameters:
        return
    if cell.lines > LONGEST_CELL:
        yield f"has {cell.lines} lines, more than {LONGEST_CELL}"
    shown = [place for place, node in enumerate(tree.body) if isinstance(node, ast.Expr)]
    if shown not in ([], [len(tree.body) - 1]):
        yield "shows something before its end, or more than one thing"


def short_enough(notebook: Notebook) -> Iterator[str]:
    """A story that fits into one sitting."""
    if len(notebook.cells) > MOST_CELLS:
        yield f"{len(notebook.cells)} cells, more than {MOST_CELLS}"
    lines = sum(cell.lines for cell in notebook.code)
    if lines > MOST_CODE:
        yield f"{lines} lines of code, more than {MOST_CODE}"


def no_number_typed_in_prose(notebook: Notebook) -> Iterator[str]:
    """A number in the text stays when the data change."""
    for cell in notebook.words:
        if found := re.search(r".{0,20}\d.{0,20}", cell.source):
            yield f"cell {cell.place}: a number typed in prose ({' '.join(found.group(0).split())!r})"


RULES: tuple[Callable[[Notebook], Iterator[str]], ...] = (
    stored_without_outputs,
    one_title_that_asks,
    sections_ask,
    parameters_are_the_studys,
    parameters_are_used_and_kept,
    cells_tell_and_define_nothing,
    short_enough,
    no_number_typed_in_prose,
)
