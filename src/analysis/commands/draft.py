"""`draft`: the report on permuted outcomes, to be read before anybody may see a result."""

from __future__ import annotations

import argparse

from analysis.commands import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    one = commands.add_parser("draft", help="make a report on permuted outcomes; it is never published")
    one.add_argument("study", help="name of the study: params/*/<study>.yml")
    one.set_defaults(run=_draft)


def _draft(chosen: argparse.Namespace) -> int:
    from analysis.run import draft, parameters

    outcome = draft.make(parameters.load(parameters.find(chosen.study)))
    already = " (the draft was up to date)" if outcome.kind == "current" else ""
    print(f"{chosen.study}: a draft on permuted outcomes; no number in it means anything{already}")
    print(outcome.version.report, flush=True)
    return 0
