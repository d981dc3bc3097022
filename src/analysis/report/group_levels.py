"""Mean outcomes of two groups, as they are and weighted to be alike: the first picture of a weighted comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.report import charts, display, outcome_axis, palette
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.fits.weighting import Weighted
    from analysis.study import Study

PLACES = ("As they are", "Weighted to be alike")
GROUPS = ("Treated", "Comparison")


def figure(effects: Weighted, study: Study, outcome: Column, source: Source) -> Block:
    """Both groups' means before and after weighting; the gap on the right is the estimate."""
    unit = Unit(outcome.unit)
    found = effects.levels
    means = [(found.treated, found.comparison), (found.treated_weighted, found.comparison_weighted)]
    shown = [tuple(_level(x, unit) for x in pair) for pair in means]
    spread = max(abs(on - off) for on, off in shown)
    decimals = display.decimals_for(spread / 2)
    cells = [[display.fixed(x, decimals) for x in (*pair, pair[0] - pair[1])] for pair in shown]
    words = outcome_axis.level(outcome)
    header = ["Groups", *(f"{group}, mean" for group in GROUPS), "Treated less comparison"]
    rows = [[place, *row] for place, row in zip(PLACES, cells, strict=True)]
    raw = [[place, *pair, pair[0] - pair[1]] for place, pair in zip(PLACES, means, strict=True)]
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(shown, cells, words),
        meta={
            "caption": f"Mean of the outcome in both groups, as they are and weighted to be alike in the covariates: "
            f"{display.lower_first(outcome.label)}.",
            "alt": f"Two lines between two places on the horizontal axis: as they are, and weighted to be alike. "
            f"Vertical axis: {words}. Treated less comparison: {cells[0][2]} as they are, {cells[1][2]} weighted.",
            "source": f"Source: {source.origin}. n = {effects.n:,} rows, {int(effects.treated.sum()):,} treated.",
            "note": "The gap on the left is the plain difference. "
            f"{'How much larger one is than the other' if unit.name == 'log' else 'The gap'} on the right is the "
            "estimate; regressions, where the design uses them, are part of its weights.",
            "table_html": display.table_html(header, rows, f"Mean outcome by group: {words}"),
            "csv": display.csv_text(header, raw),
            "csv_name": "group-levels",
        },
    )


def _level(x: float, unit: Unit) -> float:
    if unit.name == "log":
        return float(np.exp(x))
    return 100 * x if unit.name == "share" else x


def _draw(shown: list[tuple[Any, ...]], cells: list[list[str]], words: str) -> bytes:
    drawing, axes = charts.canvas(3.9)
    for group, color in ((0, palette.ACCENT), (1, palette.CONTROL)):
        values = [pair[group] for pair in shown]
        axes.plot([0, 1], values, "-o", color=color, linewidth=1.6, markersize=6, zorder=3)
        for place in (0, 1):
            up = values[place] >= shown[place][1 - group]
            _value(axes, place, values[place], f"{GROUPS[group]} {cells[place][group]}", color, up=up)
    for place, pair in enumerate(shown):
        _gap(axes, place, pair, cells[place][2])
    low, high = min(min(pair) for pair in shown), max(max(pair) for pair in shown)
    room = 0.16 * max(high - low, 1e-9)
    axes.set_ylim(low - room, high + room)
    axes.set_xlim(-0.4, 1.4)
    axes.set_xticks([0, 1], PLACES)
    axes.grid(axis="x", visible=False)
    axes.set_title(words, loc="left", fontsize=9.5, fontweight="normal")
    return charts.png(drawing)


def _value(axes: Any, place: int, value: float, words: str, color: str, *, up: bool) -> None:
    offset = (0, 7) if up else (0, -7)
    axes.annotate(
        words,
        (place, value),
        xytext=offset,
        textcoords="offset points",
        ha="center",
        va="bottom" if up else "top",
        color=color,
        fontsize=9,
        fontweight="bold",
    )


def _gap(axes: Any, place: int, pair: tuple[Any, ...], words: str) -> None:
    """The bracket between two means, with the difference beside it."""
    side = -0.07 if place == 0 else 0.07
    axes.plot([place + side] * 2, pair, color=palette.INK, linewidth=0.9, zorder=2)
    axes.annotate(
        f"gap {words}",
        (place + side, (pair[0] + pair[1]) / 2),
        xytext=(-5 if place == 0 else 5, 0),
        textcoords="offset points",
        ha="right" if place == 0 else "left",
        va="center",
        fontsize=9,
        color=palette.INK,
    )
