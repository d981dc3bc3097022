"""What a sensitivity analysis of an event study needs: estimates, covariance, how many come before, what answers.

Everything here is a linear combination of the estimates: changes of the path from one period to the next, bends
(changes of those changes) and the average that answers, around the reference period, where the path is zero by
construction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from analysis.panel import Array


@dataclass(frozen=True, eq=False)
class Problem:
    """An event study in consecutive periods: pre + T estimates without the reference between them.

    beta: (N,) in the outcome's unit, earliest first. covariance: (N, N). pre: estimates before the reference, at least
    one. weights: (T,) of the estimates after it in the average that answers, not all zero. level: of every interval.
    One more estimate at the end, N = pre + T + 1, is the average itself, where its weights are estimated too: it then
    takes the place of the weighted sum, and the weights only say how a violation moves it.

    Raises ValueError for shapes that do not fit.
    """

    beta: Array
    covariance: Array
    pre: int
    weights: Array
    level: float = 0.95

    def __post_init__(self) -> None:
        n = len(self.beta)
        periods = self.pre + len(self.weights)
        if self.covariance.shape != (n, n) or self.pre < 1 or periods not in (n, n - 1):
            raise ValueError("estimates, covariance, number before the reference and weights do not fit together")
        if not np.any(self.weights):
            raise ValueError("the average that answers has no weight")

    @property
    def alpha(self) -> float:
        """One minus the level."""
        return 1 - self.level

    @cached_property
    def average(self) -> Array:
        """(N,) the average that answers, as weights on all estimates."""
        if len(self.beta) == self.pre + len(self.weights):
            return self._plain
        return np.asarray(np.eye(len(self.beta))[-1])

    @cached_property
    def continued(self) -> Array:
        """(N,) the average measured from the line through the period before the reference and the reference."""
        return np.asarray(self.average - self._plain + self.bend_reach @ self.bends[self.pre - 1 :])

    @cached_property
    def changes(self) -> Array:
        """(pre + T, N) rows that give the change from each period to the next; the first `pre` end at the reference."""
        return np.asarray(np.diff(self._whole, axis=0))

    @cached_property
    def bends(self) -> Array:
        """(pre + T - 1, N) rows that give the change of the change; the first pre - 1 end at the reference."""
        return np.asarray(np.diff(self._whole, n=2, axis=0))

    @property
    def value(self) -> float:
        """The average that answers."""
        return float(self.average @ self.beta)

    @property
    def error(self) -> float:
        """Its standard error."""
        return float(np.sqrt(self.average @ self.covariance @ self.average))

    @cached_property
    def reach(self) -> Array:
        """(T,) how far a change of one in each period after the reference moves the average."""
        return np.cumsum(self.weights[::-1])[::-1]

    @cached_property
    def bend_reach(self) -> Array:
        """(T,) how far a bend of one, at the reference and at each period after it but the last, moves the average."""
        return np.cumsum(self.reach[::-1])[::-1]

    @property
    def largest_change(self) -> float:
        """The largest absolute change between neighbouring periods up to the reference."""
        return float(np.abs(self.changes[: self.pre] @ self.beta).max())

    @property
    def largest_bend(self) -> float:
        """The largest absolute bend up to the reference; zero where there is none."""
        return float(np.abs(self.bends[: self.pre - 1] @ self.beta).max(initial=0.0))

    def nearest(self, pre: int) -> Problem:
        """The same with only the `pre` estimates nearest to the reference before it."""
        gone = max(self.pre - pre, 0)
        return replace(self, beta=self.beta[gone:], covariance=self.covariance[gone:, gone:], pre=self.pre - gone)

    @cached_property
    def _whole(self) -> Array:
        """(pre + T + 1, N) the path with its reference period put back."""
        periods = self.pre + len(self.weights)
        return np.insert(np.eye(periods, len(self.beta)), self.pre, 0.0, axis=0)

    @cached_property
    def _plain(self) -> Array:
        """(N,) the weighted sum of the estimates after the reference."""
        rest = len(self.beta) - self.pre - len(self.weights)
        return np.concatenate([np.zeros(self.pre), self.weights, np.zeros(rest)])
