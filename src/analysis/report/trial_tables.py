"""Balance before a trial, all of its tests together, and what it could find: one picture and two tables."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from analysis.report import charts, display, palette, readings
from analysis.report.display import Block, Unit
from analysis.report.rounding import three

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.inference.trial_balance import Balance
    from analysis.inference.trial_family import Test
    from analysis.inference.trial_power import Plan
    from analysis.study import Study

SMALL, LARGE = 0.1, 0.25
ALARM = 0.05


def balance(found: Balance, source: Source) -> Block:
    """Standardised differences of the two arms on what was known before, largest first."""
    if not found.names:
        return display.prose("No column from before the trial is named: name some under `covariates`.")
    order = sorted(range(len(found.names)), key=lambda k: -abs(float(found.standardised[k])))
    names = [_label(found.names[k], source.columns) for k in order]
    header = ["Column", found.control, found.arm, "Difference in standard deviations"]
    rows = [
        [
            name,
            *(display.significant(float(x), 3) for x in found.means[k]),
            display.fixed(float(found.standardised[k]), 2),
        ]
        for name, k in zip(names, order, strict=True)
    ]
    values = [float(found.standardised[k]) for k in order]
    verdict = (
        f"All columns together: p = {display.p_words(found.p_value)}, from {found.draws:,} reassignments "
        "(Hansen and Bowers 2008)."
    )
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(names, values),
        meta={
            "caption": f"How far {found.arm} and {found.control} were apart before, in standard deviations of each "
            "column.",
            "alt": f"Dot chart with one row for each of {len(rows)} columns. Horizontal axis: difference in standard "
            f"deviations. Largest: {names[0]}, {rows[0][3]}; smallest: {names[-1]}, {rows[-1][3]}.",
            "source": f"Source: {source.origin}.",
            "reading": readings.balance(names, values, SMALL),
            "note": f"{verdict} Dotted lines: a tenth and a quarter of a standard deviation.",
            "table_html": display.table_html(header, rows, "Balance before the trial", verdict),
            "csv": display.csv_text(
                ["column", "control", "arm", "standardised_difference"],
                [[found.names[k], *map(three, found.means[k]), three(found.standardised[k])] for k in order],
            ),
            "csv_name": "balance",
        },
    )


def _label(name: str, columns: Mapping[str, Column]) -> str:
    column, _, category = name.partition(": ")
    label = columns[column].label if column in columns else column
    return f"{label}: {category}" if category else label


def _draw(names: list[str], values: list[float]) -> bytes:
    drawing, axes = charts.canvas(1.2 + 0.33 * len(names))
    for x in (-LARGE, -SMALL, SMALL, LARGE):
        axes.axvline(x, color=palette.RULE, linewidth=1, linestyle=(0, (1, 2)), zorder=1)
    axes.axvline(0, color=palette.INK, linewidth=0.9, zorder=1)
    axes.hlines(range(len(names)), 0, values, color=palette.CONTROL, linewidth=1.2)
    axes.plot(values, range(len(names)), "o", color=palette.ACCENT, zorder=3)
    axes.set_yticks(range(len(names)), [textwrap.fill(name, 30) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    reach = max(0.3, 1.1 * max(abs(v) for v in values))
    axes.set_xlim(-reach, reach)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("Difference (standard deviations)")
    return charts.png(drawing)


def tests(found: Sequence[Test], columns: Mapping[str, Column], level: float) -> Block:
    """Every arm and outcome: the effect in its own unit and in standard deviations, and p-values adjusted for all."""
    if len(found) == 1:
        return display.prose(
            "One arm was compared on one outcome, so that there is nothing to adjust for. Tests that were made and "
            "are not named in the parameter file cannot be counted."
        )
    header = ["Test", "Effect", "Low", "High", "In standard deviations", "p-value", "Holm", "Westfall-Young"]
    rows, numbers, entries = [], [], []
    for place, one in enumerate(found):
        column = columns[one.outcome]
        unit = Unit(column.unit)
        label = f"{one.arm}: {display.lower_first(column.label)}"
        value, low, high = display.interval_numbers(one.estimate, unit)
        size = display.fixed(one.estimate.value / one.spread, 2) if one.spread else "not defined"
        p_values = [display.p_words(p) for p in (one.estimate.p_value, one.holm, one.westfall_young)]
        rows.append([f"{label} ({unit.words})" if unit.words else label, value, low, high, size, *p_values])
        entries.append([label, one.estimate.value, one.estimate.low, one.estimate.high, one.holm, one.westfall_young])
        if place:
            numbers.append(display.number(f"test_{place}", label, one.estimate, column.unit))
    note = (
        f"Intervals at {100 * level:g}{display.THIN}%, each on its own. Holm holds whatever the tests share; "
        "Westfall-Young reassigns the arms and learns what they share, and is not shown where the assignment cannot "
        "be redrawn."
    )
    return display.table(
        "table",
        header,
        rows,
        "All tests together",
        note,
        reading=_many(found),
        numbers=numbers,
        csv=display.csv_text(["test", "estimate", "low", "high", "holm", "westfall_young"], entries),
        csv_name="tests",
    )


def _many(found: Sequence[Test]) -> str:
    """Why several tests need adjusted p-values, and what is left of them."""
    plain = sum(one.estimate.p_value < ALARM for one in found)
    left = sum(one.holm < ALARM for one in found)
    return (
        f"With {len(found)} tests, one may look remarkable by luck. Taken alone, {plain or 'none'} {_are(plain)} below "
        f"0.05; taken together (Holm), {left or 'none'} {_are(left)}."
    )


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def power(found: Plan | None, study: Study, outcome: Column, cluster: str) -> Block:
    """What the trial could find, and how large it would have to be for the effect that matters.

    cluster: the clusters that were assigned, in words; empty where rows were.
    """
    if found is None:
        return display.prose("Without a standard error nothing can be said about what the trial could find.")
    unit, word = Unit(outcome.unit), f"Clusters ({cluster})" if cluster else "Rows"
    rows = [
        ["Smallest effect found four times in five", unit.amount(found.smallest)],
        [f"Chance to find an effect that matters ({unit.amount(found.worthwhile)})", display.percent(found.chance)],
        [f"{word} in this comparison", f"{found.units:,}"],
        [f"{word} with which it is found four times in five", _rounded(found.needed)],
        ["Smallest effect found with twice as many", unit.amount(found.twice)],
    ]
    return display.table(
        "table",
        ["Question", "Answer"],
        rows,
        "What this trial could find",
        f"Two-sided test at {100 * (1 - study.level):.2g}{display.THIN}%, with the standard error of this trial. It "
        "says what a repetition would find, not whether this result is true.",
        csv=display.csv_text(["question", "answer"], rows),
        csv_name="power",
    )


def _rounded(count: int) -> str:
    """Two significant digits: more would feign knowledge of a future trial."""
    digits = max(0, math.floor(math.log10(max(count, 1))) - 1)
    return f"about {round(count, -digits):,}"
