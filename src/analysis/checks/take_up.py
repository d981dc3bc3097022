"""Does take-up jump at the cut-off, and by enough? A fuzzy design divides by that jump.

Thresholds of F: below 10 no t interval; below 104.7 a t test of five per cent is not one (Lee, McCrary, Moreira and
Porter 2022, American Economic Review 112(10)).
"""

from __future__ import annotations

import numpy as np

from analysis.fits.regression_discontinuity import Discontinuity, TakeUp
from analysis.inference import local_polynomial
from analysis.inference.local_polynomial import Options
from analysis.report.display import THIN, fixed, significant
from analysis.result import Check, Effects, Severity
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASSUMPTION = "Take-up jumps at the cut-off, and by enough to divide by."
WEAK, STRONG = 10.0, 104.7


def run(data: Rows, effects: Discontinuity, path: Effects | None, *, treatment: str | None) -> Check:
    """The jump in take-up, its F statistic, and whether it is a jump or a slope."""
    if treatment is None:
        finding = "No column of take-up is named: the effect is that of being on the treated side."
        advice = "If some on the treated side go without, or others get in, name the column under `treatment`."
        return Check("take_up", "E110", ASSUMPTION, finding, advice, "note")
    if effects.take_up is None:
        finding = f"The answer is the effect of the offer; the jump in {treatment} was not divided by."
        return Check("take_up", "E110", ASSUMPTION, finding, "See the fuzzy estimate for those who take it up.", "note")
    first = effects.take_up
    gradual = "" if effects.local else _gradual(data, effects, treatment)
    return _verdict(first, effects, treatment, gradual)


def _verdict(first: TakeUp, effects: Discontinuity, treatment: str, gradual: str) -> Check:
    f = "beyond measure" if np.isinf(first.f) else f"{significant(first.f, 3)}"
    low, jump, high = (fixed(100 * x, 1) for x in (first.low, first.jump, first.high))
    finding = (
        f"Take-up ({treatment}) jumps by {jump} percentage points towards the treated side (95{THIN}% interval {low} "
        f"to {high}); F is {f}."
    )
    weak, middling = first.f < WEAK or first.jump <= 0, first.f < STRONG
    if first.high < 0:
        finding += " It falls towards the side called treated: `treated_side` is probably the other one."
    elif weak:
        kept = "only the interval that a weak jump does not distort is shown" if first.robust else "no interval holds"
        finding += f" That is too weak to divide by: {kept}."
    elif middling:
        kept = "the interval shown allows for it" if first.robust else "the interval shown is somewhat too short"
        finding += f" That is moderate: {kept}."
    severity: Severity = "warn" if weak or middling or gradual else "note"
    if first.high < 0 or (weak and not first.robust):
        severity = "stop"
    return Check(
        "take_up",
        "E123" if weak else "E110",
        ASSUMPTION,
        f"{finding}{gradual}",
        "Read the effect of the offer instead, or wait for a rule that moves more people."
        if weak
        else "Ask why take-up changes before and after the cut-off; the ratio then mixes the cut-off with a trend."
        if gradual
        else "The effect is about those whom the cut-off moves, and says nothing about the others.",
        severity,
        first.f if np.isfinite(first.f) else None,
        None,
        first.low,
        first.high,
    )


def _gradual(data: Rows, effects: Discontinuity, treatment: str) -> str:
    """A sentence where the jump right at the cut-off is clearly smaller than the one the whole window suggests."""
    first = effects.take_up
    assert first is not None
    x = data.column(effects.running)
    try:
        width = (effects.width[0] / 2, effects.width[0] / 2)
        fit = local_polynomial.jump(
            data.column(treatment), x, effects.cutoff, Options(width=width), cluster=_cluster(data)
        )
    except (ValueError, np.linalg.LinAlgError):
        return ""
    local = effects.side * fit.value
    if local + 1.96 * fit.conventional >= first.jump:
        return ""
    return (
        f" Within half the window, with the nearest rows counting most, it is {fixed(100 * local, 1)} points: take-up "
        "changes gradually around the cut-off as well as at it."
    )


def _cluster(data: Rows) -> np.ndarray | None:
    return data.cluster if data.clustered else None
