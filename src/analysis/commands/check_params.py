"""`check-params`: check one parameter file, or all, without running anything."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.commands import Commands, say
from analysis.refusal import Refusal

if TYPE_CHECKING:
    from analysis.run.parameters import Parameters


def add(commands: Commands) -> None:
    """Declare the command."""
    checking = commands.add_parser("check-params", help="check one parameter file, or all, without running anything")
    checking.add_argument("path", nargs="?", type=Path)
    checking.set_defaults(run=_check_params)


def _check_params(chosen: argparse.Namespace) -> int:
    from analysis.run import parameters

    worst = 0
    for path in [chosen.path.resolve()] if chosen.path else parameters.every():
        try:
            print(sentence(parameters.load(path)), flush=True)
        except Refusal as refusal:
            worst = say(refusal)
    return worst


def sentence(loaded: Parameters) -> str:
    """What the check of a parameter file found, in a line. Raises Refusal for the first problem, naming the file."""
    from analysis import paths
    from analysis.data import possible

    possible.by_declaration(loaded.study, loaded.file)
    said = f"{loaded.file}: in order"
    absent = [one for one in loaded.sources if not one.path.is_file()]
    if absent:
        said += f" as far as the declaration tells (make data brings {paths.shown(absent[0].path)})"
    else:
        _against_data(loaded)
    left = (paths.ROOT / loaded.file).read_text(encoding="utf-8").count("# CHANGE")
    return f"{said}; {left} line{'s are' if left > 1 else ' is'} still marked CHANGE" if left else said


def _against_data(loaded: Parameters) -> None:
    from analysis import paths
    from analysis.data import possible

    try:
        possible.by_data(loaded.study)
    except Refusal as refusal:
        if "/" in refusal.where:
            raise
        own = refusal.code[0] == "R" or refusal.where in type(loaded.study).model_fields
        raise refusal.at(loaded.file if own else paths.shown(loaded.source.path)) from None
