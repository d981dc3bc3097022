"""Which comparisons would two-way fixed effects make? Those with units already treated can turn an effect around.

Reference: Goodman-Bacon (2021); Baker, Larcker and Wang (2022) on how far it can go. The threshold of a tenth of the
weight is this project's choice. Weights follow from the adoption dates and cohort sizes alone.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import about, options
from analysis.inference.decomposition import TOO_LATE, bacon
from analysis.panel import Panel
from analysis.refusal import Refusal
from analysis.report.display import percent
from analysis.result import Check, Data, Effects

ASSUMPTION = "Units already treated do not serve as the comparison."
LARGEST = 0.1


def run(data: Data, effects: Effects, path: Effects | None) -> Check:
    """The share of two-way fixed effects that rests on units already treated, and what the answer rests on."""
    if not data.staggered:
        finding = f"With one adoption date ({data.dates[0]:g}) there is one comparison: those that the policy reached "
        finding += "against those it did not reach. None of the comparison units was treated earlier."
        return about("comparisons", "E101", ASSUMPTION, finding, "Ask whether that one comparison is a fair one.")
    if not isinstance(data, Panel):
        return _impossible("the rows are not the same units over time")
    try:
        table = bacon(data)
    except Refusal as refusal:
        return _impossible(refusal.problem)
    late = table["type"].isin(TOO_LATE).to_numpy()
    estimate, weight = table["estimate"].to_numpy(), table["weight"].to_numpy()
    share = float(weight[late].sum())
    amounts = {"coefficient": float(estimate @ weight)}
    if share > 0:
        amounts["late"] = float(np.average(estimate[late], weights=weight[late]))
        amounts["clean"] = float(np.average(estimate[~late], weights=weight[~late]))
    return _verdict(effects, len(data.dates), share, amounts)


def _verdict(effects: Effects, dates: int, share: float, amounts: dict[str, float]) -> Check:
    apart = " (these alone say {late}, the others {clean})" if share > 0 else ""
    bare = " (without the covariates)" if options(effects).get("covariates") else ""
    return Check(
        "comparisons",
        "E101",
        ASSUMPTION,
        f"With {dates} adoption dates, two-way fixed effects{bare} would say {{coefficient}} and draw "
        f"{percent(share) if share > 0 else 'none'} of it from comparisons with units already treated{apart}. The "
        f"answer draws on none of these: it is made of {effects.method.split(';')[0]}. The share follows from the "
        "dates; whether effects grow or differ enough for it to mislead, it cannot show.",
        "Do not quote two-way fixed effects as the effect of the policy."
        if share > LARGEST
        else "Read two-way fixed effects as a check on the answer, not as another answer.",
        "warn" if share > LARGEST else "note",
        share,
        amounts=amounts,
    )


def _impossible(why: str) -> Check:
    finding = f"The comparisons behind two-way fixed effects cannot be told apart with these data: {why}."
    return about("comparisons", "E101", ASSUMPTION, finding, "Do not use two-way fixed effects here.")
