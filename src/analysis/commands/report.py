"""`report` and `reports`: publish one report, or that of every parameter file, where it is not up to date."""

from __future__ import annotations

import argparse
from pathlib import Path

from analysis import paths
from analysis.commands import Commands, say
from analysis.refusal import Refusal
from analysis.run.failure import Failed


def add(commands: Commands) -> None:
    """Declare the commands."""
    one = commands.add_parser("report", help="make the report of one study, if it is not up to date")
    chosen = one.add_mutually_exclusive_group(required=True)
    chosen.add_argument("study", nargs="?", help="name of the study: params/*/<study>.yml")
    chosen.add_argument("--params", type=Path, help="path of a parameter file")
    one.set_defaults(run=_report)
    commands.add_parser("reports", help="make the reports of all parameter files").set_defaults(run=_reports)


def _report(chosen: argparse.Namespace) -> int:
    from analysis.run import parameters, publish

    path = chosen.params.resolve() if chosen.params else parameters.find(chosen.study)
    outcome = publish.report(path)
    print(outcome.sentence)
    print(outcome.version.report, flush=True)
    return 0


def _reports(chosen: argparse.Namespace) -> int:
    from analysis.run import parameters, publish

    worst = 0
    summary: list[tuple[str, str]] = []
    for path in parameters.every():
        try:
            outcome = publish.report(path)
            print(outcome.sentence, flush=True)
            summary.append((outcome.kind, outcome.version.report))
        except (Refusal, Failed) as problem:
            worst = max(worst, say(problem))
            summary.append(("failed", paths.shown(path)))
    print()
    for kind, what in summary:
        print(f"{kind:<10}  {what}")
    return worst
