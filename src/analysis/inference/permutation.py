"""Permutation inference: what the estimate would be had the policy come to other clusters.

With few treated clusters, cluster-robust errors are far too small (Conley and Taber 2011; MacKinnon and Webb 2020).
Reassigning the observed adoption dates (with treatment paths and doses, where there are any) among clusters gives the
distribution of the estimate under no effect; the interval collects the constant effects that this test does not reject.

Two statistics can be compared: the estimate, or the estimate divided by its cluster-robust error ("RI-t"). Both are
exact when clusters are alike. When treated clusters are noisier than the others the estimate rejects a true null far
too often and the ratio less so; the ratio needs treated clusters enough for an error to mean something, and has less
power when there are few (see `few_clusters`).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from analysis.panel import NEVER, Array, Panel
from analysis.refusal import Refusal
from analysis.result import Effects

EXACT_UP_TO = 2_000
TIE = 1e-9


@dataclass(frozen=True)
class Permutation:
    """p_value of no effect, interval bounds, and how it was computed: assignments used, all of them or a draw.

    rank: assignments whose statistic is at least as large in absolute value, the observed one included.
    lowest: the smallest p-value these data could have given. studentised: estimates were divided by their errors.
    refused: assignments that the design refuses; they count as at least as large. The bounds are NaN where there are
    any, or the design is not linear in the outcome, so that a constant effect cannot be taken out.
    """

    p_value: float
    low: float
    high: float
    assignments: int
    rank: int
    exact: bool
    lowest: float
    studentised: bool = False
    refused: int = 0


@functools.lru_cache(maxsize=8)  # headline and check ask for the same test; both types compare by identity
def permute(
    panel: Panel,
    effects: Effects,
    *,
    average: str,
    level: float,
    seed: int,
    draws: int = 999,
    studentised: bool = False,
) -> Permutation:
    """Permutation test and interval of the average effect, reassigning adoption dates among clusters.

    All assignments when there are at most 2,000 of them, else `draws` random ones beside the observed one.

    Raises:
        Refusal: adoption dates that differ within a cluster (the unit of assignment is then not the cluster).
    """
    panels, exact = _panels(panel, seed, draws)
    found = np.array([_value_and_variance(effects, average), *(_attempt(effects, p, average) for p in panels)])
    refused = np.isnan(found[:, 0])
    if studentised:
        reached = refused | _reached(found[:, 0] ** 2, found[:, 1])
    else:
        reached = refused | (np.abs(found[:, 0]) >= abs(found[0, 0]) * (1 - TIE))
    low, high = math.nan, math.nan
    if not refused.any() and _linear(panel, effects, average):
        low, high = _bounds(panel, effects, found, average, 1 - level + TIE, seed, draws, studentised)
    rank, count = int(reached.sum()), len(found)
    lowest = (2 if exact and _mirrored(panel) else 1) / count
    return Permutation(rank / count, low, high, count, rank, exact, lowest, studentised, int(refused.sum()))


def permuted(
    panel: Panel, effects: Effects, statistic: Callable[[Effects], Any], *, seed: int, draws: int = 999
) -> tuple[Array, bool]:
    """`statistic` of the observed effects, then of reassignments of adoption dates; and whether these are all.

    Raises Refusal where adoption dates differ within a cluster.
    """
    panels, exact = _panels(panel, seed, draws)
    return np.array([statistic(effects), *(statistic(effects.refit(one)) for one in panels)]), exact


def _panels(panel: Panel, seed: int, draws: int) -> tuple[Iterator[Panel], bool]:
    """The panel under other assignments, and whether these are all of them."""
    codes, first = _assignment_by_cluster(panel)
    exact = _count(codes) <= EXACT_UP_TO
    return (_reassigned(panel, codes, first) for codes in _assignments(codes, exact, seed, draws)), exact


def _attempt(effects: Effects, panel: Panel, average: str) -> tuple[float, float]:
    """Average and variance on `panel`; NaN where the design refuses it."""
    try:
        return _value_and_variance(effects.refit(panel), average)
    except Refusal:
        return math.nan, math.nan


def _bounds(
    panel: Panel, effects: Effects, found: Array, average: str, alpha: float, seed: int, draws: int, studentised: bool
) -> tuple[float, float]:
    """The interval, from the same assignments with the exposure to the policy in the place of the outcome."""
    both = functools.partial(_value_and_variance, average=average)
    exposure = panel.treated.astype(float)

    def again(outcome: Array) -> Array:
        other = _with(panel, outcome)
        return permuted(other, effects.refit(other), both, seed=seed, draws=draws)[0]

    slopes = again(exposure)
    if not studentised:
        return _interval(found[:, 0], slopes[:, 0], alpha)
    unit = float(np.nanstd(panel.outcome)) or 1.0
    mixed = again(panel.outcome + unit * exposure)
    return _Ratios(found[:, 0], slopes[:, 0], found[:, 1], slopes[:, 1], mixed[:, 1], unit).interval(alpha)


def _linear(panel: Panel, effects: Effects, average: str) -> bool:
    """Whether a constant effect put into the treated cells adds its slope to the average."""
    exposure = panel.treated.astype(float)
    slope = _attempt(effects, _with(panel, exposure), average)[0]
    moved = _attempt(effects, _with(panel, panel.outcome + exposure), average)[0]
    own = _value_and_variance(effects, average)[0]
    return bool(abs(moved - own - slope) <= 1e-6 * max(1.0, abs(own)))


def _with(panel: Panel, outcome: Array) -> Panel:
    """The panel with another outcome, missing where its own is."""
    return panel.with_outcome(np.where(np.isfinite(panel.outcome), outcome, np.nan))


def p_value_of(effect: float, estimates: Array, slopes: Array) -> float:
    """p-value of the constant effect `effect`: the observed estimate comes first in `estimates`, and an assignment's
    estimate falls by its slope for each unit of effect taken out of the treated cells."""
    distance = np.abs(estimates - effect * slopes)
    return float((distance >= distance[0] * (1 - TIE) - 1e-15).mean())


@dataclass(frozen=True, eq=False)
class _Ratios:
    """Ratios of estimates to errors under every constant effect: the estimate falls linearly with the effect taken out,
    its variance is a quadratic, known from the variances of outcome, exposure and outcome + unit x exposure."""

    estimate: Array
    slope: Array
    variance: Array
    exposed: Array
    mixed: Array
    unit: float

    def reached(self, effect: float) -> Array:
        """(assignments,) whether the ratio is at least as large as the observed one."""
        twice = (self.mixed - self.variance - self.unit**2 * self.exposed) / self.unit
        variance = self.variance - effect * twice + effect**2 * self.exposed
        squared = (self.estimate - effect * self.slope) ** 2
        return _reached(squared, np.where(variance > 1e-14 * np.maximum(self.variance, squared), variance, 0.0))

    def interval(self, alpha: float) -> tuple[float, float]:
        """The effects around the estimate with a p-value above alpha; infinite where the test cannot reject."""
        if not self.slope[0]:
            return -math.inf, math.inf
        centre = self.estimate[0] / self.slope[0]
        step = max(math.sqrt(self.variance[0]), float(self.estimate.std()), 1e-300) / abs(self.slope[0])
        return self._edge(centre, -step, alpha), self._edge(centre, step, alpha)

    def _edge(self, centre: float, step: float, alpha: float) -> float:
        inside, outside = 0.0, step
        while self.reached(centre + outside).mean() > alpha:
            inside, outside = outside, 1.5 * outside
            if abs(outside) > 1e6 * abs(step):
                return math.copysign(math.inf, step)
        while abs(outside - inside) > 1e-12 * abs(outside):
            middle = (inside + outside) / 2
            if middle in (inside, outside):
                break
            kept = self.reached(centre + middle).mean() > alpha
            inside, outside = (middle, outside) if kept else (inside, middle)
        return centre + (inside + outside) / 2


def _reached(squared: Array, variance: Array) -> Array:
    """Which ratios are at least as large as the first; with an error of zero they are infinite."""
    return np.asarray(squared * variance[0] >= squared[0] * variance * (1 - TIE))


def _value_and_variance(effects: Effects, average: str) -> tuple[float, float]:
    one = effects.along(average).averaged_over()
    return float(one.estimate[0]), float(one.covariance[0, 0])


def _assignment_by_cluster(panel: Panel) -> tuple[Array, Array]:
    """(clusters,) a code of what each cluster was assigned, NEVER where nothing, and a unit of each code.

    Codes are adoption positions, or numbers of distinct combinations where there are treatment paths or doses.
    """
    parts = [panel.adoption[:, None]]
    parts += [panel.dose[:, None]] if panel.dose is not None else []
    parts += [np.nan_to_num(panel.treatment)] if panel.treatment is not None else []
    rows = np.column_stack(parts)
    if rows.shape[1] > 1:
        kinds, code = np.unique(rows, axis=0, return_inverse=True)
        code = code.ravel() - (1 if (kinds[0, 0] == NEVER) else 0)
    else:
        code = panel.adoption
    codes = np.full(panel.clusters, NEVER)
    np.maximum.at(codes, panel.cluster, code)
    if (codes[panel.cluster] != code).any():
        raise Refusal(
            "E105",
            "cluster",
            "units of one cluster adopt at different dates, so that few treated clusters cannot be permuted",
            "cluster by the level at which the policy was assigned",
        )
    first = np.full(int(codes.max()) + 2, -1)
    first[code[::-1] + 1] = np.arange(len(code))[::-1]
    return codes, first


def _reassigned(panel: Panel, assignment: Array, first: Array) -> Panel:
    """The panel in which each cluster has the dates, treatment path and dose that go with its code."""
    code = assignment[panel.cluster]
    if panel.treatment is None and panel.dose is None:
        return panel.with_adoption(code)
    donor = first[code + 1]
    return replace(
        panel,
        adoption=panel.adoption[donor],
        treatment=None if panel.treatment is None else panel.treatment[donor],
        dose=None if panel.dose is None else panel.dose[donor],
    )


def _mirrored(panel: Panel) -> bool:
    """One date for exactly half of the clusters: exchanging the halves gives the same estimate with the other sign."""
    return not panel.staggered and 2 * panel.treated_clusters == panel.clusters and panel.dose is None


def _count(codes: Array) -> int:
    total, left = 1, len(codes)
    for size in np.unique(codes[codes != NEVER], return_counts=True)[1]:
        total *= math.comb(left, int(size))
        left -= int(size)
    return total


def _assignments(codes: Array, exact: bool, seed: int, draws: int) -> Iterator[Array]:
    """Every other assignment of the codes (exact), or `draws` random ones."""
    if not exact:
        generator = np.random.default_rng(seed)
        for _ in range(draws):
            yield generator.permutation(codes)
        return
    cohorts = [int(d) for d in np.unique(codes[codes != NEVER])]
    for assignment in _enumerated(np.full(len(codes), NEVER), cohorts, codes):
        if (assignment != codes).any():
            yield assignment


def _enumerated(partial: Array, cohorts: list[int], codes: Array) -> Iterator[Array]:
    if not cohorts:
        yield partial
        return
    free = np.flatnonzero(partial == NEVER)
    for chosen in combinations(free, int((codes == cohorts[0]).sum())):
        filled = partial.copy()
        filled[list(chosen)] = cohorts[0]
        yield from _enumerated(filled, cohorts[1:], codes)


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
