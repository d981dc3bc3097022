"""Line through a whole window: a polynomial fitted to every row of a window, with a step at the cut-off.

Estimand: the step at the cut-off if the polynomial is right for the whole window; per unit of take-up where a treatment
    is named.
Assumes: what a discontinuity assumes, and that one polynomial describes the outcome all the way to the window's ends.
Reference: Lee and Lemieux (2010), Journal of Economic Literature 48(2); Gelman and Imbens (2019) against high orders.
Fails when: the outcome bends inside the window: rows far from the cut-off then decide about the step.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from analysis.designs._discontinuity import Score, effects, score
from analysis.fits.regression_discontinuity import Discontinuity, TakeUp
from analysis.inference import window_regression
from analysis.inference.window_regression import WindowFit
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASIDE = "for comparison only: rows far from the cut-off count as much as rows at it"
SHAPES = {0: "difference of means", 1: "line", 2: "quadratic", 3: "cubic", 4: "polynomial of order four"}


def estimate(
    data: Rows,
    *,
    running: str,
    cutoff: float,
    treated_side: str,
    treatment: str | None,
    window: float | None,
    polynomial: int,
    slopes: str,
    errors: str,
    donut: float,
    covariates: list[str] | tuple[str, ...] = (),
) -> Discontinuity:
    """The step of a polynomial in the rows at most `window` from the cut-off (all rows where it is None).

    With `treatment` take-up (and, with separate slopes, take-up x powers) is instrumented by the side and its slopes.

    Raises:
        Refusal: no rows on one side, or too few distinct scores (P005); a repeated covariate (E107).
    """
    at, wide = _inside(score(data, running, cutoff, treated_side, donut), window, polynomial)
    choices = {
        "running": running,
        "cutoff": cutoff,
        "treated_side": treated_side,
        "treatment": treatment,
        "window": window,
        "polynomial": polynomial,
        "slopes": slopes,
        "errors": errors,
        "donut": donut,
        "covariates": covariates,
    }
    held = at.covariates(covariates)
    pieces = window_regression.terms(at.distance, at.treated, polynomial, slopes == "separate")
    given: dict[str, Any] = {"cluster": at.cluster, "errors": errors}
    step = window_regression.least_squares(at.rows.outcome, *pieces, held, weight=at.rows.weight, **given)
    fit, first = step, None
    if treatment is not None:
        taken = at.rows.column(treatment)
        fit = window_regression.two_stage(at.rows.outcome, taken, *pieces, held, weight=at.weight, **given)
        first = _take_up(window_regression.least_squares(taken, *pieces, held, weight=at.rows.weight, **given), at)
    return effects(
        at,
        fit.value,
        fit.std_error,
        np.ones(at.rows.n, dtype=bool),
        lines=_below_above(step, at),
        refit=partial(estimate, **choices),  # type: ignore[arg-type]
        take_up=first,
        estimand=_estimand(treatment),
        method=_method(wide, polynomial, slopes, covariates, treatment),
        inference=_inference(fit, at),
        df=fit.df,
        aside=ASIDE,
        width=(wide, wide),
        bias_width=(wide, wide),
        local=False,
    )


def _inside(whole: Score, window: float | None, polynomial: int) -> tuple[Score, float]:
    """The rows of the window, and how far it reaches."""
    wide = float(np.abs(whole.distance).max()) if window is None else window
    near = np.abs(whole.distance) <= wide * (1 + 1e-12)
    rows = whole.rows.only(near, f"farther than {wide:g} from the cut-off")
    found = Score(rows, whole.running, whole.cutoff, whole.side, whole.donut)
    _refuse_thin(found, polynomial)
    return found, wide


def _refuse_thin(at: Score, polynomial: int) -> None:
    for member, word in ((at.distance < 0, "below"), (at.distance >= 0, "above")):
        distinct = len(np.unique(at.distance[member]))
        if distinct < polynomial + 1:
            problem = f"{distinct} distinct scores {word} the cut-off are too few for a {SHAPES[polynomial]}"
            raise Refusal("P005", "window", problem, "widen it, or lower `polynomial`")


def _below_above(fit: WindowFit, at: Score) -> tuple[Array, Array]:
    other, treated = fit.lines
    return (other, treated) if at.side > 0 else (treated, other)


def _take_up(fit: WindowFit, at: Score) -> TakeUp:
    levels = tuple(float(line[0]) for line in _below_above(fit, at))
    half = 1.96 * fit.std_error
    return TakeUp(fit.value, fit.std_error, fit.value - half, fit.value + half, (levels[0], levels[1]))


def _estimand(treatment: str | None) -> str:
    if treatment is None:
        return "average effect at the cut-off of being on the treated side, if the polynomial is right"
    return (
        f"average effect of the treatment ({treatment}) at the cut-off, on those who take it up because of their side"
    )


def _method(wide: float, polynomial: int, slopes: str, covariates: Any, treatment: str | None) -> str:
    how = "two-stage least squares" if treatment else "least squares"
    adjusted = f", adjusted for {', '.join(covariates)}" if covariates else ""
    side = " with slopes on each side" if slopes == "separate" else " with one slope"
    kind = f"{SHAPES[polynomial]}{side if polynomial else ''}"
    return f"{how}, {kind}, rows within {wide:.4g} of the cut-off{adjusted}"


def _inference(fit: WindowFit, at: Score) -> str:
    words = fit.errors.format(cluster=at.rows.labels.word(at.rows.labels.cluster), clusters=at.rows.clusters)
    drawn = "normal distribution" if np.isinf(fit.df) else f"t distribution with {fit.df:g} degrees of freedom"
    return f"{words}; {drawn}"
