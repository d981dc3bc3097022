"""Differenced synthetic control: donors weighted so that their changes match, whatever the difference in level.

Estimand: the average effect on the treated units over their periods since the policy started.
Assumes: without the policy, treated units would have kept a constant distance to their weighted donors; no
    anticipation; the policy leaves donors alone.
Reference: Doudchenko and Imbens (2016); Ferman and Pinto (2021), demeaned synthetic control; DIFP in Arkhangelsky,
    Athey, Hirshberg, Imbens and Wager (2021).
Fails when: no weighted average of donors moved like the treated units before, a shock of their own hit them or a donor
    with much weight, or periods before are so few that any path can be matched.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from analysis.designs._synthetic import described, synthetic
from analysis.designs._synthetic_panel import book
from analysis.designs._synthetic_uncertainty import Approach, always
from analysis.fits.synthetic_control import Synthetic
from analysis.inference import synthetic as kernel
from analysis.panel import Panel, Sample

FAMILIES = ("synthetic_control",)


def estimate(
    data: Panel | Sample,
    *,
    fit_from: int | None = None,
    exclude: Sequence[str] = (),
    uncertainty: str = "placebo",
    solver: str = "exact",
    draws: int = 199,
    seed: int = 20260101,
) -> Synthetic:
    """Effects by event time and their average.

    Args:
        fit_from: first period before the policy that weights are fitted to. exclude: donors left out.
        uncertainty: "placebo", "jackknife", "bootstrap" or "conformal"; "none" skips it.
        solver: "exact", or "frank_wolfe" for the iterations of R's synthdid.

    Raises:
        Refusal: as `_synthetic_panel.book`; too few donors or treated units for the uncertainty asked for (E104).
    """
    used = book(data, name="differenced_synthetic_control", fit_from=fit_from, exclude=exclude)
    weigh = partial(kernel.differenced, solver=solver)
    again = always(weigh)
    method = f"synthetic control matched on changes; {described(used)}"
    return synthetic(
        used,
        Approach(weigh, again, by_fit=True, conformal=again, method=method),
        uncertainty=uncertainty,
        draws=draws,
        seed=seed,
        refit=partial(
            estimate,
            fit_from=fit_from,
            exclude=tuple(exclude),
            uncertainty=uncertainty,
            solver=solver,
            draws=draws,
            seed=seed,
        ),
    )
