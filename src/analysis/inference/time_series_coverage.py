"""How often 95 % intervals of interrupted series hold the truth in simulations, by length and autocorrelation.

Straight line and step, half of the periods under the policy, first-order autoregressive errors; 1,000 series a cell
(200 for structural_series); benchmarks/coverage_interrupted_time_series.py makes the table, a slow test compares.
"""

from __future__ import annotations

import numpy as np

LENGTHS = (12, 24, 48, 100)
RHO = (0.0, 0.2, 0.4, 0.6, 0.8)
# By length (rows) and autocorrelation.
COVERAGE: dict[str, tuple[tuple[float, ...], ...]] = {
    "segmented_regression, classical": (
        (0.95, 0.92, 0.90, 0.89, 0.89),
        (0.95, 0.92, 0.85, 0.79, 0.73),
        (0.94, 0.90, 0.82, 0.74, 0.61),
        (0.94, 0.89, 0.79, 0.70, 0.55),
    ),
    "segmented_regression, newey_west": (
        (0.83, 0.82, 0.82, 0.83, 0.83),
        (0.87, 0.87, 0.82, 0.80, 0.80),
        (0.89, 0.88, 0.84, 0.82, 0.75),
        (0.90, 0.90, 0.86, 0.83, 0.79),
    ),
    "prais_winsten": (
        (0.88, 0.87, 0.85, 0.85, 0.85),
        (0.91, 0.91, 0.88, 0.87, 0.88),
        (0.92, 0.93, 0.90, 0.90, 0.91),
        (0.93, 0.92, 0.93, 0.92, 0.91),
    ),
    "autoregressive_errors": (
        (0.93, 0.92, 0.91, 0.91, 0.91),
        (0.95, 0.95, 0.92, 0.92, 0.93),
        (0.94, 0.96, 0.93, 0.93, 0.93),
        (0.94, 0.95, 0.95, 0.94, 0.93),
    ),
    "controlled_series": (
        (0.93, 0.92, 0.92, 0.90, 0.91),
        (0.94, 0.96, 0.92, 0.93, 0.93),
        (0.94, 0.96, 0.93, 0.93, 0.93),
        (0.95, 0.94, 0.95, 0.94, 0.94),
    ),
    "structural_series": (
        (0.94, 0.94, 0.90, 0.90, 0.91),
        (0.98, 0.92, 0.94, 0.93, 0.92),
        (0.95, 0.94, 0.90, 0.92, 0.93),
        (0.94, 0.93, 0.93, 0.90, 0.94),
    ),
}


def expected(method: str, periods: int, rho: float) -> tuple[int, float] | None:
    """The length of the simulated series nearest to these, and the share of intervals of `method` that hold the truth
    there; None where the method was not simulated."""
    if method not in COVERAGE:
        return None
    length = int(np.argmin(np.abs(np.log(np.array(LENGTHS) / periods))))
    return LENGTHS[length], COVERAGE[method][length][int(np.argmin(np.abs(np.array(RHO) - rho)))]
