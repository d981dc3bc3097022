"""Do errors follow one another, and does the interval allow for it?

Reference: Ljung and Box (1978); Turner and others (2021); the shares of intervals quoted are this project's simulations
(benchmarks/coverage_interrupted_time_series.py).
"""

from __future__ import annotations

import numpy as np

from analysis.checks._interrupted import ALPHA, answer_of, choices, whole
from analysis.inference.time_series import ljung_box
from analysis.inference.time_series_coverage import expected
from analysis.report.display import p_words
from analysis.result import AnyData, Check, Effects

FAMILIES = ("interrupted_time_series",)
ASSUMPTION = "The interval allows for periods that resemble the ones before."
ENOUGH = 0.895  # of 95 % intervals: what is shown as 90 % or more is enough


def run(data: AnyData, effects: Effects, path: Effects | None, *, design: str, errors: str) -> Check:
    """Ljung-Box test of what the error model leaves, and how often such an interval holds the truth in simulations."""
    answer = answer_of(effects)
    lags = max(1, min(max(choices(effects)["season"], 10), answer.n // 5))
    left, p_value = ljung_box(answer.innovations, lags)
    method = f"{design}, {errors}" if design == "segmented_regression" else design
    held = None if answer.logged else expected(method, answer.n, answer.rho)
    unhandled = p_value <= ALPHA and (not answer.handled or design != "segmented_regression")
    narrow = held is not None and held[1] < ENOUGH
    return Check(
        "autocorrelation",
        "E125" if narrow else "E110",
        ASSUMPTION,
        f"Residuals correlate by {_signed(answer.rho)} with the ones before, and in short series more than they show. "
        f"What the error model leaves unexplained up to {lags} periods is "
        f"{'more than' if p_value <= ALPHA else 'no more than'} chance (Ljung-Box p = {p_words(p_value)})."
        f"{_simulated(held)} Intervals of short series tend to be too narrow.",
        "Use `design: autoregressive_errors`, which allows for it, and read the interval as a lower bound."
        if unhandled or narrow
        else "Read the interval as a lower bound on uncertainty.",
        "warn" if unhandled or narrow else "note",
        float(left),
        p_value,
    )


def _simulated(held: tuple[int, float] | None) -> str:
    if held is None:
        return ""
    return (
        f" In simulated series of {held[0]} periods with about as much autocorrelation, the 95\u202f% interval of "
        f"this method holds the truth in {whole(held[1])} of cases."
    )


def _signed(x: float) -> str:
    return f"{np.round(x, 2):.2f}".replace("-", "\u2212")
