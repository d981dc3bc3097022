"""Is the density of a score continuous at a cut-off? The test of rddensity, on an array.

Reference: Cattaneo, Jansson and Ma (2020), Journal of the American Statistical Association 115(531); McCrary (2008).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass

import numpy as np

from analysis.panel import Array

EVEN = 1e-3  # relative differences between steps below which values are evenly spaced


@dataclass(frozen=True)
class Density:
    """Densities just (below, above) the cut-off with their errors, the statistic of their difference and its p-value.

    rows: within the widths; n: all. distinct: how many different values the score takes.
    """

    below: float
    above: float
    error_below: float
    error_above: float
    statistic: float
    p_value: float
    width: tuple[float, float]
    rows: tuple[int, int]
    n: int
    distinct: int


def density(x: Array, cutoff: float) -> Density:
    """The density of `x` on both sides of `cutoff`: local polynomials of order two, corrected with order three, with
    jackknife errors. Raises ValueError where too few rows lie on one side."""
    import numpy.linalg as linalg

    sides = min(int((x < cutoff).sum()), int((x >= cutoff).sum()))
    if sides < 20:
        raise ValueError(f"only {sides} rows on one side")
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from rddensity.rddensity import rddensity

        try:
            found = rddensity(np.sort(x), c=float(cutoff), bino_flag=False)
        except (linalg.LinAlgError, IndexError, ZeroDivisionError) as problem:
            raise ValueError("the density cannot be fitted near the cut-off") from problem
    statistic, p_value = float(found.test["t_jk"]), float(found.test["p_jk"])
    if not np.isfinite(statistic):
        raise ValueError("the density cannot be fitted near the cut-off")
    return Density(
        float(found.hat["left"]),
        float(found.hat["right"]),
        float(found.sd_jk["left"]),
        float(found.sd_jk["right"]),
        statistic,
        p_value,
        (float(found.h["left"]), float(found.h["right"])),
        (int(found.n["eff_left"]), int(found.n["eff_right"])),
        len(x),
        len(np.unique(x)),
    )


def evenly_spaced(x: Array) -> bool:
    """Every value once, at equal steps: rows are groups, whose number says nothing about sorting."""
    steps = np.diff(np.unique(x))
    return len(steps) > 0 and len(steps) + 1 == len(x) and bool(np.ptp(steps) <= EVEN * steps.max())
