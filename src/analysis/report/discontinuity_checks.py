"""Charts and tables of what could be wrong with a discontinuity: widths, sorting, other columns, other cut-offs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.report import charts, display, palette, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.data.catalog import Column, Source
    from analysis.fits.regression_discontinuity import Discontinuity
    from analysis.inference.at_cutoff import Jump
    from analysis.panel import Array
    from analysis.result import Estimate
    from analysis.studies.regression_discontinuity import Study

BARS = 15  # on each side of the cut-off
ALARM = 0.05
HIDDEN = 10  # rows in a bar below which its height is not drawn


def widths(
    found: Sequence[tuple[float, Estimate]],
    straight: Jump,
    effects: Discontinuity,
    study: Study,
    outcome: Column,
    source: Source,
) -> Block:
    """The answer at other widths, and a straight line through all rows at the right end."""
    unit = Unit(outcome.unit)
    decimals = display.decimals_for(unit.shown(found[-1][1].high - found[-1][1].low) / 2)
    names = [f"{factor:g}" for factor, _ in found]
    values = [(e.value, e.low, e.high) for _, e in found]
    if effects.take_up is None:
        names.append("all rows, straight line")
        values.append((straight.value, straight.low, straight.high))
    shown = [
        [name, *(display.fixed(unit.shown(x), decimals) for x in row)] for name, row in zip(names, values, strict=True)
    ]
    header = ["Times the width of the answer", f"Effect ({unit.words})", "Low", "High"]
    drawing, axes = charts.canvas(3.9)
    charts.zero_line(axes)
    _bars(axes, names, [[unit.shown(x) for x in row] for row in values])
    axes.set_xticks(range(len(names)), [name.replace("all rows, ", "All rows,\n") for name in names])
    axes.set_xlabel("Width, as a multiple of the answer's")
    axes.set_title(f"Effect ({unit.words})", loc="left", fontsize=9.5, fontweight="normal")
    return Block(
        "figure",
        display.table_text(header, shown),
        png=charts.png(drawing),
        meta={
            "caption": f"Estimated effect of {study.intervention} by how far from the cut-off rows may lie, with "
            f"{display.level_words(study.level)}s.",
            "alt": f"Dot chart with interval bars. Horizontal axis: width from {names[0]} times that of the answer "
            f"to {names[-1]}. Vertical axis: effect in {unit.words}, {shown[0][1]} at the left end and "
            f"{shown[-1][1]} at the right end.",
            "source": f"Source: {source.origin}.",
            "reading": readings.widths([e.value for _, e in found], [(e.low, e.high) for _, e in found], unit),
            "note": "Narrow widths are noisy, wide ones lean on rows far from the cut-off."
            + (" The last dot fits one line a side to all rows." if effects.take_up is None else ""),
            "table_html": display.table_html(header, shown, "Effect by width"),
            "csv": display.csv_text(
                ["width", "estimate", "low", "high"], [[n, *v] for n, v in zip(names, values, strict=True)]
            ),
            "csv_name": "effect-by-width",
        },
    )


def _bars(axes: Axes, names: Sequence[str], rows: Sequence[Sequence[float]]) -> None:
    for place, (name, (value, low, high)) in enumerate(zip(names, rows, strict=True)):
        color = palette.ACCENT if name == "1" else palette.SECOND if "line" in name else palette.CONTROL
        if math.isfinite(low) and math.isfinite(high):
            charts.intervals(axes, [place], [value], [low], [high], color)
        else:
            axes.plot([place], [value], "o", color=color, markerfacecolor="white", zorder=3)


def sorting(scores: Array, effects: Discontinuity, study: Study, source: Source, where: str = "") -> Block:
    """How many rows lie at each distance from the cut-off: bars that do not cross it."""
    label = source.columns[study.running].label
    edges = _edges(scores, effects)
    counts = np.histogram(scores, bins=edges)[0]
    middle, size = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    height = np.where(counts >= HIDDEN, counts, 0)
    if not height.any():
        return display.prose(
            f"No step of the score holds {HIDDEN} rows: their number cannot show whether anyone crossed the cut-off."
        )
    drawing, axes = charts.canvas(3.6)
    treated = (middle >= effects.cutoff) == (effects.side > 0)
    for member, color in ((~treated, palette.CONTROL), (treated, palette.ACCENT)):
        axes.bar(middle[member], height[member], width=0.94 * size[member], color=color, zorder=2)
    side = f"Treated side ({effects.treated_word})"
    charts.start_line(axes, effects.cutoff, "Cut-off")
    axes.set_xlabel(label)
    axes.set_title("Rows", loc="left", fontsize=9.5, fontweight="normal")
    header = ["From", "To", "Rows"]
    shown = [
        [display.significant(a, 4), display.significant(b, 4), f"{n:,}" if n >= HIDDEN or n == 0 else f"under {HIDDEN}"]
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    below = _below(edges, effects)
    return Block(
        "figure",
        display.table_text(header, shown),
        png=charts.png(drawing),
        meta={
            "caption": f"Number of rows by {display.lower_first(label)}; {side.lower()} in colour.",
            "alt": f"Bar chart of {len(counts)} bars on two sides of the cut-off. Horizontal axis: {label}. Vertical "
            f"axis: rows. The bar just below the cut-off holds {shown[below][2]}, the one just above "
            f"{shown[below + 1][2]}.",
            "source": f"Source: {source.origin}. n = {len(scores):,} scores.",
            "reading": _meeting(shown[below][2], shown[below + 1][2]),
            "note": f"A step at the cut-off would point to scores being moved.{where}",
            "table_html": display.table_html(header, shown, "Rows by score"),
            "csv": display.csv_text(header, shown),
            "csv_name": "rows-by-score",
        },
    )


def _meeting(below: str, above: str) -> str:
    return (
        f"The two bars that meet at the cut-off hold {below} and {above} rows. If nobody moved a score, they would be "
        "about as tall."
    )


def placebo_columns(found: Mapping[str, Jump], study: Study, source: Source) -> Block:
    """The jump in columns that the policy cannot have changed."""
    if not found:
        return display.prose("No column is named that the policy cannot have changed: name some as `placebo_columns`.")
    header = ["Column", "Jump towards the treated side", "Low", "High", "p-value"]
    shown = []
    for name, one in found.items():
        decimals = display.decimals_for((one.high - one.low) / 2)
        numbers = [display.fixed(x, decimals) for x in (one.value, one.low, one.high)]
        shown.append([_named(source.columns[name]), *numbers, display.p_words(one.p_value)])
    rows = [[name, one.value, one.std_error, one.low, one.high, one.p_value] for name, one in found.items()]
    return display.table(
        "table",
        header,
        shown,
        "Do columns jump that the policy cannot have changed?",
        f"Each column is treated as the outcome is; {display.level_words(study.level)}s, p-values one by one.",
        reading="The policy came after these facts and cannot have changed them. A jump here would mean that people "
        "just above the cut-off differ from those just below it in more than the policy. "
        + readings.jumps([one.p_value for one in found.values()], ALARM),
        csv=display.csv_text(["column", "jump", "std_error", "low", "high", "p_value"], rows),
        csv_name="placebo-columns",
    )


def placebo_cutoffs(
    found: Mapping[float, Jump], answer: Jump, effects: Discontinuity, study: Study, outcome: Column, source: Source
) -> Block:
    """The jump of the outcome at cut-offs that no rule uses, beside the one at the real cut-off."""
    if not found:
        return display.prose("Neither side has rows enough for a made-up cut-off of its own.")
    unit, label = Unit(outcome.unit), source.columns[study.running].label
    every = sorted([*found.items(), (effects.cutoff, answer)])
    decimals = display.decimals_for(unit.shown(answer.high - answer.low) / 2)
    header = ["Cut-off", f"Jump ({unit.words})", "Low", "High"]
    shown = [
        [
            f"{display.significant(at, 3)}{' (the real one)' if at == effects.cutoff else ''}",
            *(display.fixed(unit.shown(x), decimals) for x in (one.value, one.low, one.high)),
        ]
        for at, one in every
    ]
    columns = ["cutoff", "jump", "low", "high"]
    drawing, axes = charts.canvas(3.6)
    charts.zero_line(axes)
    for place, (at, one) in enumerate(every):
        color = palette.ACCENT if at == effects.cutoff else palette.CONTROL
        value, low, high = (unit.shown(x) for x in (one.value, one.low, one.high))
        charts.intervals(axes, [place], [value], [low], [high], color)
    axes.set_xticks(range(len(every)), [row[0].replace(" (", "\n(") for row in shown])
    axes.set_xlabel(f"Cut-off ({display.lower_first(label)})")
    axes.set_title(f"Jump ({unit.words})", loc="left", fontsize=9.5, fontweight="normal")
    return Block(
        "figure",
        display.table_text(header, shown),
        png=charts.png(drawing),
        meta={
            "caption": f"Jump of the {display.lower_first(outcome.label)} at made-up cut-offs and at the real one.",
            "alt": f"Dot chart with interval bars at {len(every)} cut-offs in the order of the score. Vertical axis: "
            f"jump in {unit.words}. At the real cut-off it is {_real(shown)[1]}.",
            "source": f"Source: {source.origin}.",
            "reading": _elsewhere(list(found.values()), answer),
            "note": _beside(effects),
            "table_html": display.table_html(header, shown, "Jump by cut-off"),
            "csv": display.csv_text(columns, [[at, one.value, one.low, one.high] for at, one in every]),
            "csv_name": "placebo-cutoffs",
        },
    )


def _beside(effects: Discontinuity) -> str:
    """Why the jump at the real cut-off may not be the one behind the answer."""
    jump = "the outcome" + (", not divided by the jump in take-up" if effects.take_up is not None else "")
    how = "with a width of its own and without covariates" if effects.local else "without covariates"
    curved = "; the interval is corrected for curvature, the dot is not" if effects.local else ""
    return (
        f"Made-up cut-offs use rows of one side only; the jump is that of {jump}. At the real cut-off, "
        f"as at the others, it is fitted {how}{curved}. It may therefore differ from the jump behind the answer."
    )


def _elsewhere(found: Sequence[Jump], real: Jump) -> str:
    return readings.elsewhere([one.value for one in found], [(one.low, one.high) for one in found], real.value)


def _real(shown: list[list[str]]) -> list[str]:
    return next(row for row in shown if "real" in row[0])


def _named(column: Column) -> str:
    return f"{column.label} ({column.unit})" if column.unit else column.label


def _edges(scores: Array, effects: Discontinuity) -> Array:
    """Edges of bars that meet at the cut-off, over about three widths, each as many steps of the score wide."""
    reach = min(3 * max(effects.width), float(np.abs(scores - effects.cutoff).max()))
    values = np.unique(scores[np.abs(scores - effects.cutoff) <= reach])
    step = reach / BARS
    if len(values) > 1:
        least = float(np.min(np.diff(values)))
        step = least * max(1, math.ceil(step / least - 1e-9))
    below = max(1, math.floor(min(reach, effects.cutoff - float(scores.min())) / step + 1e-9))
    above = max(1, math.floor(min(reach, float(scores.max()) - effects.cutoff) / step + 1e-9))
    return np.asarray(effects.cutoff + step * np.arange(-below, above + 1))


def _below(edges: Array, effects: Discontinuity) -> int:
    """The place of the bar just below the cut-off."""
    return int(np.argmin(np.abs(edges - effects.cutoff))) - 1
