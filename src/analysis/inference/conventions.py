"""The same average effect under every convention of inference that applies to it.

Where the number is a two-way fixed effects coefficient of this panel (recognised by computing it), the conventions are
those of its regression: CR1, CR2 with Satterthwaite's degrees of freedom, CR3, and the wild cluster bootstrap with
Rademacher and Webb weights. A wild bootstrap of the regression is never put beside another estimator's number: it would
answer another question. For those the conventions are the design's own errors, the cluster jackknife, and the wild
cluster score bootstrap of the contributions by cluster, null imposed. Both end with the permutation of adoption dates,
where dates do not differ within clusters. Where the rule of `few_clusters` shows no standard error, errors without
correction and the score bootstrap are left out, and the jackknife too with fewer than five clusters on a side.

The score bootstrap of group-time averages rejects a true null at a nominal 5 % in 7 % of 1,500 draws with 10 treated
and 10 comparison clusters, 6 % with 14/15 and 10/19, 9 % with 19/10, 5 % with three cohorts of four/12 or five of
two/14 (20 periods, AR(1) errors with rho .8): a little too often, and more often than the jackknife.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.inference import cluster_robust, few_clusters
from analysis.inference.cluster_robust import Regression, Robust
from analysis.inference.few_clusters import Support
from analysis.inference.jackknife import AFFORDABLE, jackknife
from analysis.inference.permutation import permute
from analysis.inference.wild_bootstrap import Weights, WildBootstrap, score_bootstrap, wild_bootstrap
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Data, Effects, Estimate, t_interval

SAME = 1e-8  # a coefficient this close (relative to its size or error) is the same number
SPARING = 199  # draws of a permutation that is not the one shown
PERMUTED_UP_TO = 100  # clusters up to which that permutation is made
FIVE = 5


def conventions(data: Data, effects: Effects, *, average: str, level: float, seed: int, draws: int) -> list[Estimate]:
    """The average that answers with interval and p-value under each convention.

    The estimate is the same in all of them; `inference` is the convention, its short name before the first colon.
    Conventions without an interval for these data are left out: the jackknife where a cluster is indispensable or there
    are more than 500, the permutation where dates differ within clusters, the design is not linear in the outcome, or
    there are more than 100 clusters and it is not the one shown. With repeated cross-sections whose rows are their own
    clusters only the design's errors remain. `draws` is for the bootstraps and for the permutation that is shown;
    another permutation has 199 draws at most.
    """
    own = few_clusters.average_of(effects, average, level)
    if isinstance(data, Sample):
        return [_design(own), *(_jackknifed(own, data, effects, average) if data.clustered else [])]
    rests_on = few_clusters.support(effects, average)
    refits = not rests_on.few or min(rests_on.treated, rests_on.comparison, rests_on.worth) >= FIVE
    fit = regression(data, effects, average)
    corrected = _jackknifed(own, data, effects, average) if refits else []
    if fit is None:
        scored = [] if rests_on.few else _scored(own, data, effects, average, seed, draws)
        found = [*([] if rests_on.few else [_design(own)]), *corrected, *scored]
    else:
        found = [*([] if rests_on.few else _sandwiches(own, fit)), *corrected, *_wild(own, fit, seed, draws)]
    return found + _permuted(own, data, effects, rests_on, average, seed, draws)


def name_of(estimate: Estimate) -> str:
    """The short name of the convention behind an estimate of `conventions`."""
    return estimate.inference.partition(":")[0]


def regression(panel: Panel, effects: Effects, average: str) -> Regression | None:
    """The two-way fixed effects regression whose first coefficient is the average of `effects`; None if it is none."""
    own = few_clusters.average_of(effects, average, 0.95)
    regressors = _regressors(panel, effects)
    if regressors is None:
        return None
    try:
        fit = cluster_robust.two_way(panel, regressors)
    except Refusal:  # these regressors cannot be told apart, so that the effects come from another regression
        return None
    scale = max(abs(own.value), own.std_error or 0.0, 1e-300)
    return replace(fit, asked=1) if abs(float(fit.estimate[0]) - own.value) <= SAME * scale else None


def _regressors(panel: Panel, effects: Effects) -> Array | None:
    """Regressors (units, periods, K) whose first coefficient would be the average if it came from a regression."""
    if effects.kind == "single":
        return panel.treated.astype(float)[:, :, None]
    if effects.kind != "event_time" or effects.reference is None or panel.treatment is not None:
        return None
    since = np.arange(len(panel.periods)) - panel.adoption[:, None]
    times = [int(e) for e in effects.table["event_time"] if e != effects.reference]
    reached = (panel.adoption != NEVER)[:, None]
    at = {e: (reached & (since == e)).astype(float) for e in times}
    after = [at[e] for e in times if e >= 0]
    # In terms of the mean of the coefficients from adoption on and the differences of the others from the first.
    later = [column - after[0] for column in after[1:]]
    return np.stack([np.sum(after, axis=0), *later, *(at[e] for e in times if e < 0)], axis=2)


def _design(own: Estimate) -> Estimate:
    return replace(own, inference=f"the design's errors: {_counted(own.clusters, own.df or 0.0)}")


def _sandwiches(own: Estimate, fit: Regression) -> list[Estimate]:
    found = [_with_t(own, "CR1", cluster_robust.cr1(fit))]
    return [*found, _with_t(own, "CR2", cluster_robust.cr2(fit))] if fit.clusters <= AFFORDABLE else found


def _with_t(own: Estimate, name: str, robust: Robust) -> Estimate:
    error, df = float(robust.errors[0]), float(robust.df[0])
    low, high, p_value = t_interval(own.value, error, df, own.level)
    words = f"{name}: {robust.words}; {_counted(own.clusters, df)}"
    return replace(own, std_error=error, df=df, low=low, high=high, p_value=p_value, inference=words)


def _counted(clusters: int, df: float) -> str:
    return f"{clusters:,} clusters; t distribution with {df:.4g} degrees of freedom"


def _wild(own: Estimate, fit: Regression, seed: int, draws: int) -> list[Estimate]:
    kinds: tuple[Weights, ...] = ("rademacher", "webb")
    found = [wild_bootstrap(fit, draws=draws, seed=seed, weights=weights) for weights in kinds]
    return [_inverted(own, f"wild bootstrap with {one.weights.title()} weights", one) for one in found]


def _inverted(own: Estimate, name: str, found: WildBootstrap) -> Estimate:
    return _without_error(own, *found.interval(own.level), found.p_value, f"{name}: {found.words()}")


def _scored(own: Estimate, panel: Panel, effects: Effects, average: str, seed: int, draws: int) -> list[Estimate]:
    one = effects.along(average).averaged_over()
    used = panel.without_early_reactions(effects.anticipation)
    if one.influence is None or not own.std_error or used.clusters > AFFORDABLE:
        return []
    contributions = one.influence()[:, 0]
    shares = _shares(used, effects, average) if len(contributions) == used.clusters else None
    if shares is None:
        return []
    found = score_bootstrap(contributions, shares, own.value, draws=draws, seed=seed)
    return [_inverted(own, "score bootstrap", found)]


def _shares(panel: Panel, effects: Effects, average: str) -> Array | None:
    """(clusters,) what a constant effect of one in each cluster's treated cells adds to the average; None where these
    do not add up to one, as with designs that are not linear in the outcome."""

    def moved(member: Array) -> float:
        exposed = np.where(np.isfinite(panel.outcome), panel.treated * member[:, None], np.nan)
        refitted = effects.refit(panel.with_outcome(exposed)).along(average).averaged_over()
        return float(refitted.estimate[0])

    reached = np.unique(panel.cluster[panel.treated.any(axis=1)])
    shares = np.zeros(panel.clusters)
    try:
        shares[reached] = [moved(panel.cluster == cluster) for cluster in reached]
    except Refusal:
        return None
    return shares if abs(shares.sum() - 1) < SAME else None


def _jackknifed(own: Estimate, data: Data, effects: Effects, average: str) -> list[Estimate]:
    if data.clusters > AFFORDABLE:
        return []
    found = jackknife(data, effects, average=average)
    if found.impossible:
        return []
    low, high, p_value = found.interval(own.level)
    words = f"jackknife (CR3): {found.words(data.labels.word(data.labels.cluster or data.labels.unit))}"
    return [replace(own, std_error=found.std_error, df=found.df, low=low, high=high, p_value=p_value, inference=words)]


def _permuted(
    own: Estimate, panel: Panel, effects: Effects, rests_on: Support, average: str, seed: int, draws: int
) -> list[Estimate]:
    if panel.clusters > PERMUTED_UP_TO and not rests_on.few:
        return []
    wanted = draws if rests_on.few else min(draws, SPARING)
    ratio = rests_on.studentised
    try:
        found = permute(panel, effects, average=average, level=own.level, seed=seed, draws=wanted, studentised=ratio)
    except Refusal:  # dates differ within clusters, or an assignment leaves nothing to compare with
        return []
    if np.isnan(found.low):
        return []
    words = f"permutation: {few_clusters.permutation_words(found, effects.clusters, seed)}"
    return [_without_error(own, found.low, found.high, found.p_value, words)]


def _without_error(own: Estimate, low: float, high: float, p_value: float, words: str) -> Estimate:
    return replace(own, std_error=None, df=None, low=low, high=high, p_value=p_value, inference=words)
