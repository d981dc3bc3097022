"""Random effects: changes within units and differences between them combined, as if units were alike but for chance.

Estimand: the effect of more treatment on the outcome of the same period, if it is the same between and within units.
Assumes: beyond what fixed effects assume, that lasting differences between units are unrelated to their treatment.
Reference: Swamy and Arora (1972); Wooldridge (2010), section 10.4; linearmodels' RandomEffects for the variances.
Fails when: units with more treatment differ lastingly from the others. A comparison with fixed effects shows it
    (Hausman 1978; Mundlak 1978).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from analysis.designs._panel_effects import effects_of
from analysis.inference import panel_fit, random_effects
from analysis.inference.panel_terms import need_units, terms
from analysis.refusal import Refusal
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
    """The effect of `change` more of `treatment` by generalised least squares, with period effects unless `effects` is
    "entity".

    Raises:
        Refusal: effects "time", under which units have no effects (E131); as fixed_effects.
    """
    need_units(data, "random effects")
    if effects == "time":
        raise Refusal("E131", "effects", "random effects are effects of units", "effects: two_way, or design: pooled")
    options = {"change": change, "covariates": covariates, "lags": lags, "before": before}
    parts = terms(data, treatment, **options)  # type: ignore[arg-type]
    fit = panel_fit.quasi(parts, random_effects.shares(parts, effects), effects)
    return effects_of(
        fit,
        data,
        partial(estimate, treatment=treatment, effects=effects, errors=errors, **options),  # type: ignore[arg-type]
        model="random_effects",
        kind=errors,
        method=f"random effects by generalised least squares{' with period effects' if effects == 'two_way' else ''}",
        covariates=covariates,
    )
