"""Tables of panels with fixed effects: how the treatment moves, later effects, and what is held constant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.report import display, effects, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.inference.panel_models import Step
    from analysis.inference.panel_movement import Movement
    from analysis.result import Effects, Estimate


NAMED = ("places", "organisations", "periods")


def movement(found: Movement, treatment: str, source: Source) -> Block:
    """How much the treatment differs between units and moves within them."""
    declared = source.columns[treatment]
    places = display.decimals_for(max(found.between, found.within) or 1.0) + 1
    named = source.units in NAMED  # of people, the largest difference is one person's
    amounts = [
        ("Mean over rows", found.mean),
        ("Standard deviation between units", found.between),
        ("Standard deviation within units", found.within),
        ("Standard deviation left by effects and covariates", found.left),
        *([("Largest difference within one unit", found.range)] if named else []),
        ("Usual difference within one unit, where there is any", found.typical),
    ]
    rows = [[words, display.fixed(value, places)] for words, value in amounts]
    counts = [("Units", found.units), ("Units whose treatment ever changes", found.changers)]
    rows += [[words, f"{count:,}"] for words, count in counts]
    return display.table(
        "table",
        ["Treatment", in_words(declared)],
        rows,
        "How the treatment moves",
        "The answer rests on the movement left by effects and covariates.",
        reading=readings.movement(found),
        csv=display.csv_text(["fact", "value"], [*amounts, *counts]),
        csv_name="treatment-movement",
    )


def in_words(treatment: Column) -> str:
    """A treatment's label with its unit."""
    known = {"": "", "share": ", as a share", "log": ", as a logarithm"}
    return f"{treatment.label}{known.get(treatment.unit, f', in {treatment.unit}')}"


def later(pieces: Effects, level: float, outcome: Column) -> Block:
    """The effect in the same period, one period later and so on, and their total; a sentence without lags."""
    if not pieces.related:
        return display.prose(
            "Earlier periods' treatment is not in this regression: the effect is taken to be there at once and to go "
            "when "
            "the treatment goes. Set lags in the parameter file to see later effects."
        )
    unit = Unit(outcome.unit)
    found = {"same_period": pieces.average(level)}
    found |= {name: one.average(level) for name, one in pieces.related.items()}
    rows = [[_when(name), *effects.estimate_cells(one, unit)] for name, one in found.items()]
    others = list(found.items())[1:]
    note = "The total is the effect of more treatment kept up." + (
        " Percentages do not add up; the logarithms behind them do." if unit.name == "log" else ""
    )
    return display.table(
        "table",
        ["Effect", *effects.estimate_header(unit)],
        rows,
        "The effect in the same period and later",
        note,
        reading=readings.estimate(found["same_period"], unit),
        numbers=[display.number(name, _when(name), one, outcome.unit) for name, one in others],
        csv=_csv([(name, _when(name), one) for name, one in found.items()]),
        csv_name="later-effects",
    )


def _when(name: str) -> str:
    if name == "same_period":
        return "In the same period (the answer)"
    if name == "total":
        return "Total"
    lag = int(name.partition("_")[2])
    return f"{lag} period{'s' if lag > 1 else ''} later"


def ladder(steps: Sequence[Step], outcome: Column) -> Block:
    """The same effect with more and more held constant."""
    unit = Unit(outcome.unit)
    rows = [[_held(step), *effects.estimate_cells(step.estimate, unit), f"{step.estimate.n:,}"] for step in steps]
    signs = {step.estimate.value > 0 for step in steps}
    said = "The sign depends on what is held constant." if len(signs) > 1 else "All estimates point the same way."
    return display.table(
        "table",
        ["Held constant", *effects.estimate_header(unit), "Rows"],
        rows,
        "The effect with more and more held constant",
        f"{said} Errors are clustered in every row.",
        reading=_answer(steps, unit),
        numbers=[
            display.number(f"held_{place}", f"Holding constant {step.held}", step.estimate, outcome.unit)
            for place, step in enumerate(steps)
        ],
        csv=_csv([(f"held_{place}", step.held, step.estimate) for place, step in enumerate(steps)]),
        csv_name="held-constant",
    )


def _answer(steps: Sequence[Step], unit: Unit) -> str:
    """The row of the answer in words."""
    return next((readings.estimate(s.estimate, unit, "The answer's row") for s in steps if s.chosen), "")


def _held(step: Step) -> str:
    return f"{step.held[:1].upper()}{step.held[1:]}{' (the answer)' if step.chosen else ''}"


def _csv(entries: Sequence[tuple[str, str, Estimate]]) -> str:
    header = ["id", "label", "estimate", "std_error", "low", "high", "p_value", "inference"]
    rows = [
        [name, label, one.value, one.std_error or "", one.low, one.high, one.p_value, one.inference]
        for name, label, one in entries
    ]
    return display.csv_text(header, rows)
