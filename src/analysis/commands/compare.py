"""`compare`: what changed between two published versions of a study, in words and as a page.

Exit code 0: they are the same; 1: something changed; 2: they cannot be compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis import paths
from analysis.commands import Commands

if TYPE_CHECKING:
    from rich.console import Console

MOST = 40


def add(commands: Commands) -> None:
    """Declare the command."""
    comparing = commands.add_parser("compare", help="what changed between two versions of a study")
    comparing.add_argument("study")
    meaning = "a date, the beginning of a key, latest or released"
    comparing.add_argument("--from", dest="earlier", help=f"the earlier version: {meaning} (default: the last but one)")
    comparing.add_argument("--to", dest="later", default="latest", help=f"the later version: {meaning}")
    comparing.set_defaults(run=_compare)


def _compare(chosen: argparse.Namespace) -> int:
    from analysis.run import differences, differences_files

    earlier, later = differences_files.chosen(chosen.study, chosen.earlier, chosen.later)
    found = differences_files.found(earlier, later)
    page = differences_files.write(earlier, later, found)
    print(f"Before: {earlier.name}\nNow:    {later.name}\n")
    _say(found)
    print(paths.shown(page))
    if differences.same(found):
        return 0
    print("exit code 1: the versions differ", flush=True)
    return 1


def _say(found: Mapping[str, Any]) -> None:
    from analysis.report import changes
    from analysis.run import differences

    if differences.same(found):
        print("Nothing changed: same inputs, same numbers, same words.\n")
        return
    told = changes.told(found, "changes", most=MOST)
    print(f"{told['sentence']}\n")
    for heading, lines in told["causes"]:
        print(f"{heading}: {' '.join(lines)}")
    listed = [("What turned", told["flips"]), ("Checks with another verdict", told["checks"])]
    for heading, lines in [*listed, ("Said otherwise about numbers", told["described"])]:
        if lines:
            print("\n  ".join([f"\n{heading}:", *lines]))
    _tables(told)


def _tables(told: Mapping[str, Any]) -> None:
    console = _console()
    if told["answer"]:
        print()
        console.print(_table("What the page says", ("What", "Before", "Now"), told["answer"]))
    if told["rows"]:
        print()
        console.print(_table("Numbers that moved", told["header"], told["rows"]))
    if told["left"]:
        print(f"{told['left']} more are on the page.")
    print()


def _table(title: str, header: Any, rows: Any) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="", header_style="", box=box.SIMPLE_HEAD)
    for name in header:
        right = name.startswith("Difference") or (name in ("Before", "Now") and len(header) > 3)
        table.add_column(Text(name), justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _console() -> Console:
    import sys

    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 120)
