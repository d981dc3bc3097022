"""Difference in differences: all donors and all periods before count the same.

Estimand: the average effect on the treated units over their periods since the policy started.
Assumes: without the policy, treated units would have moved in parallel with the mean of all donors; no anticipation;
    the policy leaves donors alone.
Reference: Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), section 1; `did_estimate` of the R package synthdid.
Fails when: treated units were on another path than the mean of the donors.
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
ASIDE = "for comparison only: all donors and all periods before count the same, whether or not they moved alike"


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
    used = book(data, name="unweighted_did", fit_from=fit_from, exclude=exclude)
    weigh = kernel.difference_in_differences
    again = always(weigh)
    method = f"difference in differences, donors and periods weighted equally; {described(used)}"
    return synthetic(
        used,
        Approach(weigh, again, by_fit=False, conformal=again, method=method),
        uncertainty=uncertainty,
        draws=draws,
        seed=seed,
        aside=ASIDE,
        refit=partial(
            estimate, fit_from=fit_from, exclude=tuple(exclude), uncertainty=uncertainty, draws=draws, seed=seed
        ),
    )
