"""Were the arms alike before the trial? All baseline columns together, against what chance does.

Reference: Hansen and Bowers (2008); the cut-off of one in a hundred is this project's choice: of sound draws it
questions one in a hundred, and tests column by column would question far more. A column a quarter of a standard
deviation apart is questioned from one in twenty on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.checks._common import about
from analysis.inference.trial_arms import arms
from analysis.inference.trial_balance import Balance, balance
from analysis.report.display import p_words
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ASSUMPTION = "Chance alone decided who was in which arm."
ALPHA, LOOSE = 0.01, 0.05
LARGE = 0.25


def run(
    data: Rows,
    effects: Effects,
    path: Effects | None,
    *,
    treatment: str,
    control_arm: str | int | None,
    arm: str | int | None,
    strata: str | None,
    covariates: Sequence[str],
    pre_outcome: str | None,
    draws: int,
    seed: int,
) -> Check:
    """The distance of the arms on all baseline columns, among everyone assigned."""
    columns = list(dict.fromkeys([*covariates, *([pre_outcome] if pre_outcome else [])]))
    if not columns:
        finding = "No column from before the trial is named, so that nothing shows whether the arms were alike."
        return about("covariate_balance", "E107", ASSUMPTION, finding, "Name some under `covariates`.")
    found = balance(data, arms(data, treatment, control_arm, arm), columns, strata=strata, draws=draws, seed=seed)
    return _verdict(found)


def _verdict(found: Balance) -> Check:
    worst = int(np.argmax(np.abs(found.standardised)))
    size = abs(float(found.standardised[worst]))
    off = found.p_value <= (LOOSE if size > LARGE else ALPHA)
    large = int((np.abs(found.standardised) > LARGE).sum())
    more = f" ({large} of {len(found.names)} exceed {LARGE})" if large else ""
    many = f"On {len(found.names)} columns" if len(found.names) > 1 else "On one column"
    return Check(
        "covariate_balance",
        "E107",
        ASSUMPTION,
        f"{many} together the arms differ by as much or more in {_share(found)} of draws (p = "
        f"{p_words(found.p_value)}). The largest difference is {size:.2f} standard deviations, in "
        f"{found.names[worst]}{more}. What was not measured is balanced by chance only.",
        "Ask how the draw was made and kept; read the adjusted estimate beside the answer."
        if off
        else "The adjusted estimate says how much these differences matter.",
        "warn" if off else "note",
        size,
        found.p_value,
    )


def _share(found: Balance) -> str:
    count = round(found.p_value * (found.draws + 1))
    return f"{count:,} of {found.draws + 1:,}"
