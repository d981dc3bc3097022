"""Tables of an interrupted series: which periods are compared, and how level and slope changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.estimate import t_interval
from analysis.fits.interrupted_time_series import Interrupted
from analysis.inference import periods
from analysis.report import display, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column
    from analysis.result import Estimate
    from analysis.study import Study


def compared(pieces: Interrupted, study: Study) -> Block:
    """The stretches of the series: before the policy, in transition, under it, and after its end."""
    places = np.arange(pieces.n)
    first = int(np.argmax(pieces.under))
    stretches = {
        "Before the policy": places < first,
        "In transition, left out": pieces.under & ~pieces.counted,
        "Under the policy": pieces.counted,
        "After its end, taken as without the policy": ~pieces.under & (places > first),
    }
    kind = periods.calendar(pieces.time)
    rows = []
    for name, inside in stretches.items():
        if inside.any():
            labels = [periods.words(float(x), kind) for x in pieces.time[inside]]
            rows.append([name, labels[0], labels[-1], f"{int(inside.sum()):,}"])
    held = [c.name for c in pieces.coefficients if c.role == "event"]
    note = f"Held constant by a step of their own: {', '.join(held)}." if held else ""
    return display.table(
        "table",
        ["Stretch", "From", "To", "Periods"],
        rows,
        f"The series before and under {study.intervention}",
        note,
        csv=display.csv_text(["stretch", "from", "to", "periods"], rows),
        csv_name="stretches",
    )


def changes(pieces: Interrupted, answer: Estimate, study: Study, outcome: Column) -> Block:
    """The change of level and of slope, the effect in the last period, and the average that answers."""
    unit = Unit(outcome.unit)
    found: list[tuple[str, float, float, float, float]] = []
    for term in pieces.coefficients:
        if term.role in ("policy", "event"):
            low, high, p_value = t_interval(term.value, term.error, pieces.df, study.level)
            name = f"{term.name[:1].upper()}{term.name[1:]}"
            found.append((name if term.role == "policy" else f"{name} (another event)", term.value, low, high, p_value))
    last = pieces.intervals(study.level, 0).iloc[-1]
    numbers = [float(last[name]) for name in ("estimate", "low", "high", "p_value")]
    shown = unit if not pieces.logged else Unit("log")
    rows = [[name, *_cells(value, low, high, shown), display.p_words(p)] for name, value, low, high, p in found]
    if np.ptp(pieces.estimate) > 1e-9 * np.abs(pieces.estimate).max():
        cells = _cells(numbers[0], numbers[1], numbers[2], unit)
        rows.append(["Effect in the last period", *cells, display.p_words(numbers[3])])
    rows.append(
        [
            "Average effect, the answer",
            *_cells(answer.value, answer.low, answer.high, unit),
            display.p_words(answer.p_value),
        ]
    )
    share = unit.relative(answer.value, pieces.baseline)
    relative = "" if unit.name == "log" else f" The average is {share} of what was predicted without the policy."
    words = "" if pieces.logged else f" ({unit.words})"
    return display.table(
        "table",
        ["Change", f"Estimate{words}", "Low", "High", "p-value"],
        rows,
        "How the series changed when the policy started",
        f"{pieces.inference[:1].upper()}{pieces.inference[1:]}.{relative}"
        f"{' Changes of level and slope are in per cent of the count.' if pieces.logged else ''}",
        reading=readings.estimate(answer, unit, "The last row"),
        csv=display.csv_text(["change", "estimate", "low", "high", "p_value"], [list(one) for one in found]),
        csv_name="changes",
    )


def _cells(value: float, low: float, high: float, unit: Unit) -> list[str]:
    shown = [unit.shown(x) for x in (value, low, high)]
    decimals = display.decimals_for((shown[2] - shown[1]) / 2)
    return [display.fixed(x, decimals) for x in shown]
