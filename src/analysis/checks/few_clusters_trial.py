"""Are there enough units of assignment in each arm for the interval shown?

Reference: Pustejovsky and Tipton (2018) for CR2 with Satterthwaite's degrees of freedom, which holds from about five
clusters in each arm when they are alike in size; below that chance itself is counted (permutation).
"""

from __future__ import annotations

import numpy as np

from analysis.fits.randomised_trial import Trial
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ASSUMPTION = "The interval is honest about how many units chance assigned."
FEWEST, FEW = 5, 10
UNEQUAL = 1.0


def run(data: Rows, effects: Trial, path: Effects | None, *, errors: str | None) -> Check:
    """Counts the units of both arms, and how unequal clusters are."""
    row = effects.table.iloc[0]
    units = (int(row["treated_clusters"]), int(row["comparison_clusters"]))
    clustered = data.clustered and errors in (None, "clustered")
    word = f"clusters ({data.labels.word(data.labels.cluster)})" if clustered else "rows"
    fewest = min(units)
    size = np.bincount(data.cluster)
    spread = float(size.std() / size.mean()) if clustered else 0.0
    few = fewest < FEW or spread > UNEQUAL
    unlike = f" Clusters differ in size (coefficient of variation {spread:.1f})." if clustered else ""
    if fewest < FEWEST:
        consequence = "too few for a standard error; only reassignment can bound the effect"
    elif fewest < FEW:
        consequence = "few enough that the interval may be too narrow"
    else:
        consequence = f"enough for the interval shown (t with {effects.df:,.0f} degrees of freedom)"
    return Check(
        "few_clusters_trial",
        "E104" if fewest < FEWEST else "E103",
        ASSUMPTION,
        f"{_counted(units, word, effects.clusters)}: {consequence}.{unlike}",
        "Compare with `uncertainty: permutation`; more units sharpen the answer, more rows in each of them do not."
        if few
        else "More units of assignment sharpen the answer.",
        "warn" if few else "note",
        float(fewest),
    )


def _counted(units: tuple[int, int], word: str, total: int) -> str:
    if sum(units) > total:
        return f"{total:,} {word}, most of them with both arms inside"
    return f"{units[0]:,} {word} in the arm and {units[1]:,} in the control group"
