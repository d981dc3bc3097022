"""Unadjusted difference: the mean of the treated less the mean of the others, as they are.

Estimand: the difference of the two groups' means; an effect only where chance alone decided who was treated.
Assumes: without treatment both groups would have had the same mean outcome.
Reference: least squares of the outcome on treatment; classical errors, as textbooks print them (equal variances).
Fails when: those who were treated differ from the others in anything that moves the outcome.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from analysis.designs import _weighting
from analysis.fits.weighting import Weighted
from analysis.inference.carried import carry
from analysis.rows import Rows

FAMILIES = ("weighting",)
ASIDE = "for comparison only: it takes the groups as they are, so that all their differences count as the effect"


def estimate(rows: Rows, *, treatment: str) -> Weighted:
    """The difference of means; classical errors, or summed by cluster where there are clusters.

    Raises Refusal as `_weighting.setting` does.
    """
    at = _weighting.setting(rows, treatment, [], [], "treated", 0.0)
    every = np.ones(rows.n)
    on, off = (carry(rows.outcome, at.target, at.share(every, member)) for member in (at.treated, ~at.treated))
    found = _weighting.weighted(
        at,
        (on, off),
        method="difference of the two groups' means",
        basis="robust errors (HC0)",
        refit=partial(estimate, treatment=treatment),
    )
    found = replace(found, aside=ASIDE, compared="in the comparison group", estimand="difference of means")
    return found if rows.clustered or rows.weighted else _classical(rows, found)


def _classical(rows: Rows, found: Weighted) -> Weighted:
    """Errors that take the outcome's variance to be the same in every row."""
    treated, y = found.treated, rows.outcome
    residual = y - np.where(treated, y[treated].mean(), y[~treated].mean())
    df = rows.n - 2
    variance = float(residual @ residual) / df * (1 / treated.sum() + 1 / (~treated).sum())
    return replace(
        found,
        table=found.table.assign(std_error=np.sqrt(variance)),
        joint=np.array([[variance]]),
        df=float(df),
        influence=None,
        inference=f"classical least-squares errors (every row independent, same variance); t distribution with {df} "
        "degrees of freedom",
    )
