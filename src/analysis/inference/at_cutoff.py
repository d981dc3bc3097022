"""The answer of a discontinuity seen again: other columns, widths and cut-offs, and means in bins along the score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from analysis.fits.regression_discontinuity import Discontinuity
from analysis.inference import local_polynomial, window_regression
from analysis.inference.local_polynomial import Options
from analysis.inference.score_density import evenly_spaced
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import Effects, Estimate, t_interval
from analysis.rows import Rows

ENOUGH = 20  # rows on each side below which no jump is estimated
PLACES = (0.25, 0.5, 0.75)
WIDTHS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
PER_BIN, BINS = 10, 20  # fewest rows in a bin, and most bins on a side


@dataclass(frozen=True)
class Jump:
    """A jump towards the treated side, its error, bounds and p-value; rows with weight on the thinner side."""

    value: float
    std_error: float
    low: float
    high: float
    p_value: float
    rows: int


@dataclass(frozen=True)
class Bin:
    """Rows whose scores lie between `low` and `high`: their mean score, mean of a column, and number."""

    score: float
    mean: float
    rows: int
    low: float
    high: float


def options(effects: Effects) -> dict[str, Any]:
    """The choices behind `effects`."""
    assert isinstance(effects.refit, partial)
    return dict(effects.refit.keywords)


def again(data: Rows, effects: Effects, **choices: Any) -> Effects:
    """`effects` estimated with some choices changed. Raises Refusal as the design does."""
    refit: partial[Effects] = partial(effects.refit, **choices)
    return refit(data)


def at_width(data: Rows, effects: Discontinuity, factor: float) -> Effects:
    """The answer with its width (and that of its bias correction) times `factor`. Raises Refusal as the design does."""
    if not effects.local:
        return again(data, effects, window=effects.width[0] * factor)
    below, above = (tuple(factor * x for x in pair) for pair in (effects.width, effects.bias_width))
    return again(data, effects, given=(below, above))


def widths(data: Rows, effects: Discontinuity, level: float) -> list[tuple[float, Estimate]]:
    """(times the width, estimate) from half the width to four times, as far as there are rows."""
    reach = float(np.abs(data.column(effects.running) - effects.cutoff).max())
    found = []
    for factor in WIDTHS:
        if factor > 1 and factor * max(effects.width) > reach * 1.25:
            break
        try:
            one = effects if factor == 1 else at_width(data, effects, factor)
        except Refusal:
            continue
        found.append((factor, one.average(level)))
    return found


def jump(data: Rows, effects: Discontinuity, values: Array, *, level: float, cutoff: float | None = None) -> Jump:
    """The jump of `values` at the cut-off (or another one), estimated as the answer is; missing values are left out.

    Raises ValueError where the rows do not allow it.
    """
    at = effects.cutoff if cutoff is None else cutoff
    x = data.column(effects.running)
    known = np.isfinite(values) & (np.abs(x - at) >= effects.donut)
    y, x, rows = values[known], x[known], data.rows(known)
    if min((x < at).sum(), (x >= at).sum()) < ENOUGH or np.ptp(y) == 0:
        raise ValueError("too few rows, or no variation")
    return _near(rows, effects, y, x, at, level) if effects.local else _whole(rows, effects, y, x, at, level)


def jumps(data: Rows, effects: Discontinuity, names: list[str], level: float) -> dict[str, Jump]:
    """`jump` of each column that allows it, by name."""
    found = {}
    for name in names:
        try:
            found[name] = jump(data, effects, data.column(name), level=level)
        except (ValueError, np.linalg.LinAlgError):
            continue
    return found


def made_up(data: Rows, effects: Discontinuity, level: float) -> dict[float, Jump]:
    """The jump of the outcome at the quartiles of the score on each side, from rows of that side only."""
    x = data.column(effects.running)
    found = {}
    for above in (False, True):
        side = data.rows((x >= effects.cutoff) == above)
        for cutoff in np.unique(np.quantile(side.column(effects.running), PLACES)):
            try:
                found[float(cutoff)] = jump(side, effects, side.outcome, level=level, cutoff=float(cutoff))
            except (ValueError, np.linalg.LinAlgError):
                continue
    return found


def line(data: Rows, effects: Discontinuity, level: float) -> Jump:
    """A straight line through every row with a slope on each side, errors robust: the textbook's first picture."""
    x = data.column(effects.running) - effects.cutoff
    treated = (x >= 0) == (effects.side > 0)
    fit = _least_squares(data, data.outcome, x, treated, {"polynomial": 1, "slopes": "separate", "errors": "robust"})
    bounds = t_interval(fit.value, fit.std_error, fit.df, level)
    return Jump(fit.value, fit.std_error, *bounds, rows=int(min(treated.sum(), (~treated).sum())))


def bins(data: Rows, effects: Discontinuity, values: Array, reach: float) -> list[Bin]:
    """Means of `values` in groups of neighbouring rows with about as many rows each, never across the cut-off.

    Rows farther than `reach` are left out. A side whose scores all stand alone at equal steps shows every row.
    """
    x = data.column(effects.running)
    found = []
    for above in (False, True):
        member = ((x >= effects.cutoff) == above) & (np.abs(x - effects.cutoff) <= reach) & np.isfinite(values)
        scores, own, weight = x[member], values[member], data.weight[member]
        for part in _groups(scores):
            found.append(
                Bin(
                    float(np.average(scores[part], weights=weight[part])),
                    float(np.average(own[part], weights=weight[part])),
                    len(part),
                    float(scores[part].min()),
                    float(scores[part].max()),
                )
            )
    return found


def _groups(scores: Array) -> list[Array]:
    """Positions of the rows of each bin; rows that share a score stay together."""
    values, code, counts = np.unique(scores, return_inverse=True, return_counts=True)
    if not len(values):
        return []
    single = len(values) <= 2 * BINS and (evenly_spaced(scores) or counts.min() >= PER_BIN)
    if single:
        groups = np.arange(len(values))
    else:
        many = int(np.clip(len(scores) // PER_BIN, 1, BINS))
        groups = np.minimum((np.cumsum(counts) - counts / 2) * many // len(scores), many - 1).astype(int)
    return [np.flatnonzero(groups[code] == group) for group in np.unique(groups)]


def _near(rows: Rows, effects: Discontinuity, y: Array, x: Array, at: float, level: float) -> Jump:
    chosen = options(effects)
    width = chosen["bandwidth"]
    fit = local_polynomial.jump(
        y,
        x,
        at,
        Options(chosen["order"], effects.kernel, chosen["bandwidth_rule"], (width, width) if width else None),
        weight=rows.weight if rows.weighted else None,
        cluster=rows.cluster if rows.clustered else None,
    )
    bounds = t_interval(effects.side * fit.corrected, fit.std_error, float("inf"), level)
    return Jump(effects.side * fit.value, fit.std_error, *bounds, rows=min(fit.rows))


def _whole(rows: Rows, effects: Discontinuity, y: Array, x: Array, at: float, level: float) -> Jump:
    near = np.abs(x - at) <= effects.width[0]
    treated = ((x - at) >= 0)[near] == (effects.side > 0)
    if min(treated.sum(), (~treated).sum()) < ENOUGH:
        raise ValueError("too few rows")
    fit = _least_squares(rows.rows(near), y[near], (x - at)[near], treated, options(effects))
    bounds = t_interval(fit.value, fit.std_error, fit.df, level)
    return Jump(fit.value, fit.std_error, *bounds, rows=int(min(treated.sum(), (~treated).sum())))


def _least_squares(
    rows: Rows, y: Array, distance: Array, treated: Array, chosen: dict[str, Any]
) -> window_regression.WindowFit:
    pieces = window_regression.terms(distance, treated, chosen["polynomial"], chosen["slopes"] == "separate")
    return window_regression.least_squares(
        y,
        *pieces,
        np.empty((len(y), 0)),
        weight=rows.weight,
        cluster=rows.cluster if rows.clustered else None,
        errors=chosen["errors"],
    )
