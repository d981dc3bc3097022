"""Stacked difference-in-differences: one sub-experiment per adoption date, weighted so that all answer one question.

Estimand: the average effect on the treated in each period since adoption, over the cohorts observed in a whole window
    around their adoption, weighted by their size; then every period since adoption counting the same.
Assumes: without the policy, each cohort would have moved in parallel with its clean controls (never treated, or not yet
    when its window ends) within the window; no anticipation beyond the declared periods.
Reference: Wing, Freedman and Hollingsworth (2024, NBER 32054): the controls of a sub-experiment weigh as much as its
    treated units. Errors as fixest::feols(y ~ i(event time, treated) | unit^sub-experiment + sub-experiment^event time)
    on the weighted stack. Their own regression, with event-time effects common to all sub-experiments, has the same
    coefficients, but errors that grow with shocks all units share, which cannot move the coefficients.
Fails when: the window is so wide that few cohorts or few clean controls are left, or cohorts were on other paths
    before adopting.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.designs import _common
from analysis.designs import _long_differences as long
from analysis.inference.moments import Moments, moments
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects


def estimate(
    data: Panel | Sample, *, comparison: str = "not_yet_treated", anticipation: int = 0, window: int | None = None
) -> Effects:
    """Effects by event time, relative to the last period before adoption (and before anticipation).

    Args:
        data: a Panel; cells masked by `before_adoption` are left out.
        comparison: clean controls are "never_treated", or "not_yet_treated" when the window ends (and `anticipation`
            periods after that).
        anticipation: periods before adoption in which units may already react.
        window: periods before and after adoption that every sub-experiment spans; cohorts without them are left out.
            None: as many after as cover the most treated unit-periods, then as many before as cost no further cohort.

    Raises:
        Refusal: repeated cross-sections; gaps; never-treated controls where there are none; no cohort with clean
            controls in the window.
    """
    panel = _common.panel_of(data, name="stacked").without_early_reactions(anticipation)
    kernel = moments(panel)
    before, after = _window(kernel, comparison, anticipation) if window is None else (window, window)
    before = max(before, 1 + anticipation)
    span = f"{before} period{'s' if before > 1 else ''} before adoption to {after} after"
    rows = _stack(kernel, comparison, anticipation, before, after)
    if not len(rows.share):
        raise Refusal(
            "P005",
            "window",
            f"no cohort is observed from {span} beside clean controls",
            "choose a smaller `window`, another `comparison`, or add units that never adopt",
        )
    cohorts = (rows.treated * kernel.cohorts).sum(axis=1)
    words = long.Words(
        "average effect on the treated from adoption on, cohorts weighted by size and every period counting the same"
        + long.named(panel, kernel, cohorts, f"are observed from {span} beside clean controls"),
        f"{_counted(len(cohorts))} from {span} against {comparison.replace('_', '-')} units, controls "
        "weighted like the treated of their sub-experiment",
        "effects of event times, for the treated and for every sub-experiment",
    )
    refit = partial(estimate, comparison=comparison, anticipation=anticipation, window=window)
    return long.effects(
        panel, kernel, _path(kernel, rows, cohorts, anticipation, before, after), anticipation, words, refit, {}
    )


def _counted(cohorts: int) -> str:
    return "one sub-experiment" if cohorts == 1 else f"{cohorts} stacked sub-experiments"


def _path(
    kernel: Moments, rows: long.Rows, cohorts: Array, anticipation: int, before: int, after: int
) -> list[long.Coefficient]:
    """One coefficient for every event time: the treated units' mean change less that of their weighted controls."""
    times = range(-before, after + 1)
    observations = int(((rows.treated | rows.controls) @ kernel.count).sum()) * len(times)
    k = len(times) - 1 + len(cohorts) * len(times)
    base = cohorts - 1 - anticipation
    return [
        long.coefficient(kernel, rows, cohorts + time, base, time, observations=observations, k=k) for time in times
    ]


def _window(kernel: Moments, comparison: str, anticipation: int) -> tuple[int, int]:
    """The periods after adoption that cover the most treated unit-periods, longer horizons against more cohorts; then
    the periods before that leave out no further cohort."""

    def covered(before: int, after: int) -> float:
        treated = _stack(kernel, comparison, anticipation, before, after).treated
        return float((treated @ kernel.size).sum())

    before = 1 + anticipation
    after = max(range(kernel.periods), key=lambda last: (last + 1) * covered(before, last))
    most = covered(before, after)
    while most and covered(before + 1, after) == most:
        before += 1
    return before, after


def _stack(kernel: Moments, comparison: str, anticipation: int, before: int, after: int) -> long.Rows:
    """The sub-experiments that are complete from `before` periods before adoption to `after` after it."""
    cohorts = kernel.cohorts[kernel.cohorts != NEVER]
    whole = np.zeros((len(cohorts), len(kernel.cohorts)), dtype=bool)
    for place, cohort in enumerate(cohorts):
        whole[place] = _seen(kernel, int(cohort) - before, int(cohort) + after)
    treated = whole & (kernel.cohorts == cohorts[:, None])
    controls = whole & long.clean(kernel, comparison, cohorts + after + anticipation)
    kept = treated.any(axis=1) & controls.any(axis=1)
    treated, controls = treated[kept], controls[kept]
    size, others = treated @ kernel.size, controls @ kernel.size
    part = np.full(len(size), size.sum() / max(size.sum() + others.sum(), np.finfo(float).tiny))
    return long.Rows(treated, controls, size / size.sum(), part)


def _seen(kernel: Moments, first: int, last: int) -> Array:
    """(G,) cohorts observed in every period from `first` to `last`; none where these are not in the panel."""
    if first < 0 or last >= kernel.periods:
        return np.zeros(len(kernel.cohorts), dtype=bool)
    return np.asarray(np.isfinite(kernel.mean[:, first : last + 1]).all(axis=1))
