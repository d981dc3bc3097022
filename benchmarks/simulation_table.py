"""Rows of the simulation table: what was measured, its Monte-Carlo band, and why a cell lies outside."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np

from benchmarks.simulation_draws import Array

LEVEL = 0.95
BIASED = 4.0


@dataclass(frozen=True)
class Row:
    """One cell. value: the share of intervals that hold the truth (coverage) or of true nulls rejected (size).

    bias: mean estimate less its aim, bias_z the same in Monte-Carlo errors. se_ratio: mean standard error over the
    standard deviation of the estimates; missing where no error is shown. failures: draws without a number, which count
    as not covering and as rejecting. low, high: where value falls in 95 % of simulations of a method that is exact.
    """

    study: str
    design: str
    method: str
    clusters: int
    treated: int
    draws: int
    failures: int
    bias: float
    bias_z: float
    se_ratio: float
    measure: Literal["coverage", "size"]
    value: float
    low: float
    high: float
    inside: bool
    reason: str = ""


def coverage(
    place: tuple[str, str, str, int, int], estimates: Array, aim: float, covered: Array, error: Array | None = None
) -> Row:
    """The row of intervals that did or did not cover; failed draws have a missing estimate or error."""
    return _row(place, estimates, aim, "coverage", covered, error, LEVEL)


def size(place: tuple[str, str, str, int, int], estimates: Array, p_value: Array, error: Array | None = None) -> Row:
    """The row of a test of a true null at 5 %."""
    rejected = ~(p_value > 1 - LEVEL + 1e-9)
    return _row(place, estimates, 0.0, "size", rejected, error, 1 - LEVEL, np.isnan(p_value))


def _row(
    place: tuple[str, str, str, int, int],
    estimates: Array,
    aim: float,
    measure: Literal["coverage", "size"],
    hits: Array,
    error: Array | None,
    nominal: float,
    failed: Array | None = None,
) -> Row:
    good = np.isfinite(estimates)
    failed = ~good if failed is None else failed | ~good
    if error is not None:
        failed = np.asarray(failed | np.isnan(error))
    gap = estimates[good] - aim
    spread = gap.std(ddof=1)
    ratio = float("nan")
    if error is not None and not np.isnan(error).all():
        ratio = float(np.nanmean(error) / spread)
    draws = len(estimates)
    half = 1.96 * float(np.sqrt(nominal * (1 - nominal) / draws))
    value = float(np.mean(hits))
    z = float(gap.mean() / (spread / np.sqrt(len(gap))))
    low, high = nominal - half, nominal + half
    inside = low - 1e-9 <= value <= high + 1e-9 and abs(z) < BIASED
    return Row(*place, draws, int(failed.sum()), float(gap.mean()), z, ratio, measure, value, low, high, inside)


def write(rows: Iterable[Row], path: Path) -> None:
    """The table as CSV, numbers to four digits."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _said(value) for name, value in asdict(row).items()})


def read(path: Path) -> list[Row]:
    """The table as written."""
    kinds = {field.name: field.type for field in fields(Row)}
    found = []
    with path.open(newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            values = {name: _parsed(text, str(kinds[name])) for name, text in line.items()}
            found.append(Row(**values))  # type: ignore[arg-type]
    return found


def _said(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.4f}"
    return value


def _parsed(text: str, kind: str) -> object:
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text) if text else float("nan")
    return text == "yes" if kind == "bool" else text
