"""Simultaneous bands, and sensitivity sets where the violation of parallel trends is as large as they allow."""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.designs import event_study, group_time
from analysis.inference import honest_relative, honest_smooth
from analysis.inference.bands import band
from analysis.inference.few_clusters import ENOUGH
from analysis.inference.honest_problem import Problem
from analysis.panel import NEVER
from benchmarks import simulation_draws as draw
from benchmarks.simulation_coverage import HUNDRED, TWENTY
from benchmarks.simulation_draws import Array
from benchmarks.simulation_table import LEVEL, Row, coverage

PERIODS, PRE = 12, 5
BANDS = {"AR(1) .8": HUNDRED, "20 clusters": TWENTY}


def bands(design: str, draws: int, seed: int) -> list[Row]:
    """Whether the band over the event times that rest on ten clusters, as reports show it, holds all true effects."""
    rows = []
    for name, fit in (
        ("group_time, not yet treated", group_time.estimate),
        ("group_time, varying base", partial(group_time.estimate, base_period="varying")),
        ("event_study", event_study.estimate),
    ):
        adoption = draw.cohorts(BANDS[design])
        y = draw.errors(np.random.default_rng(seed), draws, len(adoption), PERIODS, 0.8)
        panel, held, largest = draw.panel(adoption, PERIODS), [], []
        for number, outcome in enumerate(y):
            path = fit(panel.with_outcome(outcome)).by("event_time").resting_on(ENOUGH)
            table = band(path, level=LEVEL, draws=999, seed=number).table(path)
            held.append(bool(((table["low"] <= 0) & (table["high"] >= 0) | table["low"].isna()).all()))
            largest.append(float(path.averaged_over().estimate[0]))
        place = ("simultaneous bands", design, name, len(adoption), int((adoption != NEVER).sum()))
        rows.append(coverage(place, np.array(largest), 0.0, np.array(held)))
    return rows


def sensitivity(draws: int, seed: int) -> list[Row]:
    """Sets for the first effect (true effect zero) from normal estimates of an event study of forty against sixty.

    The path moves after the reference by as much as the restriction allows; bias is that beyond the path.
    """
    covariance = _covariance()
    rng = np.random.default_rng(seed)
    weights = np.eye(PERIODS - 1 - PRE)[0]
    rows = []
    for size in (0.0, 1.0, 5.0):
        error = float(np.sqrt(covariance[PRE, PRE]))
        change = size * error
        for method, path, interval in (
            ("relative magnitudes, Mbar 1", _bounded(change), partial(honest_relative.interval, mbar=1.0)),
            ("smoothness", _kinked(change), partial(honest_smooth.interval, bend=change)),
        ):
            beta = rng.multivariate_normal(path, covariance, size=draws)
            ends = np.array([interval(Problem(one, covariance, PRE, weights, LEVEL)) for one in beta])
            held = (ends[:, 0] <= 0) & (ends[:, 1] >= 0)
            place = ("sensitivity", f"violation of {size:g} errors a period", method, 100, 40)
            rows.append(coverage(place, beta[:, PRE], float(path[PRE]), held))
    return rows


def _covariance() -> Array:
    """Of an event study's effects, from one draw of AR(1) errors (rho .5)."""
    adoption = draw.block(100, 40, PRE + 1)
    y = draw.errors(np.random.default_rng(1), 1, 100, PERIODS, 0.5)[0]
    effects = event_study.estimate(draw.panel(adoption, PERIODS, y))
    kept = np.flatnonzero(effects.table["std_error"] > 0)
    return effects.covariance[np.ix_(kept, kept)]


def _bounded(size: float) -> Array:
    """A path that last moves by `size` before the reference, and by as much in every period after it."""
    before = np.full(PRE, -size)
    return np.concatenate([before, size * np.arange(1, PERIODS - PRE)])


def _kinked(size: float) -> Array:
    """A path that is straight before the reference and bends by `size` in every period from it on."""
    after = np.arange(1, PERIODS - PRE)
    return np.concatenate([np.zeros(PRE), size * after * (after + 1) / 2])
