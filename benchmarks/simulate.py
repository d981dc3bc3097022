"""A staggered panel, written once as Parquet: `python -m benchmarks.simulate UNITS FOLDER`.

20 periods; 40 % of the units are never treated, the others adopt in one of six periods. Outcome = unit effect + period
effect + an effect that grows with time since adoption, faster in early cohorts + AR(1) errors (rho 0.5).

Columns of every task: unit, period, y, first_treated (missing = never; what this project reads), first_treated_zero
(0 = never; what csdid, diff-diff and moderndid ask for) and event_time (-1 for never treated; what pyfixest's `i()`
needs), treated (1 from adoption on). Columns of single tasks:

- y_trend, x1, x2: two time-constant covariates that differ between cohorts, and an outcome whose trend depends on them.
- switch, y_switch: a treatment that starts at the unit's first date and may stop and start again; its outcome.
- eligible, y_eligible: half of the units of every cohort are eligible; only they react, and they have a trend.
- dose, y_dose: an intensity between 0.5 and 2 (0 = never treated), with a linear effect of it. first_dose and
  first_dose_zero: first_treated as if all had adopted in period 10.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

PERIODS = 20
COHORTS = np.array([4, 7, 10, 13, 16, 19])
SEED = 20260101
Array = np.ndarray[Any, Any]


def panel(units: int) -> pd.DataFrame:
    """The long table of `units` x 20 rows, sorted by unit and period."""
    draw = np.random.default_rng(SEED)
    period = np.arange(1, PERIODS + 1)
    cohort = np.where(draw.random(units) < 0.4, 0, draw.choice(COHORTS, units))
    error = draw.standard_normal((units, PERIODS))
    for t in range(1, PERIODS):
        error[:, t] += 0.5 * error[:, t - 1]
    since = period[None, :] - cohort[:, None]
    treated = (cohort[:, None] > 0) & (since >= 0)
    effect = np.where(treated, 0.3 + 0.1 * since * (1 - cohort[:, None] / 40), 0.0)
    unit_effect = draw.standard_normal(units) + 0.02 * cohort
    untreated = unit_effect[:, None] + 0.3 * np.sin(period / 3) + error
    first = np.repeat(cohort, PERIODS)
    columns = {
        "unit": np.repeat(np.arange(1, units + 1), PERIODS),
        "period": np.tile(period, units),
        "y": (untreated + effect).ravel(),
        "first_treated": np.where(first == 0, np.nan, first.astype(float)),
        "first_treated_zero": first,
        "event_time": np.where(first == 0, -1, since.ravel()),
        "treated": treated.ravel().astype(int),
    }
    special = _covariates(draw, cohort, untreated + effect) | _switching(draw, treated, untreated)
    special |= _eligible(draw, cohort, untreated, effect) | _dose(draw, cohort, untreated, effect)
    return pd.DataFrame(columns | special)


def _covariates(draw: np.random.Generator, cohort: Array, y: Array) -> dict[str, Array]:
    x1 = draw.standard_normal(len(cohort)) + 0.3 * (cohort > 0)
    x2 = draw.standard_normal(len(cohort)) - 0.02 * cohort
    trend = np.outer(0.05 * x1 + 0.03 * x2, np.arange(PERIODS))
    return {"y_trend": (y + trend).ravel(), "x1": np.repeat(x1, PERIODS), "x2": np.repeat(x2, PERIODS)}


def _switching(draw: np.random.Generator, treated: Array, untreated: Array) -> dict[str, Array]:
    on = np.zeros(treated.shape, dtype=int)
    for t in range(1, PERIODS):
        started = treated[:, t] & ~treated[:, t - 1]
        change = draw.random(len(on)) < np.where(on[:, t - 1] == 1, 0.15, 0.1)
        on[:, t] = np.where(treated[:, t - 1], np.where(change, 1 - on[:, t - 1], on[:, t - 1]), started)
    effect = 0.3 * on + 0.1 * np.hstack([np.zeros((len(on), 1)), on[:, :-1]])
    return {"switch": on.ravel(), "y_switch": (untreated + effect).ravel()}


def _eligible(draw: np.random.Generator, cohort: Array, untreated: Array, effect: Array) -> dict[str, Array]:
    eligible = draw.random(len(cohort)) < 0.5
    trend = 0.04 * np.outer(eligible, np.arange(PERIODS)) + 0.002 * np.outer(cohort, np.arange(PERIODS))
    y = untreated + trend + effect * eligible[:, None]
    return {"eligible": np.repeat(eligible, PERIODS).astype(int), "y_eligible": y.ravel()}


def _dose(draw: np.random.Generator, cohort: Array, untreated: Array, effect: Array) -> dict[str, Array]:
    dose = np.where(cohort > 0, draw.uniform(0.5, 2.0, len(cohort)), 0.0)
    first = np.repeat(np.where(cohort > 0, 10, 0), PERIODS)
    return {
        "dose": np.repeat(dose, PERIODS),
        "y_dose": (untreated + effect * dose[:, None]).ravel(),
        "first_dose_zero": first,
        "first_dose": np.where(first == 0, np.nan, first.astype(float)),
    }


def short_panel() -> pd.DataFrame:
    """400 units x 11 periods with one adoption date and slowly diverging trends: five leads and five effects."""
    draw = np.random.default_rng(SEED + 2)
    period, treated = np.arange(1, 12), np.arange(400) < 160
    path = treated[:, None] * (np.where(period >= 7, 0.3, 0.0) + 0.02 * np.sin(period))
    y = draw.standard_normal((400, 1)) + 0.1 * period + path + 0.5 * draw.standard_normal((400, 11)).cumsum(axis=1)
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(1, 401), 11),
            "period": np.tile(period, 400),
            "y": y.ravel(),
            "first_treated_zero": np.repeat(np.where(treated, 7, 0), 11),
        }
    )


def event_study_of(frame: pd.DataFrame) -> tuple[Array, Array]:
    """Ten differences in means of `short_panel` relative to the last period before adoption, and their covariance."""
    y = frame["y"].to_numpy().reshape(400, 11)
    treated = frame["first_treated_zero"].to_numpy().reshape(400, 11)[:, 0] > 0
    change = np.delete(y - y[:, [5]], 5, axis=1)
    beta, covariance = np.zeros(10), np.zeros((10, 10))
    for group, sign in ((treated, 1.0), (~treated, -1.0)):
        departure = change[group] - change[group].mean(axis=0)
        beta += sign * change[group].mean(axis=0)
        covariance += departure.T @ departure / group.sum() ** 2
    return beta, covariance


def write(units: int, folder: Path) -> None:
    """Write `UNITS-sorted.parquet` and the same rows in random order, `UNITS-shuffled.parquet`."""
    frame = panel(units)
    frame.to_parquet(folder / f"{units}-sorted.parquet", index=False)
    order = np.random.default_rng(SEED + 1).permutation(len(frame))
    kept = ["unit", "period", "y", "first_treated", "first_treated_zero", "event_time"]
    frame[kept].iloc[order].to_parquet(folder / f"{units}-shuffled.parquet", index=False)
    short_panel().to_parquet(folder / f"{units}-short.parquet", index=False)


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
