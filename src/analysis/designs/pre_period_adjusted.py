"""Pre-period adjusted difference: the difference in means less what the arms already differed by before (CUPED).

Estimand: the average effect of being assigned to the arm, whether or not it was taken up (intention to treat).
Assumes: chance alone decided who was in which arm; the earlier outcome was measured before anyone was assigned.
Reference: Deng, Xu, Kohavi and Walker (2013), "Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data" (the factor theta from the variation within arms: analysis of covariance).
Fails when: the earlier outcome already contains an effect, or rows without one were left out unequally.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.designs._trial import Choice, setting, trial
from analysis.fits.randomised_trial import Trial
from analysis.inference.trial_regression import Errors, contrast
from analysis.refusal import Refusal
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)


def estimate(
    data: Rows,
    *,
    treatment: str,
    pre_outcome: str | None = None,
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
    """The difference adjusted for `pre_outcome`, the same outcome before; other options as in `difference_in_means`.

    Raises Refusal D402 without `pre_outcome`.
    """
    if pre_outcome is None:
        raise Refusal("D402", "pre_outcome", "no column holds the outcome before", "name it under `pre_outcome`")
    choice = Choice(treatment, control_arm, arm, strata, strata_weights, errors, uncertainty, planned, draws, seed)
    made = setting(data, choice, [pre_outcome])
    bare = contrast(setting(data, choice).problem, made.errors)
    reduction = 1 - contrast(made.problem, made.errors).variance / bare.variance if bare.variance else float(np.nan)
    return trial(
        made,
        method=f"difference in means less theta times the difference in {pre_outcome}",
        refit=partial(estimate, pre_outcome=pre_outcome, **vars(choice)),
        extra={"reduction": reduction},
    )
