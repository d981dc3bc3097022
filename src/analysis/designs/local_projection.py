"""Local projections: at each horizon, how far outcomes moved where the policy just came, against clean controls.

Estimand: the average effect on the treated in each period since adoption, over the cohorts observed then, every treated
    unit counting the same; then every period since adoption counting the same. Beside it ("variance weighted"), the
    average that least squares makes, in which cohorts with few units or few controls count less.
Assumes: without the policy, each cohort would have moved in parallel with the units not yet treated at the horizon (or
    never treated) from its last period before adoption on; no anticipation beyond the declared periods.
Reference: Dube, Girardi, Jorda and Taylor (2025, Journal of Applied Econometrics 40); Stata command lpdid (option rw
    for the headline).
Fails when: cohorts were on other paths before adopting; late horizons rest on few cohorts and few controls.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.designs import _common
from analysis.designs import _long_differences as long
from analysis.inference.moments import Moments, moments
from analysis.panel import Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects


def estimate(
    data: Panel | Sample, *, comparison: str = "not_yet_treated", anticipation: int = 0, window: int | None = None
) -> Effects:
    """Effects by event time, relative to the last period before adoption (and before anticipation).

    Args:
        data: a Panel; cells masked by `before_adoption` are left out.
        comparison: clean controls are "never_treated", or "not_yet_treated" at the horizon (and `anticipation` periods
            after it).
        anticipation: periods before adoption in which units may already react.
        window: periods before and after adoption to look at; None: all that have a treated unit and a clean control.

    `related["variance_weighted"]` holds the same path with the weights of least squares.

    Raises:
        Refusal: repeated cross-sections; gaps; never-treated controls where there are none; no treated unit with a
            clean control.
    """
    return _fitted(data, comparison, anticipation, window, equal=True)


def _variance_weighted(data: Panel | Sample, *, comparison: str, anticipation: int, window: int | None) -> Effects:
    return _fitted(data, comparison, anticipation, window, equal=False)


def _fitted(data: Panel | Sample, comparison: str, anticipation: int, window: int | None, *, equal: bool) -> Effects:
    panel = _common.panel_of(data, name="local_projection").without_early_reactions(anticipation)
    kernel = moments(panel)
    most = kernel.periods - 1 if window is None else window
    times = range(-max(most, 1 + anticipation), most + 1)
    found = [_coefficient(kernel, comparison, anticipation, time, equal=equal) for time in times]
    path = [piece for piece in found if piece is not None]
    if not any(piece.time >= 0 for piece in path):
        fix = "widen `since`/`until` or change `comparison`"
        raise Refusal("P005", "comparison", "no treated unit has a clean control", fix)
    refit = partial(
        estimate if equal else _variance_weighted, comparison=comparison, anticipation=anticipation, window=window
    )
    related = {} if not equal else {"variance_weighted": _fitted(data, comparison, anticipation, window, equal=False)}
    return long.effects(
        panel, kernel, path, anticipation, _words(panel, kernel, path, comparison, equal), refit, related
    )


def _coefficient(
    kernel: Moments, comparison: str, anticipation: int, time: int, *, equal: bool
) -> long.Coefficient | None:
    """The coefficient of adoption on changes from the last clean period to `time` periods after adoption.

    Every date of the panel enters; where nobody adopts, or there is no clean control, its period effect takes up its
    rows (least squares), or it has no weight (equal weights). None where that leaves nothing.
    """
    dates = np.arange(1 + anticipation, kernel.periods)
    period, base = dates + time, dates - 1 - anticipation
    seen = np.isfinite(long.mean_changes(kernel, period, base))
    treated = seen & (kernel.cohorts == dates[:, None])
    controls = seen & long.clean(kernel, comparison, dates + max(time, 0) + anticipation)
    both = treated.any(axis=1) & controls.any(axis=1)
    if not both.any():
        return None
    kept = both if equal else treated.any(axis=1) | controls.any(axis=1)
    treated, controls, period, base = treated[kept], controls[kept], period[kept], base[kept]
    size, others = treated @ kernel.size, controls @ kernel.size
    share = size if equal else size * others / (size + others)
    rows = long.Rows(treated, controls, share / share.sum(), size / (size + others))
    observations = int(((treated | controls) @ kernel.count).sum())
    return long.coefficient(kernel, rows, period, base, time, observations=observations, k=1 + len(period))


def _words(panel: Panel, kernel: Moments, path: list[long.Coefficient], comparison: str, equal: bool) -> long.Words:
    post = np.any([piece.cohorts > 0 for piece in path if piece.time >= 0], axis=0)
    counting = "every treated unit counting the same" if equal else "cohorts weighted as least squares weights them"
    return long.Words(
        f"average effect on the treated in each period since adoption, {counting}; then every treated unit and period"
        + long.named(panel, kernel, kernel.cohorts[post], "have a clean control"),
        f"local projections against {comparison.replace('_', '-')} units, {'equal' if equal else 'variance'} weights",
        "adoption and period effects",
    )
