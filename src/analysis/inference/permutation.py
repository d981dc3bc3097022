"""Permutation inference: what the estimate would be had the policy come to other clusters.

With few treated clusters, cluster-robust errors are far too small (Conley and Taber 2011; MacKinnon and Webb 2020).
Reassigning the observed adoption dates among clusters gives the distribution of the estimate under no effect; the
interval collects the constant effects that this test does not reject.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analysis.panel import NEVER, Array, Panel
from analysis.refusal import Refusal
from analysis.result import Effects

EXACT_UP_TO = 2_000


@dataclass(frozen=True)
class Permutation:
    """p_value of no effect, interval bounds, and how it was computed: assignments used, all of them or a draw.

    rank: assignments whose estimate is at least as large in absolute value, the observed one included.
    lowest: the smallest p-value these data could have given.
    """

    p_value: float
    low: float
    high: float
    assignments: int
    rank: int
    exact: bool
    lowest: float


@functools.lru_cache(maxsize=4)  # headline and check ask for the same test; both types compare by identity
def permute(panel: Panel, effects: Effects, *, average: str, level: float, seed: int, draws: int = 999) -> Permutation:
    """Permutation test and interval of the average effect, reassigning adoption dates among clusters.

    All assignments when there are at most 2,000 of them, else `draws` random ones beside the observed one.

    Raises:
        Refusal: adoption dates that differ within a cluster (the unit of assignment is then not the cluster).
    """
    estimates, exact = permuted(panel, effects, lambda e: _statistic(e, average), seed=seed, draws=draws)
    exposure = panel.with_outcome(panel.treated.astype(float))
    exposed = effects.refit(exposure)
    slopes, _ = permuted(exposure, exposed, lambda e: _statistic(e, average), seed=seed, draws=draws)
    rank = int((np.abs(estimates) >= abs(estimates[0]) * (1 - 1e-9)).sum())
    low, high = _interval(estimates, slopes, 1 - level + 1e-9)
    return Permutation(rank / len(estimates), low, high, len(estimates), rank, exact, 1 / len(estimates))


def permuted(
    panel: Panel, effects: Effects, statistic: Callable[[Effects], float], *, seed: int, draws: int = 999
) -> tuple[Array, bool]:
    """`statistic` of the observed effects, then of reassignments of adoption dates; and whether these are all.

    Raises Refusal where adoption dates differ within a cluster.
    """
    dates = _dates_by_cluster(panel)
    exact = _count(dates) <= EXACT_UP_TO
    values = [statistic(effects)]
    for assignment in _assignments(dates, exact, seed, draws):
        values.append(statistic(effects.refit(panel.with_adoption(assignment[panel.cluster]))))
    return np.array(values), exact


def p_value_of(effect: float, estimates: Array, slopes: Array) -> float:
    """p-value of the constant effect `effect`: the observed estimate comes first in `estimates`, and an assignment's
    estimate falls by its slope for each unit of effect taken out of the treated cells."""
    distance = np.abs(estimates - effect * slopes)
    return float((distance >= distance[0] * (1 - 1e-9) - 1e-15).mean())


def _statistic(effects: Effects, average: str) -> float:
    return float(effects.along(average).averaged_over().estimate[0])


def _dates_by_cluster(panel: Panel) -> Array:
    dates = np.full(panel.clusters, NEVER)
    np.maximum.at(dates, panel.cluster, panel.adoption)
    if (dates[panel.cluster] != panel.adoption).any():
        raise Refusal(
            "E105",
            "cluster",
            "units of one cluster adopt at different dates, so that few treated clusters cannot be permuted",
            "cluster by the level at which the policy was assigned",
        )
    return dates


def _count(dates: Array) -> int:
    total, left = 1, len(dates)
    for size in np.unique(dates[dates != NEVER], return_counts=True)[1]:
        total *= math.comb(left, int(size))
        left -= int(size)
    return total


def _assignments(dates: Array, exact: bool, seed: int, draws: int) -> Iterator[Array]:
    """Every other assignment of the dates (exact), or `draws` random ones."""
    if not exact:
        generator = np.random.default_rng(seed)
        for _ in range(draws):
            yield generator.permutation(dates)
        return
    cohorts = [int(d) for d in np.unique(dates[dates != NEVER])]
    for assignment in _enumerated(np.full(len(dates), NEVER), cohorts, dates):
        if (assignment != dates).any():
            yield assignment


def _enumerated(partial: Array, cohorts: list[int], dates: Array) -> Iterator[Array]:
    if not cohorts:
        yield partial
        return
    free = np.flatnonzero(partial == NEVER)
    for chosen in combinations(free, int((dates == cohorts[0]).sum())):
        filled = partial.copy()
        filled[list(chosen)] = cohorts[0]
        yield from _enumerated(filled, cohorts[1:], dates)


def _interval(estimates: Array, slopes: Array, alpha: float) -> tuple[float, float]:
    """The hull of the effects whose p-value exceeds alpha; infinite where the test cannot reject."""
    observed, own = estimates[0], slopes[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        crossings = np.concatenate([(observed - estimates) / (own - slopes), (observed + estimates) / (own + slopes)])
    points = np.unique(crossings[np.isfinite(crossings)])
    if not len(points):
        return -math.inf, math.inf
    width = max(float(points[-1] - points[0]), 1e-12)
    edges = np.concatenate([[points[0] - width], points, [points[-1] + width]])
    middles = (edges[1:] + edges[:-1]) / 2
    kept = np.array([p_value_of(float(m), estimates, slopes) > alpha for m in middles])
    low = -math.inf if kept[0] else float(edges[:-1][kept].min())
    high = math.inf if kept[-1] else float(edges[1:][kept].max())
    return low, high
