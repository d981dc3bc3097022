"""The effect period by period, and the same picture for every donor that the policy did not reach."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.report import charts, display, palette, readings
from analysis.report.display import Block, Unit
from analysis.report.synthetic_paths import MANY, Axis, axis, mark_periods, treated_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.data.catalog import Column, Source
    from analysis.fits.synthetic_control import Placebos, Synthetic
    from analysis.panel import Array, Panel
    from analysis.study import Study

WORSE = 2.0  # a placebo that misses by more than this multiple before the policy is not drawn (this project's choice)


def figure(effects: Synthetic, panel: Panel, study: Study, outcome: Column, source: Source) -> Block:
    """Observed less expected by period, before a background of the donors' own gaps where these were computed."""
    unit, where = Unit(outcome.unit), axis(effects, source.columns[panel.labels.time].label)
    bounds = _bounds(effects, study.level)
    donors = effects.placebos if effects.battery is not None else None
    header = [where.words, f"Effect ({unit.words})", "Low", "High"]
    header = header if np.isfinite(bounds[:, 0]).any() else header[:2]
    rows = _rows(effects, where, bounds, unit, len(header))
    drawn = np.empty((0, len(where.places))) if donors is None else donors.gaps[_close(donors, effects)]
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(effects, where, bounds, drawn, unit, study, treated_name(panel)),
        meta={
            "caption": _caption(study, outcome, unit, panel, len(drawn) > 0, len(header) > 2),
            "alt": _alt(effects, where, rows, unit, len(drawn)),
            "source": f"Source: {source.origin}. n = {panel.n:,} observations.",
            "reading": _in_words(effects, drawn, unit),
            "note": _note(effects, donors, len(drawn)),
            "table_html": display.table_html(header, rows, "Effect by period"),
            "csv": display.csv_text(*_csv(effects, where, bounds, donors)),
            "csv_name": "effect-by-period",
            "numbers": [_number(k, effects, where, bounds, study, outcome) for k in range(len(where.places))],
        },
    )


def _bounds(effects: Synthetic, level: float) -> Array:
    """(K, 3) low, high and p-value by row; NaN where there are none."""
    if effects.limits is not None:
        return effects.limits(level)
    shown = effects.intervals(level, 1)
    return np.asarray(shown[["low", "high", "p_value"]].to_numpy(dtype=float))


def _close(donors: Placebos, effects: Synthetic) -> Array:
    """(J,) placebos whose own comparison follows before the policy about as well as the treated unit's."""
    close = donors.pre_rmspe <= WORSE * effects.pre_rmspe
    return close if close.any() else np.ones(len(close), dtype=bool)


def _rows(effects: Synthetic, where: Axis, bounds: Array, unit: Unit, columns: int) -> list[list[str]]:
    shown = [unit.shown(float(gap)) for gap in effects.gaps]
    decimals = display.decimals_for(max(abs(value) for value in shown) / 2)
    cells = [
        [display.fixed(unit.shown(float(x)), decimals) if np.isfinite(x) else "" for x in pair]
        for pair in bounds[:, :2]
    ]
    return [
        [place, display.fixed(value, decimals), *pair][:columns]
        for place, value, pair in zip(where.shown, shown, cells, strict=True)
    ]


def _caption(study: Study, outcome: Column, unit: Unit, panel: Panel, placebos: bool, intervals: bool) -> str:
    who, label = treated_name(panel), display.lower_first(outcome.label)
    gap = (
        f"the {label} in {who} and what is expected there"
        if who != MANY
        else f"the observed {label} and the expected one"
    )
    with_bars = f", with {display.level_words(study.level)}s" if intervals and not placebos else ""
    each = "single donors" if who == MANY else "donors"
    grey = f"; grey, the same for {each} that the policy did not reach" if placebos else ""
    return f"Gap between {gap} without {study.intervention}, in {unit.words}{with_bars}{grey}."


def _in_words(effects: Synthetic, drawn: Array, unit: Unit) -> str:
    """The average gap under the policy beside those of the donors drawn; nothing where none are."""
    under = (effects.table["event_time"] >= 0).to_numpy()
    if not len(drawn) or not under.any():
        return ""
    return readings.donors(float(effects.gaps[under].mean()), [float(gap[under].mean()) for gap in drawn], unit)


def _note(effects: Synthetic, donors: Placebos | None, drawn: int) -> str:
    said = f"{effects.inference[:1].upper()}{effects.inference[1:]}."
    if donors is None:
        return said
    left = len(donors.donors) - drawn
    kept = (
        f" Not drawn: {left} donors whose own comparison misses before the policy by more than {WORSE:g} times as much."
    )
    return f"{said} {drawn} of {len(donors.donors)} donors are drawn.{kept if left else ''}"


def _csv(effects: Synthetic, where: Axis, bounds: Array, donors: Placebos | None) -> tuple[list[str], list[list[Any]]]:
    """Effect and bounds by period, then a column of gaps for each donor."""
    header = ["period", "effect", "low", "high"]
    columns = [where.places, effects.gaps, bounds[:, 0], bounds[:, 1]]
    if donors is not None:
        header += [f"placebo: {donor}" for donor in donors.donors]
        columns += list(donors.gaps)
    return header, np.column_stack(columns).tolist()


def _number(k: int, effects: Synthetic, where: Axis, bounds: Array, study: Study, outcome: Column) -> dict[str, Any]:
    since, row = int(effects.table["event_time"].iloc[k]), bounds[k]
    found = bool(np.isfinite(row[0]))
    low, high, p_value = ((display.bounded(float(x)) if found else None) for x in row)
    return {
        "id": f"event_time_{since:+d}",
        "label": f"Effect in {where.shown[k]}",
        "estimate": float(effects.gaps[k]),
        "std_error": None,
        "low": low,
        "high": high,
        "level": study.level,
        "p_value": p_value,
        "n": effects.n,
        "clusters": effects.clusters,
        "treated_clusters": effects.treated_clusters,
        "unit": outcome.unit,
        "method": effects.method,
        "inference": effects.inference,
        "estimand": "gap between the observed and the expected outcome in one period",
    }


def _draw(effects: Synthetic, where: Axis, bounds: Array, drawn: Array, unit: Unit, study: Study, name: str) -> bytes:
    drawing, axes = charts.canvas()
    charts.zero_line(axes)
    for gap in drawn:
        axes.plot(where.places, _shown(gap, unit), color=palette.CONTROL, linewidth=0.8, alpha=0.55, zorder=2)
    own = _shown(effects.gaps, unit)
    axes.plot(where.places, own, "-o", color=palette.ACCENT, markersize=4, zorder=4)
    held = np.isfinite(bounds[:, 0]) & np.isfinite(bounds[:, 1])
    if held.any() and not len(drawn):
        low, high = (_shown(bounds[held, side], unit).tolist() for side in (0, 1))
        charts.intervals(axes, where.places[held].tolist(), own[held].tolist(), low, high, palette.ACCENT)
    _name_lines(axes, where, own, drawn, unit, name)
    charts.start_line(axes, where.start, study.intervention)
    mark_periods(axes, where)
    axes.set_ylabel(f"Effect ({unit.words})")
    return charts.png(drawing)


def _shown(values: Array, unit: Unit) -> Array:
    return np.array([unit.shown(float(x)) for x in values])


def _name_lines(axes: Axes, where: Axis, own: Array, drawn: Array, unit: Unit, name: str) -> None:
    """The names of the lines at their ends: the grey ones at the end that lies farthest from the treated unit's."""
    span = float(np.ptp(where.places))
    axes.set_xlim(where.places[0] - 0.02 * span, where.places[-1] + (0.2 if len(drawn) else 0.03) * span)
    if len(drawn):
        charts.direct_label(
            axes,
            float(where.places[-1]),
            float(own[-1]),
            textwrap.fill("Treated, mean" if name == MANY else name, 13),
            palette.ACCENT,
        )
        ends = np.array([unit.shown(float(gap[-1])) for gap in drawn])
        far = float(ends[np.argmax(np.abs(ends - own[-1]))])
        charts.direct_label(axes, float(where.places[-1]), far, "Donors", palette.MUTED)


def _alt(effects: Synthetic, where: Axis, rows: list[list[str]], unit: Unit, drawn: int) -> str:
    first = int((effects.table["event_time"] < 0).sum())
    grey = f" behind it {drawn} grey lines of donors;" if drawn else ""
    return (
        f"Line chart of the effect by period;{grey} horizontal axis: {display.lower_first(where.words)}, "
        f"{where.shown[0]} to {where.shown[-1]}; vertical axis: effect in {unit.words}. The effect is {rows[first][1]} "
        f"in the first period under the policy and {rows[-1][1]} in the last."
    )
