"""Charts of a discontinuity: the outcome along the score, and take-up, with the cut-off and the treated side marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.report import charts, display, palette
from analysis.report.display import Block, Unit
from analysis.report.rounding import three

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.data.catalog import Column, Source
    from analysis.fits.regression_discontinuity import Discontinuity
    from analysis.inference.at_cutoff import Bin
    from analysis.studies.regression_discontinuity import Study

DECIMALS = 4  # of a score in a table, significant digits


def reach(effects: Discontinuity) -> float:
    """How far from the cut-off the pictures show rows: three widths of a local fit, the window of another."""
    return float(max(effects.width)) * (3.0 if effects.local else 1.0)


def figure(found: Sequence[Bin], effects: Discontinuity, study: Study, outcome: Column, source: Source) -> Block:
    """The lead chart: mean outcome in bins of the score on both sides of the cut-off, with the fitted lines."""
    unit, score = Unit(outcome.unit), source.columns[study.running]
    scale = 100.0 if unit.name == "share" else 1.0
    words = _axis(outcome, unit)
    drawing, axes = charts.canvas(4.3)
    _points(axes, found, effects, scale)
    if not effects.take_up or effects.local:
        _lines(axes, effects, scale)
    _finish(axes, effects, study, words, score.label)
    fitted = "The lines are the local fits" if effects.local else "The lines are fitted to the whole window"
    drawn = f" {fitted}; they end where rows no longer count." if not effects.take_up or effects.local else ""
    return _block(
        found,
        scale,
        (words, score.label, "Mean outcome by score", "outcome-by-score"),
        drawing=charts.png(drawing),
        caption=f"{outcome.label} by {display.lower_first(score.label)}; the treated side, "
        f"{effects.treated_word} the cut-off, in colour.",
        note=f"Each dot is the mean of neighbouring rows.{drawn}",
        source=f"Source: {source.origin}. n = {effects.n:,} observations.",
    )


def take_up(found: Sequence[Bin], effects: Discontinuity, study: Study, source: Source) -> Block:
    """Take-up in bins of the score; a sentence where the design is sharp."""
    if study.treatment is None:
        return display.prose(
            f"Everyone {effects.treated_word} the cut-off counts as treated and nobody else: no column of take-up is "
            "named in the parameter file."
        )
    score = source.columns[study.running]
    words = f"{source.columns[study.treatment].label} (%)"
    drawing, axes = charts.canvas(3.8)
    _points(axes, found, effects, 100.0)
    _finish(axes, effects, study, words, score.label)
    return _block(
        found,
        100.0,
        (words, score.label, "Take-up by score", "take-up-by-score"),
        drawing=charts.png(drawing),
        caption=f"{source.columns[study.treatment].label} by {display.lower_first(score.label)}.",
        reading=_jump(effects),
        note="Each dot is the mean of neighbouring rows. What the design needs is a step at the cut-off, not a slope.",
        source=f"Source: {source.origin}.",
    )


def _jump(effects: Discontinuity) -> str:
    """Take-up on both sides in words, where the design uses it."""
    if effects.take_up is None:
        return ""
    low, high = (f"{display.fixed(100 * level, 1)}{display.THIN}%" for level in effects.take_up.levels)
    return f"Followed to the cut-off, {low} take it up just below and {high} just above."


def rows(effects: Discontinuity, study: Study, outcome: Column, source: Source) -> Block:
    """How many rows stand behind the answer on each side, how far they reach, and the fitted outcome at the cut-off."""
    unit, sides = Unit(outcome.unit), []
    for place, word in enumerate(("below", "above")):
        level = unit.level(effects.levels[place])
        sides.append(
            [
                f"{word.capitalize()} the cut-off{' (treated side)' if word == effects.treated_word else ''}",
                f"{effects.rows[place]:,}",
                f"{effects.distinct[place]:,}",
                display.significant(effects.width[place], 3),
                level or "not shown",
            ]
        )
    header = ["Side", "Rows that count", "Distinct scores", "How far they reach", "Fitted outcome at the cut-off"]
    score = source.columns[study.running]
    in_unit = f", in {score.unit}" if score.unit else ""
    return display.table(
        "table",
        header,
        sides,
        "What stands behind the answer on each side",
        f"Distances are measured in the score ({display.lower_first(score.label)}){in_unit}; the cut-off is "
        f"{effects.cutoff:g}. {effects.method[:1].upper()}{effects.method[1:]}.",
        reading=_in_words(effects, unit),
        csv=display.csv_text(header, sides),
        csv_name="rows-behind-the-answer",
    )


def _in_words(effects: Discontinuity, unit: Unit) -> str:
    """The two sides in a sentence: who is compared, and with what fitted outcomes."""
    levels = [unit.level(level) for level in effects.levels]
    sharp = effects.take_up is None
    gap = f" ({levels[0]} below it, {levels[1]} above it)" if all(levels) and sharp else ""
    other = "" if sharp else " Covariates, if any, enter both; the levels in the table need not give exactly that."
    ratio = "" if sharp else ", divided by how much take-up jumps there"
    return (
        f"Only rows near the cut-off count: {effects.rows[0]:,} below and {effects.rows[1]:,} above. What is fitted "
        f"on either side is followed to the cut-off, and the answer is the gap between the two there{gap}{ratio}."
        f"{other}"
    )


def _axis(outcome: Column, unit: Unit) -> str:
    words = {"share": "%", "log": "log"}.get(unit.name, unit.name)
    return f"{outcome.label} ({words})" if words else outcome.label


def _points(axes: Axes, found: Sequence[Bin], effects: Discontinuity, scale: float) -> None:
    for above in (False, True):
        part = [one for one in found if (one.score >= effects.cutoff) == above]
        color = _color(effects, above)
        axes.plot([b.score for b in part], [scale * b.mean for b in part], "o", color=color, markersize=4.5, zorder=3)


def _lines(axes: Axes, effects: Discontinuity, scale: float) -> None:
    for above in (False, True):
        width, line = effects.width[int(above)], effects.lines[int(above)]
        distance = np.linspace(0.0, width if above else -width, 60)
        axes.plot(
            effects.cutoff + distance,
            scale * np.polynomial.polynomial.polyval(distance, line),
            color=_color(effects, above),
            linewidth=2,
            zorder=4,
        )


def _color(effects: Discontinuity, above: bool) -> str:
    return palette.ACCENT if above == (effects.side > 0) else palette.CONTROL


def _finish(axes: Axes, effects: Discontinuity, study: Study, words: str, score: str) -> None:
    charts.start_line(axes, effects.cutoff, "")
    low, high = axes.get_xlim()
    for above in (False, True):
        treated = above == (effects.side > 0)
        axes.annotate(
            _side(effects, study, treated=treated),
            (0.99 if above else 0.01, 1.0),
            xycoords="axes fraction",
            xytext=(0, -3),
            textcoords="offset points",
            ha="right" if above else "left",
            va="top",
            color=_color(effects, above),
            fontsize=9,
            fontweight="bold",
        )
    axes.set_xlim(low, high)
    axes.set_xlabel(score)
    axes.set_title(words, loc="left", fontsize=9.5, fontweight="normal")


def _side(effects: Discontinuity, study: Study, *, treated: bool) -> str:
    """What a side is called: where take-up is not complete, neither has the policy as a whole."""
    if effects.take_up is not None or study.treatment is not None:
        return "Treated side" if treated else "Other side"
    return f"{study.intervention[:1].upper()}{study.intervention[1:]}" if treated else "Without it"


def _block(
    found: Sequence[Bin], scale: float, words: tuple[str, str, str, str], *, drawing: bytes, **said: str
) -> Block:
    spread = float(np.ptp([scale * one.mean for one in found])) / 2
    decimals = display.decimals_for(spread)
    header = [words[1], words[0], "Rows"]
    shown = [
        [display.significant(one.score, DECIMALS), display.fixed(scale * one.mean, decimals), f"{one.rows:,}"]
        for one in found
    ]
    first, last = shown[0], shown[-1]
    return Block(
        "figure",
        display.table_text(header, shown),
        png=drawing,
        meta={
            **said,
            "alt": f"Dot chart of {len(found)} bins on two sides of a vertical line at the cut-off. Horizontal axis: "
            f"{words[1]}. Vertical axis: {words[0]}, from {first[1]} at the left end to {last[1]} at the right end.",
            "table_html": display.table_html(header, shown, words[2]),
            "csv": display.csv_text(
                ["score", "mean", "rows"], [[float(f"{b.score:.{DECIMALS}g}"), three(b.mean), b.rows] for b in found]
            ),
            "csv_name": words[3],
        },
    )
