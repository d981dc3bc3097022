"""Which inference is shown: a rule that counts treated and comparison clusters and says what it chose.

Cluster-robust errors reject a true null far too often when few clusters are treated, or few are left to compare with:
with one treated cluster of twenty about 60 % of the time, with five about 8 %; with one comparison cluster of 39 about
75 % (simulated, 20 periods, AR(1) errors with rho .8). Below ten on either side, or where unequal sizes leave an
average worth fewer than five equal treated clusters, the permutation test replaces the cluster-robust p-value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from analysis.inference.permutation import Permutation, permute
from analysis.panel import Panel
from analysis.result import Data, Effects, Estimate

ENOUGH = 10
EFFECTIVE = 5
KINDS = ("simple", "event_time", "cohort", "period")
ESTIMANDS = {
    "event_time": "average effect on the treated, every period since adoption counting the same",
    "cohort": "average effect on the treated, each cohort's own average weighted by its size",
    "period": "average effect on the treated, every calendar period counting the same",
}
NONE_SHOWN = f"none shown: the average is worth fewer than {EFFECTIVE} equally weighted treated clusters"


@dataclass(frozen=True)
class Support:
    """What an average rests on: treated clusters, the fewest comparison clusters behind any treated piece, and the
    number of equally weighted treated clusters it is worth."""

    treated: int
    comparison: int
    worth: float

    @property
    def few(self) -> bool:
        """Too little for cluster-robust errors."""
        return min(self.treated, self.comparison) < ENOUGH or self.worth < EFFECTIVE


def support(effects: Effects, average: str) -> Support:
    """The support of the average that answers."""
    one = effects.along(average).averaged_over()
    worth = float(effects.treated_clusters) if one.effective is None else one.effective
    return Support(effects.treated_clusters, int(one.table["comparison_clusters"].iloc[0]), worth)


def too_few(data: Data, effects: Effects, average: str) -> bool:
    """A panel whose answer rests on too few clusters for cluster-robust errors."""
    return isinstance(data, Panel) and support(effects, average).few


def headline(data: Data, effects: Effects, *, average: str, level: float, seed: int) -> Estimate:
    """The average effect with the inference that the clusters allow."""
    chosen = effects.along(average)
    estimate = replace(chosen.average(level), estimand=ESTIMANDS.get(chosen.kind, effects.estimand))
    if not isinstance(data, Panel) or not too_few(data, effects, average):
        return estimate
    found = permute(data, effects, average=average, level=level, seed=seed)
    return replace(
        estimate,
        std_error=None,
        df=None,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        inference=words(found, support(effects, average), effects.clusters, seed),
    )


def trusted(estimate: Estimate) -> Estimate:
    """`estimate` as it may be shown: without error, interval and p-value when its average is worth too few clusters."""
    if estimate.std_error is None or estimate.effective is None or estimate.effective >= EFFECTIVE:
        return estimate
    nan = math.nan
    return replace(estimate, std_error=None, low=nan, high=nan, p_value=nan, df=None, inference=NONE_SHOWN)


def words(found: Permutation, rests_on: Support, clusters: int, seed: int) -> str:
    """The convention in words."""
    how = (
        f"all {found.assignments} assignments" if found.exact else f"{found.assignments - 1} random draws, seed {seed}"
    )
    return (
        f"permutation of adoption dates among {clusters} clusters ({how}); interval from the constant effects that the "
        f"test does not reject; cluster-robust errors are not shown with {rests_on.treated} treated and "
        f"{rests_on.comparison} comparison clusters"
    )
