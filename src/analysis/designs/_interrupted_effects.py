"""From a fitted regression of an interrupted series to its effects by period."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from analysis.designs._interrupted_series import Series, series
from analysis.designs._interrupted_terms import Terms, contrast, terms
from analysis.fits.interrupted_time_series import Coefficient, Interrupted
from analysis.inference import periods
from analysis.inference.error_models import Fit, Whiten
from analysis.panel import Array
from analysis.result import Effects


def prepare(
    estimate: Callable[..., Interrupted], given: Mapping[str, Any]
) -> tuple[Series, Terms, partial[Interrupted]]:
    """The series, its regressors and the same estimate for other data, from a design and the arguments it was given."""
    choices = {name: value for name, value in given.items() if name != "data"}
    one = series(given["data"], choices["start"], choices["end"], choices["lag"])
    choices["season"] = periods.cycle(choices["season"], one.labels, one.first)
    trend = choices.get("drift", True)
    wanted = ("impact", "season", "seasonality", "harmonics", "covariates", "other_events")
    kept: dict[str, Any] = {name: choices[name] for name in wanted}
    return one, terms(one, **kept, trend=trend), partial(estimate, **choices)


def effects(
    one: Series,
    given: Terms,
    beta: Array,
    covariance: Array,
    *,
    df: float,
    method: str,
    inference: str,
    refit: Callable[[Any], Effects],
    innovations: Array,
    exposure: Array | None = None,
    logged: bool = False,
    control: Array | None = None,
    level: Array | None = None,
    handled: bool = True,
) -> Interrupted:
    """The effects by period: outcome with the policy less outcome without it, under the regression.

    exposure: (T,) of counts, on which the logarithmic model (`logged`) multiplies. control: (T,) what was subtracted
    from the outcome, given back to the paths shown; level: (T,) a wandering level, added to them.
    """
    with_policy, without = given.matrix @ beta, given.without @ beta
    gradient = given.matrix - given.without
    if logged:
        scale = np.ones(len(beta)) if exposure is None else exposure
        with_policy, without = scale * np.exp(with_policy), scale * np.exp(without)
        gradient = with_policy[:, None] * given.matrix - without[:, None] * given.without
    gradient = gradient[one.counted]
    back = sum((path for path in (control, level) if path is not None), np.zeros(len(one.place)))
    observed = one.outcome if control is None else one.outcome - control
    found = Interrupted(
        **_pieces(one, (with_policy - without)[one.counted], gradient @ covariance @ gradient.T),
        kind="event_time",
        estimand="average effect over the periods under the policy",
        method=f"{method}{given.words}",
        inference=f"{inference}; t distribution with {df:.3g} degrees of freedom",
        df=df,
        baseline=float((without + back)[one.counted].mean()),
        compared="predicted without the policy",
        refit=refit,
        time=one.labels,
        observed=one.outcome,
        fitted=with_policy + back,
        counterfactual=without + back,
        under=one.under,
        counted=one.counted,
        residuals=observed - with_policy,
        innovations=innovations,
        matrix=given.matrix,
        contrast=contrast(one, given),
        coefficients=_coefficients(given, beta, covariance),
        logged=logged,
        controlled=control is not None,
        handled=handled,
    )
    return replace(found, related={"total": _total(found)})


def _total(found: Interrupted) -> Effects:
    """The effects of all periods added up, as a single piece."""
    count = float(len(found.table))
    one = found.averaged_over()
    table = one.table.assign(estimate=count * one.estimate, std_error=count * one.table["std_error"])
    return replace(
        one, table=table, joint=count**2 * one.joint, estimand="effect added up over the periods under the policy"
    )


def _pieces(one: Series, estimate: Array, joint: Array) -> Mapping[str, Any]:
    import pandas as pd

    count, before = len(estimate), one.first
    table = pd.DataFrame(
        {
            "cohort": -1,
            "period": -1,
            "event_time": np.flatnonzero(one.counted) - int(np.argmax(one.counted)),
            "estimate": estimate,
            "std_error": np.sqrt(np.clip(np.diag(joint), 0, None)),
            "weight": 1.0 / count,
            "treated_clusters": count,
            "comparison_clusters": before,
        }
    )
    n = len(one.place)
    return {"table": table, "joint": joint, "n": n, "clusters": n, "treated_clusters": count}


def _coefficients(given: Terms, beta: Array, covariance: Array) -> tuple[Coefficient, ...]:
    errors = np.sqrt(np.clip(np.diag(covariance), 0, None))
    found = zip(given.names[1:], beta[1:], errors[1:], given.roles[1:], strict=True)
    return tuple(Coefficient(name, float(b), float(e), role) for name, b, e, role in found)  # type: ignore[arg-type]


def likelihood_effects(
    one: Series,
    given: Terms,
    found: Fit,
    whiten: Whiten,
    *,
    method: str,
    errors: str,
    refit: partial[Interrupted],
    control: Array | None = None,
    level: Array | None = None,
) -> Interrupted:
    """The effects of a regression whose errors were fitted by restricted likelihood."""
    return effects(
        one,
        given,
        found.coefficients,
        found.covariance,
        df=found.df,
        method=method,
        inference=f"{errors}, by restricted likelihood; Satterthwaite degrees of freedom",
        refit=refit,
        innovations=whiten(found.theta, found.residuals[:, None])[0][:, 0],
        control=control,
        level=level,
    )
