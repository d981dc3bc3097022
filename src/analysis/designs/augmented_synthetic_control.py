"""Augmented synthetic control: a ridge regression takes off what the weights of donors leave unmatched.

Estimand: the average effect on the treated units over their periods since the policy started.
Assumes: without the policy, treated units would have followed their weighted donors, after a linear adjustment for the
    gaps that remained before; no anticipation; the policy leaves donors alone.
Reference: Ben-Michael, Feller and Rothstein (2021), sections 3 and 4 (ridge; penalty by leaving out one period at a
    time, the largest within one standard error of the best).
Fails when: donors are so unlike the treated units that the adjustment extrapolates far (weights well below zero), or a
    shock of their own hit the treated units.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from analysis.designs._synthetic import described, synthetic
from analysis.designs._synthetic_panel import book
from analysis.designs._synthetic_uncertainty import Approach, always
from analysis.fits.synthetic_control import Synthetic
from analysis.inference import synthetic as kernel
from analysis.inference.synthetic import Fit, Problem, Weigher
from analysis.inference.synthetic_groups import Estimated
from analysis.panel import Panel, Sample

FAMILIES = ("synthetic_control",)


def estimate(
    data: Panel | Sample,
    *,
    fit_from: int | None = None,
    exclude: Sequence[str] = (),
    uncertainty: str = "placebo",
    draws: int = 199,
    seed: int = 20260101,
) -> Synthetic:
    """Effects by event time and their average.

    Args:
        fit_from: first period before the policy that weights are fitted to. exclude: donors left out.
        uncertainty: "placebo", "jackknife", "bootstrap" or "conformal"; "none" skips it.

    Raises:
        Refusal: as `_synthetic_panel.book`; too few donors or treated units for the uncertainty asked for (E104).
    """
    used = book(data, name="augmented_synthetic_control", fit_from=fit_from, exclude=exclude)
    weigh = _weighed
    again = always(weigh)
    method = f"synthetic control augmented by ridge regression; {described(used)}"
    return synthetic(
        used,
        Approach(weigh, again, by_fit=True, conformal=_held, method=method),
        uncertainty=uncertainty,
        draws=draws,
        seed=seed,
        refit=partial(
            estimate, fit_from=fit_from, exclude=tuple(exclude), uncertainty=uncertainty, draws=draws, seed=seed
        ),
    )


def _weighed(problem: Problem) -> Fit:
    return kernel.augmented(problem, kernel.chosen_ridge(problem))


def _held(own: Estimated) -> Weigher:
    """The same penalty under every hypothesis."""
    return partial(kernel.augmented, ridge=kernel.chosen_ridge(own.problems[0]))
