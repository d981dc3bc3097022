"""Effects at false starts beside the answer, and what the errors of one period say about the next, as charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.fits.interrupted_time_series import Interrupted
from analysis.inference import periods
from analysis.inference.interruption import FalseStarts
from analysis.inference.time_series import autocorrelations
from analysis.panel import Array
from analysis.report import charts, display, interrupted, palette, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.result import Estimate
    from analysis.study import Study


def figure(
    found: FalseStarts | str, pieces: Interrupted, answer: Estimate, study: Study, outcome: Column, source: Source
) -> Block:
    """Each false start's estimate with its interval, and the answer at its date; a sentence where none was tried."""
    if isinstance(found, str):
        return display.prose(f"False starts cannot be tried with these data: {found}.")
    unit, kind = Unit(outcome.unit), periods.calendar(pieces.time)
    low, high = found.low, found.high
    labels = [periods.words(float(x), kind) for x in found.labels]
    entries = [*zip(labels, found.estimate, low, high, strict=True)]
    entries.append(
        (
            f"{periods.words(float(pieces.time[int(np.argmax(pieces.under))]), kind)} (the policy)",
            answer.value,
            answer.low,
            answer.high,
        )
    )
    header = ["First period", f"Effect ({unit.words})", "Low", "High"]
    decimals = display.decimals_for(abs(unit.shown(float(np.median(high - low)) / 2)))
    rows = [[name, *(display.fixed(unit.shown(float(x)), decimals) for x in numbers)] for name, *numbers in entries]
    hits = int((found.p_value <= 1 - study.level).sum())
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(found, pieces, answer, unit),
        meta={
            "caption": f"Estimated effect on the {display.lower_first(outcome.label)} at {len(labels)} false "
            f"starts before {study.intervention}, and at the true one, {interrupted.measured(unit)}, with "
            f"{display.level_words(study.level)}s.",
            "alt": f"Dot chart with interval bars. Horizontal axis: first period under the policy, {labels[0]} to "
            f"{rows[-1][0]}. Vertical axis: effect in {unit.words}. {hits} of {len(labels)} false starts exclude zero; "
            f"the answer is {rows[-1][1]}.",
            "source": f"Source: {source.origin}. Data from before the policy, except for the answer.",
            "reading": readings.false_starts(found.estimate.tolist(), hits, answer.value, study.level),
            "note": "Neighbouring dates share most of their data, so that a run of dots on one side is one finding.",
            "table_html": display.table_html(header, rows, "Effect at false starts and at the true one"),
            "csv": display.csv_text(["first_period", "estimate", "low", "high"], [list(one) for one in entries]),
            "csv_name": "false-starts",
        },
    )


def errors(pieces: Interrupted, study: Study, source: Source) -> Block:
    """Correlation of what is left with itself some periods before, and the bounds of chance."""
    lags = max(3, min(24, pieces.n // 4))
    raw, left = autocorrelations(pieces.residuals, lags), autocorrelations(pieces.innovations, lags)
    bound = 1.96 / float(np.sqrt(pieces.n))
    header = ["Periods before", "Residuals", "Left unexplained"]
    rows = [
        [str(k + 1), display.fixed(float(a), 2), display.fixed(float(b), 2)]
        for k, (a, b) in enumerate(zip(raw, left, strict=True))
    ]
    out = int((np.abs(left) > bound).sum())
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw_errors(raw, left, bound),
        meta={
            "caption": "How far a period's error resembles the error some periods before: residuals of the line (grey) "
            "and what the error model leaves (blue).",
            "alt": f"Bar chart. Horizontal axis: 1 to {lags} periods before. Vertical axis: correlation. The "
            f"residuals' first is {rows[0][1]}; {out} of {lags} bars of what is left lie outside the bounds of chance.",
            "source": f"Source: {source.origin}. n = {pieces.n:,} periods.",
            "reading": readings.errors(float(raw[0]), out, lags),
            "note": f"Dashed: where 95\u202f% of correlations lie if periods do not resemble each other "
            f"({display.fixed(bound, 2)}). {pieces.inference[:1].upper()}{pieces.inference[1:]}.",
            "table_html": display.table_html(header, rows, "Correlation of errors with earlier ones"),
            "csv": display.csv_text(
                ["lag", "residuals", "left"],
                [[k + 1, float(a), float(b)] for k, (a, b) in enumerate(zip(raw, left, strict=True))],
            ),
            "csv_name": "autocorrelation",
        },
    )


def _draw(found: FalseStarts, pieces: Interrupted, answer: Estimate, unit: Unit) -> bytes:
    drawing, axes = charts.canvas()
    charts.zero_line(axes)
    places = periods.places(pieces.time, "time")
    at = [periods.position(float(x), pieces.time, places) for x in found.labels]
    numbers = [[unit.shown(float(x)) for x in values] for values in (found.estimate, found.low, found.high)]
    charts.intervals(axes, at, numbers[0], numbers[1], numbers[2], palette.CONTROL)
    start = float(places[int(np.argmax(pieces.under))])
    own = [[unit.shown(x)] for x in (answer.value, answer.low, answer.high)]
    charts.intervals(axes, [start], own[0], own[1], own[2], palette.ACCENT)
    charts.direct_label(axes, start, own[0][0], "The answer", palette.ACCENT)
    inside = places <= start
    interrupted.period_axis(axes, pieces.time[inside], places[inside])
    axes.set_xlim(places[0], start + 0.22 * (start - places[0]))
    axes.set_ylabel(f"Effect ({unit.words})")
    return charts.png(drawing)


def _draw_errors(raw: Array, left: Array, bound: float) -> bytes:
    drawing, axes = charts.canvas(3.6)
    lags = np.arange(1, len(raw) + 1)
    axes.bar(lags - 0.2, raw, width=0.36, color=palette.CONTROL)
    axes.bar(lags + 0.2, left, width=0.36, color=palette.ACCENT)
    charts.zero_line(axes)
    for side in (-bound, bound):
        axes.axhline(side, color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xlim(0.3, len(raw) + 0.7)
    axes.set_xlabel("Periods before")
    axes.set_ylabel("Correlation")
    charts.whole_periods(axes)
    return charts.png(drawing)
