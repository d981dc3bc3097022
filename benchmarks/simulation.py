"""`python -m benchmarks.simulation`: size of tests and coverage of intervals, as one table. `make simulate` calls it.

Writes benchmarks/simulation.csv and the same for readers, benchmarks/simulation.md. The numbers depend on SEED and the
number of draws alone. Cells outside their band for which no reason is known are simulated again with more draws.
"""

from __future__ import annotations

import argparse
import os
import sys
import zlib
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

from benchmarks import simulation_page, simulation_table
from benchmarks.simulation_reasons import reason
from benchmarks.simulation_table import Row

SEED = 20260101
DRAWS, AGAIN, WORKERS = 1_000, 5, 2
FOLDER = Path(__file__).parent
CSV, PAGE = FOLDER / "simulation.csv", FOLDER / "simulation.md"
SLOW = "20 clusters"
FAMILY = "coverage, "


@dataclass(frozen=True)
class Job:
    """One set of draws; `only` restricts it to one method (or, for sizes, to what is fast)."""

    study: str
    design: str
    method: str = ""
    again: bool = False

    def seed(self) -> int:
        """Its own seed, the same for every number of draws."""
        return SEED + zlib.crc32(repr((self.study, self.design, self.method, self.again)).encode())

    @property
    def slow(self) -> bool:
        """Every draw takes a jackknife of twenty refits."""
        return self.design == SLOW and (bool(self.method) or self.study == "simultaneous bands")

    def run(self, draws: int) -> list[Row]:
        """The rows, with the reasons that are known."""
        rows = self._rows(draws * (AGAIN if self.again and not self.slow else 1))
        known = _family(self.study.removeprefix(FAMILY)).reason if self.study.startswith(FAMILY) else reason
        return [row if row.inside else replace(row, reason=known(row)) for row in rows]

    def _rows(self, draws: int) -> list[Row]:
        from benchmarks import simulation_coverage, simulation_extra, simulation_size, simulation_special

        if self.study in simulation_size.STUDIES:
            units, treated, noise = map(float, self.design.split("/"))
            return simulation_size.run(
                self.study, int(units), int(treated), noise, draws, self.seed(), regressions=not self.again
            )
        if self.study == "simultaneous bands":
            return simulation_extra.bands(self.design, draws, self.seed())
        if self.study == "sensitivity":
            return simulation_extra.sensitivity(draws, self.seed())
        if self.study.startswith(FAMILY):
            return [*_family(self.study.removeprefix(FAMILY)).run(self.design, draws, self.seed())]
        if self.method in simulation_special.METHODS:
            return simulation_special.run(self.design, self.method, draws, self.seed())
        return simulation_coverage.run(self.design, draws, self.seed(), self.method)


def jobs() -> list[Job]:
    """Everything, in the order of the table."""
    from benchmarks import simulation_coverage, simulation_extra, simulation_size, simulation_special

    sizes = [
        Job(study, f"{units}/{treated}/{noise:g}")
        for study, cells in simulation_size.STUDIES.items()
        for units, treated, noise in cells
    ]
    plain = [Job("coverage", design) for design in simulation_coverage.DESIGNS]
    special = [
        Job("coverage", design, method)
        for design in simulation_special.DESIGNS
        for method in simulation_special.METHODS
    ]
    bands = [Job("simultaneous bands", design) for design in simulation_extra.BANDS]
    return [*sizes, *plain, *special, *bands, Job("sensitivity", ""), *_others()]


def _others() -> list[Job]:
    """The designs of the other families: one file `coverage_<family>.py` each."""
    names = sorted(path.stem.removeprefix("coverage_") for path in FOLDER.glob("coverage_*.py"))
    return [Job(f"{FAMILY}{name}", design) for name in names for design in _family(name).DESIGNS]


def _family(name: str) -> ModuleType:
    return import_module(f"benchmarks.coverage_{name}")


def table(draws: int, only: Iterable[str] = (), workers: int = WORKERS) -> list[Row]:
    """All rows, or those of jobs whose study, design or method starts with one of `only`."""
    wanted = [job for job in jobs() if not only or any(_named(job, start) for start in only)]
    found = _all(wanted, draws, workers)
    rows = dict(zip(wanted, found, strict=True))
    unclear = {job: _unclear(part) for job, part in rows.items() if _unclear(part)}
    repeats = [_repeat(job, row) for job, part in unclear.items() for row in part]
    repeats = list(dict.fromkeys(repeats))
    second = dict(zip(repeats, _all(repeats, draws, workers), strict=True))
    return [
        row if row.inside or row.reason else _settled(row, second[_repeat(job, row)])
        for job, part in rows.items()
        for row in part
    ]


def _named(job: Job, start: str) -> bool:
    return any(name and name.startswith(start) for name in (job.study, job.design, job.method))


def _unclear(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row.inside and not row.reason]


def _repeat(job: Job, row: Row) -> Job:
    """The job that gives `row` again."""
    method = job.method or (row.method.partition(": ")[0] if job.study == "coverage" else "")
    return replace(job, method=method, again=True)


def _place(row: Row) -> tuple[str, str, str, int, int]:
    return (row.study, row.design, row.method, row.clusters, row.treated)


def _settled(row: Row, again: list[Row]) -> Row:
    """`row` with what more draws say."""
    same = [one for one in again if _place(one) == _place(row)]
    if not same:
        return replace(row, reason="not explained")
    said = f"{same[0].value:.4f} in {same[0].draws:,} new draws"
    chance = row.low <= same[0].value <= row.high and abs(same[0].bias_z) < simulation_table.BIASED
    return replace(row, reason=f"by chance: {said}" if chance else f"not explained: {said}")


def _all(chosen: list[Job], draws: int, workers: int) -> list[list[Row]]:
    """The rows of every job, the slow ones started first."""
    order = sorted(range(len(chosen)), key=lambda place: not chosen[place].slow)
    if workers == 1:
        return [job.run(draws) for job in chosen]
    for pool in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{pool}_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as processes:
        running = {place: processes.submit(chosen[place].run, draws) for place in order}
        found = []
        for place, job in enumerate(chosen):
            found.append(running[place].result())
            print(f"{job.study}: {job.design} {job.method}", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """Returns 1 where a cell lies outside its band and nothing explains it."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulation", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--only", action="append", default=[], help="the start of a study, design or method (again)")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--output", type=Path, help="folder for simulation.csv and simulation.md (default: benchmarks)")
    chosen = parser.parse_args()
    rows = table(chosen.draws, chosen.only, chosen.workers)
    page = simulation_page.page(rows, chosen.draws, SEED)
    folder = chosen.output or (FOLDER if not chosen.only and chosen.draws == DRAWS else None)
    if folder:
        simulation_table.write(rows, folder / CSV.name)
        (folder / PAGE.name).write_text(page, encoding="utf-8")
    print(page)
    return int(any(row.reason.startswith("not explained") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
