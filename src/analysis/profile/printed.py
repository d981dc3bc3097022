"""What the command prints: a short table of the columns, what was found, and the next two commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import paths
from analysis.profile.finding import Finding, many
from analysis.profile.guess import Guess
from analysis.profile.intake import Brought
from analysis.profile.profiled import Profile, declarable
from analysis.profile.yaml_text import visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid

MOST_COLUMNS, MOST_FINDINGS, NARROW, NAMED = 30, 25, 28, 6


def show(brought: Brought, console: Console) -> None:
    """Print the profile of a dataset that was just taken in. Values of columns left out as personal do not appear."""
    found = brought.profile
    size = f"{many(found.table.rows, 'row')}, {many(len(found.facts), 'column')}"
    _line(console, f"{paths.shown(brought.folder / brought.file)}: {size}, from {found.incoming.origin}")
    for said in found.incoming.converted:
        _line(console, f"  {said}")
    names = _listed(found)
    console.print(_grid(found, names))
    if hidden := len(found.facts) - len(names):
        _line(console, f"  and {many(hidden, 'further column')} in source.yml")
    if key := found.roles.key:
        _line(console, f"Key: {' and '.join(key)} {'names' if len(key) == 1 else 'together name'} every row.")
    _findings(found.findings, console)
    _next(brought, console)


def _line(console: Console, text: str) -> None:
    """One plain line: nothing of the table is taken for markup or broken."""
    console.print(visible(text), markup=False, highlight=False, soft_wrap=True)


def _listed(found: Profile) -> list[str]:
    """Columns with a role or a serious finding first, in the order of the file."""
    marked = {finding.column for finding in found.findings if finding.severity != "note"} | set(found.roles.given)
    first = [name for name in found.facts if name in marked][:MOST_COLUMNS]
    rest = [name for name in found.facts if name not in marked][: MOST_COLUMNS - len(first)]
    return [name for name in found.facts if name in {*first, *rest}]


def _grid(found: Profile, names: list[str]) -> Grid:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, header_style="")
    for title in ("column", "type", "role", "missing", "values"):
        grid.add_column(title, justify="right" if title == "missing" else "left", overflow="ellipsis", no_wrap=True)
    for name in names:
        facts, guess = found.facts[name], found.guesses[name]
        role = found.roles.given[name][0] + " ?" if name in found.roles.given else ""
        declared = declarable(name, guess, found.private)
        missing = f"{100 * (1 - facts.present / facts.rows):.1f} %" if facts.present < facts.rows else ""
        shown = _values(guess) if declared else _left_out(found, name)
        cells = (name or "(no name)", guess.type if declared else "left out", role, missing, shown)
        grid.add_row(*(Text(_short(visible(cell))) for cell in cells))
    return grid


def _short(text: str) -> str:
    return text if len(text) <= NARROW else f"{text[: NARROW - 1]}…"


def _left_out(found: Profile, name: str) -> str:
    if name in found.private:
        return "may identify people"
    return found.guesses[name].reason or "it has no name"


def _values(guess: Guess) -> str:
    if guess.values:
        return ", ".join(str(value) for value in guess.values)
    if guess.minimum is not None and guess.maximum is not None:
        return f"{guess.minimum:.6g} to {guess.maximum:.6g}"
    return ""


def _findings(findings: tuple[Finding, ...], console: Console) -> None:
    if not findings:
        _line(console, "Nothing doubtful was found.")
        return
    _line(console, f"{many(len(findings), 'finding')}, most serious first:")
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in findings:
        alike.setdefault((one.severity, one.problem, one.fix), []).append(one.column)
    for (severity, problem, fix), columns in list(alike.items())[:MOST_FINDINGS]:
        more = f" and {len(columns) - NAMED} more" if len(columns) > NAMED else ""
        where = f"{', '.join(columns[:NAMED])}{more}: " if columns[0] else ""
        _line(console, f"  {severity:<8} {where}{problem}{f' — {fix}' if fix else ''}")
    if len(alike) > MOST_FINDINGS:
        _line(console, f"  and {len(alike) - MOST_FINDINGS} more in source.yml")


def _next(brought: Brought, console: Console) -> None:
    declaration = brought.folder / "source.yml"
    if unread := list(dict.fromkeys(one.column for one in brought.profile.findings if one.unread)):
        _correct_first(brought, unread, console)
        return
    marks = declaration.read_text(encoding="utf-8").count("CONFIRM") - 1
    console.print()
    _line(console, f"Now open {paths.shown(declaration)} and settle its {many(marks, 'line')} marked CONFIRM. Then:")
    _line(console, "  make data")
    _line(console, f"  make study DESIGN={_design(brought.profile)} DATASET={brought.dataset} NAME=my-study")


def _correct_first(brought: Brought, unread: list[str], console: Console) -> None:
    """What to do where numbers cannot be read: no study of such a column is possible before."""
    more = f" and {len(unread) - NAMED} more" if len(unread) > NAMED else ""
    folder = paths.shown(brought.folder)
    console.print()
    _line(console, "The file must be corrected first: its numbers were taken in as text, and no study can use them.")
    _line(console, f"Columns: {', '.join(unread[:NAMED])}{more}. What to change stands above, marked serious.")
    _line(console, f"Then delete the folder {folder} and bring the corrected file again with make dataset.")


def _design(found: Profile) -> str:
    """A design that the roles allow; make choose asks for what no table tells."""
    roles = found.roles
    if roles.column("first_treated") and roles.column("time"):
        return "group_time"
    return "(the one that make choose names)"
