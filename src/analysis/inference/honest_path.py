"""From a design's effects to the problem of `honest_problem`: which periods, which average, which errors.

The tests take errors as known and normal. Here the covariance is first scaled by the squared ratio of the t quantile of
the design's degrees of freedom to the normal one, so that with nothing allowed a set is the design's own t interval,
and few clusters widen the others too. This scaling is the project's choice.

The average is measured from the reference period, as the tests need it. Where a design measures it from earlier periods
too (imputation), what these contribute is taken out: how a violation at each earlier event time moves the average,
found by estimating on an outcome that is nothing but this violation, times the effect estimated there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from analysis.inference.few_clusters import ENOUGH
from analysis.inference.honest_problem import Problem
from analysis.panel import Array, Panel
from analysis.refusal import Refusal
from analysis.result import Data, Effects

if TYPE_CHECKING:
    import pandas as pd

DEPENDENT = 1e-10
ROUNDING = 1e-8


def first_period(path: Effects) -> Array:
    """(T,) weights of the effect in the first treated period alone."""
    return np.asarray(_after(path) == 0, dtype=float)


def weights_of(effects: Effects, average: str) -> Array:
    """(T,) how much of the named average falls on each event time after the reference; they sum to one.

    A violation that depends on the time since adoption alone moves the average by these weights. For the "simple" and
    "event_time" averages they also give the average itself as a weighted sum of effects by event time.
    """
    if effects.kind == "cells":
        cells = effects.table[effects.table["event_time"] >= 0]
        times, given = cells["event_time"].to_numpy(), _cell_weights(effects, cells, average)
    else:
        table = effects.along(average).table
        times, given = table["event_time"].to_numpy(), table["weight"].to_numpy() * (table["event_time"] >= 0)
    found = np.array([given[times == time].sum() for time in _after(effects)], dtype=float)
    return np.asarray(found / found.sum())


def problem_of(path: Effects, weights: Array, level: float, enough: int = ENOUGH) -> Problem:
    """`path` as arrays: effects before adoption that rest on `enough` clusters, without a gap up to the reference.

    Raises Refusal: no common reference period; nothing before it; periods missing after it; no sampling error.
    """
    place, pre = _places(path, enough)
    scaled = path.covariance[np.ix_(place, place)] * _widening(path.df, level)
    return _noisy(Problem(path.estimate[place], scaled, pre, weights, level))


def answer_of(
    effects: Effects, average: str, level: float, earlier: Mapping[int, float] | None = None, enough: int = ENOUGH
) -> Problem:
    """The named average of `effects` with the path around it: as `problem_of`, with the average as estimated.

    earlier: how much of the effect at each event time before the reference the average holds, as `earlier_parts` says.
    """
    tracked = replace(effects, influence=partial(np.eye, len(effects.joint)))
    path, one = tracked.by("event_time"), tracked.along(average).averaged_over()
    place, pre = _places(path, enough)
    assert path.influence is not None and one.influence is not None  # both compose the identity
    parts = np.array([(earlier or {}).get(int(time), 0.0) for time in path.table["event_time"]])
    k = len(parts)
    rows = path.influence().T[:k]
    jacobian = np.concatenate([rows[place], one.influence().T[:1] - parts[None] @ rows])
    scaled = jacobian @ effects.joint @ jacobian.T * _widening(effects.df, level)
    beta = np.concatenate([path.estimate[place], one.estimate - parts @ path.estimate])
    return _noisy(Problem(beta, scaled, pre, weights_of(effects, average), level))


def earlier_parts(data: Data, effects: Effects, average: str) -> dict[int, float]:
    """How a violation of one at each event time before the reference moves the average, all cohorts alike.

    Empty for designs that measure a cohort's effects from its reference period alone: its own earlier outcomes then do
    not move them, as the last cohort shows (as comparison for others they may, under any design). Raises Refusal where
    the path has no effect for an earlier period that matters.
    """
    if not isinstance(data, Panel) or effects.kind != "cells" or effects.reference is None:
        return {}
    event = np.arange(len(data.periods)) - data.adoption[:, None]
    reached: Array = np.asarray(data.treated.any(axis=1))
    before = (event < effects.reference) & reached[:, None]
    last = effects.table["cohort"][effects.table["event_time"] >= 0].max()
    dates: Array = data.periods[data.adoption]
    own = before & (dates[:, None] == last)
    treated = (effects.table["cohort"] == last) & (effects.table["event_time"] >= 0)
    if np.abs(_under(data, effects, own).estimate[treated]).max() < ROUNDING:
        return {}
    path = effects.by("event_time").pre().table
    parts = {int(time): _moved(data, effects, average, before & (event == time)) for time in path["event_time"]}
    if abs(sum(parts.values()) - _moved(data, effects, average, before)) > ROUNDING:
        problem = "the average is measured from earlier periods whose own effects are not known"
        raise Refusal("E110", "design", problem, "choose `design: group_time`")
    return parts


def for_slopes(problem: Problem, clusters: int) -> Problem:
    """At most a third as many earlier effects as clusters, and none that the nearer ones determine."""
    near = problem.nearest(max(1, min(problem.pre, clusters // 3)))
    for pre in range(near.pre, 1, -1):
        block = near.nearest(pre).covariance[:pre, :pre]
        error = np.sqrt(np.diag(block))
        if np.linalg.matrix_rank(block / np.outer(error, error), hermitian=True, tol=DEPENDENT) == pre:
            return near.nearest(pre)
    return near.nearest(1)


def _under(data: Panel, effects: Effects, where: Array) -> Effects:
    """The effects on an outcome that is one in the cells `where` (units, periods) and zero elsewhere."""
    return effects.refit(data.with_outcome(np.where(np.isfinite(data.outcome), where.astype(float), np.nan)))


def _moved(data: Panel, effects: Effects, average: str, where: Array) -> float:
    return float(_under(data, effects, where).along(average).averaged_over().estimate[0])


def _places(path: Effects, enough: int) -> tuple[list[int], int]:
    """Rows of the effects used, earliest first, and how many lie before the reference."""
    if path.reference is None:
        fix = "set `base_period: universal`"
        raise Refusal("E110", "base_period", "effects before adoption have no common reference period", fix)
    usable = set(path.pre().resting_on(enough).table["event_time"])
    pre = next(k for k in range(len(usable) + 1) if path.reference - 1 - k not in usable)
    if not pre and not (path.pre().table["event_time"] < path.reference).any():
        problem = "the data hold a single period before the policy, so that no earlier change can be compared with"
        raise Refusal("E110", "since", problem, "look for earlier data on both groups")
    if not pre:
        problem = f"no effect in the period before the reference rests on {enough} treated and comparison clusters"
        raise Refusal("E110", "since", problem, "look for earlier data on both groups")
    after = _after(path)
    if (np.diff(after) != 1).any() or after[0] != path.reference + 1:
        raise Refusal("E110", "until", "effects by periods since adoption have gaps", "choose consecutive periods")
    times = np.concatenate([np.arange(path.reference - pre, path.reference), after])
    return [int(np.flatnonzero(path.table["event_time"] == time)[0]) for time in times], pre


def _noisy(problem: Problem) -> Problem:
    if problem.error > 0:
        return problem
    raise Refusal("E110", "outcome", "the effects have no sampling error", "check the outcome")


def _after(effects: Effects) -> Array:
    """(T,) event times after the reference, in order."""
    reference = -1 - effects.anticipation if effects.reference is None else effects.reference
    times = np.unique(effects.table["event_time"])
    return np.asarray(times[times > reference])


def _cell_weights(effects: Effects, cells: pd.DataFrame, average: str) -> Array:
    """Weights of the treated `cells` in the named average, not normalised."""
    size = effects.share[np.searchsorted(effects.share_cohorts, cells["cohort"])]
    if average == "simple":
        return size
    group = np.unique(cells[average], return_inverse=True)[1]
    total = np.bincount(group) if average == "cohort" else np.bincount(group, weights=size)
    return np.asarray(size / total[group])


def _widening(df: float, level: float) -> float:
    """Squared ratio of the t quantile to the normal one."""
    from scipy import stats

    half = (1 + level) / 2
    return float(stats.t.ppf(half, df) / stats.norm.ppf(half)) ** 2
