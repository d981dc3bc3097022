"""Balance of covariates as a chart: each covariate's difference between the groups, as they are and weighted."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from analysis.report import charts, display, palette, readings
from analysis.report.display import Block
from analysis.report.rounding import three

if TYPE_CHECKING:
    from analysis.data.catalog import Source
    from analysis.inference.covariate_balance import Balance
    from analysis.panel import Array

TARGET, LIMIT = 0.1, 0.25


def figure(found: Balance, source: Source) -> Block:
    """One row a covariate, the one that differs most before weighting on top."""
    if not found.names:
        return display.prose("No covariate is adjusted for, so that there is no balance to show.")
    order = np.argsort(-np.abs(found.before), kind="stable")
    names = [_label(found.names[k], source) for k in order]
    both = _both(found)
    header = ["Covariate", "Treated, mean", "Comparison, mean"]
    header += ["Treated, weighted", "Comparison, weighted"] if both else ["Comparison, weighted"]
    header += ["Difference, as they are", "Difference, weighted", "Variance ratio"]
    rows = [[name, *_cells(found, int(k), both)] for name, k in zip(names, order, strict=True)]
    worst = int(order[0])
    first, most = display.fixed(abs(found.before[worst]), 2), float(np.abs(found.after).max())
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(names, np.abs(found.before[order]), np.abs(found.after[order])),
        meta={
            "caption": "Differences between the groups in each covariate, in standard deviations and without sign: as "
            "they are, and weighted.",
            "alt": f"Dot chart with one row for each of {len(names)} covariates. Horizontal axis: difference between "
            f"the groups in standard deviations. As they are the largest is {first} ({names[0]}); weighted it is "
            f"{display.fixed(most, 2)}.",
            "source": f"Source: {source.origin}.",
            "reading": readings.covariates(found.before.tolist(), found.after.tolist(), TARGET),
            "note": f"Dashed lines: the target of {TARGET:g} and the limit of {LIMIT:g}. Before and after are divided "
            "by the same standard deviation: the treated group's, or both groups' if the answer is about everyone.",
            "table_html": display.table_html(
                header,
                rows,
                "Balance of covariates",
                "Differences in standard deviations. Variance ratio: treated over comparison, "
                "weighted, for covariates with more than two values.",
            ),
            "csv": _csv(found, names, order),
            "csv_name": "balance",
        },
    )


def _label(name: str, source: Source) -> str:
    column, _, category = name.partition(": ")
    label = source.columns[column].label
    return f"{label}: {category}" if category else label


def _both(found: Balance) -> bool:
    """Whether the treated are weighted too."""
    return not np.allclose(found.treated, found.treated_weighted, rtol=1e-9, atol=1e-12)


def _cells(found: Balance, k: int, both: bool) -> list[str]:
    weighted = [found.treated_weighted[k]] if both else []
    means = [float(x) for x in (found.treated[k], found.comparison[k], *weighted, found.comparison_weighted[k])]
    ratio = float(found.ratio_after[k])
    return [
        *(display.significant(x, 3) for x in means),
        display.fixed(float(found.before[k]), 2),
        display.fixed(float(found.after[k]), 2),
        "" if math.isnan(ratio) else display.fixed(ratio, 2),
    ]


def _csv(found: Balance, names: list[str], order: Array) -> str:
    columns = ["treated", "comparison", "treated_weighted", "comparison_weighted", "before", "after"]
    columns += ["ratio_before", "ratio_after"]
    rows = [
        [name, *(three(getattr(found, column)[k]) for column in columns)] for name, k in zip(names, order, strict=True)
    ]
    return display.csv_text(["covariate", *columns], rows)


def _draw(names: list[str], before: Array, after: Array) -> bytes:
    drawing, axes = charts.canvas(1.3 + 0.27 * len(names))
    places = np.arange(len(names))
    for x in (TARGET, LIMIT):
        axes.axvline(x, color=palette.MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    axes.axvline(0, color=palette.INK, linewidth=0.9, zorder=1)
    axes.hlines(places, after, before, color=palette.RULE, linewidth=1.2, zorder=2)
    axes.plot(before, places, "o", color=palette.CONTROL, markerfacecolor="white", zorder=3)
    axes.plot(after, places, "o", color=palette.ACCENT, zorder=4)
    axes.set_yticks(places, [textwrap.shorten(name, 46, placeholder=" ...") for name in names])
    axes.set_ylim(len(names) - 0.4, -1.1)
    top = float(max(before.max(), after.max(), LIMIT)) * 1.08
    axes.set_xlim(-0.02 * top, top)
    axes.grid(axis="y", visible=False)
    for x, words, color in ((after[0], "weighted", palette.ACCENT), (before[0], "as they are", palette.CONTROL)):
        axes.annotate(
            words,
            (x, 0),
            xytext=(0, 7),
            textcoords="offset points",
            ha="left" if x < top / 5 else "right" if x > top * 0.9 else "center",
            color=color,
            fontsize=8.5,
            fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )
    axes.set_xlabel("Difference (standard deviations, without sign)")
    return charts.png(drawing)
