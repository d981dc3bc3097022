"""Size of tests with few clusters and with few treated clusters (METHODS: Cameron and Miller 2015; MacKinnon and Webb).

20 periods, AR(1) errors with rho .8, no effect, one adoption date in the middle. Two-way fixed effects with every
correction of `inference`, and group-time effects with what applies to them; "shown" is what the project's rule chooses.
"""

from __future__ import annotations

import numpy as np

from analysis.designs import group_time, two_by_two
from analysis.inference import cluster_robust
from analysis.inference.wild_bootstrap import wild_bootstrap
from analysis.panel import NEVER
from benchmarks import simulation_draws as draw
from benchmarks.simulation_draws import Array
from benchmarks.simulation_linear import Linear, compiled
from benchmarks.simulation_table import Row, size

PERIODS, START, RHO = 20, 10, 0.8
BOOTSTRAPS = 399
FEW = [(units, units // 2, 1.0) for units in (6, 10, 20, 30, 50)]
FEW_TREATED = [(units, treated, 1.0) for units in (20, 50) for treated in (1, 2, 3, 5, 10)]
NOISY = [(20, treated, 2.0) for treated in (3, 5, 8)]
STUDIES = {"few clusters": FEW, "few treated clusters": FEW_TREATED, "noisier treated clusters": NOISY}


def run(
    study: str, units: int, treated: int, noise: float, draws: int, seed: int, *, regressions: bool = True
) -> list[Row]:
    """All methods on the same draws; `noise` multiplies the errors of treated clusters.

    regressions: whether to compute what exists for regressions only, which takes most of the time.
    """
    adoption = draw.block(units, treated, START)
    y = draw.errors(np.random.default_rng(seed), draws, units, PERIODS, RHO)
    y[:, adoption != NEVER] *= noise
    panel = draw.panel(adoption, PERIODS)
    rows = []
    for name, fit in (("two_by_two", two_by_two.estimate), ("group_time", group_time.estimate)):
        linear = compiled(panel, fit)
        linear.verify(y[0], seed=1)
        place = (study, name, units, treated)
        rows += _every_design(place, linear, y)
        if name == "two_by_two" and regressions:
            rows += _regression(place, linear, y)
    return rows


def _every_design(place: tuple[str, str, int, int], linear: Linear, y: Array) -> list[Row]:
    study, name, units, treated = place
    estimates = linear.estimates(y)
    analytic = "CR1, t(G-1)" if name == "two_by_two" else "analytic, t(G-1)"
    found = {
        analytic: linear.analytic(y),
        "jackknife (CR3), t(G-1)": linear.jackknife(y),
        "permutation of estimates": (None, linear.permutation(y, ratio=False, seed=1)),
        "permutation of ratios": (None, linear.permutation(y, ratio=True, seed=1)),
    }
    shown = {"analytic": analytic, "jackknife": "jackknife (CR3), t(G-1)"}.get(linear.shown, linear.shown)
    found[f"shown: {shown}"] = found[shown]
    return [
        size((study, name, method, units, treated), estimates, p_value, error)
        for method, (error, p_value) in found.items()
    ]


def _regression(place: tuple[str, str, int, int], linear: Linear, y: Array) -> list[Row]:
    """Corrections that exist for regressions only, one draw at a time; the estimate and CR1 must be the design's."""
    study, name, units, treated = place
    regressor = linear.panel.treated.astype(float)[:, :, None]
    found: dict[str, list[tuple[float, float]]] = {}
    for outcome in y:
        fit = cluster_robust.two_way(linear.panel.with_outcome(outcome), regressor)
        bell = cluster_robust.cr2(fit)
        error = float(bell.errors[0])
        found.setdefault("CR2, Satterthwaite", []).append((error, _p_value(fit.estimate[0], error, bell.df[0])))
        for weights in ("rademacher", "webb"):
            wild = wild_bootstrap(fit, draws=BOOTSTRAPS, seed=1, weights=weights)
            found.setdefault(f"wild bootstrap, {weights.capitalize()}", []).append((wild.error, wild.p_value))
    last = cluster_robust.cr1(fit)
    assert abs(fit.estimate[0] - linear.estimates(y[-1:])[0]) < 1e-9
    assert abs(last.errors[0] - linear.analytic(y[-1:])[0][0]) < 1e-9
    estimates = linear.estimates(y)
    rows = []
    for method, pairs in found.items():
        error, p_value = np.array(pairs).T
        shown = error if method.startswith("CR2") else None
        rows.append(size((study, name, method, units, treated), estimates, p_value, shown))
    return rows


def _p_value(value: float, error: float, df: float) -> float:
    from scipy import stats

    return float(2 * stats.t.sf(abs(value) / error, df))
