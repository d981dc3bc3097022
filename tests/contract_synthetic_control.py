"""The contract that synthetic control designs keep: weights move with nothing that should not matter."""

from __future__ import annotations

import functools

import numpy as np
from contract import Case

from analysis.panel import NEVER, Labels, Panel

PERIODS, START, DONORS = 16, 11, 14


@functools.cache
def factors(treated: int = 1, dates: tuple[int, ...] = (START,), seed: int = 4) -> Panel:
    """Units that two common factors move, `treated` of them at each date; a true effect of 2."""
    rng = np.random.default_rng(seed)
    n = DONORS + treated * len(dates)
    loading = rng.dirichlet(np.ones(3), size=n)[:, :2] * 10
    path = rng.normal(size=(2, PERIODS)).cumsum(axis=1)
    adoption = np.full(n, NEVER)
    for place, date in enumerate(dates):
        adoption[place * treated : (place + 1) * treated] = date
    under = (adoption[:, None] != NEVER) & (np.arange(PERIODS) >= adoption[:, None])
    outcome = 50 + loading @ path + 0.5 * rng.normal(size=(n, PERIODS)) + 2.0 * under
    income = loading[:, :1] + 0.1 * rng.normal(size=(n, PERIODS))
    share = loading[:, 1:] + 0.1 * rng.normal(size=(n, PERIODS))
    share[3, 2] = np.nan
    return Panel(
        outcome=outcome,
        units=np.array([f"unit {i:02d}" for i in range(n)], dtype=object),
        periods=np.arange(2001, 2001 + PERIODS),
        adoption=adoption,
        weight=np.ones(n),
        cluster=np.arange(n),
        labels=Labels("y", "year", "unit", "first_treated"),
        upcoming=np.zeros(n, dtype=int),
        covariates={"income": income, "share": share},
    )


SEVERAL = functools.partial(factors, 3)
STAGGERED = functools.partial(factors, 2, (START, START + 2))
LOOSE = {"rtol": 1e-5}  # one in 1e11 of ridge on weights that fit equally well, and a million in the outcome's unit
CASES = [
    Case("synthetic_control", factors, {"fit_from": 2003}, dates=("fit_from",), **LOOSE),
    Case("synthetic_control", factors, {"uncertainty": "conformal"}, **LOOSE),
    Case("synthetic_control", SEVERAL, {"uncertainty": "bootstrap", "draws": 99}, **LOOSE),
    Case("synthetic_control", factors, {"predictors": ["income", "share", "y"], "optimise_weights": False}, **LOOSE),
    Case("synthetic_control", factors, {"predictors": ["income", "share"]}, rtol=0.02),
    Case("augmented_synthetic_control", factors, **LOOSE),
    Case("augmented_synthetic_control", factors, {"uncertainty": "conformal"}, **LOOSE),
    Case("synthetic_did", factors, {"exclude": ["unit 05"]}),
    Case("synthetic_did", SEVERAL, {"uncertainty": "jackknife"}),
    Case("synthetic_did", STAGGERED, {"draws": 99}),
    Case("differenced_synthetic_control", factors, **LOOSE),
    Case("differenced_synthetic_control", STAGGERED, {"uncertainty": "bootstrap", "draws": 99}, **LOOSE),
    Case("unweighted_did", factors),
    Case("unweighted_did", STAGGERED, {"uncertainty": "jackknife"}),
]
