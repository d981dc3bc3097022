"""Whose average is it? The answer with and without the weights of units.

Reference: Solon, Haider and Wooldridge (2015), "What Are We Weighting For?": a difference says that effects differ with
size, or that something is misspecified.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.checks._common import Gap, about, compared
from analysis.refusal import Refusal
from analysis.result import Check, Data, Effects

ASSUMPTION = "The answer is about the population that the decision is about."


def run(data: Data, effects: Effects, path: Effects | None, *, average: str, level: float) -> Check:
    """The answer estimated again with every unit (or row) counting the same."""
    if not data.weighted:
        finding = "No weight is declared: every unit counts the same, however many people live in it, and nothing "
        return _about(f"{finding}shows whether the answer would be another for the average person.")
    equal = replace(data, weight=np.ones(len(data.weight)), labels=replace(data.labels, weight=""))
    try:
        gap = compared(data, effects, effects.refit(equal), average, level)
    except Refusal as refusal:
        return _about(f"The answer without weights cannot be estimated: {refusal.problem}.")
    return _verdict(gap, data.labels.word(data.labels.weight), level)


def _verdict(gap: Gap, weight: str, level: float) -> Check:
    way = " The two point in opposite directions." if gap.turned else ""
    apart = gap.turned or gap.clear
    return Check(
        "weighting",
        "E115",
        ASSUMPTION,
        f"Weighted by {weight} the answer is {{answer}}, with every unit counting the same {{other}}: "
        f"apart by {gap.words(level)}.{way}",
        "State which population the decision is about, and show the effect by size of unit."
        if apart
        else "A difference inside the interval could still be there.",
        "warn" if gap.turned else "note",
        gap.value,
        None if np.isnan(gap.p_value) else gap.p_value,
        amounts=gap.amounts(),
    )


def _about(finding: str) -> Check:
    advice = "If units differ in size, name a column under `weight` and say whom the decision is about."
    return about("weighting", "E115", ASSUMPTION, finding, advice)
