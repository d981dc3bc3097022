"""Local lines at the cut-off: rows near the cut-off on one side against those on the other, with bias taken off.

Estimand: the average effect on those whose score is just at the cut-off, of being on the treated side.
Assumes: without the policy the outcome would pass smoothly through the cut-off; nobody can choose the side; nothing
    else changes there.
Reference: Hahn, Todd and van der Klaauw (2001); Calonico, Cattaneo and Titiunik (2014), Econometrica 82(6); rdrobust.
Fails when: people or officials move scores across the cut-off, another rule uses the same cut-off, or the outcome bends
    so sharply that no width is narrow enough.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.designs._discontinuity import adjusted_for, bandwidth_words, effects, local, score, shape, widths, within
from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference.local_polynomial import LocalFit, Options, Pair
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
REACHED = "whether or not those it reached took it up"


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
    """The jump towards the treated side. With a `treatment` column it is the effect of the offer, not of take-up.

    given: widths and bias widths (below, above), instead of a bandwidth or a rule. The estimate is the local
    polynomial's, the interval the robust bias-corrected one around the corrected estimate.

    Raises:
        Refusal: no rows on one side, or too few distinct scores near the cut-off (P005); a repeated covariate (E107).
    """
    at = score(data, running, cutoff, treated_side, donut)
    options = Options(order, kernel, bandwidth_rule, *widths(bandwidth, given))
    fit = local(at, options, covariates)
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
    reached = f" (the offer: {REACHED})" if treatment else ""
    return effects(
        at,
        at.side * fit.value,
        fit.std_error,
        within(at, fit),
        lines=fit.lines,
        refit=partial(estimate, given=given, **choices),  # type: ignore[arg-type]
        estimand=f"average effect at the cut-off of being on the treated side{reached}",
        method=f"local polynomial ({shape(options)}, {bandwidth_words(fit, options)}){adjusted_for(covariates)}",
        inference=_inference(fit, at.rows.labels.word(at.rows.labels.cluster)),
        df=float("inf"),
        bounds=partial(_bounds, at.side * fit.corrected, fit.std_error),
        centre=at.side * fit.corrected,
        aside=f"the effect of the offer, {REACHED}: smaller than that of taking it up" if treatment else "",
        width=fit.width,
        bias_width=fit.bias_width,
        kernel=kernel,
    )


def _inference(fit: LocalFit, cluster: str) -> str:
    return f"robust bias-corrected interval; {fit.errors.format(cluster=cluster)}; normal distribution"


def _bounds(corrected: float, error: float, level: float) -> tuple[float, float, float]:
    from scipy import stats

    half = float(stats.norm.ppf((1 + level) / 2)) * error
    return corrected - half, corrected + half, float(2 * stats.norm.sf(abs(corrected) / error)) if error else np.nan
