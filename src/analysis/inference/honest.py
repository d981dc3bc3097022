"""How wrong could parallel trends be? What an average says when trends may differ after adoption, for any design.

Two restrictions on the difference in trends (Rambachan and Roth 2023): *relative magnitudes*, changes after the
reference period at most `mbar` times the largest change before it (`honest_relative`); *smoothness*, a slope that
changes by at most `bend` a period (`honest_smooth`). Every design with effects by event time around one common
reference period can be examined; periods of anticipation count as after the reference, with no weight in the average.

Errors are those of the design, scaled to its t distribution (`honest_path`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.inference import few_clusters, honest_relative, honest_smooth
from analysis.inference.honest_path import answer_of, earlier_parts, for_slopes, problem_of, weights_of
from analysis.inference.honest_problem import Problem
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import Data, Effects, Estimate

if TYPE_CHECKING:
    import pandas as pd

MBARS = (0.0, 0.5, 1.0, 1.5, 2.0)
ALIKE = "; differences in trends are taken to depend on the time since adoption alone"


@dataclass(frozen=True)
class Breakdown:
    """The magnitudes up to which a set leaves out zero: `mbar` as a multiple, `bend` in the outcome's unit per period.

    Zero where nothing needs to be allowed for zero to be inside; infinite where nothing tried brings it in.
    """

    mbar: float
    bend: float

    @property
    def words(self) -> str:
        """`mbar` as a reader is told it, rounded down."""
        return multiple(self.mbar)


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What the average says under each restriction.

    answer: the design's own average; estimate: the one whose sets these are, which is the same unless the path belongs
    to another design, or the average is measured from earlier periods than the reference too. sets: rows kind
    (original, relative, smooth), magnitude, estimate, low, high. largest_change: between neighbouring periods up to the
    reference, of `changes` such changes. left_out: earlier effects not used.
    """

    answer: float
    estimate: float
    level: float
    sets: pd.DataFrame
    breakdown: Breakdown
    changes: int
    left_out: int
    largest_change: float
    largest_bend: float
    estimand: str
    inference: str
    n: int
    clusters: int
    treated_clusters: int

    def interval(self, kind: str, magnitude: float) -> tuple[float, float]:
        """The ends of the set of that kind and magnitude."""
        rows = self.sets[(self.sets["kind"] == kind) & np.isclose(self.sets["magnitude"], magnitude)]
        return float(rows["low"].iloc[0]), float(rows["high"].iloc[0])

    @property
    def excludes_zero(self) -> bool:
        """The interval leaves out zero when nothing is allowed."""
        return self.breakdown.mbar > 0


@dataclass(frozen=True)
class Unassessed:
    """Why no set can be given. ratio: the breakdown of the estimates taken at face value, where there is a path to take
    it from; largest_change: the yardstick behind it."""

    reason: str
    ratio: float | None = None
    largest_change: float | None = None


def examine(
    data: Data, effects: Effects, path: Effects | None, *, average: str, level: float
) -> Sensitivity | Unassessed:
    """The sensitivity of the average that answers, or why it cannot be assessed.

    Pieces by cohort and period are averaged as they are, estimated cohort shares included; for any other design the
    effects of `path` are.
    """
    if path is None:
        return Unassessed("these data hold no path of effects before and after adoption")
    source = effects if effects.kind == "cells" else path
    try:
        if few_clusters.too_few(data, effects, average):
            return _at_face_value(data, effects, source, average, level)
        earlier = earlier_parts(data, source, average)
        corrected = path.influence is None and effects.kind == "cells" and not earlier
        problem = (
            problem_of(path, weights_of(effects, average), level)
            if corrected
            else answer_of(source, average, level, earlier)
        )
    except Refusal as refusal:
        return Unassessed(refusal.problem)
    own = few_clusters.headline(data, effects, average=average, level=level, seed=0)
    wider = _wider(own, effects.along(average).average(level))
    problem = replace(problem, covariance=problem.covariance * wider)
    slopes = for_slopes(problem, source.clusters)
    bends = tuple(share * problem.largest_bend for share in (0.0, 0.5, 1.0)) if problem.largest_bend > 0 else (0.0,)
    alike = ALIKE if earlier or (effects.kind == "cells" and average in ("cohort", "period")) else ""
    return Sensitivity(
        answer=own.value,
        estimate=problem.value,
        level=level,
        sets=_table([("original", np.nan, own.value, own.low, own.high), *_sets(problem, slopes, MBARS, bends)]),
        breakdown=Breakdown(honest_relative.breakdown(problem), honest_smooth.breakdown(slopes)),
        changes=problem.pre,
        left_out=len(path.pre().table) - problem.pre,
        largest_change=problem.largest_change,
        largest_bend=problem.largest_bend,
        estimand=few_clusters.ESTIMANDS.get(average, source.estimand) + alike,
        inference=_convention(source, level)
        + (f"; variances {wider:.2f} times as large, as the answer's own interval has them" if wider > 1 else ""),
        n=source.n,
        clusters=source.clusters,
        treated_clusters=source.treated_clusters,
    )


def _wider(shown: Estimate, analytic: Estimate) -> float:
    """How much larger the answer's variance is as shown (leaving out one cluster at a time) than by the design's own
    errors; at least one."""
    if not shown.std_error or not analytic.std_error:
        return 1.0
    return max(1.0, (shown.std_error / analytic.std_error) ** 2)


def sets(
    path: Effects, weights: Array, *, level: float, mbars: Sequence[float] = MBARS, bends: Sequence[float] = (0.0,)
) -> pd.DataFrame:
    """Confidence sets of a fixed weighted sum: kind, magnitude, estimate, low, high; in the outcome's unit.

    weights: (T,) of the effects after the reference, as `weights_of` and `first_period` of `honest_path` give them.
    estimate: the sum, or for smoothness the shortest interval's own centre. Raises Refusal as `problem_of`.
    """
    problem = problem_of(path, weights, level)
    return _table(_sets(problem, for_slopes(problem, path.clusters), mbars, bends))


def breakdown(path: Effects, weights: Array, *, level: float) -> Breakdown:
    """The largest magnitudes under which the sets leave out zero. Raises Refusal as `problem_of`."""
    problem = problem_of(path, weights, level)
    slopes = for_slopes(problem, path.clusters)
    return Breakdown(honest_relative.breakdown(problem), honest_smooth.breakdown(slopes))


def multiple(mbar: float) -> str:
    """How many times, rounded down."""
    if math.isinf(mbar):
        return f"more than {honest_relative.LIMIT:g} times"
    return f"{math.floor(100 * mbar) / 100:.2f} times"


def _at_face_value(data: Data, effects: Effects, source: Effects, average: str, level: float) -> Unassessed:
    rests_on = few_clusters.support(effects, average)
    reason = f"{rests_on.treated} treated and {rests_on.comparison} comparison clusters are too few for an interval"
    problem = answer_of(source, average, level, earlier_parts(data, source, average), enough=1)
    return Unassessed(reason, honest_relative.face_value(problem), problem.largest_change)


def _sets(
    problem: Problem, slopes: Problem, mbars: Sequence[float], bends: Sequence[float]
) -> list[tuple[str, float, float, float, float]]:
    rows = [("relative", mbar, problem.value, *honest_relative.interval(problem, mbar)) for mbar in mbars]
    frontier = honest_smooth.frontier(slopes)
    for bend in bends:
        found = frontier.best(bend)
        rows.append(("smooth", bend, (found.low + found.high) / 2, found.low, found.high))
    return rows


def _table(rows: list[tuple[str, float, float, float, float]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=["kind", "magnitude", "estimate", "low", "high"])


def _convention(path: Effects, level: float) -> str:
    return (
        "relative magnitudes: conditional least-favourable hybrid test with exact critical values, first stage at "
        f"{(1 - level) / 10:.3g}; smoothness: fixed-length interval; errors from {path.clusters} clusters scaled to "
        f"the t distribution with {path.df:g} degrees of freedom"
    )
