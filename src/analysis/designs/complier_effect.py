"""Effect of taking part: the difference in outcomes over the difference in take-up, by instrumental variables.

Estimand: the average effect on those who take part because they were assigned to, and would not otherwise (compliers).
Assumes: chance alone decided the assignment; it works through taking part only; nobody does the opposite of what they
    were assigned to; one unit's part leaves others alone.
Reference: Angrist, Imbens and Rubin (1996); the interval is Anderson and Rubin's where the F-statistic of the
    assignment is below 104.7 (Lee, McCrary, Moreira and Porter 2022), otherwise that of two-stage least squares.
Fails when: being assigned changes the outcome of those who do not take part, or few people comply.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from analysis.designs._trial import Choice, Setting, assembled, setting
from analysis.fits.randomised_trial import Trial
from analysis.inference.complier import Ratio, ratio
from analysis.inference.trial_regression import Errors
from analysis.refusal import Refusal
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
SAFE = 104.7  # F-statistic from which a t interval keeps its level


def estimate(
    data: Rows,
    *,
    treatment: str,
    received: str | None = None,
    control_arm: str | int | None = None,
    arm: str | int | None = None,
    strata: str | None = None,
    strata_weights: str = "precision",
    errors: Errors | None = None,
    uncertainty: str = "design",
    planned: int | None = None,
    draws: int = 999,
    seed: int = 0,
) -> Trial:
    """The effect per unit of `received`; other options as in `difference_in_means`.

    Raises Refusal D402 without `received`, E123 where the assignment moves nobody.
    """
    if received is None:
        raise Refusal("D402", "received", "no column says who took part", "name it under `received`")
    choice = Choice(treatment, control_arm, arm, strata, strata_weights, errors, uncertainty, planned, draws, seed)
    made = setting(data, choice)
    took = made.rows.column(received)
    found = ratio(made.problem, took, made.errors)
    if not found.first.value:
        raise Refusal("E123", "received", "as many took part in one arm as in the other", "look at the data")
    member = made.problem.assigned == 1
    means = [float(np.average(took[side], weights=made.problem.weight[side])) for side in (member, ~member)]
    return assembled(
        made,
        found.effect,
        method=f"two-stage least squares, {received} by the assignment",
        estimand=f"average effect of {received} on those who took part because they were assigned to",
        refit=partial(estimate, received=received, **vars(choice)),
        exposure=took,
        extra={
            "assigned": False,
            "takeup": (means[0], means[1], found.strength),
            "aside": "the effect of taking part, on those who did because they were assigned to",
            **_interval(made, found),
        },
    )


def _interval(made: Setting, found: Ratio) -> dict[str, Any]:
    """The Anderson-Rubin set where the assignment moves take-up too little for a t interval."""
    if made.choice.uncertainty != "design" or found.strength >= SAFE:
        return {}
    words = f"Anderson-Rubin interval (F-statistic of the assignment {found.strength:.1f}); p-value of the assignment"
    return {"bounds": partial(_anderson_rubin, found), "inference": words}


def _anderson_rubin(found: Ratio, level: float) -> tuple[float, float, float]:
    from analysis.result import t_interval

    p_value = t_interval(found.reduced.value, found.reduced.error, found.reduced.df, level)[2]
    return (*found.anderson_rubin(level), p_value)
