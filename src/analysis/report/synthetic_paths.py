"""The treated unit beside its synthetic counterpart: what happened, and what is expected without the policy."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.panel import NEVER, Array, Panel
from analysis.report import charts, display, palette
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.data.catalog import Column, Source
    from analysis.fits.synthetic_control import Synthetic
    from analysis.study import Study

EXPECTED = "Expected without the policy"
MANY = "Units the policy reached"
LIST = 6


@dataclass(frozen=True)
class Axis:
    """The horizontal axis of a path: its places, that of the first period under the policy, and its words."""

    places: Array
    start: float
    words: str

    @property
    def shown(self) -> list[str]:
        """The places as text."""
        return [f"{place:g}".replace("-", display.MINUS) for place in self.places]


def axis(effects: Synthetic, when: str) -> Axis:
    """Calendar periods (labelled `when`) where there is one date, else periods since adoption."""
    since = effects.table["event_time"].to_numpy()
    if len(effects.cohorts) > 1:
        return Axis(since.astype(float), -0.5, "Periods since adoption (0 = first period under the policy)")
    first = int(np.flatnonzero(effects.times == effects.cohorts[0])[0])
    places = np.asarray(effects.times[first + since], dtype=float)
    return Axis(places, (places[since == -1][0] + places[since == 0][0]) / 2, when)


def treated_name(panel: Panel) -> str:
    """The treated unit's name, or that of all of them."""
    names = panel.units[panel.adoption != NEVER]
    return (f"{names[0]:g}" if isinstance(names[0], float) else str(names[0])) if len(names) == 1 else MANY


def figure(effects: Synthetic, panel: Panel, study: Study, outcome: Column, source: Source) -> Block:
    """The observed path and the one expected without the policy, period by period, with the policy's start."""
    unit, name = Unit(outcome.unit), treated_name(panel)
    where = axis(effects, source.columns[panel.labels.time].label)
    lines = {name: _natural(effects.observed, unit), EXPECTED: _natural(effects.predicted, unit)}
    decimals = display.decimals_for(float(max(np.ptp(values) for values in lines.values())) / 2)
    header = [where.words, *lines]
    rows = [
        [place, *(display.fixed(float(values[k]), decimals) for values in lines.values())]
        for k, place in enumerate(where.shown)
    ]
    exact = zip(where.places.tolist(), effects.observed.tolist(), effects.predicted.tolist(), strict=True)
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(where, lines, outcome, unit, study),
        meta={
            "caption": f"{outcome.label}: {name} and what is expected there without {study.intervention}.",
            "alt": _alt(where, lines, outcome, decimals),
            "source": f"Source: {source.origin}. n = {panel.n:,} observations.",
            "note": _note(effects, where, unit),
            "table_html": display.table_html(header, rows, "Observed and expected path"),
            "csv": display.csv_text(["period", "observed", "expected"], list(exact)),
            "csv_name": "observed-and-expected",
        },
    )


def _natural(values: Array, unit: Unit) -> Array:
    """Levels as shown: shares in per cent, means of logs as geometric means."""
    if unit.name == "log":
        return np.exp(values)
    return 100.0 * values if unit.name == "share" else values


def _note(effects: Synthetic, where: Axis, unit: Unit) -> str:
    """How the expected path was made, and how well it follows before the policy."""
    share = display.percent(effects.pre_rmspe / effects.pre_scale) if effects.pre_scale > 0 else "not defined"
    level = ""
    if effects.time_weights is not None:
        level = " It may lie at another level than the donors do; the level is the mean difference before the policy"
        level += f"{_weighted(effects)}."
    miss = unit.amount(effects.pre_rmspe)
    return (
        f"The expected path is made of {len(effects.donors)} donors.{level} In the periods fitted it misses by {miss} "
        f"(root mean square), {share} of the spread of the observed path then."
    )


def _weighted(effects: Synthetic) -> str:
    """The periods before that count most in the level, where they count differently and there is one date."""
    assert effects.time_weights is not None
    if len(effects.cohorts) > 1:
        return ", periods weighted"
    weights = effects.time_weights[0]
    used = np.flatnonzero(weights > 0.005)
    before = int(np.count_nonzero(effects.times < effects.cohorts[0]))
    if len(used) >= min(before, LIST + 1):
        return ""
    named = [f"{effects.times[k]:g} {display.percent(float(weights[k]))}" for k in used]
    return f" in the periods most like those after ({', '.join(named)})"


def _draw(where: Axis, lines: dict[str, Array], outcome: Column, unit: Unit, study: Study) -> bytes:
    drawing, axes = charts.canvas(4.3)
    ends = _apart([float(values[-1]) for values in lines.values()], lines)
    styles: list[dict[str, Any]] = [
        {"color": palette.ACCENT, "marker": "o", "markersize": 4},
        {"color": palette.CONTROL, "linestyle": (0, (5, 2))},
    ]
    for (name, values), style, end in zip(lines.items(), styles, ends, strict=True):
        axes.plot(where.places, values, **style)
        charts.direct_label(axes, float(where.places[-1]), end, textwrap.fill(name, 16), style["color"])
    charts.start_line(axes, where.start, study.intervention)
    span = float(np.ptp(where.places))
    axes.set_xlim(where.places[0] - 0.02 * span, where.places[-1] + 0.26 * span)
    mark_periods(axes, where)
    words = {"share": "%", "log": "geometric mean"}.get(unit.name, unit.name)
    axes.set_title(
        f"{outcome.label} ({words})" if words else outcome.label, loc="left", fontsize=9.5, fontweight="normal"
    )
    return charts.png(drawing)


def mark_periods(axes: Axes, where: Axis) -> None:
    """Ticks at whole periods that were observed, and the name of the axis."""
    charts.whole_periods(axes)
    limits = axes.get_xlim()
    axes.set_xticks([tick for tick in axes.get_xticks() if where.places[0] <= tick <= where.places[-1]])
    axes.set_xlim(limits)
    axes.set_xlabel(where.words)


def _apart(ends: list[float], lines: dict[str, Array]) -> list[float]:
    """Where the two labels stand: at the ends of their lines, moved apart where they would overlap, above the axis."""
    drawn = np.concatenate(list(lines.values()))
    span = float(np.ptp(drawn))
    short = max(0.0, 0.16 * span - abs(ends[0] - ends[1]))
    sign = 1.0 if ends[0] >= ends[1] else -1.0
    places = [ends[0] + sign * short / 2, ends[1] - sign * short / 2]
    lift = max(0.0, float(drawn.min()) + 0.03 * span - min(places)) if short else 0.0
    return [place + lift for place in places]


def _alt(where: Axis, lines: dict[str, Array], outcome: Column, decimals: int) -> str:
    ends = [
        f"{name}: from {display.fixed(float(v[0]), decimals)} to {display.fixed(float(v[-1]), decimals)}"
        for name, v in lines.items()
    ]
    return (
        f"Line chart with two lines. Horizontal axis: {display.lower_first(where.words)}, {where.shown[0]} to "
        f"{where.shown[-1]}. Vertical axis: {display.lower_first(outcome.label)}. {'; '.join(ends)}."
    )
