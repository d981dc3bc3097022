"""Does the policy touch the comparison units? The answer without those exposed to it.

Reference: Clarke (2017), "Estimating Difference-in-Differences in the Presence of Spillovers"; Butts (2021). Units that
adopt later stay in: only exposed units that never adopt are left out.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import ALPHA, Gap, about, compared, contrast, reached, subset
from analysis.panel import Array, Panel
from analysis.refusal import Refusal
from analysis.report.display import p_words
from analysis.result import Check, Data, Effects

ASSUMPTION = "The policy did not touch the units it is compared with."


def run(
    data: Data, effects: Effects, path: Effects | None, *, exposure: str | None, average: str, level: float
) -> Check:
    """The answer estimated again without the comparison units that `exposure` says were exposed."""
    if exposure is None:
        finding = "Spill-over cannot be checked: no column says which comparison units live near the policy or trade "
        return _about(f"{finding}with those it reached.", "Name a column of exposure (0 to 1) under `exposure`.")
    exposed, words = _exposed(data, data.covariates[exposure])
    total = int((~reached(data)).sum())
    if not exposed.any():
        finding = f"None of the {total} comparison {_units(data)} is exposed by {exposure}: none is to be left out."
        return _about(finding, "Ask whether the column sees every way in which the policy could reach them.")
    try:
        if not contrast(data, ~exposed):
            return _about("Every comparison unit is exposed: none is left to compare with.", "Look for farther units.")
        other = effects.refit(subset(data, ~exposed, f"exposed to the policy by {exposure}"))
        gap = compared(data, effects, other, average, level, kept=~exposed)
    except Refusal as refusal:
        return _about(f"The answer without exposed units cannot be estimated: {refusal.problem}.", "Look for others.")
    return _verdict(gap, f"{int(exposed.sum())} of {total} comparison {_units(data)} {words} by {exposure}", level)


def _exposed(data: Data, values: Array) -> tuple[Array, str]:
    """(units or rows,) whether it never adopts and is exposed; where all are, whether it is more so than half."""
    untreated = ~reached(data)
    most = np.nanmax(values, axis=1) if isinstance(data, Panel) else np.nan_to_num(values)
    exposed = untreated & (most > 0)
    if (exposed == untreated).all() and untreated.any() and np.ptp(most[untreated]) > 0:
        return untreated & (most > np.median(most[untreated])), "more exposed than the median"
    return exposed, "exposed"


def _units(data: Data) -> str:
    return "units" if isinstance(data, Panel) else "rows"


def _verdict(gap: Gap, who: str, level: float) -> Check:
    p_value = None if np.isnan(gap.p_value) else gap.p_value
    hit = gap.turned or (p_value is not None and p_value <= ALPHA)
    chance = f", p = {p_words(p_value)}" if p_value is not None else ""
    return Check(
        "spillover",
        "E118",
        ASSUMPTION,
        f"Without the {who} the answer is {{other}} instead of {{answer}}, apart by {gap.words(level)}{chance}.",
        "Report the answer without exposed units, and treat their change as a second effect of the policy."
        if hit
        else "Spill-over onto units that the column does not mark, or marks for all alike, would not be seen.",
        "warn" if hit else "note",
        gap.value,
        p_value,
        amounts=gap.amounts(),
    )


def _about(finding: str, advice: str) -> Check:
    return about("spillover", "E118", ASSUMPTION, finding, advice)
