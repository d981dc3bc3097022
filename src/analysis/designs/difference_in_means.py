"""Difference in means: the average outcome of the arm less that of the control group, within strata if any.

Estimand: the average effect of being assigned to the arm, whether or not it was taken up (intention to treat).
Assumes: chance alone decided who was in which arm; one unit's arm leaves the outcomes of others alone; outcomes are
    seen alike in both arms.
Reference: Neyman (1923); Imbens and Rubin (2015), chapters 6 and 9; R package estimatr (HC2, CR2); strata as fixed
    effects or averaged by size: Athey and Imbens (2017), sections 4 and 5.
Fails when: the draw was interfered with, people drop out of one arm more than of the other, arms touch each other, or
    errors treat as separate what was assigned together.
"""

from __future__ import annotations

from functools import partial

from analysis.designs._trial import Choice, setting, trial
from analysis.fits.randomised_trial import Trial
from analysis.inference.trial_regression import Errors
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)


def estimate(
    data: Rows,
    *,
    treatment: str,
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
    """The difference in means of `arm` and `control_arm`.

    Args:
        strata_weights: strata as fixed effects ("precision"), or each stratum's own difference averaged by "size".
        errors: None for clustered where the data have clusters, robust (HC2) otherwise.
        uncertainty: read once by "design", by "permutation" of the assignment, or "always_valid" along the way.

    Raises:
        Refusal: P005 (arms), E104 and E105 (clusters), E107 (strata that repeat the arms), E113 (thin strata).
    """
    choice = Choice(treatment, control_arm, arm, strata, strata_weights, errors, uncertainty, planned, draws, seed)
    return trial(setting(data, choice), method="difference in means", refit=partial(estimate, **vars(choice)))
