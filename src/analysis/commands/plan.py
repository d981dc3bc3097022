"""`plan`: freeze what a study is going to do, before its results are looked at."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analysis import paths
from analysis.commands import Commands

if TYPE_CHECKING:
    from analysis.run.plans import Plan


def add(commands: Commands) -> None:
    """Declare the command."""
    one = commands.add_parser("plan", help="freeze the analysis plan of a study")
    one.add_argument("study", help="name of the study: params/*/<study>.yml")
    one.add_argument("--reason", help="why the plan is changed, in one line (from the second version on)")
    one.set_defaults(run=_plan)


def _plan(chosen: argparse.Namespace) -> int:
    from analysis.run import draft, parameters, plans

    checked = parameters.load(parameters.find(chosen.study))
    found = plans.register(checked, chosen.reason or None, draft.detectable(checked))
    plan = found.plan
    if not found.new:
        print(f"{chosen.study}: plan {plan.version} says the same; nothing was written")
    else:
        print(f"{chosen.study}: plan {plan.version} is registered ({_what(plan)}); commit the file")
        if plan.public:
            print(f"Results were public before ({', '.join(plan.public)}): the plan and every report will say so.")
    print(paths.shown(plan.path), flush=True)
    return 0


def _what(plan: Plan) -> str:
    changed = ", ".join(dict.fromkeys(str(change["field"]) for change in plan.changes))
    return f"sha256 {plan.sha256[:12]}{f'; changed: {changed}' if changed else ''}"
