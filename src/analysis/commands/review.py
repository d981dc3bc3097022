"""`review`, `release` and `withdraw`: from draft to decision, one version at a time."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analysis.commands import Commands

if TYPE_CHECKING:
    from analysis.run.release import Step


def add(commands: Commands) -> None:
    """Declare the commands."""
    review = commands.add_parser("review", help="write the checklist of a version, or record a decision about it")
    _about(review)
    review.add_argument("--decision", help="approve or request_changes; without one: write the checklist")
    review.add_argument("--by", default="", help="name of the reviewer")
    review.add_argument("--note", default="", help="why, or what to change")
    review.set_defaults(run=_review)
    release = commands.add_parser("release", help="release a version that somebody else approved")
    _about(release)
    _who(release, "what was asked for")
    release.set_defaults(run=_release)
    withdraw = commands.add_parser("withdraw", help="mark a version as withdrawn; nothing is deleted")
    _about(withdraw)
    _who(withdraw, "the reason")
    withdraw.set_defaults(run=_withdraw)


def _about(command: argparse.ArgumentParser) -> None:
    command.add_argument("study")
    command.add_argument("--version", help="name of the version's folder; the latest without it")


def _who(command: argparse.ArgumentParser, note: str) -> None:
    command.add_argument("--by", default="", help="your name")
    command.add_argument("--note", default="", help=note)


def _review(chosen: argparse.Namespace) -> int:
    from analysis.refusal import Refusal
    from analysis.run import release

    if chosen.decision is None and (chosen.by or chosen.note):
        problem = "a name or a note without a decision"
        raise Refusal("R330", "DECISION", problem, "add DECISION=approve or DECISION=request_changes")
    if chosen.decision not in (None, "approve", "request_changes"):
        fix = "write DECISION=approve or DECISION=request_changes"
        raise Refusal("R330", f"DECISION={chosen.decision}", "no such decision", fix)
    if chosen.decision is None:
        return _say(release.open_review(chosen.study, chosen.version))
    return _say(release.decide(chosen.study, chosen.decision, chosen.by, chosen.note, chosen.version))


def _release(chosen: argparse.Namespace) -> int:
    from analysis.run import release

    return _say(release.release(chosen.study, chosen.by, chosen.note, chosen.version))


def _withdraw(chosen: argparse.Namespace) -> int:
    from analysis.run import release

    return _say(release.withdraw(chosen.study, chosen.by, chosen.note, chosen.version))


def _say(step: Step) -> int:
    print(step.sentence)
    print("\n".join(step.files), flush=True)
    return 0
