"""Is the inference right for this many clusters? Below ten treated or ten to compare with, dates are permuted.

Between that and thirty clusters, or with small cohorts, errors come from leaving out one cluster at a time.

Reference: Conley and Taber (2011); MacKinnon and Webb (2020), "Randomization inference for difference-in-differences
with few treated clusters"; the thresholds and the rates quoted are this project's simulations (inference.few_clusters).
"""

from __future__ import annotations

import math

import numpy as np

from analysis.inference.few_clusters import ENOUGH, MANY, WORTH, Support, permutation, support
from analysis.panel import NEVER, Panel, Sample
from analysis.report.display import p_words
from analysis.result import Check, Data, Effects

ASSUMPTION = "The interval is honest about how many independent units the policy reached."


def run(
    data: Data, effects: Effects, path: Effects | None, *, level: float, average: str, seed: int, draws: int
) -> Check:
    """Counts treated and comparison clusters; where they are too few it reports the permutation test."""
    if isinstance(data, Sample):
        return _rows(data, effects)
    rests_on = support(effects, average)
    if not rests_on.few:
        return _enough(rests_on)
    found = permutation(data, effects, average=average, level=level, seed=seed, draws=draws)
    measured = "a ratio of estimate to error" if found.studentised else "an estimate"
    return Check(
        "few_treated",
        "E104",
        ASSUMPTION,
        f"Only {_counted(rests_on)} of {effects.clusters} clusters: cluster-robust errors would be far too small "
        f"and are not shown. Had the policy come to other clusters, {found.rank - 1} of {found.assignments - 1} "
        f"reassignments would have given {measured} at least as large (p = {p_words(found.p_value)}; with these data "
        f"p cannot fall below {p_words(found.lowest)}).{_atypical(data)}",
        "Read the permutation interval; more treated and comparison clusters are what would sharpen the answer."
        if not math.isnan(found.low)
        else "More treated and comparison clusters would sharpen the answer, and a linear design would bound it.",
        "warn",
        float(found.rank),
        found.p_value,
        None if math.isnan(found.low) else found.low,
        None if math.isnan(found.high) else found.high,
    )


def _enough(rests_on: Support) -> Check:
    few = rests_on.worth < WORTH or rests_on.clusters < MANY or (rests_on.cohort < ENOUGH and not rests_on.lean)
    size = f", in cohorts of {rests_on.cohort:.1f} on average" if rests_on.cohort < rests_on.treated - 0.05 else ""
    return Check(
        "few_treated",
        "E103",
        ASSUMPTION,
        f"{_counted(rests_on)} of {rests_on.clusters} clusters{size}: {_consequence(rests_on, few)}.",
        "If the policy was decided above this level (by state for schools, say), name that level under `cluster`.",
        "warn" if few else "note",
        float(rests_on.treated),
    )


def _consequence(rests_on: Support, few: bool) -> str:
    if rests_on.lean and few:
        return "few enough that errors come from leaving out one cluster at a time, and may still be too small"
    if rests_on.lean:
        return "each cohort's spread is seen around its own mean only, so that errors come from leaving out one cluster"
    if few:
        return "cohorts so small that the interval may be too narrow"
    return "enough for cluster-robust intervals with the t distribution"


def _counted(rests_on: Support) -> str:
    unequal = f" (so unequal that they are worth {rests_on.worth:.1f})" if rests_on.worth < rests_on.treated / 2 else ""
    return f"{rests_on.treated} treated{unequal} and {rests_on.comparison} comparison"


def _atypical(panel: Panel) -> str:
    """A warning where treated clusters are of another size: permutation then compares unlike with unlike."""
    size = np.bincount(panel.cluster, weights=panel.weight)
    treated = np.bincount(panel.cluster, weights=panel.adoption != NEVER) > 0
    if treated.all():
        return ""
    ratio = float(size[treated].mean() / size[~treated].mean())
    if 0.5 <= ratio <= 2:
        return ""
    return (
        f" Treated clusters are {ratio:.1f} times the size of the others: if size goes with noise, this test "
        f"rejects too {'often' if ratio < 1 else 'rarely'}."
    )


def _rows(sample: Sample, effects: Effects) -> Check:
    kind = "clusters" if sample.clustered else "rows"
    return Check(
        "few_treated",
        "E104",
        ASSUMPTION,
        f"The errors treat {effects.clusters:,} {kind} as independent, {effects.treated_clusters:,} of them in the "
        "group reached. A shock common to one whole group after the start would look like the policy, and no error "
        "computed from two groups can account for it.",
        "Look for more groups (other places, other benefit levels); read the interval as a lower bound on uncertainty.",
        "warn",
        float(effects.treated_clusters),
    )
