"""What the designs of a regression discontinuity return beyond `Effects`: widths, lines at the cut-off, take-up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from analysis.panel import Array
from analysis.result import Effects

Pair = tuple[float, float]


@dataclass(frozen=True)
class TakeUp:
    """The jump in take-up at the cut-off towards the treated side, its error, and F: the square of their ratio.

    levels: fitted take-up (below, above). robust: the interval of the effect comes from a test that a weak jump does
    not distort.
    """

    jump: float
    std_error: float
    low: float
    high: float
    levels: Pair
    robust: bool = False

    @property
    def f(self) -> float:
        """The F statistic of the jump."""
        return float((self.jump / self.std_error) ** 2) if self.std_error > 0 else float("inf")


@dataclass(frozen=True, eq=False)
class Discontinuity(Effects):
    """The jump at a cut-off.

    Pairs are (below, above) the cut-off. side: +1 where rows above are treated, -1 where rows below are. width: how far
    rows reach into the estimate; bias_width: the same for the bias correction. rows: rows with weight. distinct:
    values of the score among them. lines: coefficients of the fitted polynomials in distance from the cut-off, constant
    first. levels: their values at the cut-off. local: rows count less the farther they are and the width comes from the
    data or a choice of bandwidth; otherwise a whole window is fitted. donut: distance within which rows were left out.
    """

    running: str = ""
    cutoff: float = 0.0
    side: int = 1
    donut: float = 0.0
    width: Pair = (np.nan, np.nan)
    bias_width: Pair = (np.nan, np.nan)
    rows: tuple[int, int] = (0, 0)
    distinct: tuple[int, int] = (0, 0)
    lines: tuple[Array, Array] = field(default_factory=lambda: (np.empty(0), np.empty(0)))
    kernel: Literal["triangular", "epanechnikov", "uniform"] = "uniform"
    local: bool = True
    take_up: TakeUp | None = None

    @property
    def levels(self) -> Pair:
        """The fitted outcome at the cut-off, below and above."""
        return float(self.lines[0][0]), float(self.lines[1][0])

    @property
    def treated_word(self) -> str:
        """The side that is treated, in a word."""
        return "above" if self.side > 0 else "below"

    @property
    def untreated_word(self) -> str:
        """The other side, in a word."""
        return "below" if self.side > 0 else "above"
