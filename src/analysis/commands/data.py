"""`data`: bring all declared datasets into data/raw and verify them."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from analysis import paths
from analysis.commands import Commands
from analysis.refusal import Refusal

if TYPE_CHECKING:
    from analysis.data.declared import Source


def add(commands: Commands) -> None:
    """Declare the command."""
    data = commands.add_parser("data", help="bring all declared datasets into data/raw and verify them")
    data.add_argument("--fetched-only", action="store_true", help="leave out tables that people put there themselves")
    data.set_defaults(run=_data)


def _data(chosen: argparse.Namespace) -> int:
    from analysis.data import catalog, materialise

    missing = []
    for dataset, path, status in materialise.materialise_all(fetched_only=chosen.fetched_only):
        if status == materialise.MISSING:
            missing.append(dataset)
            continue
        print(f"{dataset:<20} {status:<10} {paths.shown(path)}")
    for dataset in missing:
        print(_absent(catalog.read(dataset)), file=sys.stderr)
    return 2 if missing else 0


def _absent(source: Source) -> Refusal:
    """The line about a person's own file that is not there; studies of other tables do not wait for it."""
    folder = paths.shown(source.path.parent)
    fix = f"put {source.path.name} into {folder}, or delete that folder if no study uses it"
    problem = "the file is missing; all other tables are ready"
    return Refusal("D406", paths.shown(source.path), problem, fix)
