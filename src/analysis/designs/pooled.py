"""Pooled least squares: all rows compared with one another, whoever and whenever they are.

Estimand: how much the outcome differs between rows that differ by the change in treatment, given the covariates.
Assumes: rows with more and with less treatment are alike in everything else that matters, between units and over time.
Reference: Stock and Watson, Introduction to Econometrics, chapters 4 to 7 and section 10.1.
Fails when: units with more treatment differ from the others in anything lasting that matters for the outcome, which is
    the rule rather than the exception: the sign can turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from analysis.designs._panel_effects import effects_of
from analysis.inference import panel_fit
from analysis.inference.panel_terms import terms
from analysis.result import Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASIDE = "for comparison only: it compares different units, and whatever lasting differs between them is in it"


def estimate(
    data: Rows,
    *,
    treatment: str,
    change: float = 1.0,
    covariates: Sequence[str] = (),
    lags: int = 0,
    before: float | None = None,
    errors: str = "clustered",
) -> Effects:
    """The difference that goes with `change` more of `treatment`, with a constant and no effects of units or periods.

    Raises:
        Refusal: as fixed_effects, less what concerns units.
    """
    options = {"change": change, "covariates": covariates, "lags": lags, "before": before}
    fit = panel_fit.pooled(terms(data, treatment, **options))  # type: ignore[arg-type]
    return effects_of(
        fit,
        data,
        partial(estimate, treatment=treatment, errors=errors, **options),  # type: ignore[arg-type]
        model="pooled",
        kind=errors,
        method="pooled least squares",
        covariates=covariates,
        aside=ASIDE,
    )
