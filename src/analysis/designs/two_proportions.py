"""Two proportions: the share with the outcome in each arm, and the difference of the two shares.

Estimand: the effect of being assigned to the arm on the share of units with the outcome (intention to treat).
Assumes: chance alone decided who was in which arm; every row is a unit of its own; outcomes are seen alike in both
    arms.
Reference: the z-test of two proportions, pooled under no effect for the p-value and not pooled for the interval
    (Agresti 2013, section 3.2); stats::prop.test without correction.
Fails when: rows share a fate (several visits of one person), arms are small or the outcome is rare, or the draw was by
    strata or clusters.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from analysis.designs._trial import Choice, assembled, setting
from analysis.fits.randomised_trial import Trial
from analysis.inference.trial_regression import Contrast
from analysis.refusal import Refusal
from analysis.report.display import fixed
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
RARE = 5  # events, and rows without, expected in each arm


def estimate(
    data: Rows,
    *,
    treatment: str,
    control_arm: str | int | None = None,
    arm: str | int | None = None,
    uncertainty: str = "design",
    planned: int | None = None,
    draws: int = 999,
    seed: int = 0,
) -> Trial:
    """The difference of two shares of a 0/1 outcome.

    Raises:
        Refusal: P005 for an outcome that is not 0 or 1, E105 for clustered or weighted rows, E113 where fewer than five
            events are expected in an arm.
    """
    choice = Choice(treatment, control_arm, arm, None, "precision", "robust", uncertainty, planned, draws, seed)
    _refuse(data)
    made = setting(data, choice)
    member, hit = made.problem.assigned == 1, made.problem.outcome == 1
    sizes = np.array([(~member).sum(), member.sum()])
    shares = np.array([hit[~member].mean(), hit[member].mean()])
    pooled = float(hit.mean())
    if float(sizes.min() * min(pooled, 1 - pooled)) < RARE:
        problem = f"fewer than {RARE} events (or rows without) expected in one arm: the normal approximation fails"
        raise Refusal("E113", "design", problem, "use `design: difference_in_means` with `uncertainty: permutation`")
    variance = float((shares * (1 - shares) / sizes).sum())
    value = float(shares[1] - shares[0])
    z = value / float(np.sqrt(pooled * (1 - pooled) * (1 / sizes).sum()))
    psi = np.where(member, hit - shares[1], shares[0] - hit) / sizes[member.astype(int)]
    found = Contrast(value, variance, float(sizes.sum() - 2), psi)
    words = "two shares, not pooled for the interval and pooled for the p-value"
    extra: dict[str, Any] = {}
    if uncertainty == "design":
        extra["inference"] = f"normal approximation of {words} (z = {fixed(z, 2)})"
        extra["bounds"] = partial(_bounds, value, float(np.sqrt(variance)), z)
    return assembled(
        made,
        found,
        method="difference of two proportions",
        estimand=f"effect of being assigned to {made.names[1]} rather than {made.names[0]} on the share",
        refit=partial(
            estimate,
            treatment=treatment,
            control_arm=control_arm,
            arm=arm,
            uncertainty=uncertainty,
            planned=planned,
            draws=draws,
            seed=seed,
        ),
        exposure=None,
        extra=extra,
    )


def _refuse(data: Rows) -> None:
    if not np.isin(data.outcome, (0.0, 1.0)).all():
        problem = "the outcome holds values other than 0 and 1"
        raise Refusal("P005", data.labels.outcome, problem, "use `design: difference_in_means`")
    if data.clustered or data.weighted:
        problem = "two proportions count rows that are alike and independent, and these are clustered or weighted"
        raise Refusal("E105", "design", problem, "use `design: difference_in_means`")


def _bounds(value: float, error: float, z: float, level: float) -> tuple[float, float, float]:
    from scipy import stats

    half = float(stats.norm.ppf((1 + level) / 2)) * error
    return value - half, value + half, float(2 * stats.norm.sf(abs(z)))
