"""Treated units and donors in one table, and effects by time since adoption: arrays in, arrays out.

With several adoption dates every cohort has its own weights over the same donors; cohorts count by their treated units
and periods, so that the average over all treated unit-periods is the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analysis.inference.synthetic import Fit, Problem, Weigher, distance, effects
from analysis.panel import Array

DONOR = -1


@dataclass(frozen=True, eq=False)
class Setting:
    """outcome: (N, T). cohort: (N,) 0..C-1, DONOR where untreated. starts, ends: (C,) first period under the policy and
    one past the last observed one. first: first period fitted. features: (C, N, k) predictors as each cohort sees
    them, or None."""

    outcome: Array
    cohort: Array
    starts: Array
    ends: Array
    first: int
    features: Array | None = None

    @cached_property
    def sizes(self) -> Array:
        """(C,) treated units."""
        return np.array([(self.cohort == c).sum() for c in range(len(self.starts))])

    @cached_property
    def donors(self) -> Array:
        """(J,) rows of the donors."""
        return np.flatnonzero(self.cohort == DONOR)

    @cached_property
    def events(self) -> Array:
        """(K,) times since adoption, all that any cohort has."""
        return np.arange(-int(self.starts.max()), int((self.ends - self.starts).max()))

    @cached_property
    def counted(self) -> Array:
        """(C, K) treated units behind each time since adoption."""
        there = (self.events >= -self.starts[:, None]) & (self.events < (self.ends - self.starts)[:, None])
        return np.asarray(there * self.sizes[:, None])

    @cached_property
    def weights(self) -> Array:
        """(K,) weights of times since adoption in the average over treated unit-periods."""
        after = np.where(self.events >= 0, self.counted.sum(axis=0), 0)
        return np.asarray(after / after.sum())

    @cached_property
    def fitted(self) -> Array:
        """(K,) whether any cohort is fitted there."""
        return (self.events < 0) & (self.events >= self.first - int(self.starts.max()))

    def problem(self, cohort: int) -> Problem:
        """The problem of one cohort."""
        member, end = self.cohort == cohort, int(self.ends[cohort])
        seen = None if self.features is None else self.features[cohort]
        return Problem(
            treated=self.outcome[member, :end].mean(axis=0),
            donors=self.outcome[self.donors, :end],
            first=self.first,
            start=int(self.starts[cohort]),
            units=int(member.sum()),
            own=None if seen is None else seen[member].mean(axis=0),
            others=None if seen is None else seen[self.donors],
        )

    def problems(self) -> list[Problem]:
        """One for each cohort."""
        return [self.problem(c) for c in range(len(self.starts))]

    def along(self, paths: list[Array]) -> Array:
        """(K,) the mean of cohorts' paths, each by its own periods, at each time since adoption."""
        total = np.zeros(len(self.events))
        for c, path in enumerate(paths):
            at = self.events + int(self.starts[c])
            inside = self.counted[c] > 0
            total[inside] += self.sizes[c] * path[at[inside]]
        return np.asarray(total / self.counted.sum(axis=0))

    def among(self, rows: Array, cohort: Array) -> Setting:
        """The rows chosen (repeated where they repeat), in the roles of `cohort`."""
        features = None if self.features is None else self.features[:, rows]
        return replace(self, outcome=self.outcome[rows], cohort=cohort, features=features)

    def present(self) -> Setting:
        """Without cohorts that hold no unit."""
        kept = np.flatnonzero(self.sizes)
        if len(kept) == len(self.starts):
            return self
        place = np.full(len(self.starts), DONOR)
        place[kept] = np.arange(len(kept))
        return replace(
            self,
            cohort=np.where(self.cohort == DONOR, DONOR, place[self.cohort]),
            starts=self.starts[kept],
            ends=self.ends[kept],
            features=None if self.features is None else self.features[kept],
        )


@dataclass(frozen=True, eq=False)
class Estimated:
    """problems and fits by cohort, path: (K,) effects by time since adoption, rmspe: gap in the periods fitted."""

    problems: list[Problem]
    fits: list[Fit]
    path: Array
    rmspe: float


def estimated(setting: Setting, weigh: Weigher) -> Estimated:
    """Weights and effects of every cohort."""
    problems = setting.problems()
    return with_fits(setting, problems, [weigh(problem) for problem in problems])


def with_fits(setting: Setting, problems: list[Problem], fits: list[Fit]) -> Estimated:
    """Effects at given weights."""
    both = list(zip(problems, fits, strict=True))
    squared = np.array([distance(problem, fit) ** 2 for problem, fit in both])
    path = setting.along([effects(problem, fit) for problem, fit in both])
    return Estimated(problems, fits, path, float(np.sqrt(np.average(squared, weights=setting.sizes))))
