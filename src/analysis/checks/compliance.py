"""Did people do what they were assigned to? The effect of being assigned is then smaller than that of taking part.

Reference: Angrist, Imbens and Rubin (1996); Staiger and Stock (1997) for the F-statistic of ten.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import about
from analysis.fits.randomised_trial import Trial
from analysis.inference.trial_arms import arms
from analysis.report.display import level_words
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ASSUMPTION = "What was assigned is what was received, or the answer says that it is about assignment."
WEAK = 10.0
THIN = "\u202f"


def run(
    data: Rows,
    effects: Trial,
    path: Effects | None,
    *,
    treatment: str,
    control_arm: str | int | None,
    arm: str | int | None,
    received: str | None,
    level: float,
) -> Check:
    """The take-up in both arms and their difference."""
    if received is None:
        finding = "No column says who took part, so that the answer is about being assigned and nothing else."
        return about("compliance", "E123", ASSUMPTION, finding, "Name it under `received`, if it is known.")
    found = arms(data, treatment, control_arm, arm)
    took = data.column(received)
    shares = [float(np.average(took[found.code == k], weights=data.weight[found.code == k])) for k in (0, 1)]
    keywords = effects.refit.keywords  # type: ignore[attr-defined]
    gap, strength = shares[1] - shares[0], _strength(data, found.code, took)
    weak = strength < WEAK
    names = found.shown
    return Check(
        "compliance",
        "E123",
        ASSUMPTION,
        f"{names[1]}: {_percent(shares[1])} took part; {names[0]}: {_percent(shares[0])}. The assignment moved "
        f"{100 * gap:.1f} in a hundred (F-statistic {strength:,.0f}). {_about(effects, level)} Who would take part "
        "only if assigned cannot be told one by one.",
        "Do not read the effect of taking part: too few people were moved."
        if weak
        else "Decide whether the policy offers or obliges; the effect of an offer is that of the assignment."
        if "received" not in keywords
        else "The effect is on compliers; others may respond differently.",
        "warn" if weak else "note",
        gap,
    )


def _strength(data: Rows, code: object, took: object) -> float:
    """F-statistic of a plain difference in take-up, with unequal variances."""
    pair = [np.asarray(took)[np.asarray(code) == k] for k in (0, 1)]
    variance = sum(side.var(ddof=1) / len(side) for side in pair)
    gap = float(pair[1].mean() - pair[0].mean())
    return float(gap**2 / variance) if variance else float("inf") if gap else 0.0


def _about(effects: Trial, level: float) -> str:
    if effects.assigned:
        return "The answer is the effect of being assigned."
    return f"The answer is the effect of taking part on those moved ({level_words(level)} above)."


def _percent(share: float) -> str:
    return f"{100 * share:.1f}{THIN}%"
