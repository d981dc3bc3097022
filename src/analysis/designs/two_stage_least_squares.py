"""Two-stage least squares: the part of the treatment that the instruments predict is related to the outcome.

Estimand: the effect of the treatment, averaged over those whose treatment the instruments moved (compliers), weighted
    by how far they moved it.
Assumes: the instruments are as good as randomly assigned given what is held constant (independence), touch the outcome
    through the treatment alone (exclusion), move the treatment (relevance), and push nobody the other way
    (monotonicity).
Reference: Angrist, Imbens and Rubin (1996); Wooldridge, Introductory Econometrics, chapter 15; linearmodels.iv.IV2SLS.
    Intervals: Anderson and Rubin (1949); Montiel Olea and Pflueger (2013); Lee, McCrary, Moreira and Porter (2022).
Fails when: an instrument reaches the outcome by another way or shares a cause with it; with weak instruments small
    faults become large ones and the estimate leans towards least squares.
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
    return _instrumental.answer(data, options, _fit, estimate, "two-stage least squares")


def _fit(arrays: Problem) -> tuple[float, float]:
    from linearmodels.iv import IV2SLS

    model = IV2SLS(arrays.outcome, None, arrays.treatment, _instrumental.scaled(arrays))
    return _instrumental.fitted(arrays, model)
