"""Synthetic control: a weighted average of donors that matched the treated units before.

Estimand: the average effect on the treated units over their periods since the policy started.
Assumes: without the policy, the outcome of the treated units would have stayed at that of their weighted donors; no
    anticipation; the policy leaves donors alone.
Reference: Abadie, Diamond and Hainmueller (2010, 2015); without predictors as `sc_estimate` of the R package synthdid.
    Importance of predictors: searched for the smallest gap before (R's Synth, Stata's synth with nested), or by
    regression (the default of Stata's synth).
Fails when: the treated units lie outside the range of the donors, few periods before make any fit easy, a shock of
    their own hit them or a donor with much weight, or donors were chosen for the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from analysis.designs._synthetic import described, synthetic
from analysis.designs._synthetic_panel import Book, book
from analysis.designs._synthetic_uncertainty import Approach, always
from analysis.fits.synthetic_control import Synthetic
from analysis.inference import synthetic as kernel
from analysis.inference import synthetic_predictors as nested
from analysis.inference.synthetic import Weigher
from analysis.inference.synthetic_groups import Estimated
from analysis.panel import Panel, Sample

FAMILIES = ("synthetic_control",)


def estimate(
    data: Panel | Sample,
    *,
    predictors: Sequence[str] = (),
    optimise_weights: bool = True,
    fit_from: int | None = None,
    exclude: Sequence[str] = (),
    uncertainty: str = "placebo",
    solver: str = "exact",
    draws: int = 199,
    seed: int = 20260101,
) -> Synthetic:
    """Effects by event time and their average.

    Args:
        predictors: what donors should share with the treated units, each `column` (mean over the periods fitted),
            `column@1988` or `column@1985-1993`; none fits the path of the outcome itself.
        optimise_weights: search the importance of predictors, else take it from a regression.
        fit_from: first period before the policy that weights are fitted to. exclude: donors left out.
        uncertainty: "placebo", "jackknife", "bootstrap" or (without predictors) "conformal"; "none" skips it.
        solver: "exact", or "frank_wolfe" for the iterations of R's synthdid (without predictors).

    Raises:
        Refusal: as `_synthetic_panel.book`; too few donors or treated units for the uncertainty asked for (E104).
    """
    used = book(data, name="synthetic_control", fit_from=fit_from, exclude=exclude, predictors=predictors)
    return synthetic(
        used,
        _with_predictors(used, optimise_weights, seed) if predictors else _by_path(used, solver),
        uncertainty=uncertainty,
        draws=draws,
        seed=seed,
        refit=partial(
            estimate,
            predictors=tuple(predictors),
            optimise_weights=optimise_weights,
            fit_from=fit_from,
            exclude=tuple(exclude),
            uncertainty=uncertainty,
            solver=solver,
            draws=draws,
            seed=seed,
        ),
    )


def _by_path(used: Book, solver: str) -> Approach:
    weigh = partial(kernel.plain, solver=solver)
    path = used.panel.labels.word(used.panel.labels.outcome)
    method = f"synthetic control fitted to the path of {path}; {described(used)}"
    return Approach(weigh, always(weigh), by_fit=True, conformal=always(weigh), method=method)


def _with_predictors(used: Book, search: bool, seed: int) -> Approach:
    how = "their importance searched" if search else "their importance from a regression"
    method = f"synthetic control with {len(used.features)} predictors, {how}; {described(used)}"
    weigh = partial(nested.matched, search=search, seed=seed)
    again = partial(_again, search, seed)
    return Approach(weigh, again, by_fit=True, conformal=None, method=method)


def _again(search: bool, seed: int, own: Estimated) -> Weigher:
    """Placebo units and resamples search from fewer starts, the importance found for the treated units among them."""
    first = {p.start: f.predictor for p, f in zip(own.problems, own.fits, strict=True) if f.predictor is not None}
    return partial(nested.matched, search=search, seed=seed, random=nested.FEW, first=first)
