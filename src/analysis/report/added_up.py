"""The effect of a policy on one series, added up from its start, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.estimate import t_interval
from analysis.fits.interrupted_time_series import Interrupted
from analysis.inference import periods
from analysis.panel import Array
from analysis.report import charts, display, interrupted, palette, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.study import Study

RATES = ("share", "percent", "per ")


def figure(pieces: Interrupted, study: Study, outcome: Column, source: Source) -> Block:
    """The effect added up from the start; a sentence for rates, which do not add up."""
    unit = Unit(outcome.unit)
    if unit.name.startswith(RATES):
        return display.prose("Rates and shares do not add up over periods: the average effect says it all.")
    value, error = _added_up(pieces, unit)
    bounds = np.array(
        [t_interval(float(v), float(e), pieces.df, study.level)[:2] for v, e in zip(value, error, strict=True)]
    )
    labels = [one for one, kept in zip(interrupted.words_of(pieces), pieces.counted, strict=True) if kept]
    words = "" if unit.name == "log" else unit.name.partition(" a ")[0]
    header = ["Up to", f"Added up{f' ({words})' if words else ''}", "Low", "High"]
    rows = [
        [label, *(display.significant(float(x), 3) for x in (v, *b))]
        for label, v, b in zip(labels, value, bounds, strict=True)
    ]
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw_sum(pieces, value, bounds, (outcome, words), study),
        meta={
            "caption": f"{outcome.label}: the effect of {study.intervention} added up from its start, with "
            f"{display.level_words(study.level)}s{_from_logs(unit)}.",
            "alt": f"Line chart with a band. Horizontal axis: {labels[0]} to {labels[-1]}. Vertical axis: effect added "
            f"up. It reaches {rows[-1][1]} in the last period ({rows[-1][2]} to {rows[-1][3]}).",
            "source": f"Source: {source.origin}. n = {pieces.n:,} periods, {len(rows)} of them under the policy.",
            "reading": readings.added_up(*rows[-1]),
            "note": "The interval widens because one error in the predicted path adds up in every period.",
            "table_html": display.table_html(header, rows, "Effect added up from the start"),
            "csv": display.csv_text(
                ["up_to", "total", "low", "high"],
                [
                    [label, float(v), float(b[0]), float(b[1])]
                    for label, v, b in zip(labels, value, bounds, strict=True)
                ],
            ),
            "csv_name": "cumulative-effect",
            "numbers": _numbers(pieces, study, outcome),
        },
    )


def _numbers(pieces: Interrupted, study: Study, outcome: Column) -> list[dict[str, Any]]:
    """The total for the published results; none for logs, whose total is in another unit."""
    if outcome.unit == "log":
        return []
    total = pieces.related["total"].average(study.level)
    return [display.number("total", "Effect added up over the periods under the policy", total, outcome.unit)]


def _added_up(pieces: Interrupted, unit: Unit) -> tuple[Array, Array]:
    """Effects added up, and errors; in levels for logs: observed less what it would have been, by the delta method."""
    if unit.name != "log":
        return pieces.cumulative()
    seen = np.exp(pieces.observed[pieces.counted])
    total = np.tril(np.ones((len(seen),) * 2))
    slope = total * (seen * np.exp(-pieces.estimate))
    errors = np.sqrt(np.clip(np.diag(slope @ pieces.covariance @ slope.T), 0, None))
    return total @ (seen * -np.expm1(-pieces.estimate)), errors


def _from_logs(unit: Unit) -> str:
    return ", from the model in logs" if unit.name == "log" else ""


def _draw_sum(pieces: Interrupted, value: Array, bounds: Array, words: tuple[Column, str], study: Study) -> bytes:
    places, labels = periods.places(pieces.time, "time")[pieces.counted], pieces.time[pieces.counted]
    drawing, axes = charts.canvas()
    charts.zero_line(axes)
    axes.fill_between(
        places, bounds[:, 0], bounds[:, 1], color=palette.ACCENT, alpha=palette.INTERVAL_ALPHA, linewidth=0
    )
    axes.plot(places, value, "-o", color=palette.ACCENT, markersize=3)
    step = max(1, round(len(labels) / 6))
    kind = periods.calendar(labels)
    axes.set_xticks(places[::step], [_short(float(x), kind) for x in labels[::step]])
    outcome, name = words
    axes.set_title(
        f"{outcome.label}, added up since the start{f' ({name})' if name else ''}",
        loc="left",
        fontsize=9.5,
        fontweight="normal",
    )
    axes.yaxis.set_major_formatter(lambda y, _: display.fixed(y, 0))
    return charts.png(drawing)


def _short(label: float, kind: periods.Calendar) -> str:
    words = periods.words(label, kind)
    return f"{words[:3]} {words[-4:]}" if kind == "months" else words
