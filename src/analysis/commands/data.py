"""`data`: bring all declared datasets into data/raw and verify them."""

from __future__ import annotations

import argparse

from analysis import paths
from analysis.commands import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    data = commands.add_parser("data", help="bring all declared datasets into data/raw and verify them")
    data.add_argument("--fetched-only", action="store_true", help="leave out tables that people put there themselves")
    data.set_defaults(run=_data)


def _data(chosen: argparse.Namespace) -> int:
    from analysis.data import materialise

    for dataset, path, status in materialise.materialise_all(fetched_only=chosen.fetched_only):
        print(f"{dataset:<20} {status:<10} {paths.shown(path)}")
    return 0
