"""Which inference is shown: a rule that counts clusters, treated and comparison clusters, and says what it chose.

Cluster-robust errors reject a true null far too often when few clusters are treated, or few are left to compare with:
with one treated cluster of twenty about 60 % of the time, with five about 8 %; with one comparison cluster of 39 about
75 % (simulated, 20 periods, AR(1) errors with rho .8). They are too small, too, when cohorts are small, because a
cohort's spread is measured around its own mean. So, in this order:

1. fewer than ten treated or ten comparison clusters behind the average, or an average worth fewer than five equally
   weighted treated clusters: dates are permuted among clusters and no standard error is shown;
2. fewer than thirty clusters, an average worth fewer than ten, or cohorts of fewer than ten clusters (weighted as in
   the average): the cluster jackknife (CR3) with t(G-1), up to 500 clusters;
3. otherwise the design's own cluster-robust errors with t(G-1).

Share of 95 % intervals of a group-time average that cover the truth, analytic and jackknife (2,000 draws each, errors
as above; treated/comparison clusters): 10/10 .940 and .956, 14/15 .942 and .954, 10/40 .922 and .940, three cohorts of
four/12 .931 and .945, five cohorts of two/40 .913 and .940, ten cohorts of one/40 .915 and .943; three cohorts of
fifteen/40 .953 and .957. For two-way fixed effects, CR1 and CR3 (4,000 draws): 10/10 .956 and .959, 14/15 .950 and
.954, 10/40 .933 and .944. By event time, ten cohorts of one/40: .81 and .91 (200 draws).

A permutation compares ratios of estimates to errors (MacKinnon and Webb 2020) where each side has three clusters,
otherwise estimates. With clusters alike both reject a true null 5 % of the time. With treated clusters twice as noisy
as the others, estimates reject it 20 % of the time with three treated of twenty, 16 % with five, 8 % with eight, 20 %
with six cohorts of one of 24; ratios 10, 7, 6 and 7 %. The price is power: with three treated of twenty alike .45
instead of .57, with five .50 instead of .57, with eight .58 both (2,000 draws each; cohorts of one 300).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from analysis.inference.jackknife import Jackknife, affordable, jackknife, of_path
from analysis.inference.permutation import Permutation, permute
from analysis.panel import Panel
from analysis.result import Data, Effects, Estimate

ENOUGH = 10
EFFECTIVE = 5
MANY = 30
WORTH = 10
RATIO = 3
KINDS = ("simple", "event_time", "cohort", "period")
ESTIMANDS = {
    "event_time": "average effect on the treated, every period since adoption counting the same",
    "cohort": "average effect on the treated, each cohort's own average weighted by its size",
    "period": "average effect on the treated, every calendar period counting the same",
}
NONE_SHOWN = f"none shown: the average is worth fewer than {EFFECTIVE} equally weighted treated clusters"


@dataclass(frozen=True)
class Support:
    """What an average rests on.

    treated: treated clusters. comparison: the fewest comparison clusters behind any treated piece. worth: the number of
    equally weighted treated clusters it is worth. clusters: all of them. cohort: clusters of its cohorts, weighted as
    in the average. against: equally weighted comparison clusters that those never treated are worth.
    """

    treated: int
    comparison: int
    worth: float
    clusters: int
    cohort: float
    against: float

    @property
    def few(self) -> bool:
        """Too little for cluster-robust errors of any kind."""
        return min(self.treated, self.comparison) < ENOUGH or min(self.worth, self.against) < EFFECTIVE

    @property
    def lean(self) -> bool:
        """Too little for errors without the jackknife's correction, and not too much to compute it."""
        thin = self.clusters < MANY or min(self.worth, self.against) < WORTH or self.cohort < ENOUGH
        return thin and affordable(self.clusters, self.treated)

    @property
    def studentised(self) -> bool:
        """Enough on both sides for an error to divide by in a permutation test."""
        return min(self.treated, self.comparison) >= RATIO


def support(effects: Effects, average: str) -> Support:
    """The support of the average that answers."""
    one = effects.along(average).averaged_over()
    worth = float(effects.treated_clusters) if one.effective is None else one.effective
    cohort = float(effects.treated_clusters)
    if one.by_cohort is not None and len(one.cohort_clusters):
        cohort = float(one.by_cohort[0] @ one.cohort_clusters)
    comparison = int(one.table["comparison_clusters"].iloc[0])
    treated = int(min(one.table["treated_clusters"].iloc[0], effects.treated_clusters))
    against = float(comparison) if effects.against is None else min(effects.against, comparison)
    return Support(treated, comparison, worth, effects.clusters, cohort, against)


def too_few(data: Data, effects: Effects, average: str) -> bool:
    """A panel whose answer rests on too few clusters for cluster-robust errors."""
    return isinstance(data, Panel) and support(effects, average).few


def headline(data: Data, effects: Effects, *, average: str, level: float, seed: int, draws: int = 999) -> Estimate:
    """The average effect with the inference that the clusters allow."""
    estimate = average_of(effects, average, level)
    if not isinstance(data, Panel):
        return estimate
    rests_on = support(effects, average)
    if rests_on.few:
        return _permuted(estimate, data, effects, rests_on, average, seed, draws)
    return _jackknifed(estimate, data, effects, rests_on, average) if rests_on.lean else estimate


def path_of(data: Data, effects: Effects, path: Effects, average: str) -> Effects:
    """`path` with the errors that the rule gives the answer: the jackknife's where it has them."""
    rests_on = support(effects, average)
    if not isinstance(data, Panel) or rests_on.few or not rests_on.lean:
        return path
    return of_path(data, effects if effects.kind == "cells" else path, path)


def average_of(effects: Effects, average: str, level: float) -> Estimate:
    """The named average with the design's own errors, and its estimand in words."""
    chosen = effects.along(average)
    return replace(chosen.average(level), estimand=ESTIMANDS.get(chosen.kind, effects.estimand))


def without_interval(effects: Effects, average: str, level: float, why: str) -> Estimate:
    """The named average without error, interval and p-value."""
    nan, words = math.nan, f"none shown: {why}"
    estimate = average_of(effects, average, level)
    return replace(estimate, std_error=None, low=nan, high=nan, p_value=nan, df=None, inference=words)


def trusted(estimate: Estimate) -> Estimate:
    """`estimate` as it may be shown: without error, interval and p-value when its average is worth too few clusters."""
    if estimate.std_error is None or estimate.effective is None or estimate.effective >= EFFECTIVE:
        return estimate
    nan = math.nan
    return replace(estimate, std_error=None, low=nan, high=nan, p_value=nan, df=None, inference=NONE_SHOWN)


def permutation(panel: Panel, effects: Effects, *, average: str, level: float, seed: int, draws: int) -> Permutation:
    """The permutation test that the rule shows: of the ratio to the error where both sides have clusters enough."""
    ratio = support(effects, average).studentised
    return permute(panel, effects, average=average, level=level, seed=seed, draws=draws, studentised=ratio)


def permutation_words(found: Permutation, clusters: int, seed: int) -> str:
    """The convention of a permutation test."""
    how = (
        f"all {found.assignments:,} assignments"
        if found.exact
        else f"{found.assignments - 1:,} random draws, seed {seed}"
    )
    what = "estimates divided by their cluster-robust errors" if found.studentised else "estimates"
    if found.refused:
        what += f"; {found.refused:,} that the design refuses count as larger"
    interval = (
        "no interval, because constant effects cannot be taken out of every assignment"
        if math.isnan(found.low)
        else "interval from the constant effects that the test does not reject"
    )
    return f"permutation of adoption dates among {clusters} clusters ({how}; {what} compared); {interval}"


def _permuted(
    estimate: Estimate, panel: Panel, effects: Effects, rests_on: Support, average: str, seed: int, draws: int
) -> Estimate:
    found = permutation(panel, effects, average=average, level=estimate.level, seed=seed, draws=draws)
    words = (
        f"{permutation_words(found, effects.clusters, seed)}; cluster-robust errors are not shown with "
        f"{rests_on.treated} treated and {rests_on.comparison} comparison clusters"
    )
    return replace(
        estimate, std_error=None, df=None, low=found.low, high=found.high, p_value=found.p_value, inference=words
    )


def _jackknifed(estimate: Estimate, panel: Panel, effects: Effects, rests_on: Support, average: str) -> Estimate:
    found = jackknife(panel, effects, average=average)
    if found.impossible:
        return replace(estimate, inference=f"{estimate.inference}; {_without_jackknife(found)}")
    low, high, p_value = found.interval(estimate.level)
    why = (
        f"{rests_on.clusters} clusters"
        if rests_on.clusters < MANY
        else f"an average worth {rests_on.worth:.1f} treated clusters"
        if rests_on.worth < WORTH
        else f"a comparison worth {rests_on.against:.1f} clusters"
        if rests_on.against < WORTH
        else f"cohorts of {rests_on.cohort:.1f} clusters on average"
    )
    words = f"{found.words(panel.labels.word(panel.labels.cluster or panel.labels.unit))}; chosen because of {why}"
    return replace(
        estimate, std_error=found.std_error, df=found.df, low=low, high=high, p_value=p_value, inference=words
    )


def _without_jackknife(found: Jackknife) -> str:
    plural = "s" if found.impossible > 1 else ""
    return f"no jackknife: without {found.impossible} cluster{plural} there is no estimate"
