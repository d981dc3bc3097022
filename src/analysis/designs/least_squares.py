"""Least squares: outcome and treatment compared as they are, the instruments not used.

Estimand: the difference in outcome that goes with a difference in treatment, whatever its cause.
Assumes: nothing that moves the outcome moves the treatment too, given what is held constant; the reason for an
    instrument is that this is doubtful.
Reference: Wooldridge, Introductory Econometrics, chapter 3; linearmodels.iv.IV2SLS without instruments.
Fails when: people chose the treatment for reasons that matter for the outcome, or the treatment is measured with error.
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
    found = _instrumental.answer(data, options, _fit, estimate, "least squares")
    return _instrumental.plain(found, data)


def _fit(arrays: Problem) -> tuple[float, float]:
    from linearmodels.iv import IV2SLS

    return _instrumental.fitted(arrays, IV2SLS(arrays.outcome, arrays.treatment, None, None))
