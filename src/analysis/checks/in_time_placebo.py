"""A false date: the same comparison, fitted to the first half of the periods before the policy, on those alone.

Reference: Abadie, Diamond and Hainmueller (2015), section 4.2 (in-time placebos). A design with predictors is fitted to
the outcome's path instead, since its predictors reach past the false date. An effect found there is fatal (E112) where
a bias of its size would bring zero into the interval of the answer, otherwise a caution: with few periods before the
false date the fit to them is so close that small departures stand out.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import ALPHA, changed, options
from analysis.checks._synthetic import moved_earlier
from analysis.fits.synthetic_control import Synthetic
from analysis.panel import NEVER, Panel
from analysis.refusal import Refusal
from analysis.report.display import level_words, p_words
from analysis.result import Check, Effects, Estimate

FAMILIES = ("synthetic_control",)
ASSUMPTION = "Before the policy the comparison finds nothing: no early reaction, no drift away from it."


def run(data: Panel, effects: Synthetic, path: Effects | None, *, level: float) -> Check:
    """Refits with the policy moved to the middle of the periods before it, on those periods alone."""
    periods = int(data.adoption[data.adoption != NEVER].min())
    shift = periods // 2
    if periods - shift < 2:
        return _impossible(f"only {periods} periods precede the policy")
    bare = bool(options(effects).get("predictors"))
    try:
        refitted = changed(effects, moved_earlier(data, shift), **({"predictors": []} if bare else {}))
        found = refitted.average(level)
    except Refusal as refusal:
        return _impossible(refusal.problem)
    if np.isnan(found.p_value):
        return _impossible("no p-value exists with these units")
    return _verdict(found, effects.average(level), shift, bare)


def _verdict(found: Estimate, answer: Estimate, shift: int, bare: bool) -> Check:
    hit = found.p_value <= ALPHA + 1e-9
    room = min(abs(answer.low), abs(answer.high)) if answer.excludes(0.0) else 0.0
    undone = hit and abs(found.value) >= room
    verdict = "finds an effect where there was no policy" if hit else "finds no effect larger than chance explains"
    fitted = ", fitted to the path of the outcome because predictors reach past it" if bare else ""
    return Check(
        "in_time_placebo",
        "E112" if undone else "E110",
        ASSUMPTION,
        f"A false start {shift} periods before the true one, on data from before it alone{fitted}, {verdict}: "
        f"{{value}} (p = {p_words(found.p_value)}; {level_words(found.level)} {{low_number}} to {{high}})."
        f"{' A bias of that size would not undo the answer.' if hit and not undone else ''}",
        _advice(hit, undone),
        "warn" if hit else "note",
        found.value,
        found.p_value,
        found.low,
        found.high,
        {"value": found.value, "low": found.low, "high": found.high},
    )


def _advice(hit: bool, undone: bool) -> str:
    if undone:
        return "Find out what changed then; the comparison does not follow this unit."
    if hit:
        return "Find out what changed then; the comparison drifts, though by less than the answer."
    return "The interval shows how large a drift this test could have missed."


def _impossible(why: str) -> Check:
    return Check(
        "in_time_placebo",
        "E110",
        ASSUMPTION,
        f"A false start cannot be tried with these data: {why}.",
        "Look for earlier data.",
        "warn",
    )
