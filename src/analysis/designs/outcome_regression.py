"""Standardisation: regressions predict both outcomes of every row, and their difference is averaged.

Estimand: the average effect on the treated, or over everyone (the parameter estimand).
Assumes: given the covariates, who is treated has nothing to do with what the outcome would be without treatment; and
    the outcome is linear in the covariates, with slopes of their own in each group for those named as modifiers (all of
    them where none are).
Reference: Robins (1986), the g-formula; Hernan and Robins, Causal Inference: What If, chapter 13; errors from the
    estimating equations of regression and means.
Fails when: something unmeasured moves both treatment and outcome, or one group is predicted where only the other is
    found.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.designs import _weighting
from analysis.fits.weighting import Weighted
from analysis.inference.carried import Carried, carry, standardised
from analysis.rows import Rows

FAMILIES = ("weighting",)


def estimate(
    rows: Rows,
    *,
    treatment: str,
    covariates: list[str],
    squares: list[str],
    estimand: str,
    trim: float,
    modifiers: list[str] | None,
) -> Weighted:
    """Predicted means with and without treatment over the target rows.

    Raises Refusal as `_weighting.setting` does, and E107 where a group is too small or too alike for its regression.
    """
    again = partial(
        estimate,
        treatment=treatment,
        covariates=covariates,
        squares=squares,
        estimand=estimand,
        trim=trim,
        modifiers=modifiers,
    )
    at = _weighting.setting(rows, treatment, covariates, squares, estimand, trim)
    sides = _by_group(at) if modifiers is None else _together(at, modifiers)
    slopes = "slopes by group" if modifiers is None else f"slopes by group of {', '.join(modifiers) or 'none'}"
    return _weighting.weighted(
        at,
        sides,
        method=f"standardisation of a least-squares regression on {len(at.names)} columns of covariates, {slopes}",
        basis="errors from the estimating equations of regression and means",
        refit=again,
    )


def _by_group(at: _weighting.Setting) -> tuple[Carried, Carried]:
    _weighting.regressable(at)
    nothing = np.zeros(at.rows.n)
    on, off = (
        carry(at.rows.outcome, at.target, nothing, design=at.design, regression=at.rows.weight * member)
        for member in (at.treated, ~at.treated)
    )
    return on, off


def _together(at: _weighting.Setting, modifiers: list[str]) -> tuple[Carried, Carried]:
    places = [k + 1 for k, name in enumerate(at.names) if name.partition(": ")[0] in modifiers]
    return standardised(at.rows.outcome, at.treated, at.rows.weight, at.target, at.design, places)
