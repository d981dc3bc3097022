"""Covariate-adjusted difference: least squares on the assignment and centred covariates with slopes for each arm.

Estimand: the average effect of being assigned to the arm, whether or not it was taken up (intention to treat).
Assumes: chance alone decided who was in which arm; covariates were measured before, and are few for the number of
    units.
Reference: Lin (2013), "Agnostic notes on regression adjustments to experimental data"; estimatr::lm_lin (HC2).
Fails when: a covariate was itself changed by the assignment, covariates were chosen after seeing the outcome, or there
    are so many that every arm fits its own noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from analysis.designs._trial import Choice, setting, trial
from analysis.fits.randomised_trial import Trial
from analysis.inference.trial_regression import Errors
from analysis.refusal import Refusal
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ROOM = 2  # rows of an arm for each of its parameters


def estimate(
    data: Rows,
    *,
    treatment: str,
    covariates: Sequence[str] = (),
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
    """The difference adjusted for `covariates`; the options are those of `difference_in_means`.

    Raises:
        Refusal: E113 where an arm has fewer than two rows for each parameter; E107 where covariates repeat each other.
    """
    choice = Choice(treatment, control_arm, arm, strata, strata_weights, errors, uncertainty, planned, draws, seed)
    made = setting(data, choice, covariates, interacted=True)
    parameters = 1 + made.problem.covariates.shape[1]
    fewest = int(np.bincount(made.problem.assigned.astype(int)).min())
    if fewest < ROOM * parameters:
        problem = f"{parameters} parameters for an arm of {fewest} rows"
        raise Refusal("E113", "covariates", problem, "name fewer covariates")
    named = f"adjusted for {', '.join(covariates)} with slopes for each arm"
    method = f"difference in means {named}" if covariates else "difference in means"
    return trial(made, method=method, refit=partial(estimate, covariates=tuple(covariates), **vars(choice)))
