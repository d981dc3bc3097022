"""`check-params`: check one parameter file, or all, without running anything."""

from __future__ import annotations

import argparse
from pathlib import Path

from analysis.commands import Commands, say
from analysis.refusal import Refusal


def add(commands: Commands) -> None:
    """Declare the command."""
    checking = commands.add_parser("check-params", help="check one parameter file, or all, without running anything")
    checking.add_argument("path", nargs="?", type=Path)
    checking.set_defaults(run=_check_params)


def _check_params(chosen: argparse.Namespace) -> int:
    from analysis.data import roles
    from analysis.run import parameters

    worst = 0
    for path in [chosen.path.resolve()] if chosen.path else parameters.every():
        try:
            loaded = parameters.load(path)
            roles.check(loaded.study, loaded.file)
            print(f"{loaded.file}: in order", flush=True)
        except Refusal as refusal:
            worst = say(refusal)
    return worst
