"""The contract's cases for regression discontinuities."""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from contract import Case

from analysis.panel import Labels
from analysis.rows import Rows


@cache
def made(kind: str = "sharp", n: int = 1200, seed: int = 11) -> Rows:
    """A score between -1 and 1, a curved outcome that jumps by 0.5 above zero; take-up jumps by 0.6 where it is fuzzy.

    bunched: most rows just below are moved just above.
    """
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, n)
    if kind == "bunched":
        moved = (x > -0.12) & (x < 0) & (rng.random(n) < 0.7)
        x = np.where(moved, rng.uniform(0, 0.04, n), x)
    above = (x >= 0).astype(float)
    taken = (rng.random(n) < 0.2 + 0.6 * above).astype(float) if kind == "fuzzy" else above
    z = rng.normal(size=n)
    y = 1 + x - 0.8 * x**2 + 0.5 * taken + 0.3 * z + rng.normal(0, 0.5, n)
    columns = {"x": x, "d": taken, "z": z, "w": rng.normal(size=n) + 0.2 * x}
    group = np.arange(n) // 4
    return Rows(y, columns, np.ones(n), np.arange(n), Labels("y", ""), time=None).with_column(
        "group", group.astype(float)
    )


SCORE = {"running": "x", "cutoff": 0.0, "treated_side": "above"}
CASES = [
    Case("local_linear", made, SCORE),
    Case("local_linear", made, SCORE | {"covariates": ["z"], "order": 2, "bandwidth_rule": "msetwo"}),
    # rdrobust's choice of a width for a ratio depends on the level of the outcome.
    Case("fuzzy_discontinuity", partial(made, "fuzzy"), SCORE | {"treatment": "d"}, shift=None),
    Case("fuzzy_discontinuity", partial(made, "fuzzy", 300, 5), SCORE | {"treatment": "d", "bandwidth": 0.5}),
    Case("whole_window", made, SCORE | {"polynomial": 2, "window": 0.8}),
    Case("whole_window", partial(made, "fuzzy"), SCORE | {"treatment": "d", "covariates": ["z"]}),
]
