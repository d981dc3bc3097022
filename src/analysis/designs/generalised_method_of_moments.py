"""Two-step method of moments: two-stage least squares with the instruments weighted by how precisely they speak.

Estimand: the effect of the treatment, averaged over those whose treatment the instruments moved, with weights that
    follow the instruments' noise; with one instrument, or classical errors, the same number as two-stage least squares.
Assumes: what two-stage least squares assumes, and the same effect for everyone where several instruments are used.
Reference: Hansen (1982); Wooldridge, Econometric Analysis of Cross Section and Panel Data, section 8.3;
    linearmodels.iv.IVGMM with weights as the errors (robust or clustered), two steps.
Fails when: an instrument reaches the outcome by another way, or the weights are estimated from too few
    rows or clusters.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.designs import _instrumental
from analysis.fits.instrumental_variable import Problem
from analysis.result import Effects
from analysis.rows import Rows

FAMILIES = ("instrumental_variable",)


def estimate(
    data: Rows,
    *,
    treatment: str,
    instruments: Sequence[str],
    covariates: Sequence[str] = (),
    absorb: Sequence[str] = (),
    errors: str = "robust",
    change: float = 1.0,
    draws: int = 999,
    seed: int = 20260101,
) -> Effects:
    """The effect of a change of `change` in `treatment`, in the unit of the outcome.

    Args:
        data: rows that hold the columns named; text stands for an indicator of each word but the first.
        covariates: columns held constant; absorb: columns whose every value gets an effect of its own.
        errors: "classical", "robust" or "clustered", all with a small-sample factor.
        draws, seed: of the wild bootstrap behind the interval where few clusters carry the instruments.

    Raises:
        Refusal: E103, E105, E107 as `_instrumental.problem`.
    """
    options = _instrumental.Options(
        treatment=treatment,
        instruments=tuple(instruments),
        covariates=tuple(covariates),
        absorb=tuple(absorb),
        errors=errors,
        change=change,
        draws=draws,
        seed=seed,
    )
    return _instrumental.answer(data, options, _fit, estimate, "two-step generalised method of moments")


def _fit(arrays: Problem) -> tuple[float, float]:
    from linearmodels.iv import IVGMM

    kind = {"classical": "unadjusted", "robust": "robust", "clustered": "clustered"}[arrays.errors]
    more = {"clusters": arrays.cluster} if arrays.errors == "clustered" else {}
    model = IVGMM(arrays.outcome, None, arrays.treatment, _instrumental.scaled(arrays), weight_type=kind, **more)
    return _instrumental.fitted(arrays, model)
