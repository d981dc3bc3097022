"""Estimators against their peers: CPU seconds, peak memory, and whether the numbers are the same.

Measurements are interleaved: within a task and size, one process per tool in turn, for several rounds. A tool that
needs long is measured once; one that failed or would need longer than the limit at a larger size is not run there.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import process
from benchmarks.numbers import shared, worst
from benchmarks.tasks import SHORT, TASKS, Task, cases

SIZES = {20_000: 3, 200_000: 2}  # units: rounds
PERIODS = 20
LIMIT = 100.0  # CPU seconds of one process (worker.CPU_SECONDS)
WALL = 4 * LIMIT
ONCE = 4.0  # a tool whose first call takes longer than this is measured in one round
GROWTH = 8.0  # how much longer a tool needs at least for ten times the rows
OWN = ("ours", "linearmodels")
Say = Callable[[str], None]
Key = tuple[str, int, str]


@dataclass
class Series:
    """All measurements of one tool on one task and size."""

    name: str
    tool: str
    units: int
    first: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    table: dict[str, tuple[float, float]] = field(default_factory=dict)
    repeated: bool = True
    failure: str = ""

    @property
    def case(self) -> tuple[str, int]:
        """What is compared side by side."""
        return self.name, self.units

    @property
    def key(self) -> Key:
        """Its place in a table of comparisons."""
        return self.name, self.units, self.tool

    @property
    def task(self) -> Task:
        """What is measured."""
        return TASKS[self.name]


def measure(folder: Path, sizes: dict[int, int], say: Say, names: list[str] | None = None) -> list[Series]:
    """Every case, measured; the panels are written into `folder` first, each size when it is needed."""
    found: list[Series] = []
    for units, rounds in sizes.items():
        done = process.run([process.OWN_PYTHON, "-m", "benchmarks.simulate", str(units), folder])
        if done.code:
            raise RuntimeError(done.err)
        for name, task in cases(names):
            if task.order == SHORT and units > min(sizes):
                continue
            series = [Series(name, tool, units, failure=_not_run(found, name, tool)) for tool in task.tools]
            for number in range(rounds):
                for one in series if number % 2 == 0 else reversed(series):
                    if not one.failure and not (number and one.first[0] > ONCE):
                        _once(one, folder)
                        say(f"{name}: {one.tool}, {units} units, round {number + 1}: {_said(one)}")
            found += series
        for file in folder.glob(f"{units}-*.parquet"):
            file.unlink()
    return found


def _not_run(found: list[Series], name: str, tool: str) -> str:
    """Why `tool` is not run at a larger size than those in `found`; empty where it is."""
    for one in found:
        if (one.name, one.tool) == (name, tool):
            rows = f"{one.units * PERIODS:,} rows"
            if one.failure:
                return f"not run: at {rows} {one.failure.removeprefix('failed: ')}"
            if one.first[0] * GROWTH > LIMIT:
                return f"not run: {one.first[0]:.0f} s at {rows}"
    return ""


def differences(series: list[Series]) -> dict[Key, tuple[float, float, str]]:
    """Largest difference of a peer's table from ours: of estimates in standard errors, of standard errors relative;
    and how many numbers were compared, where not all."""
    ours = {one.case: one.table for one in series if one.tool == "ours"}
    return {
        one.key: (*worst(ours[one.case], one.table), shared(ours[one.case], one.table))
        for one in series
        if one.tool != "ours" and one.table and ours[one.case]
    }


def ratios(series: list[Series], of: str = "warm") -> dict[Key, tuple[float, float, float]]:
    """Peer / ours: ratio of medians, and the smallest and largest ratio of one round side by side."""
    ours = {one.case: getattr(one, of) for one in series if one.tool == "ours"}
    found = {}
    for one in series:
        theirs, own = getattr(one, of), ours[one.case]
        if one.tool != "ours" and theirs and own:
            by_round = [a / b for a, b in zip(theirs, own, strict=False)]
            found[one.key] = (median(theirs) / median(own), min(by_round), max(by_round))
    return found


def _once(one: Series, folder: Path) -> None:
    """One more measurement of `one`; after a failure the tool is not tried again."""
    python = process.OWN_PYTHON if one.tool in OWN else process.PEERS_PYTHON
    file = folder / f"{one.units}-{one.task.order}.parquet"
    done = process.run([python, "-m", "benchmarks.worker", one.name, one.tool, file], limit=WALL)
    lines = [line for line in done.out.splitlines() if line.startswith("RESULT ")]
    if done.timed_out or done.code or not lines:
        last = (done.err.strip().splitlines() or [f"exit code {done.code}"])[-1]
        late = done.timed_out or done.code in (-signal.SIGXCPU, -signal.SIGKILL)
        one.failure = f"stopped after {LIMIT:.0f} s" if late else f"failed: {last[:100]}"
        return
    values = json.loads(lines[-1].removeprefix("RESULT "))
    for name in ("first", "warm", "peak", "loaded"):
        getattr(one, name).append(values[name])
    one.table, one.repeated = values["table"], values["repeated"]


def _said(one: Series) -> str:
    return one.failure or f"{one.warm[-1]:.3f} s, {one.peak[-1]:.0f} MB"
