"""Effects as a chart by time since the policy, and as a table of averages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analysis.inference.few_clusters import EFFECTIVE, ENOUGH
from analysis.report import charts, display, palette
from analysis.report.display import Block, Unit
from analysis.result import t_interval

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.designs import Alternative
    from analysis.result import Effects, Estimate
    from analysis.study import Study


def figure(path: Effects | None, study: Study, outcome: Column, source: Source) -> Block:
    """Effects by periods since adoption with pointwise intervals; a sentence where the data hold no path."""
    if path is None:
        return display.prose(
            "These data observe different rows in each period, so effects cannot be followed over time; the answer "
            "compares the periods before and after as a whole."
        )
    unit = Unit(outcome.unit)
    rows = [_point(row, unit, path.df, study.level) for row in _records(path)]
    few = all(row["few"] for row in rows)
    thin = any(row["few"] for row in rows) and not few
    image = _draw(rows, unit, study)
    caption = (
        f"Estimated effect of {study.intervention} on the {outcome.label[:1].lower()}{outcome.label[1:]}, by periods "
        f"since adoption, in {unit.words}" + ("." if few else f", with {display.level_words(study.level)}s.")
    )
    header = ["Periods since adoption", f"Effect ({unit.words})", "Low", "High"]
    shown = [[f"{row['event']:+d}".replace("-", display.MINUS), *row["text"]] for row in rows]
    note = (
        f"No intervals are drawn: fewer than {ENOUGH} treated clusters."
        if few
        else f"Intervals: {path.inference}. They hold for each period on its own."
    )
    if thin:
        note += f" Hollow dots rest on fewer than {ENOUGH} treated clusters: no interval can be trusted there."
    return Block(
        "figure",
        display.table_text(header, shown),
        png=image,
        meta={
            "caption": caption,
            "alt": _alt(rows, unit, few),
            "source": f"Source: {source.origin}. n = {path.n:,} observations, {path.clusters:,} clusters.",
            "note": f"{path.method}. {note}",
            "table_html": display.table_html(header, shown, "Effects by periods since adoption"),
            "csv": display.csv_text(
                ["event_time", "estimate", "std_error"],
                path.table[["event_time", "estimate", "std_error"]].to_numpy().tolist(),
            ),
            "csv_name": "effects-by-period",
            "numbers": [_number(row, path, study, outcome) for row in rows if not row["reference"]],
        },
    )


def averages(effects: Effects, estimate: Estimate, study: Study, outcome: Column) -> Block:
    """The headline beside the other ways to average the same pieces, with the effect as a share of the level before."""
    unit = Unit(outcome.unit)
    entries: list[tuple[str, str, Estimate]] = [("headline", "The answer", estimate)]
    if effects.kind == "cells" and estimate.std_error is not None:
        for name, label in AVERAGES.items():
            if name != study.average:
                chosen = effects if name == "simple" else effects.by(name)  # type: ignore[arg-type]
                entries.append((f"average_{name}", label, chosen.average(study.level)))
    entries = [(name, label, _without_interval(e) if _thin(e) else e) for name, label, e in entries]
    rows = [[label, *estimate_cells(e, unit), _relative(e, effects, unit)] for _, label, e in entries]
    thin = any(e.std_error is None and e.df is None and math.isnan(e.low) for _, _, e in entries)
    header = ["Average", *estimate_header(unit), "Effect as share of level before"]
    numbers = [display.number(name, label, e, outcome.unit) for name, label, e in entries[1:]]
    return display.table(
        "table",
        header,
        rows,
        "The effect, averaged in different ways",
        f"{estimate.inference[:1].upper()}{estimate.inference[1:]}."
        + (f" No interval where the average is worth fewer than {EFFECTIVE} equal treated clusters." if thin else ""),
        numbers=numbers,
        csv=_csv(entries),
        csv_name="averages",
    )


BOUNDS = ("event", "value", "low", "high")
AVERAGES = {
    "simple": "Every treated unit and period counts the same",
    "event_time": "Every period since adoption counts the same",
    "cohort": "Each cohort's own average, by size",
    "period": "Every calendar period counts the same",
}


def comparison(shown: Sequence[Alternative], estimates: Sequence[Estimate], study: Study, outcome: Column) -> Block:
    """The headline beside other estimators, each with the reason why it is shown."""
    unit = Unit(outcome.unit)
    rows, numbers, entries = [], [], []
    for place, (alternative, estimate) in enumerate(zip(shown, estimates, strict=True)):
        label = alternative.label.replace("_", " ").capitalize()
        rows.append([label, *estimate_cells(estimate, unit), alternative.reason])
        name = "headline" if place == 0 else f"alternative_{place}_{alternative.label}"
        entries.append((name, label, estimate))
        if place:
            numbers.append(display.number(name, f"{label}: {alternative.reason}", estimate, outcome.unit))
    header = ["Estimator", *estimate_header(unit), "Why it is shown"]
    if len(rows) == 1:
        return display.prose("No other estimator was asked for: name one under `compare_with` in the parameter file.")
    return display.table(
        "table",
        header,
        rows,
        "The answer beside other estimators",
        "Standard errors and intervals follow each estimator's own convention, stated in the data behind the table.",
        numbers=numbers,
        csv=_csv(entries),
        csv_name="estimators",
    )


def estimate_header(unit: Unit) -> list[str]:
    """Column heads of an estimate: value, low, high, standard error, p-value."""
    words = f" ({unit.words})" if unit.words else ""
    return [f"Effect{words}", "Low", "High", "p-value"]


def estimate_cells(estimate: Estimate, unit: Unit) -> list[str]:
    """The cells under `estimate_header`, one rounding for value and bounds."""
    return [*display.interval_numbers(estimate, unit), display.p_words(estimate.p_value)]


def _relative(estimate: Estimate, effects: Effects, unit: Unit) -> str:
    if unit.name == "log" or effects.baseline == 0:
        return "as shown" if unit.name == "log" else "not defined"
    return f"{display.fixed(100 * estimate.value / effects.baseline, 1)}{display.THIN}%"


def _thin(estimate: Estimate) -> bool:
    return estimate.effective is not None and estimate.effective < EFFECTIVE and estimate.std_error is not None


def _without_interval(estimate: Estimate) -> Estimate:
    nan = math.nan
    return replace(estimate, std_error=None, low=nan, high=nan, p_value=nan, df=None, inference=THIN_WORDS)


THIN_WORDS = f"none shown: the average is worth fewer than {EFFECTIVE} equally weighted treated clusters"


def _csv(entries: Sequence[tuple[str, str, Estimate]]) -> str:
    header = ["id", "label", "estimate", "std_error", "low", "high", "p_value", "method", "inference"]
    rows = [
        [
            name,
            label,
            e.value,
            "" if e.std_error is None else e.std_error,
            e.low,
            e.high,
            e.p_value,
            e.method,
            e.inference,
        ]
        for name, label, e in entries
    ]
    return display.csv_text(header, rows)


def _records(path: Effects) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in path.table.to_dict("records")]


def _point(row: dict[str, Any], unit: Unit, df: float, level: float) -> dict[str, Any]:
    few = row["treated_clusters"] < ENOUGH
    value, error, event = float(row["estimate"]), float(row["std_error"]), int(row["event_time"])
    reference = error == 0
    low, high, p_value = (value, value, 1.0) if reference else t_interval(value, error, df, level)
    decimals = display.decimals_for(unit.shown(1.96 * error if error else 0.01) if unit.name != "log" else 196 * error)
    text = [display.fixed(unit.shown(x), decimals) for x in (value, low, high)]
    words = ["0 (reference)", "", ""] if reference else [text[0], *(["", ""] if few else text[1:])]
    bounds = {"value": value, "low": low, "high": high, "error": error, "p_value": p_value}
    return {"event": event, "reference": reference, "text": words, "few": few, **bounds}


def _number(row: dict[str, Any], path: Effects, study: Study, outcome: Column) -> dict[str, Any]:
    few = row["few"]
    return {
        "id": f"event_time_{row['event']:+d}",
        "label": f"Effect {row['event']:+d} periods from adoption",
        "estimate": row["value"],
        "std_error": None if few else row["error"],
        "low": None if few else row["low"],
        "high": None if few else row["high"],
        "level": study.level,
        "p_value": None if few else row["p_value"],
        "n": path.n,
        "clusters": path.clusters,
        "treated_clusters": path.treated_clusters,
        "unit": outcome.unit,
        "method": path.method,
        "inference": "none shown: too few treated clusters" if few else path.inference,
        "estimand": "average effect on the treated by periods since adoption",
    }


def _draw(rows: list[dict[str, Any]], unit: Unit, study: Study) -> bytes:
    drawing, axes = charts.canvas()
    charts.zero_line(axes)
    charts.start_line(axes, -0.5, study.intervention)
    for after, color in ((False, palette.CONTROL), (True, palette.ACCENT)):
        part = [row for row in rows if (row["event"] >= 0) == after and not row["reference"]]
        x, values = [row["event"] for row in part], [unit.shown(row["value"]) for row in part]
        axes.plot(x, values, "o", color=color, markerfacecolor="white", zorder=3)
        firm = [row for row in part if not row["few"]]
        if firm:
            x, values, low, high = ([unit.shown(row[k]) if k != "event" else row[k] for row in firm] for k in BOUNDS)
            charts.intervals(axes, x, values, low, high, color)
    for row in rows:
        if row["reference"]:
            axes.plot([row["event"]], [0], "o", markerfacecolor="white", color=palette.CONTROL, zorder=3)
    charts.whole_periods(axes)
    axes.set_xlabel("Periods since adoption (0 = first period under the policy)")
    axes.set_ylabel(f"Effect ({unit.words})")
    return charts.png(drawing)


def _alt(rows: list[dict[str, Any]], unit: Unit, few: bool) -> str:
    post = [row for row in rows if row["event"] >= 0]
    first, last = post[0], post[-1]
    bars = "" if few else " with interval bars"
    return (
        f"Dot chart{bars}. Horizontal axis: periods since adoption, {rows[0]['event']} to {rows[-1]['event']}. Vertical "
        f"axis: effect in {unit.words}. The effect is {first['text'][0]} in the first period under the policy and "
        f"{last['text'][0]} in the last shown."
    )
