"""`notebook`: is a source notebook ready to share, and which published numbers would it move?"""

from __future__ import annotations

import argparse
from pathlib import Path

from analysis import paths
from analysis.commands import Commands, say
from analysis.refusal import Refusal
from analysis.run.failure import Failed


def add(commands: Commands) -> None:
    """Declare the command."""
    checking = commands.add_parser("notebook", help="check a source notebook: style, runs, numbers that would move")
    checking.add_argument("name", help="name of the notebook, or its path")
    checking.add_argument("--study", default="", help="run only this study; every study of the notebook without it")
    checking.set_defaults(run=_notebook)


def _notebook(chosen: argparse.Namespace) -> int:
    from analysis.run import notebook_check, notebook_numbers, source_notebook

    path = source_notebook.path_of(Path(chosen.name).stem, f"NAME={chosen.name}")
    studies = notebook_numbers.studies(path.stem, chosen.study)
    problems = notebook_check.style(path)
    for problem in problems:
        print(f"{paths.shown(path)}: {problem}", flush=True)
    if not problems:
        print(f"{paths.shown(path)}: the style is in order", flush=True)
    if not studies:
        print(f"No parameter file in params/{path.stem}/ uses it, so nothing was run", flush=True)
    return max([int(bool(problems)), *(_study(study) for study in studies)])


def _study(path: Path) -> int:
    from analysis.run import notebook_numbers

    try:
        found = notebook_numbers.rerun(path)
    except (Refusal, Failed) as problem:
        return say(problem)
    print("\n".join(found.lines()), flush=True)
    return int(bool(found.moved))
