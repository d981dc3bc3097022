"""Are the groups alike in the covariates once weighted? Differences of means in standard deviations, and variances.

Reference: Rosenbaum and Rubin (1985); Imbens and Rubin (2015), section 14; Austin (2009) for 0.1. A difference above
0.25 or a ratio of variances outside 0.5 to 2 is a caution, a difference above 0.1 is named.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import listed
from analysis.checks._weighting import weighted
from analysis.inference.covariate_balance import Balance, balance
from analysis.report.display import fixed
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("weighting",)
ASSUMPTION = "Weighted, the groups are alike in everything that was measured."
TARGET, LIMIT = 0.1, 0.25
RATIO = 2.0
EXACT = 0.01  # smaller differences are rounding, or might as well be
NAMED = 3


def run(rows: Rows, effects: Effects, path: Effects | None, *, covariates: list[str], squares: list[str]) -> Check:
    """Standardised differences and variance ratios of all covariates, before and after."""
    if not covariates:
        return _verdict("No covariate is adjusted for, so that none can be balanced.", "Name some.", warn=True)
    found = balance(rows, weighted(effects), covariates)
    apart = np.abs(found.after)
    worst = int(np.argmax(apart))
    off = [k for k in np.argsort(-apart, kind="stable") if apart[k] > TARGET]
    uneven = [k for k, ratio in enumerate(found.ratio_after) if not np.isnan(ratio) and not 1 / RATIO <= ratio <= RATIO]
    text = f"{_means(found, worst, off)} {_spreads(found, uneven)}"
    if apart[worst] > LIMIT:
        advice = "Change the model of treatment (squares, other covariates), or use a design that balances exactly."
    elif uneven:
        new = [found.names[k] for k in uneven if found.names[k] not in squares]
        more = (
            "add the square of what differs under `squares`"
            if new
            else "look at who is compared at the ends of its range"
        )
        advice = f"Means are alike and spreads are not: {more}."
    else:
        advice = "Balance is in these covariates only; others may differ as much as these did before weighting."
    return _verdict(text, advice, warn=bool(apart[worst] > LIMIT or uneven), statistic=float(apart[worst]))


def _means(found: Balance, worst: int, off: list[int]) -> str:
    first = int(np.argmax(np.abs(found.before)))
    before = (
        f"Before weighting the groups differ most in {found.names[first]}, by {fixed(abs(found.before[first]), 2)} "
        "standard deviations"
    )
    if abs(found.after[worst]) < EXACT / 2:
        return f"{before}; weighted, no difference among {len(found.names)} reaches {EXACT:g}."
    after = f"weighted, the largest difference is {fixed(abs(found.after[worst]), 2)} ({found.names[worst]})"
    if not off:
        return f"{before}; {after}, below the target of {TARGET:g} in all {len(found.names)}."
    some = listed([found.names[k] for k in off[:NAMED]])
    more = f" and {len(off) - NAMED} more" if len(off) > NAMED else ""
    return f"{before}; {after}, above the target of {TARGET:g} in {some}{more} of {len(found.names)}."


def _spreads(found: Balance, uneven: list[int]) -> str:
    varied = int((~np.isnan(found.ratio_after)).sum())
    if not varied:
        return "No covariate takes more than two values, so that means say it all."
    if not uneven:
        return f"The variances of {varied} covariates with more than two values differ by less than a factor of two."
    some = listed([f"{found.names[k]} ({fixed(float(found.ratio_after[k]), 2)})" for k in uneven[:NAMED]])
    return f"Variances, treated over comparison, differ by more than a factor of two in {some}."


def _verdict(finding: str, advice: str, *, warn: bool, statistic: float | None = None) -> Check:
    return Check("balance_before_after", "E126", ASSUMPTION, finding, advice, "warn" if warn else "note", statistic)
