"""What an instrumental-variable design returns beyond its effect: the arrays behind it, and the set that holds at any
strength of the instruments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from analysis.estimate import Estimate
from analysis.panel import Array
from analysis.result import Effects

Rule = Literal["t", "anderson_rubin", "bootstrap"]


@dataclass(frozen=True, eq=False)
class Problem:
    """The arrays of a study once what is held constant is taken out (Frisch, Waugh and Lovell).

    outcome, treatment: (n,) and instruments: (n, L), each times `root`, (n,) the roots of the rows' weights. names: of
    the instruments, text as its indicators. taken: columns taken out, the constant included. cluster: (n,) codes, which
    count only where errors are clustered. change: of the treatment, whose effect is reported. without takes a column
    (n,) to the same form.
    """

    outcome: Array
    treatment: Array
    instruments: Array
    names: tuple[str, ...]
    taken: int
    cluster: Array
    errors: str
    change: float
    root: Array
    without: Callable[[Array], Array]

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.outcome)

    @property
    def count(self) -> int:
        """Instruments."""
        return int(self.instruments.shape[1])

    @property
    def clusters(self) -> int:
        """Clusters that the errors take as independent: rows, unless errors are clustered."""
        return int(self.cluster.max()) + 1 if self.errors == "clustered" else self.n

    def df(self, regressors: int) -> float:
        """Degrees of freedom of a t or F test after a regression on that many columns beyond those taken out."""
        return float(self.clusters - 1 if self.errors == "clustered" else self.n - self.taken - regressors)


@dataclass(frozen=True)
class Region:
    """Effects that a test does not reject at `level`: intervals in order, whose ends may be infinite; none if empty."""

    pieces: tuple[tuple[float, float], ...]
    level: float

    @property
    def empty(self) -> bool:
        """Every effect is rejected."""
        return not self.pieces

    @property
    def bounded(self) -> bool:
        """It has a lowest and a highest effect."""
        return bool(self.pieces) and math.isfinite(self.pieces[0][0]) and math.isfinite(self.pieces[-1][1])

    @property
    def hull(self) -> tuple[float, float]:
        """The shortest interval that holds it; missing where it is empty."""
        return (math.nan, math.nan) if self.empty else (self.pieces[0][0], self.pieces[-1][1])

    def holds(self, x: float) -> bool:
        """`x` is not rejected."""
        return any(low <= x <= high for low, high in self.pieces)


@dataclass(frozen=True, eq=False)
class Instrumented(Effects):
    """Effects of an instrumental-variable design.

    problem: the arrays behind them. strength: the effective F of the first stage. region: the Anderson-Rubin set of
    the reported effect at a level; tested: the p-value, by the same test, of an effect per unit of treatment. rule:
    what gives the interval. worth: equally weighted clusters (or rows) that the instruments' variation comes from.
    """

    problem: Problem | None = None
    strength: float = math.nan
    region: Callable[[float], Region] | None = None
    tested: Callable[[float], float] | None = None
    rule: Rule = "t"
    worth: float = math.nan

    def average(self, level: float) -> Estimate:
        """The effect with the interval that the strength of the instruments allows.

        Where that is an Anderson-Rubin set, error and centre are those of the t distribution with the same interval,
        so that chances agree with it; there is no error where the set has no bounds.
        """
        found = super().average(level)
        if self.rule == "t":
            return found
        if not math.isfinite(found.low) or not math.isfinite(found.high):
            return replace(found, std_error=None)
        from scipy import stats

        half = (found.high - found.low) / 2
        error = half / float(stats.t.ppf((1 + level) / 2, self.df))
        return replace(found, std_error=error, centre=found.low + half)


def instrumented(effects: Effects) -> Instrumented:
    """`effects` of this family. Raises TypeError for those of another."""
    if not isinstance(effects, Instrumented):
        raise TypeError("these effects come from no instrumental-variable design")
    return effects


def problem_of(effects: Effects) -> Problem:
    """The arrays behind `effects`."""
    found = instrumented(effects).problem
    assert found is not None
    return found


def region_of(effects: Effects, level: float) -> Region:
    """The Anderson-Rubin set of the reported effect."""
    region = instrumented(effects).region
    assert region is not None
    return region(level)


def p_value_of(effects: Effects, effect: float) -> float:
    """The p-value that the Anderson-Rubin test gives to an effect per unit of treatment."""
    test = instrumented(effects).tested
    assert test is not None
    return test(effect)
