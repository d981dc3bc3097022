"""Are there rows enough next to the cut-off, and distinct scores enough? Only rows within the width count."""

from __future__ import annotations

from analysis.fits.regression_discontinuity import Discontinuity
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("regression_discontinuity",)
ASSUMPTION = "Enough independent rows lie near the cut-off on both sides."
ENOUGH = 50  # rows on each side
DISTINCT = 10  # scores on each side: with fewer the fit reaches across gaps
CLUSTERS, SIDE = 30, 10  # clusters in all, and on each side, below which clustered errors are too small


def run(data: Rows, effects: Discontinuity, path: Effects | None) -> Check:
    """Counts rows, distinct scores and clusters with weight, on each side."""
    below, above = effects.rows
    few = min(below, above) < ENOUGH
    coarse = min(effects.distinct) < DISTINCT
    treated, others = (int(effects.table[name].iloc[0]) for name in ("treated_clusters", "comparison_clusters"))
    thin = data.clustered and (effects.clusters < CLUSTERS or min(treated, others) < SIDE)
    grouped = f", in {effects.clusters:,} clusters" if data.clustered else ""
    finding = (
        f"{below:,} rows below and {above:,} above the cut-off count, out of {data.n:,}, with {effects.distinct[0]:,} "
        f"and {effects.distinct[1]:,} distinct scores{grouped}."
    )
    if few:
        finding += f" Fewer than {ENOUGH} on one side: the interval leans on few rows, and on the fitted shape."
    if coarse:
        finding += " With so few distinct scores the fit reaches across gaps, and errors may be too small."
    if thin:
        finding += f" Fewer than {CLUSTERS} clusters, or {SIDE} on one side: the errors are too small."
    return Check(
        "effective_sample",
        "E104" if thin and min(treated, others) < SIDE else "E103",
        ASSUMPTION,
        finding,
        "More rows near the cut-off would sharpen the answer; rows far away would not."
        if few or coarse or thin
        else "The answer is about these rows; it says little about scores far from the cut-off.",
        "warn" if few or coarse or thin else "note",
        float(min(below, above)),
    )
