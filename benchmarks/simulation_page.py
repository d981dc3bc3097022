"""The simulation table for readers: one grid per study, then every cell outside its band with the reason."""

from __future__ import annotations

import platform
from importlib.metadata import version

from benchmarks.simulation_table import BIASED, Row

LETTERS = (("analytic", " a"), ("CR1", " a"), ("jackknife", " j"), ("estimates", " e"), ("ratios", " r"))
HEAD = """# Simulations

Written by `make simulate`; {draws:,} draws a cell, seed {seed}; Python {python}, NumPy {numpy}. The same as data:
[simulation.csv](simulation.csv), with bias, errors against spread, and the bands.

Sizes are shares of true nulls rejected at 5 %, coverage the share of 95 % intervals that hold the truth. With
{draws:,} draws an exact method has 95 in 100 sizes between {low:.4f} and {high:.4f}, and coverages between
{least:.4f} and {most:.4f}. Cells outside, and cells with a bias of four Monte-Carlo errors, are marked * and listed
with the reason. "shown" is what the project's rule (`inference/few_clusters.py`) chooses for a report: (a) the design's
own errors, (j) the jackknife, a permutation of (e) estimates or (r) ratios to errors. {outside} of {cells} cells lie
outside, {chance} of them by chance.
"""


def page(rows: list[Row], draws: int, seed: int) -> str:
    """The whole page."""
    outside = [row for row in rows if not row.inside]
    half = 1.96 * (0.95 * 0.05 / draws) ** 0.5
    head = HEAD.format(
        draws=draws,
        seed=seed,
        python=platform.python_version(),
        numpy=version("numpy"),
        low=0.05 - half,
        high=0.05 + half,
        least=0.95 - half,
        most=0.95 + half,
        outside=len(outside),
        cells=len(rows),
        chance=sum(row.reason.startswith("by chance") for row in outside),
    )
    studies = list(dict.fromkeys(row.study for row in rows))
    return "\n".join([head, *(_study(study, [row for row in rows if row.study == study]) for study in studies)]) + "\n"


def _study(study: str, rows: list[Row]) -> str:
    covered, sizes = ([row for row in rows if row.measure == measure] for measure in ("coverage", "size"))
    grids = ["", *_coverages(covered)] if covered else []
    grids += ["", *_sizes(sizes)] if sizes else []
    words = study.replace("_", " ")
    return "\n".join([f"## {words[0].upper()}{words[1:]}", *grids, "", *_outside(rows)])


def _outside(rows: list[Row]) -> list[str]:
    """Cells outside, by reason."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if not row.inside:
            place = (
                f"{row.design}, {row.method}, {row.treated} of {row.clusters} treated: {row.value:.3f}{_biased(row)}"
            )
            reasons.setdefault(row.reason or "not explained", []).append(place)
    if not reasons:
        return []
    lines = [f"- {why[:1].upper()}{why[1:]}. Here: {'; '.join(cells)}." for why, cells in reasons.items()]
    return ["Outside:", "", *lines, ""]


def _sizes(rows: list[Row]) -> list[str]:
    columns = list(dict.fromkeys((row.clusters, row.treated) for row in rows))
    methods = list(dict.fromkeys((row.design, _plain(row.method)) for row in rows))
    found = {(row.design, _plain(row.method), row.clusters, row.treated): row for row in rows}
    head = ["design", "method", *(f"{treated} of {clusters}" for clusters, treated in columns)]
    lines = [f"| {' | '.join(head)} |", "|---|---|" + "---:|" * len(columns)]
    for design, method in methods:
        cells = [found.get((design, method, *column)) for column in columns]
        lines.append(f"| {design} | {method} | {' | '.join(_cell(cell) for cell in cells)} |")
    return ["Share of true nulls rejected; columns: treated clusters of all.", "", *lines]


def _coverages(rows: list[Row]) -> list[str]:
    """One column per design, and a second one where the rule shows something other than the design's own errors."""
    columns = list(dict.fromkeys((row.design, _inference(row)) for row in rows))
    columns.sort(key=lambda column: [row.design for row in rows].index(column[0]))
    methods = list(dict.fromkeys(row.method.partition(": ")[0] for row in rows))
    found = {(row.method.partition(": ")[0], row.design, _inference(row)): row for row in rows}
    heads = [f"{design}{', ' if words else ''}{words}" for design, words in columns]
    lines = [f"| method | {' | '.join(heads)} |", "|---|" + "---:|" * len(columns)]
    for method in methods:
        lines.append(f"| {method} | {' | '.join(_cell(found.get((method, *column))) for column in columns)} |")
    return ["Share of intervals that hold the truth.", "", *lines]


def _inference(row: Row) -> str:
    return row.method.partition(": ")[2].removeprefix("analytic")


def _plain(method: str) -> str:
    return "shown" if method.startswith("shown") else method


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    letter = next((mark for word, mark in LETTERS if row.method.startswith("shown: ") and word in row.method), "")
    return f"{row.value:.3f}{letter}{'' if row.inside else '*'}"


def _biased(row: Row) -> str:
    return f", bias {row.bias:+.3f} ({row.bias_z:+.1f} Monte-Carlo errors)" if abs(row.bias_z) >= BIASED else ""
