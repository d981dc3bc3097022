"""How strong would something unmeasured have to be to explain the answer away?

Reference: VanderWeele and Ding (2017), E-values; Rosenbaum (2002) for matched pairs. The limits below which a caution
is given (an E-value of 1.5 at the interval's bound, a gamma of 1.25) are this project's choice.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._weighting import weighted
from analysis.fits.weighting import Weighted
from analysis.inference import unmeasured
from analysis.report.display import fixed
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("weighting",)
ASSUMPTION = "Nothing that was not measured made both treatment and the outcome likelier."
FRAGILE = 1.5
GAMMA = 1.25


def run(rows: Rows, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """The E-value of the estimate and of the interval's bound nearest to zero; Rosenbaum's bound for matched pairs."""
    fit = weighted(effects)
    answer = fit.average(level)
    if not answer.excludes(0.0):
        return _nothing(_e_value(rows, fit, answer.value), _event(rows, answer.value))
    nearest = answer.low if answer.value > 0 else answer.high
    at_value, at_bound = _e_value(rows, fit, answer.value), _e_value(rows, fit, nearest)
    gamma = unmeasured.sensitivity(fit.pairs) if len(fit.pairs) else None
    fragile = at_bound < FRAGILE or (gamma is not None and gamma < GAMMA)
    times, event = f"{fixed(at_bound, 2)} times", _event(rows, answer.value)
    return Check(
        "hidden_bias",
        "E110",
        ASSUMPTION,
        f"Something unmeasured would explain the estimate away if it made both treatment and {event} "
        f"{fixed(at_value, 2)} times likelier, beyond the covariates; {times} would bring zero into the interval."
        f"{_pairs(gamma)} These are the least strengths that could; nothing says that such a cause is absent.",
        "Name the strongest cause that was not measured, and ask whether it could be so strong.",
        "warn" if fragile else "note",
        at_bound,
        overturns=f"Zero becomes plausible if something unmeasured made both treatment and {event} {times} "
        "likelier, beyond the covariates.",
    )


def _event(rows: Rows, effect: float) -> str:
    if _share(rows):
        return "the outcome" if effect > 0 else "the absence of the outcome"
    return "a high outcome" if effect > 0 else "a low outcome"


def _share(rows: Rows) -> bool:
    return bool(np.isin(rows.outcome, (0.0, 1.0)).all())


def _e_value(rows: Rows, fit: Weighted, effect: float) -> float:
    outcome = rows.outcome[fit.kept]
    spread = np.mean([outcome[member].var(ddof=1) for member in (fit.treated, ~fit.treated)])
    level = fit.baseline if _share(rows) else None
    return unmeasured.e_value(unmeasured.risk_ratio(effect, float(np.sqrt(spread)), level))


def _pairs(gamma: float | None) -> str:
    if gamma is None:
        return ""
    return (
        f" Among matched pairs, the ranks stay unlikely under no effect until one of a pair is {fixed(gamma, 2)} times "
        "likelier to be treated than the other, for a reason that also decides the outcome."
    )


def _nothing(at_value: float, event: str) -> Check:
    return Check(
        "hidden_bias",
        "E110",
        ASSUMPTION,
        "The interval includes zero already, so that no unmeasured cause is needed to make no effect plausible. One "
        f"that made both treatment and {event} {fixed(at_value, 2)} times likelier would explain the estimate; "
        "it could as well hide an effect.",
        "Ask which unmeasured cause could hide an effect, too.",
        "note",
        at_value,
    )
