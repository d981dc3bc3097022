"""`report` and `reports`: publish one report (or a variant of it), or everything that has a file or was published."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import paths
from analysis.commands import Commands, say
from analysis.refusal import Refusal
from analysis.run.failure import Failed

if TYPE_CHECKING:
    from analysis.run.publish import Outcome


def add(commands: Commands) -> None:
    """Declare the commands."""
    one = commands.add_parser("report", help="make the report of one study, if it is not up to date")
    chosen = one.add_mutually_exclusive_group(required=True)
    chosen.add_argument("study", nargs="?", help="name of the study: params/*/<study>.yml, or of a published variant")
    chosen.add_argument("--params", type=Path, help="path of a parameter file")
    one.add_argument("--set", default="", help='changes for a variant: "outcome=l_robbery until=2008"')
    one.set_defaults(run=_report)
    every = commands.add_parser("reports", help="make the reports of all parameter files, variants and sweeps")
    every.set_defaults(run=_reports)


def _report(chosen: argparse.Namespace) -> int:
    outcome = _made(chosen.params.resolve() if chosen.params else chosen.study, chosen.set)
    print(outcome.sentence)
    print(outcome.version.report, flush=True)
    return 0


def _made(study: Path | str, changes: str) -> Outcome:
    from analysis.run import marks, parameters, publish, variant

    files = {path.stem for path in parameters.every()}
    if isinstance(study, str) and variant.MARK in study and study not in files:
        if changes.strip():
            base = study.partition(variant.MARK)[0]
            problem, fix = f"{study} is a variant itself", f"name its study and all changes: STUDY={base} SET=..."
            raise Refusal("R303", f"STUDY={study}", problem, fix)
        return publish.publish(variant.again(study))
    if changes.strip():
        checked = variant.load(study, variant.split(changes))
        marks.refuse(checked)
        return publish.publish(checked)
    path = study if isinstance(study, Path) else parameters.find(study)
    marks.refuse(parameters.load(path))
    return publish.report(path)


def _reports(chosen: argparse.Namespace) -> int:
    from analysis.commands.sweep import made as swept
    from analysis.run import parameters, variant
    from analysis.sweep import file

    files = [path for path in parameters.every() if path.parent != file.FOLDER]
    jobs: list[tuple[str, Callable[[], Outcome]]] = [(paths.shown(path), partial(_made, path, "")) for path in files]
    jobs += [(f"STUDY={name}", partial(_made, name, "")) for name in variant.published()]
    jobs += [(f"SWEEP={name}", partial(swept, name)) for name in file.every()]
    worst = 0
    summary: list[tuple[str, str]] = []
    for what, make in jobs:
        try:
            outcome = make()
            print(outcome.sentence, flush=True)
            summary.append((outcome.kind, outcome.version.report))
        except (Refusal, Failed) as problem:
            worst = max(worst, say(problem))
            summary.append(("failed", what))
    print()
    for kind, what in summary:
        print(f"{kind:<10}  {what}")
    return worst
