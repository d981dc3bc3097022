"""The contract's cases of designs that make two groups alike: made-up rows with a covariate of each kind."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
from contract import Case

from analysis.data.observations import rows_from_frame
from analysis.panel import Labels
from analysis.rows import Rows

SEED = 20260101
EFFECT = 1.0
PLACES = np.array(["hill", "plain", "shore"])


def frame(rows: int = 400, seed: int = SEED, pull: float = 0.6, hidden: float = 0.0) -> pd.DataFrame:
    """Made-up rows: treatment is likelier where x and z are high, and so is the outcome; the effect is EFFECT.

    pull: how strongly covariates move treatment. hidden: how strongly a cause that is not in `x`, `z` and `place`
    moves both; column `u` holds it.
    """
    draw = np.random.default_rng(seed)
    x, z, u = draw.normal(size=rows), draw.binomial(1, 0.4, rows), draw.normal(size=rows)
    place = draw.integers(0, 3, rows)
    index = pull * (x + 0.5 * z + 0.3 * (place == 1)) - 0.5 + hidden * u
    d = (draw.random(rows) < 1 / (1 + np.exp(-index))).astype(int)
    y = EFFECT * d + x + 0.5 * z + 0.4 * (place == 2) + hidden * u + draw.normal(size=rows)
    before = 0.5 * x + hidden * u + draw.normal(size=rows)
    group = np.arange(rows) % 40
    columns: dict[str, Any] = {"y": y, "d": d, "x": x, "z": z, "place": PLACES[place], "u": u, "before": before}
    return pd.DataFrame(columns | {"group": group, "w": draw.uniform(0.5, 2.0, rows)})


@functools.cache
def rows(seed: int = SEED, cluster: str = "", weight: str = "", **changes: float) -> Rows:
    """The rows of `frame` in their roles."""
    labels = Labels("y", "", cluster=cluster, weight=weight)
    return rows_from_frame(frame(seed=seed, **changes), labels, columns=["d", "x", "z", "place", "u", "before"])


ALIKE = {"treatment": "d", "covariates": ["x", "z", "place"]}
CASES = [
    Case("unadjusted", rows, {"treatment": "d"}),
    Case("inverse_probability", rows, ALIKE | {"squares": ["x"]}),
    Case("inverse_probability", functools.partial(rows, cluster="group", weight="w"), ALIKE | {"estimand": "everyone"}),
    Case("entropy_balancing", rows, ALIKE),
    Case("entropy_balancing", rows, ALIKE | {"estimand": "everyone", "trim": 0.1}),
    Case("augmented_weighting", rows, ALIKE | {"estimand": "everyone"}),
    Case("outcome_regression", rows, ALIKE),
    Case("outcome_regression", rows, ALIKE | {"modifiers": ["x"], "estimand": "everyone"}),
    Case("matching", rows, ALIKE | {"neighbours": 2}),
    Case("matching", rows, ALIKE | {"distance": "propensity", "calliper": 0.2, "estimand": "everyone"}),
]
