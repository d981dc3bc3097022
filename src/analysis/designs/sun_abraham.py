"""Sun and Abraham's interaction-weighted estimator: one coefficient per cohort and event time, averaged by cohort size.

Estimand: the effect on each cohort in each period since adoption, relative to the last period before it; averaged over
    treated cells, event times, cohorts or periods by cohort size.
Assumes: without the policy, each cohort would have moved in parallel with the never-treated units (or, without any,
    with the cohort that adopts last); no anticipation beyond the declared periods.
Reference: Sun and Abraham (2021), section 4; fixest::sunab (Berge 2018), clustered, cohort shares taken as fixed.
Fails when: cohorts were on other paths before adopting, the one comparison cohort is small or touched by the policy,
    or a cohort holds a single cluster, whose errors then show only what varies in the comparison cohort.
"""

from __future__ import annotations

from functools import partial

from analysis.designs import _common, _saturated, _two_way
from analysis.inference.moments import cluster_influence
from analysis.panel import NEVER, Panel, Sample
from analysis.result import Effects

AVERAGES = ("simple", "event_time", "cohort", "period")


def estimate(data: Panel | Sample, *, anticipation: int = 0) -> Effects:
    """All cohort-by-period coefficients of the saturated two-way regression with their joint covariance.

    Args:
        data: a Panel; cells masked by `before_adoption` are left out. Without never-treated units the last cohort is
            the comparison and periods from its adoption on are dropped.
        anticipation: periods before adoption in which units may already react; the reference lies before them.

    Raises:
        Refusal: repeated cross-sections (E130), gaps (P007), no treated cell with a comparison (P005).
    """
    panel = _saturated.clean(data, "sun_abraham", anticipation)
    grid = _saturated.against_one_cohort(panel, anticipation)
    fit = _two_way.regress(grid.kernel, grid.regressors, grid.observations, grid.names, grid.used)
    never = grid.kernel.cohorts[0] == NEVER
    control = "never-treated units" if never else f"adopters of {panel.periods[grid.kernel.cohorts[-1]]:g}"
    return _saturated.effects(
        grid,
        fit.estimate,
        fit.covariance,
        partial(cluster_influence, panel, fit.scores),
        anticipation=anticipation,
        method=f"interaction-weighted event study against {control}; {_common.weight_words(panel)}",
        inference=f"{_two_way.convention(panel)}; cohort shares taken as fixed",
        refit=partial(estimate, anticipation=anticipation),
    )
