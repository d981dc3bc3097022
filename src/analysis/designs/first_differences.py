"""First differences: the outcome's change from one period to the next is set against the treatment's.

Estimand: the average effect of more treatment on the outcome of the same period, weighted towards changes of treatment
    that are large from one period to the next.
Assumes: what differs between units and matters is constant over time or held constant; a change of treatment is
    unrelated to what else changes in the same two periods; the effect is there at once unless lags are named.
Reference: Wooldridge, Introductory Econometrics, sections 13.3 to 13.5, and (2010), section 10.6.
Fails when: effects take longer than a period to build up, the treatment answers to the outcome of the period before, or
    the treatment is measured with error, which weighs more in changes than in levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from analysis.designs._panel_effects import effects_of
from analysis.inference import panel_fit
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
    """The effect of `change` more of `treatment` on changes between neighbouring periods of a unit.

    With effects "two_way" every period has its own mean change; with "entity" the mean change without treatment is
    zero. A change over a gap is not used. Rows are weighted by the later row of the two.

    Raises:
        Refusal: effects "time", which leave unit effects in (E131); no neighbouring periods (E130); as fixed_effects.
    """
    need_units(data, "first differences")
    if effects == "time":
        problem = "changes within units take unit effects out, and `effects: time` leaves them in"
        raise Refusal("E131", "effects", problem, "effects: two_way")
    options = {"change": change, "covariates": covariates, "lags": lags, "before": before}
    fit = panel_fit.differences(terms(data, treatment, **options), effects)  # type: ignore[arg-type]
    return effects_of(
        fit,
        data,
        partial(estimate, treatment=treatment, effects=effects, errors=errors, **options),  # type: ignore[arg-type]
        model="first_differences",
        kind=errors,
        method=f"least squares of first differences{' with period effects' if effects == 'two_way' else ''}",
        covariates=covariates,
    )
