"""How wrong could parallel trends be, as a chart: the interval, and what is left of it as more is allowed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from analysis.inference.honest import Unassessed
from analysis.report import charts, display, palette
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.inference.honest import Sensitivity
    from analysis.study import Study

ORIGINAL = "As answered"
LINE = "Straight line continued"
ASIDE = -0.5  # where the original interval stands, left of the multiples
IDS = {"original": "original", "relative": "rm", "smooth": "sd"}


def figure(found: Sensitivity | Unassessed, study: Study, outcome: Column, source: Source) -> Block:
    """Intervals by how much trends may part, beside the original one; a sentence where none can be given."""
    if isinstance(found, Unassessed):
        return display.prose(f"How wrong parallel trends could be is not shown: {found.reason}.")
    unit = Unit(outcome.unit)
    header = ["Allowed for trends after adoption", f"Low ({unit.words})", "High"]
    decimals = _decimals(found, unit)
    rows = [[_label(row, unit), *_cells(row, unit, decimals)] for row in found.sets.itertuples()]
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(found, unit),
        meta={
            "caption": _caption(found, unit, study, outcome),
            "alt": _alt(found, rows, unit),
            "source": f"Source: {source.origin}. n = {found.n:,} observations, {found.clusters:,} clusters.",
            "note": _note(found, unit),
            "reading": _in_words(found),
            "table_html": display.table_html(header, rows, "Intervals by how much trends may part"),
            "csv": display.csv_text(list(found.sets.columns), found.sets.to_numpy().tolist()),
            "csv_name": "sensitivity-to-trends",
            "numbers": [_number(place, row, found, outcome) for place, row in enumerate(found.sets.itertuples())],
        },
    )


def _caption(found: Sensitivity, unit: Unit, study: Study, outcome: Column) -> str:
    return (
        f"Effect of {study.intervention} on the {display.lower_first(outcome.label)}, in {unit.words}: "
        f"{display.level_words(found.level)}s if the difference in trends may change after adoption, from one period "
        f"to the next, by multiples of its largest change before ({unit.amount(found.largest_change)}). "
        f"{_break_words(found)}"
    )


def _break_words(found: Sensitivity) -> str:
    if not found.excludes_zero:
        return "Zero is inside with nothing allowed."
    if math.isinf(found.breakdown.mbar):
        return "Zero is outside at every multiple tried."
    return f"Zero comes inside at {found.breakdown.words}."


def _note(found: Sensitivity, unit: Unit) -> str:
    about = f"{found.estimand[:1].upper()}{found.estimand[1:]} ({unit.amount(found.estimate)})"
    return f"{about}. {found.inference[:1].upper()}{found.inference[1:]}."


def _in_words(found: Sensitivity) -> str:
    """What the widening bars mean for a reader who has to decide."""
    if not found.excludes_zero:
        return (
            "The answer does not leave zero out even if trends were parallel; allowing for less cannot bring it back."
        )
    if math.isinf(found.breakdown.mbar):
        return (
            "Even if the groups drifted apart after the policy by the largest multiple tried of what they did before, "
            "zero would stay outside."
        )
    return (
        "Ask how far the groups could have drifted apart for other reasons. Allow the drift after the policy to be a "
        f"multiple of the largest seen before it: zero becomes plausible at {found.breakdown.words}. Below that, the "
        "sign of the effect stands."
    )


def _label(row: Any, unit: Unit) -> str:
    if row.kind == "original":
        return ORIGINAL
    if row.kind == "relative":
        return f"{row.magnitude:g} times the largest earlier change"
    return LINE if row.magnitude == 0 else f"Line that bends by up to {unit.amount(row.magnitude)} a period"


def _decimals(found: Sensitivity, unit: Unit) -> int:
    """Decimals of the whole table: those of the first interval, the shortest."""
    low, high = (unit.shown(float(found.sets[end].iloc[0])) for end in ("low", "high"))
    return display.decimals_for((high - low) / 2)


def _cells(row: Any, unit: Unit, decimals: int) -> list[str]:
    return [display.fixed(unit.shown(x), decimals) for x in (row.low, row.high)]


def _number(place: int, row: Any, found: Sensitivity, outcome: Column) -> dict[str, Any]:
    size = {"original": "", "relative": f"_{row.magnitude:g}"}.get(row.kind, f"_{place}")
    return {
        "id": f"honest_{IDS[row.kind]}{size}",
        "label": f"{_label(row, Unit(outcome.unit))}: interval",
        "estimate": float(row.estimate),
        "low": float(row.low),
        "high": float(row.high),
        "level": found.level,
        "n": found.n,
        "clusters": found.clusters,
        "treated_clusters": found.treated_clusters,
        "unit": outcome.unit,
        "method": "sensitivity to parallel trends (Rambachan and Roth 2023)",
        "inference": found.inference,
        "estimand": found.estimand,
    }


def _draw(found: Sensitivity, unit: Unit) -> bytes:
    drawing, axes = charts.canvas()
    charts.zero_line(axes)
    chosen = found.sets[found.sets["kind"] != "smooth"]
    places = [ASIDE if math.isnan(m) else float(m) for m in chosen["magnitude"]]
    value, low, high = ([unit.shown(float(v)) for v in chosen[name]] for name in ("estimate", "low", "high"))
    charts.intervals(axes, places[:1], value[:1], low[:1], high[:1], palette.CONTROL)
    charts.intervals(axes, places[1:], value[1:], low[1:], high[1:], palette.ACCENT)
    ticks = places[1:]
    axes.set_xticks([ASIDE, *ticks], ["as\nanswered", *(f"{m:g}" for m in ticks)])
    axes.set_xlim(ASIDE - 0.3, max(ticks) + 0.3)
    axes.set_xlabel("Change allowed after adoption, as a multiple of the largest before it")
    axes.set_ylabel(f"Effect ({unit.words})")
    if 0 < found.breakdown.mbar <= max(ticks):
        charts.start_line(axes, found.breakdown.mbar, "zero inside")
    return charts.png(drawing)


def _alt(found: Sensitivity, rows: list[list[str]], unit: Unit) -> str:
    kinds = list(found.sets["kind"])
    last = len(kinds) - 1 - kinds[::-1].index("relative")
    return (
        "Chart of interval bars that widen to the right. Horizontal axis: how many times the largest earlier change in "
        f"the difference in trends is allowed after adoption. Vertical axis: effect in {unit.words}. The interval runs "
        f"from {rows[0][1]} to {rows[0][2]} as answered and from {rows[last][1]} to {rows[last][2]} at the largest "
        f"multiple. {_break_words(found)}"
    )
