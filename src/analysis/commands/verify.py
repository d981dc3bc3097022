"""`verify`: run published notebooks again and compare their numbers with what was published.

Exit code 0: all agree; 1: some do not; 2: some cannot be run here.
"""

from __future__ import annotations

import argparse

from analysis.commands import Commands, say
from analysis.refusal import Refusal
from analysis.run.failure import Failed


def add(commands: Commands) -> None:
    """Declare the command."""
    verifying = commands.add_parser("verify", help="run published notebooks again and compare their numbers")
    verifying.add_argument("study", nargs="?", help="name of the study (default: every study)")
    verifying.add_argument("--released", action="store_true", help="released versions too, not only the latest")
    verifying.set_defaults(run=_verify)


def _verify(chosen: argparse.Namespace) -> int:
    from analysis.run import state, verify

    codes = {0}
    for version in verify.chosen(chosen.study, chosen.released):
        try:
            verdict = verify.again(version)
        except (Refusal, Failed) as problem:
            codes.add(say(problem))
            continue
        print("\n  ".join([verdict.sentence, *verdict.lines]), flush=True)
        if verdict.kind == "agrees":
            state.remember(version, version.manifest["key"])
        codes.add({"agrees": 0, "differs": 1, "absent": 2}[verdict.kind])
    return 1 if 1 in codes else max(codes)
