"""Estimators side by side as a chart: one dot and interval each, the answer first."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.report import charts, display, palette
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.designs import Alternative
    from analysis.study import Study


def figure(shown: Sequence[Alternative], study: Study, outcome: Column, source: Source) -> Block:
    """One row for each estimator, the answer on top; a sentence where there is only one."""
    if len(shown) == 1:
        return display.prose("There is one estimate, and so no picture of several.")
    unit = Unit(outcome.unit)
    header = ["Estimator", f"Effect ({unit.words})", "Low", "High"]
    rows = [[one.title, *display.interval_numbers(one.estimate, unit)] for one in shown]
    columns = ["estimator", "estimate", "std_error", "low", "high"]
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(shown, unit),
        meta={
            "caption": f"Estimated effect of {study.intervention} on the {display.lower_first(outcome.label)} by "
            f"estimator, in {unit.words}, with {display.level_words(study.level)}s.",
            "alt": _alt(rows, unit),
            "source": f"Source: {source.origin}. n = {shown[0].estimate.n:,} observations.",
            "note": _note(shown),
            "table_html": display.table_html(header, rows, "Effect by estimator"),
            "csv": display.csv_text(columns, [_row(one) for one in shown]),
            "csv_name": "estimators-figure",
        },
    )


def _row(one: Alternative) -> list[str | float]:
    error = one.estimate.std_error
    return [one.label, one.estimate.value, "" if error is None else error, one.estimate.low, one.estimate.high]


def _note(shown: Sequence[Alternative]) -> str:
    grey = any(not one.comparable for one in shown)
    aside = " Hollow dots estimate something else and are shown for comparison only." if grey else ""
    return f"The dashed line continues the answer downwards.{aside}"


def _draw(shown: Sequence[Alternative], unit: Unit) -> bytes:
    drawing, axes = charts.canvas(1.2 + 0.4 * len(shown))
    axes.axvline(0, color=palette.INK, linewidth=0.9, zorder=1)
    axes.axvline(unit.shown(shown[0].estimate.value), color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    for place, one in enumerate(shown):
        charts.row(axes, place, one.estimate, unit, first=place == 0, hollow=not one.comparable)
    axes.set_yticks(range(len(shown)), [textwrap.fill(one.title, 30) for one in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(f"Effect ({unit.words})")
    return charts.png(drawing)


def _alt(rows: list[list[str]], unit: Unit) -> str:
    lowest, highest = min(rows, key=_value), max(rows, key=_value)
    return (
        f"Dot chart with one row for each of {len(rows)} estimators and interval bars. Horizontal axis: effect in "
        f"{unit.words}. The answer, {rows[0][0]}, is {rows[0][1]}; the lowest is {lowest[1]} ({lowest[0]}), "
        f"the highest {highest[1]} ({highest[0]})."
    )


def _value(row: list[str]) -> float:
    return float(row[1].replace(display.MINUS, "-").replace(",", ""))
