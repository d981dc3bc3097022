"""The two stages of an instrumental-variable study as a chart and a table, and the effects that fit the data."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.estimate import t_interval
from analysis.report import charts, display, effects, palette, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.data.catalog import Column, Source
    from analysis.inference.instrument_stages import Curve, Group, Stages
    from analysis.inference.instruments import Line
    from analysis.result import Estimate
    from analysis.studies.instrumental_variable import Study

Parts = tuple[float, float, float]


def figure(stages: Stages, study: Study, outcome: Column, source: Source) -> Block:
    """Treatment and outcome of groups alike in their instruments, side by side."""
    treatment = source.columns[study.treatment]
    units = Unit(treatment.unit), Unit(outcome.unit)
    named = display.lower_first(treatment.label), display.lower_first(outcome.label)
    header = ["Group", "Rows", f"Predicted {named[0]}", *_columns(named[0], units[0]), *_columns(named[1], units[1])]
    rows = [_cells(group, units) for group in stages.groups]
    columns = ["group", "rows", "predicted", "treatment", "treatment_low", "treatment_high"]
    columns += ["outcome", "outcome_low", "outcome_high"]
    label = " and ".join(display.lower_first(source.columns[name].label) for name in study.instruments)
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(stages, units, (treatment.label, outcome.label)),
        meta={
            "caption": f"Groups of rows by what the instruments predict ({label}). Left, first "
            f"stage: their {named[0]}. Right, reduced form: their {named[1]}. Both relative to the mean, with "
            f"{display.level_words(stages.level)}s.",
            "alt": _alt(rows, named),
            "source": f"Source: {source.origin}. n = {stages.slope.n:,} observations.",
            "reading": _between(stages, named, units),
            "note": "What is held constant is taken out of everything shown. The dashed lines have the slopes that the "
            "estimate comes from; groups whose rows come from one or two clusters have no bar.",
            "table_html": display.table_html(header, rows, "Groups by what the instruments predict"),
            "csv": display.csv_text(
                columns, [[g.name, g.rows, g.predicted, *g.treatment, *g.outcome] for g in stages.groups]
            ),
            "csv_name": "two-stages",
        },
    )


def _between(stages: Stages, named: tuple[str, str], units: tuple[Unit, Unit]) -> str:
    """How far the first and the last group are apart; nothing where there is one group."""
    first, last = stages.groups[0], stages.groups[-1]
    if first is last:
        return ""
    change = last.treatment[0] - first.treatment[0], last.outcome[0] - first.outcome[0]
    return readings.stages(*named, change, units)


def table(stages: Stages, study: Study, outcome: Column, source: Source) -> Block:
    """What the instruments do to the treatment and to the outcome, and how strong the first stage is."""
    treatment = source.columns[study.treatment]
    header = ["Relation", "Coefficient", "Low", "High", "p-value"]
    rows = []
    for lines, whose in ((stages.first, treatment.label), (stages.reduced, outcome.label)):
        rows += [[f"{_label(line, source)}: on {display.lower_first(whose)}", *_line(line, stages)] for line in lines]
    rows.append(["Coefficient of the treatment (reduced form over first stage)", *_estimate(stages.slope)])
    found = stages.strength
    note = (
        f"Coefficients are per unit of the columns as they are (logarithms stay logarithms). First stage: F "
        f"{display.significant(found.f.statistic, 3)}, effective F {display.significant(found.effective, 3)}, share of "
        f"the treatment's remaining variance explained {display.significant(100 * found.share, 2)}{display.THIN}%. "
        "Intervals are t intervals with the study's errors."
    )
    numbers = display.number("coefficient", "Effect per unit of treatment", stages.slope, outcome.unit)
    return display.table(
        "table",
        header,
        rows,
        "First stage, reduced form, and the ratio that is the estimate",
        note,
        reading=_in_words(stages, treatment, outcome),
        numbers=[numbers],
        csv=display.csv_text(["relation", "coefficient", "low", "high", "p_value"], rows),
        csv_name="stages",
    )


def _in_words(stages: Stages, treatment: Column, outcome: Column) -> str:
    """The two stages and their ratio, for a reader who has seen neither."""
    share = display.significant(100 * stages.strength.share, 2)
    return (
        f"The instruments move the {display.lower_first(treatment.label)} (they explain {share}{display.THIN}% of what "
        f"is left of it). What they do to the {display.lower_first(outcome.label)}, divided by that, is the effect, if "
        "they act through the treatment alone."
    )


def intervals(answer: Estimate, others: Sequence[Estimate], outcome: Column) -> Block:
    """The answer's interval beside those of other conventions; a sentence where no other may be shown."""
    if all((other.low, other.high) == (answer.low, answer.high) for other in others):
        return display.prose("With instruments this weak no other interval is shown than the one at the top.")
    return effects.inference(answer, others, outcome)


def curve(found: Curve, answer: Estimate, study: Study, outcome: Column, source: Source) -> Block:
    """The p-value of every effect: those above the line are not rejected."""
    unit = Unit(outcome.unit)
    header = [f"Effect ({unit.words})", "p-value"]
    places = range(0, len(found.effects), max(1, len(found.effects) // 12))
    decimals = display.decimals_for((unit.shown(float(found.effects[-1])) - unit.shown(float(found.effects[0]))) / 2)
    rows = [
        [display.fixed(unit.shown(float(found.effects[k])), decimals), display.p_words(float(found.p_values[k]))]
        for k in places
    ]
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw_curve(found, answer, unit),
        meta={
            "caption": f"p-value of each possible effect of {study.intervention} on the "
            f"{display.lower_first(outcome.label)} by the Anderson-Rubin test, in {unit.words}.",
            "alt": f"Line chart. Horizontal axis: effect in {unit.words}. Vertical axis: p-value from 0 to 1. "
            f"{set_words(found, unit)}",
            "source": f"Source: {source.origin}. n = {answer.n:,} observations.",
            "reading": readings.fit(found.region.holds(0.0), found.region.empty),
            "note": f"Shaded, where the curve is above the dashed line. {set_words(found, unit)}",
            "table_html": display.table_html(header, rows, "p-value by effect"),
            "csv": display.csv_text(
                ["effect", "p_value"],
                [[float(x), float(p)] for x, p in zip(found.effects, found.p_values, strict=True)],
            ),
            "csv_name": "p-values",
        },
    )


def set_words(found: Curve, unit: Unit) -> str:
    """The set of effects that are not rejected, in a sentence."""
    level = display.level_words(found.region.level).removesuffix(" interval")
    if found.region.empty:
        return f"At {level} no effect fits: the instruments disagree."
    parts = [_part(low, high, unit) for low, high in found.region.pieces]
    return f"Not rejected at {level}: effects {' and '.join(parts)}."


def _part(low: float, high: float, unit: Unit) -> str:
    if math.isinf(low) and math.isinf(high):
        return "of any size"
    if math.isinf(low):
        return f"up to {unit.amount(high)}"
    if math.isinf(high):
        return f"from {unit.amount(low)} on"
    return f"from {unit.amount(low)} to {unit.amount(high)}"


def _label(line: Line, source: Source) -> str:
    declared = source.columns.get(line.name)
    return declared.label if declared else line.name


def _line(line: Line, stages: Stages) -> list[str]:
    return _rounded((line.value, *t_interval(line.value, line.error, line.df, stages.level)), line.error)


def _estimate(slope: Estimate) -> list[str]:
    return _rounded((slope.value, slope.low, slope.high, slope.p_value), slope.std_error or abs(slope.value))


def _rounded(numbers: tuple[float, float, float, float], error: float) -> list[str]:
    decimals = display.decimals_for(2 * error)
    return [*(display.fixed(x, decimals) for x in numbers[:3]), display.p_words(numbers[3])]


def _columns(label: str, unit: Unit) -> list[str]:
    words = f" ({unit.words})" if unit.words else ""
    return [f"{label[:1].upper()}{label[1:]}{words}", "Low", "High"]


def _cells(group: Group, units: tuple[Unit, Unit]) -> list[str]:
    first, second = (_three(part, unit) for part, unit in zip((group.treatment, group.outcome), units, strict=True))
    predicted = units[0].shown(group.predicted)
    return [group.name, f"{group.rows:,}", display.significant(predicted, 2), *first, *second]


def _three(part: Parts, unit: Unit) -> list[str]:
    value, low, high = (unit.shown(x) for x in part)
    if math.isnan(low):
        return [display.significant(value, 2), "", ""]
    decimals = display.decimals_for((high - low) / 2)
    return [display.fixed(x, decimals) for x in (value, low, high)]


def _draw(stages: Stages, units: tuple[Unit, Unit], labels: tuple[str, str]) -> bytes:
    drawing, axes = charts.canvas(4.3)
    axes.remove()
    left, right = drawing.subplots(1, 2)
    x = [units[0].shown(group.predicted) for group in stages.groups]
    sides = (
        (left, [g.treatment for g in stages.groups], 1.0, "First stage"),
        (
            right,
            [g.outcome for g in stages.groups],
            stages.slope.value,
            "Reduced form",
        ),
    )
    for (side, parts, slope, name), unit, label in zip(sides, units, labels, strict=True):
        _panel(side, x, parts, unit, [slope * group.predicted for group in stages.groups])
        words = f"{name}: {display.lower_first(label)}" + (f" ({unit.words})" if unit.words else "")
        side.set_title(textwrap.fill(words, 38), loc="left", fontsize=9.5, fontweight="normal")
    words = units[0].words
    drawing.supxlabel(
        textwrap.fill(f"{labels[0]} that the instruments predict, relative to its mean ({words})", 88), fontsize=9
    )
    return charts.png(drawing)


def _panel(axes: Axes, x: list[float], parts: list[Parts], unit: Unit, line: list[float]) -> None:
    axes.axhline(0, color=palette.INK, linewidth=0.9, zorder=1)
    axes.plot(x, [unit.shown(y) for y in line], color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    firm = [(a, [unit.shown(v) for v in part]) for a, part in zip(x, parts, strict=True) if not math.isnan(part[1])]
    if firm:
        value, low, high = zip(*(part for _, part in firm), strict=True)
        charts.intervals(axes, [a for a, _ in firm], value, low, high, palette.ACCENT)
    axes.plot(x, [unit.shown(part[0]) for part in parts], "o", color=palette.ACCENT, zorder=3)
    axes.locator_params(axis="x", nbins=6)


def _alt(rows: list[list[str]], named: tuple[str, str]) -> str:
    return (
        f"Two dot charts side by side with interval bars. Horizontal axis of both: {named[0]} that the instruments "
        f"predict. From the lowest to the highest of {len(rows)} groups, {named[0]} goes from {rows[0][3]} to "
        f"{rows[-1][3]} and {named[1]} from {rows[0][6]} to {rows[-1][6]}, relative to their means."
    )


def _draw_curve(found: Curve, answer: Estimate, unit: Unit) -> bytes:
    drawing, axes = charts.canvas()
    x = [unit.shown(float(effect)) for effect in found.effects]
    axes.plot(x, found.p_values, color=palette.ACCENT)
    limit = 1 - found.region.level
    inside = [found.region.holds(float(effect)) for effect in found.effects]
    axes.fill_between(
        x, 0, found.p_values, where=inside, color=palette.ACCENT, alpha=palette.INTERVAL_ALPHA, linewidth=0
    )
    axes.axhline(limit, color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.axvline(0, color=palette.INK, linewidth=0.9)
    axes.set_ylim(0, 1.08)
    axes.set_xlim(x[0], x[-1])
    axes.plot([unit.shown(answer.value)], [0], "o", color=palette.ACCENT, clip_on=False, zorder=4)
    axes.set_xlabel(f"Effect ({unit.words}); the dot is the estimate")
    axes.set_ylabel("p-value")
    return charts.png(drawing)
