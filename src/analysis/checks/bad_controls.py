"""Do the covariates react to the policy? What it moves cannot be held constant.

Reference: Caetano, Callaway, Payne and Rodrigues (2022), "Difference in Differences with Time-Varying Covariates";
Angrist and Pischke (2009), section 3.2.3, on bad controls. With several covariates p-values are Holm's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.checks._common import ALPHA, about, changed, listed, number, options, permuted_p
from analysis.inference import few_clusters
from analysis.panel import Array, Panel
from analysis.refusal import Refusal
from analysis.report.display import fixed, p_words
from analysis.result import Check, Data, Effects

ASSUMPTION = "What is held constant did not itself react to the policy."


@dataclass(frozen=True)
class _Reaction:
    """The policy's effect on a covariate, in its standard deviations, with its p-value (Holm's among several) and the
    effect that would be found four times in five (None where adoption dates are permuted)."""

    name: str
    value: float
    p_value: float
    detectable: float | None = None


def run(data: Data, effects: Effects, path: Effects | None, *, covariates: list[str], average: str, seed: int) -> Check:
    """The effect of the policy on each covariate that varies over time."""
    if not covariates:
        return _about("No covariate is held constant, so that none can have reacted to the policy.", "Nothing to do.")
    moving = [name for name in covariates if _varies(data, data.covariates[name])]
    if not moving:
        finding = f"The covariates ({listed(covariates)}) are the same in every period and cannot react to the policy."
        return _about(finding, "Nothing to do.")
    try:
        found = _holm([_reaction(data, effects, name, average, seed) for name in moving])
    except Refusal as refusal:
        return _about(f"Reactions of the covariates cannot be estimated: {refusal.problem}.", "Use values from before.")
    return _verdict(found, isinstance(data, Panel))


def _varies(data: Data, values: Array) -> bool:
    """A covariate that can change; in repeated cross-sections every one can."""
    return not isinstance(data, Panel) or bool((np.nanmax(values, axis=1) > np.nanmin(values, axis=1)).any())


def _reaction(data: Data, effects: Effects, name: str, average: str, seed: int) -> _Reaction:
    values = data.covariates[name]
    false = data.with_outcome(values / np.nanstd(values))
    bare: dict[str, list[str]] = {"covariates": []} if "covariates" in options(effects) else {}
    found = changed(effects, false, **bare)
    if isinstance(false, Panel) and few_clusters.too_few(false, found, average):
        return _Reaction(name, number(found, average), permuted_p(false, found, average, seed)[0])
    estimate = found.along(average).average(1 - ALPHA)
    return _Reaction(name, estimate.value, estimate.p_value, estimate.detectable())


def _holm(found: list[_Reaction]) -> list[_Reaction]:
    """The reactions by p-value, adjusted so that a false alarm among all of them is as rare as for one."""
    largest, adjusted = 0.0, []
    for place, one in enumerate(sorted(found, key=lambda reaction: reaction.p_value)):
        largest = max(largest, min(1.0, one.p_value * (len(found) - place)))
        adjusted.append(replace(one, p_value=largest))
    return adjusted


def _verdict(found: list[_Reaction], panel: bool) -> Check:
    hits = [one for one in found if one.p_value <= ALPHA]
    shown = hits or found[:1]
    sizes = listed([f"{one.name} by {fixed(one.value, 2)} (p = {p_words(one.p_value)})" for one in shown])
    if hits:
        finding = f"Of {len(found)} covariates that can change, these moved with the policy, in their own standard "
        finding += f"deviations: {sizes}."
    else:
        finding = (
            f"None of {len(found)} covariates that can change moved with the policy by more than chance explains; "
        )
        finding += f"the farthest, in its own standard deviations: {sizes}. {_unseen(found)}"
    used = (
        " Only values from before the policy are used here, so that none of the effect is held constant."
        if panel
        else " Each row has its own values: a movement means that other kinds of rows are compared after than before."
    )
    return Check(
        "bad_controls",
        "E106",
        ASSUMPTION,
        finding + used,
        "Show the answer without them too; what moved may be an outcome of the policy."
        if hits
        else "Keep to covariates measured before the policy.",
        "warn" if hits else "note",
        shown[0].value,
        shown[0].p_value,
    )


def _unseen(found: list[_Reaction]) -> str:
    """What could have been missed."""
    largest = [one.detectable for one in found if one.detectable is not None]
    if not largest:
        return "With so few clusters only a large reaction would be seen."
    return f"One of up to {fixed(max(largest), 2)} could have been missed."


def _about(finding: str, advice: str) -> Check:
    return about("bad_controls", "E106", ASSUMPTION, finding, advice)
