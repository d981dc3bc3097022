"""Is the inference right for this many treated clusters? Below ten, permutation replaces cluster-robust p-values.

Reference: Conley and Taber (2011); MacKinnon and Webb (2020), "Randomization inference for difference-in-differences
with few treated clusters"; the threshold of ten treated clusters and the rates quoted are this project's simulations.
"""

from __future__ import annotations

from analysis.inference.few_clusters import ENOUGH, too_few
from analysis.inference.permutation import permute
from analysis.panel import Panel
from analysis.report.display import p_words
from analysis.result import Check, Data, Effects

ASSUMPTION = "The interval is honest about how many independent units the policy reached."


def run(data: Data, effects: Effects, path: Effects | None, *, level: float, average: str, seed: int) -> Check:
    """Counts treated and all clusters; with fewer than ten treated it reports the permutation test."""
    if not isinstance(data, Panel):
        return _rows(effects)
    if not too_few(data, effects):
        return _enough(effects, average, level)
    found = permute(data, effects, average=average, level=level, seed=seed)
    clusters = f"{effects.treated_clusters} treated cluster{'s' if effects.treated_clusters > 1 else ''}"
    return Check(
        "few_treated",
        "E104",
        ASSUMPTION,
        f"Only {clusters} of {effects.clusters}: cluster-robust errors would be far too small and are not shown. Had "
        f"the policy come to other clusters, {found.rank - 1} of {found.assignments - 1} reassignments would have "
        f"given an estimate at least as large (p = {p_words(found.p_value)}; with these data p cannot fall below "
        f"{p_words(found.lowest)}).",
        "Read the permutation interval; more treated clusters are what would sharpen the answer.",
        "warn",
        float(found.rank),
        found.p_value,
        found.low,
        found.high,
    )


def _enough(effects: Effects, average: str, level: float) -> Check:
    untreated = effects.clusters - effects.treated_clusters
    chosen = effects if effects.kind != "cells" or average == "simple" else effects.by(average)  # type: ignore[arg-type]
    worth = chosen.average(level).effective or float(effects.treated_clusters)
    few = worth < ENOUGH or effects.clusters < 30 or 0 < untreated < ENOUGH
    unequal = f", which weigh so unequally that they are worth {worth:.1f} equal ones" if worth < ENOUGH else ""
    return Check(
        "few_treated",
        "E103",
        ASSUMPTION,
        f"{effects.treated_clusters} treated clusters{unequal}, and {untreated} never treated: "
        + (
            "few enough that the interval may still be too narrow."
            if few
            else "enough for cluster-robust intervals with the t distribution."
        ),
        "Intervals use the number of clusters, not of rows, as their degrees of freedom.",
        "warn" if few else "note",
        float(effects.treated_clusters),
    )


def _rows(effects: Effects) -> Check:
    return Check(
        "few_treated",
        "E104",
        ASSUMPTION,
        f"The errors treat {effects.clusters:,} rows as independent, {effects.treated_clusters:,} of them in the group "
        "reached. A shock common to one whole group after the start would look like the policy, and no error computed "
        "from two groups can account for it.",
        "Look for more groups (other places, other benefit levels); read the interval as a lower bound on uncertainty.",
        "warn",
        float(effects.treated_clusters),
    )
