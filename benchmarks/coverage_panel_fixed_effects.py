"""Coverage of intervals from panels with fixed effects, and size of the tests behind their checks.

Every draw has units with effects of their own, periods in common, AR(1) errors within units and a treatment that moves
slowly; the effect is 1 where an interval is judged, and every assumption that is tested holds where a test is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from scipy import stats

from analysis.checks.hausman import mundlak
from analysis.inference import panel_fit
from analysis.inference.panel_errors import careful, errors
from analysis.inference.panel_fit import PanelFit
from analysis.inference.panel_models import difference
from analysis.inference.panel_terms import Terms
from analysis.inference.random_effects import shares
from analysis.inference.serial import wooldridge
from benchmarks.simulation_draws import Array
from benchmarks.simulation_table import Row, coverage, size

STUDY = "coverage, panel_fixed_effects"
T = 10
RHO = 0.8
DESIGNS = (
    "fixed effects, 50 units",
    "fixed effects, 12 units",
    "fixed effects, 50 units of which 6 move most",
    "first differences, 50 units",
    "random effects, 50 units",
    "tests behind the checks, 50 units",
)


def run(design: str, draws: int, seed: int) -> list[Row]:
    """One row for each interval or test of the design."""
    random = np.random.default_rng(seed)
    if design.startswith("tests"):
        return _sizes(design, draws, random)
    units = int(design.split(", ")[1].split()[0])
    fit = _fits(design)
    found = np.array([_one(fit(parts)) for parts in _draws(draws, units, random, uneven="move most" in design,
                                                           related=not design.startswith("random"))])  # fmt: skip
    value, error, low, high = found.T
    place = (STUDY, design, "the rule of panel_fit (CR1 or CR2)", units, units)
    return [coverage(place, value, 1.0, (low <= 1) & (high >= 1), error)]


def reason(row: Row) -> str:
    """Why a cell lies outside its band: no cell is known to."""
    return ""


def _fits(design: str) -> Callable[[Terms], PanelFit]:
    if design.startswith("first"):
        return lambda parts: panel_fit.differences(parts, "two_way")
    if design.startswith("random"):
        return lambda parts: panel_fit.quasi(parts, shares(parts, "two_way"), "two_way")
    return lambda parts: panel_fit.within(parts, "two_way")


def _one(fit: PanelFit) -> tuple[float, float, float, float]:
    found = errors(fit, "clustered")
    error = float(np.sqrt(found.covariance[0, 0]))
    half = float(stats.t.ppf(0.975, found.df[0])) * error
    return fit.value, error, fit.value - half, fit.value + half


def _draws(draws: int, units: int, random: np.random.Generator, *, uneven: bool, related: bool) -> Iterator[Terms]:
    """Panels of `units` in T periods; uneven: six units move ten times as much; related: effects go with treatment."""
    unit, period = np.repeat(np.arange(units), T), np.tile(np.arange(T), units)
    for _ in range(draws):
        own = random.normal(size=units)
        spread = np.where(uneven & (np.arange(units) >= 6), 0.1, 1.0)
        x = spread[:, None] * _ar(random, units, 0.5) + (own[:, None] if related else random.normal(size=(units, 1)))
        y = x + 2 * own[:, None] + random.normal(size=T) + _ar(random, units, RHO)
        yield Terms(
            outcome=y.ravel(),
            regressors=x.ravel()[:, None],
            names=("x",),
            own=1,
            unit=unit,
            period=period,
            cluster=unit,
            weight=np.ones(len(unit)),
            periods=np.arange(T),
        )


def _ar(random: np.random.Generator, units: int, rho: float) -> Array:
    """(units, T) stationary with variance one."""
    shock = random.normal(size=(units, T))
    found = shock.copy()
    for t in range(1, T):
        found[:, t] = rho * found[:, t - 1] + np.sqrt(1 - rho**2) * shock[:, t]
    return found


def _sizes(design: str, draws: int, random: np.random.Generator) -> list[Row]:
    """Tests of true nulls: lead of the treatment, trends of units, changes against levels, means of units, and serial
    correlation where errors have none."""
    found: dict[str, list[tuple[float, float]]] = {}
    theta = np.full(50, 0.7)  # the test holds for any share; this one is close to the estimated ones
    for parts in _draws(draws, 50, random, uneven=False, related=False):
        levels = panel_fit.within(parts, "two_way")
        for name, other in (
            ("trends of units", panel_fit.trends(parts, "two_way")),
            ("first differences less fixed effects", panel_fit.differences(parts, "two_way")),
        ):
            gap = difference(levels, other)
            found.setdefault(name, []).append((gap.gap, gap.interval(0.95)[2]))
        found.setdefault("treatment one period ahead", []).append(_lead(parts))
        found.setdefault("serial correlation", []).append(_serial(parts, random))
        found.setdefault("unit means (random against fixed)", []).append(
            (panel_fit.quasi(parts, theta, "two_way").value - levels.value, mundlak(parts, theta, "two_way") or np.nan)
        )
    rows = []
    for name, pairs in found.items():
        values, p_values = np.array(pairs).T
        rows.append(size((STUDY, design, name, 50, 50), values, p_values))
    return rows


def _lead(parts: Terms) -> tuple[float, float]:
    inner = parts.period < T - 1
    lead = parts.regressors[np.flatnonzero(inner) + 1]
    fit = panel_fit.within(parts.rows(inner).with_columns(lead, ["lead"], 1), "two_way")
    found = careful(fit)
    value, error = float(fit.regression.estimate[1]), float(np.sqrt(found.covariance[1, 1]))
    return value, float(2 * stats.t.sf(abs(value) / error, found.df[1]))


def _serial(parts: Terms, random: np.random.Generator) -> tuple[float, float]:
    clean = replace(parts, outcome=parts.treatment + random.normal(size=parts.n))
    found = wooldridge(panel_fit.differences(clean, "two_way"))
    assert found is not None
    return found.slope + 0.5, found.p_value
