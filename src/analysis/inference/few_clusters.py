"""Which inference is shown: a rule that counts treated clusters and says what it chose.

Cluster-robust errors reject a true null far too often when few clusters are treated: with one treated cluster of
twenty about 60 % of the time, with five about 8 % (simulated, 20 periods, AR(1) errors with rho .8). Below ten treated
clusters the permutation test is shown instead and the cluster-robust p-value is not.
"""

from __future__ import annotations

import math
from dataclasses import replace

from analysis.inference.permutation import Permutation, permute
from analysis.panel import Panel
from analysis.result import Data, Effects, Estimate

ENOUGH = 10
KINDS = ("simple", "event_time", "cohort", "period")
EFFECTIVE = 5


def too_few(data: Data, effects: Effects) -> bool:
    """Fewer than ten treated clusters in a panel."""
    return isinstance(data, Panel) and effects.treated_clusters < ENOUGH


def headline(data: Data, effects: Effects, *, average: str, level: float, seed: int) -> Estimate:
    """The average effect with the inference that the number of treated clusters allows."""
    chosen = effects if effects.kind != "cells" or average == "simple" else effects.by(average)  # type: ignore[arg-type]
    estimate = replace(chosen.average(level), estimand=ESTIMANDS.get(chosen.kind, effects.estimand))
    if not isinstance(data, Panel) or not too_few(data, effects):
        return estimate
    found = permute(data, effects, average=average, level=level, seed=seed)
    return replace(
        estimate,
        std_error=None,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        df=None,
        inference=words(found, effects, seed),
    )


def trusted(estimate: Estimate) -> Estimate:
    """`estimate` as it may be shown: without error, interval and p-value when its average is worth too few clusters."""
    if estimate.std_error is None or estimate.effective is None or estimate.effective >= EFFECTIVE:
        return estimate
    nan = math.nan
    return replace(estimate, std_error=None, low=nan, high=nan, p_value=nan, df=None, inference=NONE_SHOWN)


NONE_SHOWN = f"none shown: the average is worth fewer than {EFFECTIVE} equally weighted treated clusters"
ESTIMANDS = {
    "event_time": "average effect on the treated, every period since adoption counting the same",
    "cohort": "average effect on the treated, each cohort's own average weighted by its size",
    "period": "average effect on the treated, every calendar period counting the same",
}


def words(found: Permutation, effects: Effects, seed: int) -> str:
    """The convention in words."""
    how = (
        f"all {found.assignments} assignments" if found.exact else f"{found.assignments - 1} random draws, seed {seed}"
    )
    return (
        f"permutation of adoption dates among {effects.clusters} clusters ({how}); interval from the constant effects "
        f"that the test does not reject; cluster-robust errors are not shown with {effects.treated_clusters} treated"
    )
