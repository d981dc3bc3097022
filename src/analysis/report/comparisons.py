"""Which comparisons stand behind two-way fixed effects: their shares by type, and the effects they count negatively."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.inference import decomposition
from analysis.panel import Panel
from analysis.refusal import Refusal
from analysis.report import display, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    import pandas as pd

    from analysis.data.catalog import Column
    from analysis.result import Data, Effects

WORDS = {
    decomposition.NEVER_TREATED: "Adopters against units that never adopt",
    decomposition.EARLIER: "Earlier adopters against later ones, before these adopt",
    decomposition.LATER: "Later adopters against earlier ones, already treated",
    decomposition.ALWAYS: "Adopters against units treated from the start",
}
CLEAN = (decomposition.NEVER_TREATED, decomposition.EARLIER)
METHOD = "decomposition of two-way fixed effects into two-by-two comparisons (Goodman-Bacon 2021)"
INFERENCE = "none shown: weights follow from the adoption dates, and the parts only describe the whole"


def block(data: Data, effects: Effects, outcome: Column) -> Block:
    """The comparisons by type, each with its share and average estimate; one sentence where there is only one kind.

    Args:
        data: the panel (or sample) analysed. effects: the headline's, named as what the answer rests on.
        outcome: the outcome's column, for its unit.
    """
    if not data.staggered:
        return display.prose(
            f"There is one adoption date ({data.dates[0]:g}) and so one comparison: the change among those the policy "
            "reached against the change among those it did not. No unit already treated serves as a comparison."
        )
    if not isinstance(data, Panel):
        return _untold("the rows are not the same units over time")
    try:
        table, weights = decomposition.bacon(data), decomposition.two_way_weights(data)
    except Refusal as refusal:
        return _untold(refusal.problem)
    kinds, unit = decomposition.by_type(table), Unit(outcome.unit)
    columns = ["type", "treated", "control", "estimate", "weight"]
    return display.table(
        "table",
        ["Comparison", "Pairs of cohorts", "Weight", f"Effect ({unit.words})" if unit.words else "Effect"],
        _rows(kinds, unit),
        "Which comparisons stand behind two-way fixed effects",
        _note(weights, effects),
        reading=readings.comparisons(dict(zip(kinds["type"], kinds["weight"], strict=True)), CLEAN),
        numbers=_numbers(kinds, outcome),
        csv=display.csv_text(columns, table[columns].astype(object).fillna("never").to_numpy().tolist()),
        csv_name="comparisons",
    )


def _untold(why: str) -> Block:
    return display.prose(f"The comparisons behind two-way fixed effects cannot be told apart with these data: {why}.")


def _rows(kinds: pd.DataFrame, unit: Unit) -> list[list[str]]:
    values = [unit.shown(float(v)) for v in kinds["estimate"]]
    total = unit.shown(float(kinds["estimate"].to_numpy() @ kinds["weight"].to_numpy()))
    decimals = display.decimals_for(abs(total))
    rows = [
        [WORDS[kind], f"{count:,}", display.percent(float(weight)), display.fixed(value, decimals)]
        for kind, count, weight, value in zip(kinds["type"], kinds["comparisons"], kinds["weight"], values, strict=True)
    ]
    whole = [f"{int(kinds['comparisons'].sum()):,}", f"100{display.THIN}%", display.fixed(total, decimals)]
    return [*rows, ["Two-way fixed effects", *whole]]


def _note(weights: pd.DataFrame, effects: Effects) -> str:
    """What two-way fixed effects (without covariates) count negatively, and that the answer does not."""
    negative = weights["weight"] < -1e-12
    share = float(weights["share"][negative].sum())
    counted = f"{display.percent(share)} of treated unit-periods" if share > 0 else "no treated period"
    return (
        f"Two-way fixed effects count {counted} negatively. The answer is made of {effects.method.split(';')[0]} and "
        "uses neither these weights nor comparisons with units already treated."
    )


def _numbers(kinds: pd.DataFrame, outcome: Column) -> list[dict[str, Any]]:
    """The weight and the average effect of each type, as published numbers."""
    numbers = []
    for kind, estimate, weight in zip(kinds["type"], kinds["estimate"], kinds["weight"], strict=True):
        name, said = kind.replace(" ", "_"), {"method": METHOD, "inference": INFERENCE}
        for value, unit, what in ((weight, "share", "weight"), (estimate, outcome.unit, "effect")):
            label, estimand = f"{WORDS[kind]}: {what}", f"{what} within two-way fixed effects"
            numbers.append(
                {"id": f"comparison_{what}_{name}", "label": label, "estimate": float(value), "unit": unit}
                | {"estimand": estimand, **said}
            )
    return numbers
