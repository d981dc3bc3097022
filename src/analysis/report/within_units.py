"""The lead chart of panels with fixed effects: how the outcome moved where the treatment moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.report import charts, display, palette, panel_tables, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.inference.panel_movement import Bins
    from analysis.result import Estimate
    from analysis.study import Study

WHAT = {
    "within": "compared with what unit, period and covariates lead to expect",
    "differences": "change from the period before, beyond what covariates and period lead to expect",
    "quasi": "compared with what unit (in part), period and covariates lead to expect",
    "levels": "beyond what covariates and period lead to expect",
}


def figure(bins: Bins, estimate: Estimate, study: Study, outcome: Column, source: Source) -> Block:
    """Dots of many rows each: what is left of the treatment against what is left of the outcome, with the line whose
    slope is the answer and the fan of slopes that its interval holds."""
    unit, treatment = Unit(outcome.unit), source.columns[bins.label]
    scale = 100.0 if unit.name in ("share", "log") else 1.0
    x, y = bins.treatment, scale * bins.outcome
    measured = {"log": "%, approximately", "share": "percentage points"}.get(unit.name, unit.name)
    words = panel_tables.in_words(treatment)
    fan = [bins.slope * bound / estimate.value if estimate.value else 0.0 for bound in (estimate.low, estimate.high)]
    header = [f"{words}, left over", f"{outcome.label} ({measured}), left over", "Rows"]
    places = [display.decimals_for(float(np.ptp(values)) / 20) for values in (x, y)]
    rows = [
        [display.fixed(a, places[0]), display.fixed(b, places[1]), f"{n:,}"]
        for a, b, n in zip(x.tolist(), y.tolist(), bins.rows.tolist(), strict=True)
    ]
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(bins, fan, scale, words, f"{outcome.label} ({measured})"),
        meta={
            "caption": f"{outcome.label} where the {display.lower_first(treatment.label)} was higher or lower than "
            f"expected: "
            f"both {WHAT[bins.transform]}. The slope of the line is the answer, that of the shaded fan its "
            f"{display.level_words(estimate.level)}.",
            "alt": _alt(bins, rows, header),
            "source": f"Source: {source.origin}. n = {estimate.n:,} observations, {estimate.clusters:,} clusters.",
            "reading": readings.dots(x.tolist(), y.tolist(), bins.slope),
            "note": f"Each dot is the mean of {bins.rows.min():,} to {bins.rows.max():,} similar rows.",
            "table_html": display.table_html(header, rows, "What is left of treatment and outcome"),
            "csv": display.csv_text(
                ["treatment_left", "outcome_left", "rows"],
                list(zip(bins.treatment.tolist(), bins.outcome.tolist(), bins.rows.tolist(), strict=True)),
            ),
            "csv_name": "within-units",
        },
    )


def _draw(bins: Bins, fan: list[float], scale: float, across: str, up: str) -> bytes:
    drawing, axes = charts.canvas(4.3)
    x, y = bins.treatment, scale * bins.outcome
    margin = 0.06 * (float(np.ptp(x)) or 1.0)
    ends = np.array([x.min() - margin, x.max() + margin])
    charts.zero_line(axes)
    axes.axvline(0, color=palette.RULE, linewidth=0.9, zorder=0)
    if np.isfinite(fan).all():
        low, high = (scale * slope * ends for slope in fan)
        axes.fill_between(
            [ends[0], 0.0, ends[1]],
            [low[0], 0, low[1]],
            [high[0], 0, high[1]],
            color=palette.ACCENT,
            alpha=palette.INTERVAL_ALPHA,
            linewidth=0,
            zorder=1,
        )
    axes.plot(ends, scale * bins.slope * ends, "-", color=palette.ACCENT, linewidth=2, zorder=2)
    size = 18 + 90 * bins.rows / bins.rows.max()
    axes.scatter(x, y, s=size, color=palette.CONTROL, edgecolor="white", linewidth=0.8, zorder=3)
    axes.set_xlim(ends[0], ends[1] + 0.16 * float(np.ptp(ends)))
    charts.direct_label(axes, float(ends[1]), float(scale * bins.slope * ends[1]), "The answer", palette.ACCENT)
    axes.set_xlabel(f"{across}, compared with expectation")
    axes.set_title(f"{up}, compared with expectation", loc="left", fontsize=9.5, fontweight="normal")
    return charts.png(drawing)


def _alt(bins: Bins, rows: list[list[str]], header: list[str]) -> str:
    way = "falls" if bins.slope < 0 else "rises"
    return (
        f"Scatter chart of {len(rows)} dots with a line through them. Horizontal axis: {header[0]}, from "
        f"{rows[0][0]} to "
        f"{rows[-1][0]}. Vertical axis: {header[1]}. The line {way} from left to right."
    )
