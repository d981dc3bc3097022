"""Effects over time as a chart: one dot a period since adoption, with the numbers underneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.inference.few_clusters import ENOUGH
from analysis.report import charts, display, palette
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    import pandas as pd

    from analysis.data.catalog import Column, Source
    from analysis.result import Effects
    from analysis.study import Study

NO_PATH = (
    "These data observe different rows in each period, so effects cannot be followed over time; the answer compares "
    "the periods before and after as a whole."
)


def figure(path: Effects | None, study: Study, outcome: Column, source: Source) -> Block:
    """Effects by periods since adoption with pointwise intervals; a sentence where the data hold no path."""
    if path is None:
        return display.prose(NO_PATH)
    unit, rows = Unit(outcome.unit), path.intervals(study.level, ENOUGH)
    header = ["Periods since adoption", f"Effect ({unit.words})", "Low", "High"]
    shown = [[_signed(e), *_cells(row, unit)] for e, row in zip(rows["event_time"], rows.itertuples(), strict=True)]
    columns = ["event_time", "estimate", "std_error", "low", "high"]
    return Block(
        "figure",
        display.table_text(header, shown),
        png=_draw(rows, unit, study),
        meta={
            "caption": _caption(rows, unit, study, outcome),
            "alt": _alt(rows, shown, unit),
            "source": f"Source: {source.origin}. n = {path.n:,} observations, {path.clusters:,} clusters.",
            "note": _note(path, rows),
            "table_html": display.table_html(header, shown, "Effects by periods since adoption"),
            "csv": display.csv_text(columns, rows[columns].to_numpy().tolist()),
            "csv_name": "effects-by-period",
            "numbers": [_number(row, path, study, outcome) for row in rows.itertuples() if not row.reference],
        },
    )


def _caption(rows: pd.DataFrame, unit: Unit, study: Study, outcome: Column) -> str:
    intervals = f", with {display.level_words(study.level)}s" if rows["low"].notna().any() else ""
    return (
        f"Estimated effect of {study.intervention} on the {display.lower_first(outcome.label)}, by periods since "
        f"adoption, in {unit.words}{intervals}."
    )


def _note(path: Effects, rows: pd.DataFrame) -> str:
    method = f"{path.method[:1].upper()}{path.method[1:]}."
    thin = rows["low"].isna() & ~rows["reference"]
    if thin[~rows["reference"]].all():
        return f"{method} No intervals are drawn: fewer than {ENOUGH} treated or comparison clusters."
    hollow = f" Hollow dots without a bar rest on fewer than {ENOUGH} clusters: no interval can be trusted there."
    return f"{method} Intervals: {path.inference}. They hold for each period on its own.{hollow if thin.any() else ''}"


def _cells(row: Any, unit: Unit) -> list[str]:
    if row.reference:
        return ["0 (reference)", "", ""]
    if row.low != row.low:
        return [display.significant(unit.shown(row.estimate), 2), "", ""]
    decimals = display.decimals_for((unit.shown(row.high) - unit.shown(row.low)) / 2)
    return [display.fixed(unit.shown(x), decimals) for x in (row.estimate, row.low, row.high)]


def _number(row: Any, path: Effects, study: Study, outcome: Column) -> dict[str, Any]:
    shown = row.low == row.low
    return {
        "id": f"event_time_{int(row.event_time):+d}",
        "label": f"Effect {_signed(int(row.event_time))} periods from adoption",
        "estimate": float(row.estimate),
        "std_error": float(row.std_error) if shown else None,
        "low": float(row.low) if shown else None,
        "high": float(row.high) if shown else None,
        "level": study.level,
        "p_value": float(row.p_value) if shown else None,
        "n": path.n,
        "clusters": path.clusters,
        "treated_clusters": int(row.treated_clusters),
        "unit": outcome.unit,
        "method": path.method,
        "inference": path.inference if shown else f"none shown: fewer than {ENOUGH} treated or comparison clusters",
        "estimand": "average effect on the treated by periods since adoption",
    }


def _draw(rows: pd.DataFrame, unit: Unit, study: Study) -> bytes:
    drawing, axes = charts.canvas()
    charts.zero_line(axes)
    for after, color in ((False, palette.CONTROL), (True, palette.ACCENT)):
        part = rows[(rows["event_time"] >= 0) == after]
        x, values = part["event_time"].tolist(), [unit.shown(v) for v in part["estimate"]]
        axes.plot(x, values, "o", color=color, markerfacecolor="white", zorder=3)
        firm = part[part["low"].notna()]
        value, low, high = ([unit.shown(v) for v in firm[name]] for name in ("estimate", "low", "high"))
        if len(firm):
            charts.intervals(axes, firm["event_time"].tolist(), value, low, high, color)
    charts.start_line(axes, -0.5, study.intervention)
    charts.whole_periods(axes)
    axes.set_xlabel("Periods since adoption (0 = first period under the policy)")
    axes.set_ylabel(f"Effect ({unit.words})")
    return charts.png(drawing)


def _alt(rows: pd.DataFrame, shown: list[list[str]], unit: Unit) -> str:
    bars = " with interval bars" if rows["low"].notna().any() else ""
    first = int((rows["event_time"] < 0).sum())
    return (
        f"Dot chart{bars}. Horizontal axis: periods since adoption, {shown[0][0]} to {shown[-1][0]}. Vertical axis: "
        f"effect in {unit.words}. The effect is {shown[first][1]} in the first period under the policy and "
        f"{shown[-1][1]} in the last shown."
    )


def _signed(event: int) -> str:
    return f"{event:+d}".replace("-", display.MINUS) if event else "0"
