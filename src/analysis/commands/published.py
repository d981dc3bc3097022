"""`index`, `latest` and `numbers`: what is published, as a page, as paths of notebooks, as numbers."""

from __future__ import annotations

import argparse

from analysis import paths
from analysis.commands import Commands
from analysis.refusal import Refusal


def add(commands: Commands) -> None:
    """Declare the commands."""
    showing = commands.add_parser("numbers", help="print the published numbers of a study's latest version")
    showing.add_argument("study")
    showing.set_defaults(run=_numbers)
    index = commands.add_parser("index", help="write the catalogue: reports/index.html, feed.xml and results.csv")
    index.set_defaults(run=_index)
    latest = commands.add_parser("latest", help="print the latest published notebook of every study")
    latest.set_defaults(run=_latest)


def _index(chosen: argparse.Namespace) -> int:
    from analysis.run import index

    print("\n".join(paths.shown(path) for path in index.write()))
    return 0


def _latest(chosen: argparse.Namespace) -> int:
    from analysis.run import versions

    for version in versions.latest_of_all():
        print(paths.shown(version.folder / versions.NOTEBOOK))
    return 0


def _numbers(chosen: argparse.Namespace) -> int:
    from analysis.run import versions
    from analysis.study import did_you_mean

    latest = {version.folder.parent.name: version for version in versions.latest_of_all()}
    if chosen.study not in latest:
        fix = did_you_mean(chosen.study, latest)
        raise Refusal("R303", f"STUDY={chosen.study}", "this study has no published version", fix)
    print("id\testimate\tstd_error\tlow\thigh\tunit")
    for number in latest[chosen.study].results()["numbers"]:
        print("\t".join(str(number[name]) for name in ("id", "estimate", "std_error", "low", "high", "unit")))
    return 0
