"""The arms of a trial: their mean outcomes as a picture, and who is in them as a table."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from analysis.report import charts, display, palette, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.fits.randomised_trial import Arm, Trial
    from analysis.inference.trial_missing import Missing
    from analysis.study import Study

CLOSE = 1e-6


def figure(effects: Trial, study: Study, outcome: Column, source: Source) -> Block:
    """Mean outcome of every arm with its interval, the two arms of the headline first."""
    unit = Unit(outcome.unit)
    scale = 100.0 if unit.name == "share" else 1.0
    words = "%" if unit.name == "share" else unit.name
    bounds = [arm.interval(study.level) for arm in effects.arms]
    spread = max((high - low) / 2 for low, high in bounds if math.isfinite(high - low))
    decimals = display.decimals_for(scale * spread)
    rows = [
        [arm.name, *(display.fixed(scale * x, decimals) for x in (arm.mean, low, high)), f"{arm.n:,}"]
        for arm, (low, high) in zip(effects.arms, bounds, strict=True)
    ]
    header = ["Arm", f"Mean ({words})" if words else "Mean", "Low", "High", "Rows"]
    others = " Hollow dots: arms that the answer does not compare." if len(effects.arms) > 2 else ""
    gap = effects.arms[1].mean - effects.arms[0].mean
    if abs(gap - float(effects.estimate[0])) > CLOSE * max(abs(gap), abs(float(effects.estimate[0]))):
        others += " The answer compares within strata or adjusts, and need not equal the difference of these means."
    label = f"{outcome.label} ({words})" if words else outcome.label
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(effects.arms, [(scale * low, scale * high) for low, high in bounds], scale, rows, label),
        meta={
            "caption": f"{outcome.label} in each arm, mean with {display.level_words(study.level)}.",
            "alt": _alt(rows, label),
            "source": f"Source: {source.origin}. n = {sum(arm.n for arm in effects.arms):,} observations.",
            "note": "Arms as assigned, each interval on its own. Whether arms differ is read from the effect, not "
            f"from whether bars overlap.{others}",
            "table_html": display.table_html(header, rows, "Mean outcome by arm"),
            "csv": display.csv_text(
                ["arm", "mean", "std_error", "low", "high", "rows"],
                [
                    [arm.name, arm.mean, arm.std_error, low, high, arm.n]
                    for arm, (low, high) in zip(effects.arms, bounds, strict=True)
                ],
            ),
            "csv_name": "arms",
        },
    )


def _draw(
    arms: tuple[Arm, ...], bounds: list[tuple[float, float]], scale: float, rows: list[list[str]], label: str
) -> bytes:
    drawing, axes = charts.canvas(1.3 + 0.6 * len(arms))
    colors = [palette.CONTROL, palette.ACCENT, *[palette.RULE] * (len(arms) - 2)]
    for place, (arm, (low, high), color) in enumerate(zip(arms, bounds, colors, strict=True)):
        mean, ink = scale * arm.mean, palette.MUTED if color == palette.RULE else color
        if math.isfinite(high - low):
            axes.errorbar([mean], [place], xerr=[[mean - low], [high - mean]], fmt="none", ecolor=ink, capsize=3)
        axes.plot(
            [mean], [place], "o", color=ink, markersize=8, markerfacecolor=ink if place < 2 else "white", zorder=3
        )
        axes.annotate(
            rows[place][1],
            (mean, place),
            xytext=(0, 10),
            textcoords="offset points",
            ha="center",
            fontsize=9.5,
            color=ink,
            fontweight="bold",
        )
    axes.set_yticks(range(len(arms)), [f"{textwrap.fill(arm.name, 24)}\nn = {arm.n:,}" for arm in arms])
    axes.set_ylim(len(arms) - 0.5, -0.7)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(label)
    return charts.png(drawing)


def _alt(rows: list[list[str]], label: str) -> str:
    means = "; ".join(f"{row[0]}: {row[1]} ({row[2]} to {row[3]})" for row in rows)
    return f"Dot chart with one row for each of {len(rows)} arms and interval bars. Horizontal axis: {label}. {means}."


def table(found: Missing, effects: Trial, level: float, outcome: Column) -> Block:
    """Assigned and seen by arm, with the bounds on the effect where outcomes are missing."""
    unit = Unit(outcome.unit)
    rows = [
        [name, f"{assigned:,}", f"{seen:,}", f"{100 * share:.1f}"]
        for name, assigned, seen, share in zip(found.names, found.assigned, found.seen, found.shares, strict=True)
    ]
    header = ["Arm", "Assigned", "With an outcome", "Missing (%)"]
    return display.table(
        "table",
        header,
        rows,
        "Who was assigned, and whose outcome was seen",
        _bounds(found, effects, level, unit),
        reading=_moved(found, effects, unit),
        csv=display.csv_text(header, rows),
        csv_name="assigned-and-seen",
    )


def _moved(found: Missing, effects: Trial, unit: Unit) -> str:
    """How far missing outcomes alone could move the effect; nothing where none is missing."""
    bounds = found.bounds
    if bounds is None or not effects.assigned:
        return ""
    decimals = display.decimals_for(unit.shown(bounds.upper - bounds.lower) / 2)
    low, high = (display.fixed(unit.shown(x), decimals) for x in (bounds.lower, bounds.upper))
    return readings.missing(low, high, unit, holds_zero=bounds.low <= 0 <= bounds.high)


def _bounds(found: Missing, effects: Trial, level: float, unit: Unit) -> str:
    if found.bounds is None:
        return "No outcome is missing in the two arms compared, so that bounds are not needed."
    if not effects.assigned:
        return "Bounds speak to the effect of being assigned, not to that of taking part."
    bounds = found.bounds
    decimals = min(
        display.decimals_for(unit.shown(bounds.high - bounds.low) / 2) + 1,
        display.decimals_for(unit.shown(bounds.upper - bounds.lower) / 2),
    )
    low, high, outer, upper = (
        display.fixed(unit.shown(x), decimals) for x in (bounds.lower, bounds.upper, bounds.low, bounds.high)
    )
    return (
        "If being assigned moved response one way only, the effect on those who would be seen in either arm lies "
        f"between {low} and {high} {unit.words} ({display.level_words(level)} {outer} to {upper}; "
        f"{100 * bounds.trimmed:.1f}{display.THIN}% trimmed; Lee 2009)."
    )
