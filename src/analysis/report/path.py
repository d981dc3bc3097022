"""Effects over time as a chart: one dot a period since adoption, with the numbers underneath."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.inference.few_clusters import ENOUGH
from analysis.report import charts, display, palette, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    import pandas as pd

    from analysis.data.catalog import Column, Source
    from analysis.inference.bands import Band
    from analysis.result import Effects
    from analysis.study import Study

NO_PATH = (
    "These data observe different rows in each period, so effects cannot be followed over time; the answer compares "
    "the periods before and after as a whole."
)


def figure(path: Effects | None, band: Band | None, study: Study, outcome: Column, source: Source) -> Block:
    """Effects by periods since adoption with pointwise intervals and the band that holds all of them at once; a
    sentence where the data hold no path."""
    if path is None:
        return display.prose(NO_PATH)
    unit, rows = Unit(outcome.unit), _rows(path, band, study)
    header = ["Periods since adoption", f"Effect ({unit.words})", "Low", "High", "Low, whole path", "High, whole path"]
    header = header if band else header[:4]
    shown = [[_signed(e), *_cells(row, unit)] for e, row in zip(rows["event_time"], rows.itertuples(), strict=True)]
    shown = [row[: len(header)] for row in shown]
    columns = ["event_time", "estimate", "std_error", "low", "high", "band_low", "band_high"]
    return Block(
        "figure",
        display.table_text(header, shown),
        png=_draw(rows, unit, study),
        meta={
            "caption": _caption(rows, unit, study, outcome),
            "alt": _alt(rows, shown, unit),
            "source": f"Source: {source.origin}. n = {path.n:,} observations, {path.clusters:,} clusters.",
            "note": _note(path, rows, band),
            "reading": readings.path(*(_bounds(rows, after=after) for after in (False, True))),
            "table_html": display.table_html(header, shown, "Effects by periods since adoption"),
            "csv": display.csv_text(columns, rows[columns].to_numpy().tolist()),
            "csv_name": "effects-by-period",
            "numbers": [_number(row, path, study, outcome) for row in rows.itertuples() if not row.reference],
        },
    )


def _rows(path: Effects, band: Band | None, study: Study) -> pd.DataFrame:
    """The table by event time with pointwise bounds and those of the band, missing where none can be trusted."""
    rows = path.intervals(study.level, ENOUGH)
    half = (band.critical if band else float("nan")) * rows["std_error"].where(rows["low"].notna())
    return rows.assign(band_low=rows["estimate"] - half, band_high=rows["estimate"] + half)


def _bounds(rows: pd.DataFrame, *, after: bool) -> list[tuple[float, float]]:
    """The intervals before the policy, or under it."""
    part = rows[((rows["event_time"] >= 0) == after) & rows["low"].notna()]
    return list(zip(part["low"].tolist(), part["high"].tolist(), strict=True))


def _caption(rows: pd.DataFrame, unit: Unit, study: Study, outcome: Column) -> str:
    intervals = f", with {display.level_words(study.level)}s" if rows["low"].notna().any() else ""
    return (
        f"Estimated effect of {study.intervention} on the {display.lower_first(outcome.label)}, by periods since "
        f"adoption, in {unit.words}{intervals}."
    )


def _note(path: Effects, rows: pd.DataFrame, band: Band | None) -> str:
    method = f"{path.method[:1].upper()}{path.method[1:]}."
    thin = rows["low"].isna() & ~rows["reference"]
    if thin[~rows["reference"]].all():
        return f"{method} No intervals are drawn: fewer than {ENOUGH} treated or comparison clusters."
    hollow = f" Hollow dots without a bar rest on fewer than {ENOUGH} clusters: no interval can be trusted there."
    whole = f" Thin bars: {band.words()}." if band else ""
    return f"{method} Thick bars: {path.inference}; for each period on its own.{whole}{hollow if thin.any() else ''}"


def _cells(row: Any, unit: Unit) -> list[str]:
    if row.reference:
        return ["0 (reference)", "", "", "", ""]
    if row.low != row.low:
        return [display.significant(unit.shown(row.estimate), 2), "", "", "", ""]
    decimals = display.decimals_for((unit.shown(row.high) - unit.shown(row.low)) / 2)
    bounds = (row.estimate, row.low, row.high, row.band_low, row.band_high)
    return [display.fixed(unit.shown(x), decimals) if x == x else "" for x in bounds]


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
        low, high = (part[name].map(unit.shown).tolist() for name in ("band_low", "band_high"))
        charts.whole(axes, x, low, high, color)
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
