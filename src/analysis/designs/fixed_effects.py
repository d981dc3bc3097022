"""Fixed effects: changes within units are compared, with what is common to a period taken out.

Estimand: the average effect of more treatment on the outcome of the same period, weighted towards units and periods in
    which the treatment moves most once the effects are taken out.
Assumes: what differs between units and matters is constant over time or held constant; nothing else changes within
    units along with the treatment; the treatment does not answer to past outcomes (strict exogeneity); the effect is
    linear and the same at once and later unless lags are named.
Reference: Wooldridge (2010), Econometric Analysis of Cross Section and Panel Data, section 10.5; Stock and Watson,
    Introduction to Econometrics, chapter 10; fixest::feols for clustered errors.
Fails when: units change for other reasons when their treatment does, past outcomes move the treatment, the treatment is
    measured with error, or effects differ between units that start at different times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from analysis.designs._panel_effects import HELD, effects_of
from analysis.inference import panel_fit
from analysis.inference.panel_terms import need_units, terms
from analysis.result import Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)


def estimate(
    data: Rows,
    *,
    treatment: str,
    change: float = 1.0,
    covariates: Sequence[str] = (),
    lags: int = 0,
    before: float | None = None,
    effects: str = "two_way",
    errors: str = "clustered",
) -> Effects:
    """The effect of `change` more of `treatment`, with unit effects, period effects or both.

    Errors are clustered by unit unless a coarser column is declared; below thirty clusters they are Bell and
    McCaffrey's with Satterthwaite's degrees of freedom.

    Raises:
        Refusal: no units or periods (E130), a treatment or covariate that the effects leave nothing of (E107), one
            cluster or too few periods for the errors asked for (E103), no row with a known lag (P005).
    """
    need_units(data, "fixed effects")
    options = {"change": change, "covariates": covariates, "lags": lags, "before": before}
    fit = panel_fit.within(terms(data, treatment, **options), effects)  # type: ignore[arg-type]
    return effects_of(
        fit,
        data,
        partial(estimate, treatment=treatment, effects=effects, errors=errors, **options),  # type: ignore[arg-type]
        model="fixed_effects",
        kind=errors,
        method=f"least squares with {HELD[effects]} (fixed effects)",
        covariates=covariates,
    )
