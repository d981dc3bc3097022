"""The data before any model: how the outcome moved in each group, and who is in the analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference.descriptives import group_means, group_rows
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.report import charts, display, outcome_axis, palette
from analysis.report.display import Block, Unit
from analysis.rows import Rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.data.catalog import Column, Source
    from analysis.result import AnyData, Data, Effects
    from analysis.study import Study


def figure(data: Data, study: Study, outcome: Column, source: Source) -> Block:
    """Mean outcome of the groups over time: units that adopt (all dates together) and units that never do."""
    unit = Unit(outcome.unit)
    lines = _lines(data)
    scale = 100.0 if unit.name == "share" else 1.0
    if unit.name == "log":
        lines = {name: np.exp(values) for name, values in lines.items()}
    words = outcome_axis.level(outcome)
    caption = f"Mean of the outcome in each group over time: {display.lower_first(outcome.label)}."
    when = source.columns[data.labels.time].label
    counts = dict(zip([f"Rows: {display.lower_first(name)}" for name in lines], _counts(data), strict=False))
    header = [when, *lines, *counts]
    decimals = display.decimals_for(float(max(np.ptp(scale * v) for v in lines.values())) / 2)
    rows = _shown(data, {name: scale * values for name, values in lines.items()}, counts, decimals)
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(data, lines, scale, (words, when), study),
        meta={
            "caption": caption,
            "alt": _alt(data, lines, scale, words, decimals),
            "source": f"Source: {source.origin}. n = {data.n:,} observations.",
            "note": f"{_means(data)}. They describe; the effect is estimated from changes within units or groups.",
            "table_html": display.table_html(header, rows, "Mean outcome by group and period"),
            "csv": display.csv_text(header, _raw(data, lines, counts)),
            "csv_name": "group-means",
        },
    )


def _shown(data: Data, lines: dict[str, Array], counts: dict[str, Array], decimals: int) -> list[list[str]]:
    return [
        [
            str(period),
            *(display.fixed(float(values[place]), decimals) for values in lines.values()),
            *(f"{int(number[place]):,}" for number in counts.values()),
        ]
        for place, period in enumerate(data.periods.tolist())
    ]


def _raw(data: Data, lines: dict[str, Array], counts: dict[str, Array]) -> list[list[float | int]]:
    return [
        [period, *(float(values[place]) for values in lines.values()), *(int(n[place]) for n in counts.values())]
        for place, period in enumerate(data.periods.tolist())
    ]


def _counts(data: Data) -> tuple[Array, ...]:
    """Rows behind each mean where the rows of every period are others; panels have the same units throughout."""
    return group_rows(data) if isinstance(data, Sample) else ()


def _means(data: Data) -> str:
    return f"Means weighted by {data.labels.word(data.labels.weight)}" if data.weighted else "Means"


def _lines(data: Data) -> dict[str, Array]:
    reached, others = group_means(data)
    names = (
        ("Group the policy reached", "Comparison group") if isinstance(data, Sample) else ("Adopters", "Not adopting")
    )
    return {names[0]: reached} if others is None else dict(zip(names, (reached, others), strict=True))


def flow(data: AnyData, source: Source, effects: Effects | None = None) -> Block:
    """Who is in: from the rows of the source to the rows analysed, with a reason for every one left out.

    With `effects`, also the rows that the answer makes no use of (other arms, strata that hold one arm only, scores far
    from a cut-off).
    """
    kept = data.n
    rows = [["Rows in the source", "", f"{kept + sum(step.rows for step in data.dropped):,}"]]
    for step in data.dropped:
        rows.append([f"Left out: {step.reason}", f"{step.units:,}", f"{display.MINUS}{step.rows:,}"])
    rows.append(["Analysed", f"{_counted(data):,}", f"{kept:,}"])
    used = _used(effects, kept)
    if effects is not None and used < kept:
        rows.append([f"Not used by the answer: {_unused(effects)}", "", f"{display.MINUS}{kept - used:,}"])
        rows.append(["In the answer", "", f"{used:,}"])
    return display.table(
        "table",
        ["Step", "Units", "Rows"],
        rows,
        f"Who is in the analysis: {source.title}",
        "; ".join(data.notes),
        csv=display.csv_text(["step", "units", "rows"], rows),
        csv_name="who-is-in",
    )


def _used(effects: Effects | None, kept: int) -> int:
    """Rows that the answer rests on, of those analysed."""
    if isinstance(effects, Discontinuity):
        return sum(effects.rows)
    return kept if effects is None else effects.n


def _unused(effects: Effects) -> str:
    if isinstance(effects, Discontinuity):
        return "further from the cut-off than the answer looks"
    return "other arms, and strata with one arm only"


def _counted(data: AnyData) -> int:
    """Units where the data know them, else rows."""
    if isinstance(data, Panel):
        return len(data.units)
    return len(np.unique(data.unit)) if isinstance(data, Rows) and data.unit is not None else data.n


def timing(data: Data, source: Source) -> Block:
    """When the policy came to whom: units, clusters and first period of each cohort."""
    when = source.columns[data.labels.time].label
    if isinstance(data, Sample):
        rows = [
            ["Group the policy reached", str(date), f"{int((data.adoption == place).sum()):,}"]
            for place, date in zip(data.cohorts[data.cohorts != NEVER], data.dates, strict=True)
        ]
        rows.append(["Comparison group", "never", f"{int((data.adoption == NEVER).sum()):,}"])
        header = ["Group", f"First period under the policy ({when})", "Rows"]
    else:
        header = [
            when,
            f"Units ({source.columns[data.labels.unit].label})",
            "Clusters",
            "Periods before",
            "Periods under the policy",
        ]
        rows = [_cohort(data, int(c)) for c in sorted(data.cohorts.tolist(), key=lambda c: (c == NEVER, c))]
    return display.table(
        "table", header, rows, "When the policy came to whom", csv=display.csv_text(header, rows), csv_name="timing"
    )


def _cohort(panel: Panel, cohort: int) -> list[str]:
    member = panel.adoption == cohort
    clusters = len(np.unique(panel.cluster[member]))
    label = "Not under the policy in these periods" if cohort == NEVER else str(panel.periods[cohort])
    before, after = (len(panel.periods), 0) if cohort == NEVER else (cohort, len(panel.periods) - cohort)
    return [label, f"{int(member.sum()):,}", f"{clusters:,}", str(before), str(after)]


def _draw(data: Data, lines: dict[str, Array], scale: float, words: tuple[str, str], study: Study) -> bytes:
    drawing, axes = charts.canvas(4.3)
    colors = (palette.ACCENT, palette.CONTROL)
    periods = data.periods.astype(float)
    for (name, values), color in zip(lines.items(), colors, strict=False):
        axes.plot(periods, scale * values, "-o", color=color, markersize=4)
        charts.direct_label(axes, float(periods[-1]), float(scale * values[-1]), name, color)
    _mark_dates(axes, data, study)
    axes.set_xlim(periods[0] - 0.02 * np.ptp(periods), periods[-1] + 0.32 * np.ptp(periods))
    axes.set_xticks(_ticks(periods))
    axes.set_xlabel(words[1])
    axes.set_title(words[0], loc="left", fontsize=9.5, fontweight="normal")
    return charts.png(drawing)


def _mark_dates(axes: Axes, data: Data, study: Study) -> None:
    dates = data.dates.tolist()
    first = float(dates[0]) - 0.5
    many = f"{study.intervention}: first of {len(dates)} dates" if len(dates) > 1 else study.intervention
    charts.start_line(axes, first, many)


def _ticks(periods: Array) -> list[float]:
    step = max(1, round(len(periods) / 8))
    return [float(p) for p in periods[::step]]


def _alt(data: Data, lines: dict[str, Array], scale: float, words: str, decimals: int) -> str:
    ends: list[str] = [
        f"{name}: from {display.fixed(float(v[0]), decimals)} to {display.fixed(float(v[-1]), decimals)}"
        for name, v in ((name, scale * v) for name, v in lines.items())
    ]
    return (
        f"Line chart. Horizontal axis: {data.labels.word(data.labels.time)}, {data.periods[0]} to {data.periods[-1]}. "
        f"Vertical axis: {words}. {'; '.join(ends)}."
    )
