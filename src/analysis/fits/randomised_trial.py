"""What the designs of a randomised trial return beyond `Effects`: the arms, and what a first stage or draws showed."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.result import Effects, t_interval


@dataclass(frozen=True)
class Arm:
    """One arm: its name, rows, independent units (clusters or rows), mean outcome with error and degrees of freedom.

    compared: it is one of the two arms of the headline.
    """

    name: str
    n: int
    units: int
    mean: float
    std_error: float
    df: float
    compared: bool

    def interval(self, level: float) -> tuple[float, float]:
        """The mean's bounds at `level`; NaN without an error."""
        low, high, _ = t_interval(self.mean, self.std_error, self.df, level)
        return low, high


@dataclass(frozen=True, eq=False)
class Trial(Effects):
    """arms: every arm of the trial, the control arm first, then that of the headline.

    assigned: the estimate is of being assigned, not of taking part. reading: how the interval may be read ("design",
    "permutation", "always_valid"). takeup: share who received it in the arm and in the control group, with the
    F-statistic of the assignment, where the design uses what was received. reduction: share of the variance that the
    outcome before takes away. spread: the outcome's standard deviation within arms.
    """

    arms: tuple[Arm, ...] = ()
    assigned: bool = True
    reading: str = "design"
    takeup: tuple[float, float, float] | None = None
    reduction: float | None = None
    spread: float = float("nan")
