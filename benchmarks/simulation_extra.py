"""Simultaneous bands, and sensitivity sets where the violation of parallel trends is as large as they allow."""

from __future__ import annotations

from functools import partial

import numpy as np

from analysis.designs import event_study, group_time
from analysis.inference import few_clusters, honest_relative, honest_smooth
from analysis.inference.bands import band
from analysis.inference.honest_problem import Problem
from analysis.panel import NEVER
from analysis.result import Effects
from benchmarks import simulation_draws as draw
from benchmarks.simulation_coverage import HUNDRED, TWENTY
from benchmarks.simulation_draws import Array
from benchmarks.simulation_table import LEVEL, Row, coverage

PERIODS, PRE = 12, 5
BANDS = {"AR(1) .8": HUNDRED, "20 clusters": TWENTY}


def bands(design: str, draws: int, seed: int) -> list[Row]:
    """Whether the band over the event times that rest on ten clusters, as reports show it, holds all true effects."""
    rows = []
    for name, fit in (("group_time", group_time.estimate), ("event_study", event_study.estimate)):
        adoption = draw.cohorts(BANDS[design])
        y = draw.errors(np.random.default_rng(seed), draws, len(adoption), PERIODS, 0.8)
        panel, found = draw.panel(adoption, PERIODS), []
        for number, outcome in enumerate(y):
            data = panel.with_outcome(outcome)
            effects = fit(data)
            own = effects.by("event_time")
            shown = few_clusters.path_of(data, effects, own, "simple")
            both = _holds(own, number), _holds(shown, number) if shown is not own else np.nan
            found.append((float(effects.averaged_over().estimate[0]), *both))
        estimates, held, chosen = np.array(found, dtype=float).T
        place = ("simultaneous bands", design, f"{name}: analytic", len(adoption), int((adoption != NEVER).sum()))
        rows.append(coverage(place, estimates, 0.0, held))
        if not np.isnan(chosen).any():
            rows.append(coverage((*place[:2], f"{name}: shown, jackknife", *place[3:]), estimates, 0.0, chosen))
    return rows


def _holds(path: Effects, seed: int) -> bool:
    """The band of `path` holds zero at every event time that rests on enough clusters."""
    firm = path.resting_on(few_clusters.ENOUGH)
    table = band(firm, level=LEVEL, draws=999, seed=seed).table(firm)
    return bool((((table["low"] <= 0) & (table["high"] >= 0)) | table["low"].isna()).all())


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
