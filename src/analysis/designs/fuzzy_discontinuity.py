"""Fuzzy discontinuity: the jump in the outcome divided by the jump in take-up.

Estimand: the average effect of the treatment on those at the cut-off who take it up because of their side.
Assumes: what a discontinuity assumes; being on the treated side moves nobody out of the treatment; and it matters only
    through the treatment.
Reference: Hahn, Todd and van der Klaauw (2001); Calonico, Cattaneo and Titiunik (2014); Feir, Lemieux and Marmer (2016)
    for weak jumps in take-up; rdrobust.
Fails when: take-up hardly jumps at the cut-off, changes gradually around it, or the side matters in other ways.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.designs._discontinuity import (
    Score,
    adjusted_for,
    bandwidth_words,
    effects,
    local,
    score,
    shape,
    widths,
    within,
)
from analysis.fits.regression_discontinuity import Discontinuity, TakeUp
from analysis.inference import local_polynomial
from analysis.inference.local_polynomial import LocalFit, Options, Pair
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
STRONG = 104.7  # F from which a t test of five per cent keeps its size (Lee and others 2022)


def estimate(
    data: Rows,
    given: tuple[Pair, Pair] | None = None,
    *,
    running: str,
    cutoff: float,
    treated_side: str,
    treatment: str | None,
    bandwidth: float | None,
    bandwidth_rule: str,
    kernel: str,
    order: int,
    donut: float,
    covariates: list[str] | tuple[str, ...] = (),
) -> Discontinuity:
    """The ratio of the two jumps. rdrobust's choice of a width for it depends on the level of the outcome as well.

    Where take-up jumps by less than F = 104.7 the interval comes from testing each
    effect against the jump of outcome less effect x take-up, which a weak jump does not distort.

    Raises:
        Refusal: no treatment column (E123), take-up that does not vary (P005), and as local_linear does.
    """
    at = score(data, running, cutoff, treated_side, donut)
    taken = _taken(at, treatment)
    options = Options(order, kernel, bandwidth_rule, *widths(bandwidth, given))
    fit = local(at, options, covariates, taken)
    first = _take_up(fit, at.side)
    fixed = Options(order, kernel, bandwidth_rule, fit.width, fit.bias_width)
    weak = partial(_weak_bounds, at, fixed, taken, tuple(covariates)) if first.robust else None
    choices = {
        "running": running,
        "cutoff": cutoff,
        "treated_side": treated_side,
        "treatment": treatment,
        "bandwidth": bandwidth,
        "bandwidth_rule": bandwidth_rule,
        "kernel": kernel,
        "order": order,
        "donut": donut,
        "covariates": covariates,
    }
    return effects(
        at,
        fit.value,
        fit.std_error,
        within(at, fit),
        lines=fit.lines,
        refit=partial(estimate, given=given, **choices),  # type: ignore[arg-type]
        take_up=first,
        estimand=f"average effect of the treatment ({treatment}) at the cut-off, on those who take it up because of "
        "their side",
        method=f"fuzzy local polynomial ({shape(options)}, {bandwidth_words(fit, options)}){adjusted_for(covariates)}",
        inference=_inference(fit, first, at.rows.labels.word(at.rows.labels.cluster)),
        df=float("inf"),
        bounds=weak or partial(_bounds, fit.corrected, fit.std_error),
        centre=fit.corrected,
        width=fit.width,
        bias_width=fit.bias_width,
        kernel=kernel,
    )


def _taken(at: Score, treatment: str | None) -> Array:
    if treatment is None:
        raise Refusal("E123", "treatment", "a fuzzy design needs the column of take-up", "name it under `treatment`")
    taken = at.rows.column(treatment)
    if np.ptp(taken) == 0:
        raise Refusal("P005", treatment, f"every row has {taken[0]:g}: there is nothing to compare", "check `where`")
    return taken


def _take_up(fit: LocalFit, side: int) -> TakeUp:
    """The jump in take-up towards the treated side, bias-corrected, with its robust error."""
    first = fit.take_up
    assert first is not None
    jump, error = side * first.corrected, first.std_error
    levels = (float(first.lines[0][0]), float(first.lines[1][0]))
    f = (jump / error) ** 2 if error > 0 else np.inf
    return TakeUp(jump, error, jump - 1.96 * error, jump + 1.96 * error, levels, robust=f < STRONG)


def _inference(fit: LocalFit, first: TakeUp, cluster: str) -> str:
    errors = fit.errors.format(cluster=cluster)
    if first.robust:
        return f"set that a weak jump in take-up does not distort (Anderson-Rubin), bias-corrected; {errors}"
    return f"robust bias-corrected interval; {errors}; normal distribution"


def _bounds(corrected: float, error: float, level: float) -> tuple[float, float, float]:
    from scipy import stats

    half = float(stats.norm.ppf((1 + level) / 2)) * error
    return corrected - half, corrected + half, float(2 * stats.norm.sf(abs(corrected) / error))


def _weak_bounds(
    at: Score, options: Options, taken: Array, covariates: tuple[str, ...], level: float
) -> tuple[float, float, float]:
    from scipy import stats

    critical = float(stats.norm.ppf((1 + level) / 2))
    y, x = at.rows.outcome, at.rows.column(at.running)
    if covariates:
        held = at.covariates(covariates)
        y, rest = local_polynomial.adjusted(y, taken, x, at.cutoff, options, held, at.weight)
        taken = taken if rest is None else rest
    given = {"weight": at.weight, "cluster": at.cluster}
    low, high = local_polynomial.weak_set(y, x, at.cutoff, options, taken, critical, **given)
    reduced = local_polynomial.jump(y, x, at.cutoff, options, **given)
    return low, high, float(2 * stats.norm.sf(abs(reduced.corrected) / reduced.std_error))
