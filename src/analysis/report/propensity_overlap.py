"""Where the groups are found together: chances of treatment as a mirrored chart, and what the weights make of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.report import charts, display, palette, readings
from analysis.report.display import Block
from analysis.report.rounding import three

if TYPE_CHECKING:
    from analysis.data.catalog import Source
    from analysis.inference.common_support import Spread, Use
    from analysis.panel import Array

TICKS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999)
NAMES = {
    "raw": "Inverse-probability weights",
    "stabilised": "Stabilised (times the group's share)",
    "odds": "Weights of comparison rows (their odds of treatment)",
}


def figure(found: Spread, source: Source, rows: int) -> Block:
    """Shares of each group by chance of treatment: treated upwards, comparison downwards, weighted as an outline."""
    header = ["Chance of treatment", "Treated", "Comparison", "Treated, weighted", "Comparison, weighted"]
    shown = found.merged()
    parts = (shown.treated, shown.comparison, shown.treated_weighted, shown.comparison_weighted)
    chances = 1 / (1 + np.exp(-shown.edges))
    cells = [[_range(chances, k), *(_percent(part[k]) for part in parts)] for k in range(len(shown.treated))]
    raw = [[three(chances[k]), *(three(part[k]) for part in parts)] for k in range(len(shown.treated))]
    return Block(
        "figure",
        display.table_text(header, cells),
        png=_draw(found),
        meta={
            "caption": "How likely treatment was given the covariates: treated above the line, comparison below.",
            "alt": "Mirrored bar chart. Horizontal axis: chance of treatment given the covariates, in per cent on a "
            f"stretched scale. {_alt(found, 1 / (1 + np.exp(-found.edges)))}",
            "source": f"Source: {source.origin}. n = {rows:,} rows.",
            "reading": readings.overlap(
                float(np.minimum(found.treated, found.comparison).sum()),
                float(np.minimum(found.treated_weighted, found.comparison_weighted).sum()),
            ),
            "note": "Bars: each group as it is, adding up to all of it. Outlines: weighted. Where a group has no bar, "
            "nobody is there to compare with. Chances come from a logit on the covariates. In the numbers, "
            "neighbouring bars with few rows are put together.",
            "table_html": display.table_html(header, cells, "Share of each group by chance of treatment (%)"),
            "csv": display.csv_text(["from_chance", *header[1:]], raw),
            "csv_name": "overlap",
        },
    )


def weights(found: Sequence[Use], ranges: Mapping[str, tuple[float, float, float]]) -> Block:
    """What the weights make of each group, and how far they range."""
    header = ["Group", "Rows", "Worth, in equal rows", "As share of rows (%)", "Largest weight (% of all)"]
    rows = [
        [
            one.group,
            f"{one.rows:,}",
            display.fixed(one.worth, 0),
            display.fixed(100 * one.worth / one.rows, 1),
            display.fixed(100 * one.largest, 1),
        ]
        for one in found
    ]
    said = [
        f"{NAMES[name]}: {display.significant(mean, 3)} on average, from {display.significant(low, 3)} to "
        f"{display.significant(high, 3)}."
        for name, (mean, low, high) in ranges.items()
    ]
    return display.table(
        "table",
        header,
        rows,
        "What the weights make of each group",
        " ".join(said),
        reading=_in_words(found),
        csv=display.csv_text(header, rows),
        csv_name="weights",
    )


def _in_words(found: Sequence[Use]) -> str:
    """What weighting costs the group that it costs most."""
    least = min(found, key=lambda one: one.worth / one.rows)
    return (
        f"Weighting makes the groups alike by counting some rows more than others. The price: the {least.rows:,} rows "
        f"of the group {display.lower_first(least.group)} tell as much as {display.fixed(least.worth, 0)} rows that "
        "all count the same."
    )


def _range(chances: Array, k: int) -> str:
    return f"{display.significant(100 * chances[k], 2)} to {display.significant(100 * chances[k + 1], 2)}\u202f%"


def _percent(share: float) -> str:
    return display.fixed(100 * float(share), 1)


def _alt(found: Spread, chances: Array) -> str:
    def most(part: Array) -> str:
        return _range(chances, int(np.argmax(part)))

    return (
        f"The most treated rows stand at {most(found.treated)}, the most comparison rows at {most(found.comparison)}; "
        f"weighted, the most comparison rows stand at {most(found.comparison_weighted)}."
    )


def _draw(found: Spread) -> bytes:
    drawing, axes = charts.canvas(3.9)
    middle, width = (found.edges[1:] + found.edges[:-1]) / 2, np.diff(found.edges)
    axes.bar(middle, 100 * found.treated, width, color=palette.ACCENT, alpha=0.75, zorder=2)
    axes.bar(middle, -100 * found.comparison, width, color=palette.CONTROL, alpha=0.75, zorder=2)
    outlines = [(found.comparison_weighted, -1)]
    if np.abs(found.treated_weighted - found.treated).max() > 1e-9:
        outlines.append((found.treated_weighted, 1))
    for part, sign in outlines:
        axes.stairs(sign * 100 * part, found.edges, color=palette.SECOND, linewidth=1.6, zorder=3)
    axes.axhline(0, color=palette.INK, linewidth=0.9, zorder=4)
    ticks = [t for t in TICKS if found.edges[0] <= np.log(t / (1 - t)) <= found.edges[-1]]
    axes.set_xticks([float(np.log(t / (1 - t))) for t in ticks], [f"{100 * t:g}" for t in ticks])
    low, high = axes.get_ylim()
    axes.set_ylim(1.12 * low, 1.18 * high)
    axes.yaxis.set_major_formatter(lambda y, _: f"{abs(y):g}")
    _named(axes, len(outlines) > 1)
    axes.set_xlabel("Chance of treatment given the covariates (%, stretched scale)")
    axes.set_ylabel("Share of the group (%)")
    return charts.png(drawing)


def _named(axes: Any, both: bool) -> None:
    """The groups' names in the corners, instead of a legend."""
    weighted = "outline: weighted"
    for y, va, words, color in (
        (0.98, "top", "Treated", palette.ACCENT),
        (0.02, "bottom", "Comparison", palette.CONTROL),
    ):
        axes.text(0.01, y, words, transform=axes.transAxes, va=va, color=color, fontsize=9, fontweight="bold")
    axes.text(0.99, 0.02, weighted, transform=axes.transAxes, ha="right", va="bottom", color=palette.SECOND, fontsize=9)
    if both:
        axes.text(
            0.99, 0.98, weighted, transform=axes.transAxes, ha="right", va="top", color=palette.SECOND, fontsize=9
        )
