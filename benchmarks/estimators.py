"""Estimators against their peers: CPU seconds, peak memory, and whether the numbers are the same.

Measurements are interleaved: within a task, size and row order, one process per tool in turn, for several rounds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import process

SIZES = {20_000: 3, 200_000: 2}  # units: rounds
LEFT_OUT = {("group_time", "csdid", "shuffled")}
TOOLS = {"event_study": ("ours", "pyfixest"), "group_time": ("ours", "diff-diff", "csdid")}
PERIODS = 20
LIMIT = 240.0
Say = Callable[[str], None]


@dataclass
class Series:
    """All measurements of one tool on one task, size and row order."""

    task: str
    tool: str
    units: int
    order: str
    first: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    loaded: list[float] = field(default_factory=list)
    table: dict[str, tuple[float, float]] = field(default_factory=dict)
    failure: str = ""

    @property
    def case(self) -> tuple[str, int, str]:
        """What is compared side by side."""
        return self.task, self.units, self.order


def measure(folder: Path, sizes: dict[int, int], say: Say) -> list[Series]:
    """Every case, measured; the panels are written into `folder` first."""
    for units in sizes:
        done = process.run([process.OWN_PYTHON, "-m", "benchmarks.simulate", str(units), folder])
        if done.code:
            raise RuntimeError(done.err)
    found = []
    for units, rounds in sizes.items():
        for series in _cases(units):
            for number in range(rounds):
                for one in series if number % 2 == 0 else reversed(series):
                    _once(one, folder)
                    say(f"{one.task} {one.tool} {units} units, {one.order}, round {number + 1}: {_said(one)}")
            found += series
    return found


def differences(series: list[Series]) -> dict[tuple[str, int, str, str], float]:
    """Largest difference of a peer's table from ours: of estimates in standard errors, of standard errors relative."""
    ours = {one.case: one.table for one in series if one.tool == "ours"}
    return {
        (*one.case, one.tool): _worst(ours[one.case], one.table)
        for one in series
        if one.tool != "ours" and one.table and ours[one.case]
    }


def ratios(series: list[Series], of: str = "warm") -> dict[tuple[str, int, str, str], tuple[float, float, float]]:
    """Peer / ours: ratio of medians, and the smallest and largest ratio of one round side by side."""
    ours = {one.case: getattr(one, of) for one in series if one.tool == "ours"}
    found = {}
    for one in series:
        theirs, own = getattr(one, of), ours[one.case]
        if one.tool != "ours" and theirs and own:
            by_round = [a / b for a, b in zip(theirs, own, strict=False)]
            found[(*one.case, one.tool)] = (median(theirs) / median(own), min(by_round), max(by_round))
    return found


def _cases(units: int) -> Iterator[list[Series]]:
    for task, tools in TOOLS.items():
        for order in ("sorted", "shuffled"):
            yield [Series(task, tool, units, order) for tool in tools if (task, tool, order) not in LEFT_OUT]


def _once(one: Series, folder: Path) -> None:
    """One more measurement of `one`; after a failure the tool is not tried again."""
    if one.failure:
        return
    python = process.OWN_PYTHON if one.tool == "ours" else process.PEERS_PYTHON
    file = folder / f"{one.units}-{one.order}.parquet"
    done = process.run([python, "-m", "benchmarks.worker", one.task, one.tool, file], limit=LIMIT)
    lines = [line for line in done.out.splitlines() if line.startswith("RESULT ")]
    if done.timed_out or done.code or not lines:
        last = (done.err.strip().splitlines() or [f"exit code {done.code}"])[-1]
        one.failure = f"stopped after {LIMIT:.0f} s" if done.timed_out else last[:120]
        return
    values = json.loads(lines[-1].removeprefix("RESULT "))
    for name in ("first", "warm", "peak", "loaded"):
        getattr(one, name).append(values[name])
    one.table = values["table"]


def _worst(ours: dict[str, tuple[float, float]], theirs: dict[str, tuple[float, float]]) -> float:
    """Infinite when the two tables do not hold the same event times."""
    known = {time: row for time, row in theirs.items() if row[1] > 0}
    if known.keys() != ours.keys():
        return float("inf")
    return max(
        max(abs(known[time][0] - value) / error, abs(known[time][1] / error - 1))
        for time, (value, error) in ours.items()
    )


def _said(one: Series) -> str:
    return one.failure or f"{one.warm[-1]:.3f} s, {one.peak[-1]:.0f} MB"
