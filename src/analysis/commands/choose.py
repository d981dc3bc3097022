"""`choose`: name the design that fits, after a few questions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analysis.commands import Commands
from analysis.refusal import Refusal

if TYPE_CHECKING:
    from analysis.chooser import Question


def add(commands: Commands) -> None:
    """Declare the command."""
    choosing = commands.add_parser("choose", help="name the design that fits, after a few questions")
    choosing.add_argument("answers", nargs="*", help="the answers, instead of being asked")
    choosing.set_defaults(run=_choose)


def _choose(chosen: argparse.Namespace) -> int:
    from analysis import chooser

    found = chooser.choose(chosen.answers) if chosen.answers else chooser.walk(_asked)
    print("\n".join(["", *found.lines()]))
    return 0


def _asked(question: Question, words: str) -> str:
    """The answer that is typed; asked again until it is one."""
    print(f"\n{words}")
    for word, answer in question.answers.items():
        print(f"  {word:<10} {answer.means}")
    while True:
        try:
            given = input("> ").strip().lower()
        except EOFError:
            raise Refusal("R302", "ANSWERS", f"no answer to: {words}", "type one of the words shown") from None
        if given in question.answers:
            return given
        print(f"Type one of: {', '.join(question.answers)}")
