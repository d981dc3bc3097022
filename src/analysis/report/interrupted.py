"""An interrupted series as charts: observed beside predicted, and the gap between them by period."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.fits.interrupted_time_series import Interrupted
from analysis.inference import periods
from analysis.panel import Array
from analysis.report import charts, display, palette, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from analysis.data.catalog import Column, Source
    from analysis.study import Study


def figure(pieces: Interrupted, study: Study, outcome: Column, source: Source) -> Block:
    """Observed values, what the regression fits, and what it predicts without the policy from the start on."""
    unit = Unit(outcome.unit)
    observed, fitted, without = (levels(values, unit) for values in _series(pieces))
    named = {"Observed": observed, "With the policy": fitted, "Without the policy": without}
    header = [source.columns[time_of(source)].label, *named]
    decimals = display.decimals_for(float(np.ptp(observed)) / 40)
    rows = [
        [period, *(display.fixed(float(v[k]), decimals) for v in named.values())]
        for k, period in enumerate(words_of(pieces))
    ]
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw_levels(pieces, (observed, fitted, without), axis(outcome), study),
        meta={
            "caption": f"Observed {display.lower_first(outcome.label)}, and what the regression predicts with and "
            f"without {study.intervention}, by period.",
            "alt": _alt_levels(pieces, (observed, fitted, without), outcome, decimals),
            "source": f"Source: {source.origin}. n = {pieces.n:,} periods.",
            "note": f"{pieces.method[:1].upper()}{pieces.method[1:]}. {_model_words(pieces)}",
            "table_html": display.table_html(header, rows, "Observed and predicted, by period"),
            "csv": display.csv_text(
                header, [[r[0], *map(float, v)] for r, *v in zip(rows, *named.values(), strict=True)]
            ),
            "csv_name": "observed-and-predicted",
        },
    )


def gaps(pieces: Interrupted, study: Study, outcome: Column, source: Source) -> Block:
    """Observed less predicted without the policy, with the modelled effect and its interval from the start on."""
    unit = Unit(outcome.unit)
    apart = np.array([unit.shown(float(x)) for x in pieces.observed - pieces.counterfactual])
    table = pieces.intervals(study.level, 0)
    effect, low, high = (table[name].map(unit.shown).to_numpy(dtype=float) for name in ("estimate", "low", "high"))
    header = ["Period", f"Gap ({unit.words})", f"Effect ({unit.words})", "Low", "High"]
    places = np.flatnonzero(pieces.counted)
    decimals = display.decimals_for(float(np.max(high - low)) / 4)
    labels = words_of(pieces)
    rows = [
        [labels[k], *(display.fixed(float(x), decimals) for x in (apart[k], effect[j], low[j], high[j]))]
        for j, k in enumerate(places)
    ]
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw_gaps(pieces, apart, (effect, low, high), unit, study),
        meta={
            "caption": f"{outcome.label}: observed less predicted without {study.intervention}, by period, "
            f"{measured(unit)}, with the effect and its {display.level_words(study.level)}.",
            "alt": f"Dot chart. Horizontal axis: {labels[0]} to {labels[-1]}. Vertical axis: observed less predicted, "
            f"in {unit.words}. The modelled effect is {rows[0][2]} in the first period that counts and "
            f"{rows[-1][2]} in the last.",
            "source": f"Source: {source.origin}. n = {pieces.n:,} periods.",
            "reading": readings.side(
                [float(x) for x in apart[pieces.counted]], float(pieces.average(study.level).value)
            ),
            "note": f"Grey dots, without the policy, are what the regression leaves unexplained. Band: "
            f"{pieces.inference}; for each period on its own.",
            "table_html": display.table_html(header, rows, "Gap and effect by period under the policy"),
            "csv": display.csv_text(
                ["period", "gap", "effect", "low", "high"],
                [
                    [labels[k], float(apart[k]), float(effect[j]), float(low[j]), float(high[j])]
                    for j, k in enumerate(places)
                ],
            ),
            "csv_name": "gap-by-period",
            "numbers": _numbers(pieces, study, outcome),
        },
    )


def levels(values: Array, unit: Unit) -> Array:
    """Values as a reader knows them: logs as levels, shares in per cent."""
    return np.asarray(np.exp(values) if unit.name == "log" else 100 * values if unit.name == "share" else values)


def measured(unit: Unit) -> str:
    """The unit after a comma: "in %", or "per 100 accidents" as it stands."""
    return unit.words if unit.words.startswith("per ") else f"in {unit.words}"


def axis(outcome: Column) -> str:
    """The outcome as the title of an axis."""
    words = {"share": "%", "log": ""}.get(outcome.unit, outcome.unit)
    return f"{outcome.label} ({words})" if words else outcome.label


def time_of(source: Source) -> str:
    """The column of periods."""
    return next(name for name, column in source.columns.items() if column.role == "time")


def period_axis(axes: Axes, labels: Array, places: Array) -> None:
    """Ticks at years for months and quarters, at round numbers otherwise."""
    kind = periods.calendar(labels)
    if kind == "numbers":
        step = max(1, round(len(labels) / 8))
        axes.set_xticks(places[::step], [f"{x:g}" for x in labels[::step]])
        return
    cycle = periods.CYCLE[kind]
    first = places % cycle == 0
    every = max(1, round(first.sum() / 9))
    years = (labels // (100 if kind == "months" else 10)).astype(int)
    axes.set_xticks(places[first][::every], [str(y) for y in years[first][::every]])


def _series(pieces: Interrupted) -> tuple[Array, Array, Array]:
    return pieces.observed, pieces.fitted, pieces.counterfactual


def words_of(pieces: Interrupted) -> list[str]:
    """The periods as people name them."""
    kind = periods.calendar(pieces.time)
    return [periods.words(float(label), kind) for label in pieces.time]


def _places(pieces: Interrupted) -> Array:
    return periods.places(pieces.time, "time")


def _model_words(pieces: Interrupted) -> str:
    return f"{pieces.before} periods before the start and {pieces.after} under the policy."


def _numbers(pieces: Interrupted, study: Study, outcome: Column) -> list[dict[str, object]]:
    """The effect in the first and the last period that count, for the published results."""
    table = pieces.intervals(study.level, 0)
    found = []
    for name, label, k in (("first_period", "first", 0), ("last_period", "last", len(table) - 1)):
        row = table.iloc[k]
        found.append(
            {
                "id": name,
                "label": f"Effect in the {label} period that counts",
                "estimate": float(row["estimate"]),
                "std_error": float(row["std_error"]),
                "low": float(row["low"]),
                "high": float(row["high"]),
                "level": study.level,
                "p_value": float(row["p_value"]),
                "n": pieces.n,
                "clusters": pieces.clusters,
                "treated_clusters": pieces.treated_clusters,
                "unit": outcome.unit,
                "method": pieces.method,
                "inference": pieces.inference,
                "estimand": f"effect in the {label} period that counts",
            }
        )
    return found


def _draw_levels(pieces: Interrupted, named: Sequence[Array], words: str, study: Study) -> bytes:
    observed, fitted, without = named
    places, first = _places(pieces), int(np.argmax(pieces.under))
    drawing, axes = charts.canvas(4.4)
    axes.plot(places, observed, "o", color=palette.CONTROL, markersize=3.2, zorder=2)
    axes.plot(places, fitted, color=palette.ACCENT, linewidth=1.6, zorder=3)
    last = int(np.flatnonzero(pieces.under)[-1])
    stretch = slice(first, last + 1)
    axes.plot(places[stretch], without[stretch], color=palette.SECOND, linewidth=1.6, linestyle=(0, (4, 2)), zorder=3)
    span = float(np.ptp(places))
    ends = _apart([float(fitted[-1]), float(without[-1])], float(np.ptp(observed)))
    charts.direct_label(axes, float(places[-1]), ends[0], "Fitted, with\nthe policy", palette.ACCENT)
    charts.direct_label(axes, float(places[-1]), ends[1], "Predicted\nwithout it", palette.SECOND)
    axes.set_xlim(places[0] - 0.02 * span, places[-1] + 0.2 * span)
    charts.start_line(axes, float(places[first]) - 0.5, study.intervention)
    if last < pieces.n - 1:
        charts.start_line(axes, float(places[last]) + 0.5, "its end")
    period_axis(axes, pieces.time, places)
    axes.yaxis.set_major_formatter(lambda y, _: f"{y:,.10g}".replace("-", display.MINUS))
    axes.set_title(f"{words}: dots are observed", loc="left", fontsize=9.5, fontweight="normal")
    return charts.png(drawing)


def _apart(ends: list[float], spread: float) -> list[float]:
    """Two label heights at least a tenth of the chart apart."""
    gap, least = ends[0] - ends[1], 0.14 * spread
    if abs(gap) >= least:
        return ends
    push = (least - abs(gap)) / 2 * (1 if gap >= 0 else -1)
    return [ends[0] + push, ends[1] - push]


def _draw_gaps(
    pieces: Interrupted, apart: Array, effect: tuple[Array, Array, Array], unit: Unit, study: Study
) -> bytes:
    places, first = _places(pieces), int(np.argmax(pieces.under))
    drawing, axes = charts.canvas()
    charts.zero_line(axes)
    for inside, color in ((~pieces.under, palette.CONTROL), (pieces.under, palette.ACCENT)):
        axes.plot(places[inside], apart[inside], "o", color=color, markersize=3.5)
    inside = places[pieces.counted]
    value, low, high = effect
    axes.fill_between(inside, low, high, color=palette.ACCENT, alpha=palette.INTERVAL_ALPHA, linewidth=0)
    axes.plot(inside, value, color=palette.ACCENT, linewidth=2)
    charts.start_line(axes, float(places[first]) - 0.5, study.intervention)
    period_axis(axes, pieces.time, places)
    axes.set_xlim(places[0] - 0.02 * float(np.ptp(places)), places[-1] + 0.1 * float(np.ptp(places)))
    axes.set_ylabel(f"Observed less predicted\n({unit.words})")
    return charts.png(drawing)


def _alt_levels(pieces: Interrupted, named: Sequence[Array], outcome: Column, decimals: int) -> str:
    observed, fitted, without = (values[pieces.counted].mean() for values in named)
    labels = words_of(pieces)
    return (
        f"Dots and two lines. Horizontal axis: {labels[0]} to {labels[-1]}. Vertical axis: {axis(outcome)}. Under the "
        f"policy the observed mean is {display.fixed(float(observed), decimals)}, the fitted line averages "
        f"{display.fixed(float(fitted), decimals)} and the line predicted without it "
        f"{display.fixed(float(without), decimals)}."
    )
