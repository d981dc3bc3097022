"""`sweep`: run every defensible way to answer one question, and publish what they add up to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analysis.commands import Commands

if TYPE_CHECKING:
    from analysis.run.publish import Outcome


def add(commands: Commands) -> None:
    """Declare the command."""
    sweeping = commands.add_parser("sweep", help="run all specifications of params/sweeps/<name>.yml and publish them")
    sweeping.add_argument("sweep", help="name of the sweep")
    sweeping.add_argument("--workers", type=int, default=2, help="processes (2)")
    sweeping.set_defaults(run=_sweep)


def _sweep(chosen: argparse.Namespace) -> int:
    outcome = made(chosen.sweep, max(1, chosen.workers))
    print(outcome.sentence)
    print(outcome.version.report, flush=True)
    return 0


def made(name: str, workers: int = 2) -> Outcome:
    """Run what is missing of the sweep `name` on `workers` processes and publish it, if it is not up to date."""
    from analysis.data import catalog, materialise
    from analysis.run import progress, publish
    from analysis.sweep import file, joint, runner
    from analysis.sweep.summary import summarise

    sweep = file.read(name)
    for source in sweep.base.sources:
        if source.distribution and not source.path.exists():
            materialise.materialise(source.dataset)
        catalog.verify(source)
    done = runner.run(sweep, workers=workers, shown=True)
    progress.say(done.sentence())
    joint.prepare(summarise(done), workers)
    return publish.publish(file.publishable(sweep))
