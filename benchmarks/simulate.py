"""A staggered panel, written once as Parquet: `python -m benchmarks.simulate UNITS FOLDER`.

20 periods; 40 % of the units are never treated, the others adopt in one of six periods. Outcome = unit effect + period
effect + an effect that grows with time since adoption, faster in early cohorts + AR(1) errors (rho 0.5).

Columns: unit, period, y, first_treated (missing = never; what this project reads), first_treated_zero (0 = never; what
csdid and diff-diff ask for) and event_time (-1 for never treated; what pyfixest's `i()` needs).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

PERIODS = 20
COHORTS = np.array([4, 7, 10, 13, 16, 19])
SEED = 20260101


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
    y = unit_effect[:, None] + 0.3 * np.sin(period / 3) + effect + error
    first = np.repeat(cohort, PERIODS)
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(1, units + 1), PERIODS),
            "period": np.tile(period, units),
            "y": y.ravel(),
            "first_treated": np.where(first == 0, np.nan, first.astype(float)),
            "first_treated_zero": first,
            "event_time": np.where(first == 0, -1, since.ravel()),
        }
    )


def write(units: int, folder: Path) -> None:
    """Write `UNITS-sorted.parquet` and the same rows in random order, `UNITS-shuffled.parquet`."""
    frame = panel(units)
    frame.to_parquet(folder / f"{units}-sorted.parquet", index=False)
    order = np.random.default_rng(SEED + 1).permutation(len(frame))
    frame.iloc[order].to_parquet(folder / f"{units}-shuffled.parquet", index=False)


if __name__ == "__main__":
    write(int(sys.argv[1]), Path(sys.argv[2]))
