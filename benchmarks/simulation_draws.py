"""What the simulations draw: errors, adoption dates, effects, panels. Everything is indexed (draw, unit, period)."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.panel import NEVER, Labels, Panel

Array = np.ndarray[Any, Any]
LABELS = Labels("y", "t", "i", "g")


def errors(rng: np.random.Generator, draws: int, units: int, periods: int, rho: float) -> Array:
    """AR(1) errors with variance one, started from their stationary distribution."""
    out = rng.normal(size=(draws, units, periods))
    out[:, :, 1:] *= np.sqrt(1 - rho**2)
    for t in range(1, periods):
        out[:, :, t] += rho * out[:, :, t - 1]
    return out


def clustered(rng: np.random.Generator, draws: int, cluster: Array, periods: int, rho: float) -> Array:
    """Errors with variance one, half of it common to the cluster."""
    common = errors(rng, draws, int(cluster.max()) + 1, periods, rho)[:, cluster]
    return np.asarray((common + errors(rng, draws, len(cluster), periods, rho)) / np.sqrt(2))


def block(units: int, treated: int, at: int) -> Array:
    """Adoption positions: the first `treated` units adopt at `at`."""
    return np.where(np.arange(units) < treated, at, NEVER)


def cohorts(sizes: dict[int, int]) -> Array:
    """Adoption positions: so many units per position (NEVER among them), in this order."""
    return np.repeat(list(sizes), list(sizes.values()))


def effects(adoption: Array, periods: int, kind: str) -> Array:
    """(units, periods) effects: "none", "homogeneous" (one half) or "heterogeneous" (grow with time, differ by cohort).

    Heterogeneous effects start at .2 and grow each period, by .2 in the first cohort, .1 in the second, and so on.
    """
    since = np.arange(periods) - adoption[:, None]
    on = (adoption[:, None] != NEVER) & (since >= 0)
    if kind == "none":
        return np.zeros(on.shape)
    if kind == "homogeneous":
        return np.where(on, 0.5, 0.0)
    place = np.searchsorted(np.unique(adoption[adoption != NEVER]), adoption)[:, None]
    return np.where(on, 0.2 + 0.2 / (1 + place) * since, 0.0)


def panel(adoption: Array, periods: int, outcome: Array | None = None, cluster: Array | None = None) -> Panel:
    """A panel with these adoption positions; every unit its own cluster unless `cluster` says otherwise."""
    units = len(adoption)
    return Panel(
        outcome=np.zeros((units, periods)) if outcome is None else outcome,
        units=np.arange(units),
        periods=np.arange(periods),
        adoption=adoption,
        weight=np.ones(units),
        cluster=np.arange(units) if cluster is None else cluster,
        labels=LABELS if cluster is None else Labels("y", "t", "i", "g", cluster="c"),
        upcoming=np.zeros(units, dtype=int),
    )


def levels(rng: np.random.Generator, units: int, periods: int) -> Array:
    """(units, periods) unit effects plus period effects."""
    return np.asarray(rng.normal(size=(units, 1)) + 0.3 * np.sin(np.arange(periods)))
