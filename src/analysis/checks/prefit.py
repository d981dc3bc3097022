"""Does the comparison follow the treated unit before the policy? Without that its path afterwards means nothing.

Reference: Abadie (2021), "Using synthetic controls", section 5, asks for a close fit without giving a number; the
thresholds (a quarter and a half of the treated unit's own spread, ten periods) are this project's.
"""

from __future__ import annotations

import math

from analysis.checks._synthetic import before
from analysis.fits.synthetic_control import Synthetic
from analysis.panel import Panel
from analysis.report.display import fixed, percent
from analysis.result import Check, Effects, Severity

FAMILIES = ("synthetic_control",)
ASSUMPTION = "Before the policy the comparison moved as the treated unit did."
CAUTION, STOP = 0.25, 0.5
PERIODS = 10


def run(data: Panel, effects: Synthetic, path: Effects | None, *, level: float) -> Check:
    """The root mean squared gap before the policy as a share of the outcome's own spread then, and the periods seen."""
    ratio = effects.pre_rmspe / effects.pre_scale if effects.pre_scale > 0 else math.inf
    fewest = int(before(effects).min())
    severity, advice = _verdict(ratio, fewest)
    share = percent(ratio) if ratio < 1 else f"{fixed(ratio, 1)} times"
    few = f" Only {fewest} periods precede the policy: a mixture of donors can follow so few by chance."
    return Check(
        "prefit",
        "E121",
        ASSUMPTION,
        f"In the {int(effects.fitted.sum())} periods fitted the comparison misses by {{miss}} (root mean square), "
        f"{share} of the treated unit's own spread then ({{scale}}).{few if fewest < PERIODS else ''}",
        advice,
        severity,
        ratio if math.isfinite(ratio) else None,
        amounts={"miss": effects.pre_rmspe, "scale": effects.pre_scale, **_needed(effects, level)},
        overturns=_overturns(effects, level),
    )


def _verdict(ratio: float, periods: int) -> tuple[Severity, str]:
    if not ratio <= STOP:
        return "stop", "Use no number from this design: change donors or design, or follow units with more like them."
    if ratio > CAUTION:
        return "warn", "Try other donors, predictors or a design that allows for a difference in level."
    if periods < PERIODS:
        return "warn", "Look for earlier data; a close fit over few periods says little about what comes after."
    return "note", "A close fit before does not show that nothing else changed afterwards."


def _needed(effects: Synthetic, level: float) -> dict[str, float]:
    """How far the interval stays from no effect."""
    found = effects.average(level)
    return {"needed": min(abs(found.low), abs(found.high))}


def _overturns(effects: Synthetic, level: float) -> str:
    needed = _needed(effects, level)["needed"]
    if not (math.isfinite(needed) and effects.pre_rmspe > 0):
        return ""
    times = fixed(needed / effects.pre_rmspe, 1)
    return (
        "Zero becomes plausible if what is expected without the policy is wrong by a further {needed} on average over "
        f"the periods under it, {times} times its typical miss before."
    )
