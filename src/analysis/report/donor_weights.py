"""What the comparison is made of: the donors and their weights, and how alike it is to the treated unit before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.report import display, readings
from analysis.report.display import Block

if TYPE_CHECKING:
    from analysis.data.catalog import Source
    from analysis.fits.synthetic_control import Synthetic
    from analysis.panel import Array

SMALL = 0.005
SHOWN = 15
NOT_FITTED = (
    "The weights follow the path of the outcome itself before the policy; no predictor was asked for (or the design "
    "takes none), so that there is nothing else to compare."
)


def table(effects: Synthetic) -> Block:
    """The donors by weight, averaged over cohorts by treated units; small ones are counted together."""
    weights = average(effects)
    order = np.argsort(-np.abs(weights), kind="stable")
    shown = [k for k in order if abs(weights[k]) >= SMALL][:SHOWN]
    rest = [k for k in order if k not in shown]
    rows = [[str(effects.donors[k]), display.fixed(float(weights[k]), 3)] for k in shown]
    if rest:
        rows.append([f"{len(rest)} others together", display.fixed(float(weights[rest].sum()), 3)])
    rows += [[f"{name} (left out by name)", "not used"] for name in effects.excluded]
    largest = display.percent(float(np.abs(weights).max()))
    worth = display.fixed(float(1 / (weights**2).sum()), 1)
    cells = [[str(effects.donors[k]), float(weights[k])] for k in order]
    return display.table(
        "table",
        ["Donor", "Weight"],
        rows,
        "The donors that make up the comparison",
        f"Weights sum to one and were chosen on periods before the policy alone. The largest is {largest}; together "
        f"they are worth {worth} donors of equal weight. {_certificate(effects)}",
        reading=_mix(effects, weights, shown),
        numbers=[_number(str(effects.donors[k]), float(weights[k]), effects) for k in shown],
        csv=display.csv_text(["donor", "weight"], cells),
        csv_name="donor-weights",
    )


def average(effects: Synthetic) -> Array:
    """(J,) weights, averaged over cohorts by the number of their treated units."""
    return np.asarray(np.average(effects.weights, axis=0, weights=effects.cohort_units))


def _mix(effects: Synthetic, weights: Array, shown: list[int]) -> str:
    """The largest parts of the comparison in words; empty where weights may be negative."""
    most = shown[:3]
    if not most or (weights < -SMALL).any():
        return ""
    return readings.weights(effects, [str(effects.donors[k]) for k in most], [float(weights[k]) for k in most])


def _certificate(effects: Synthetic) -> str:
    reached, tried = effects.starts
    if np.isnan(effects.residual):
        return "They come from the iterations of the R package synthdid, which stop short of the optimum."
    if tried == 1:
        return "The search for them ended at the optimum."
    return f"The search for the importance of predictors was started {tried} times; {reached} reached the best optimum."


def _number(name: str, weight: float, effects: Synthetic) -> dict[str, Any]:
    return {
        "id": f"donor_{name.lower().replace(' ', '_')}",
        "label": f"Weight of {name}",
        "estimate": weight,
        "unit": "share",
        "method": effects.method,
        "inference": "none: a weight chosen to fit the periods before the policy",
        "estimand": "weight of a donor in the comparison",
    }


def predictors(effects: Synthetic, source: Source) -> Block:
    """Each predictor in the treated unit, in its synthetic counterpart and in the donors' mean; a sentence without."""
    if effects.predictors is None or not len(effects.predictors):
        return display.prose(NOT_FITTED)
    found = effects.predictors
    values = found[["treated", "synthetic", "donors"]].to_numpy(dtype=float)
    rows = [
        [_label(str(name), source), *(_rounded(value, line) for value in line), display.fixed(float(weight), 3)]
        for name, line, weight in zip(found["name"], values, found["weight"], strict=True)
    ]
    columns = ["name", "treated", "synthetic", "donors", "weight"]
    return display.table(
        "table",
        ["Predictor", "Treated", "Synthetic", "Mean of donors", "Importance"],
        rows,
        "What the comparison was fitted to, before the policy",
        "Importance: the weight of the predictor in the choice of donors; all of them sum to one.",
        reading="Each row is a fact about the years before the policy. The closer the second number is to the first, "
        "the more alike the comparison is to the place it stands for.",
        csv=display.csv_text(columns, found[columns].to_numpy().tolist()),
        csv_name="predictors",
    )


def _label(text: str, source: Source) -> str:
    """A predictor as people name it: the column's label and its periods."""
    column, _, when = text.partition("@")
    return f"{source.columns[column].label}{f', {when}' if when else ''}"


def _rounded(value: float, line: Array) -> str:
    """A value with the decimals that three digits of the line's smallest number take."""
    smallest = float(np.abs(line[line != 0]).min()) if (line != 0).any() else 1.0
    return display.fixed(float(value), max(0, min(4, 2 - int(np.floor(np.log10(smallest))))))
