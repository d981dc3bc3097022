"""What an interrupted series can be asked again: false starts before the policy, and another series in its place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from analysis.fits.interrupted_time_series import Interrupted
from analysis.inference import error_models, periods
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import Effects
from analysis.rows import Rows

MARGIN = 12  # periods on either side of a false start
MOST = 40  # false starts tried


@dataclass(frozen=True, eq=False)
class FalseStarts:
    """The average effect at false first periods, on data from before the policy alone.

    labels, estimate, std_error, low, high, p_value: (M,). ratio: the answer's estimate over its error. skipped: dates
    at which no estimate exists.
    """

    labels: Array
    estimate: Array
    std_error: Array
    low: Array
    high: Array
    p_value: Array
    ratio: float
    skipped: int

    @property
    def as_large(self) -> Array:
        """(M,) the false effect is as large as the answer, both in their own standard errors."""
        return np.asarray(np.abs(self.estimate) >= abs(self.ratio) * self.std_error * (1 - 1e-9))


def false_starts(data: Rows, effects: Effects, level: float) -> FalseStarts | str:
    """The same estimate at false dates, on the periods before the policy; or why there is none, in words."""
    answer = _interrupted(effects)
    before = answer.time[: int(np.argmax(answer.under))]
    margin = min(MARGIN, len(before) // 3)
    candidates = before[margin : len(before) - margin + 1]
    if margin < 4 or not len(candidates):
        return f"only {len(before)} periods precede the policy"
    chosen = candidates[np.unique(np.linspace(0, len(candidates) - 1, min(MOST, len(candidates))).round().astype(int))]
    early = data.rows(_times(data) <= before[-1])
    refit, found, skipped = _again(answer), [], 0
    for label in chosen:
        try:
            estimate = refit(early, start=float(label), end=None).average(level)
        except Refusal:
            skipped += 1
            continue
        found.append(
            (float(label), estimate.value, estimate.std_error or np.nan, estimate.low, estimate.high, estimate.p_value)
        )
    if not found:
        return "the periods before the policy are too few for the same regression"
    labels, value, error, low, high, p_value = np.array(found).T
    overall = answer.average(level)
    return FalseStarts(labels, value, error, low, high, p_value, overall.value / (overall.std_error or np.nan), skipped)


def in_place_of(data: Rows, effects: Effects, values: Array, level: float) -> tuple[float, float, float, float]:
    """Estimate, low, high and p-value of the same regression, with autoregressive errors, on another column of the
    table in place of the outcome. values: (rows,) in the order of `data`."""
    from analysis.estimate import t_interval

    answer = _interrupted(effects)
    series = values[np.argsort(_times(data), kind="stable")]
    edge = error_models.EDGE
    whiten, weights = error_models.autoregressive, answer.contrast
    found = error_models.one_parameter(series, answer.matrix, whiten, -edge, edge, weights)
    value, error = float(weights @ found.coefficients), float(np.sqrt(weights @ found.covariance @ weights))
    return value, *t_interval(value, error, found.df, level)


def with_bend(data: Rows, effects: Effects) -> tuple[Rows, str]:
    """The data with one more column, and its name: the square of time, or time itself where the design has no trend."""
    answer = _interrupted(effects)
    time = _times(data)
    order = np.argsort(time, kind="stable")
    place = np.empty(data.n)
    place[order] = np.linspace(-1, 1, data.n)
    straight = any(c.role == "trend" for c in answer.coefficients)
    name = "curvature of the trend" if straight else "a steady drift"
    return data.with_column(name, place**2 if straight else place), name


def words(effects: Effects, label: float) -> str:
    """A period of the series as people name it."""
    return periods.words(label, periods.calendar(_interrupted(effects).time))


def _again(effects: Interrupted) -> partial[Interrupted]:
    assert isinstance(effects.refit, partial)
    return effects.refit


def _times(data: Rows) -> Array:
    assert data.time is not None
    return np.asarray(data.time, dtype=float)


def _interrupted(effects: Effects) -> Interrupted:
    assert isinstance(effects, Interrupted)
    return effects
