"""The designs with instruments under the common contract."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
from contract import Case

from analysis.data.observations import rows_from_frame
from analysis.panel import Labels
from analysis.rows import Rows

WORDS = {
    "exclusion": "The instruments were drawn by lot and touch nothing else.",
    "monotonicity": "The instruments push everybody the same way.",
}


def frame(n: int = 240, strength: float = 0.6, seed: int = 5) -> pd.DataFrame:
    """Made-up rows: true effect 2, a common cause of treatment and outcome, covariates, groups, clusters, weights."""
    rng = np.random.default_rng(seed)
    z, u, e = rng.normal(size=(n, 2)), rng.normal(size=n), rng.normal(size=n)
    x, group = rng.normal(size=n), rng.integers(0, 6, size=n)
    d = strength * (z[:, 0] + 0.5 * z[:, 1]) + 0.5 * x + 0.3 * group + u
    y = 2 * d - 1.5 * u + x + 0.5 * group + e
    kind = np.array(["low", "middle", "high"])[rng.integers(0, 3, size=n)]
    found = {"y": y, "d": d, "z1": z[:, 0], "z2": z[:, 1], "x": x, "kind": kind, "group": group}
    return pd.DataFrame(found | {"place": rng.integers(0, 40, size=n), "w": rng.uniform(0.5, 2, size=n)})


@functools.cache
def made(cluster: str = "", weight: str = "", strength: float = 0.6, seed: int = 5) -> Rows:
    labels = Labels("y", "", cluster=cluster, weight=weight)
    return rows_from_frame(frame(strength=strength, seed=seed), labels, columns=["d", "z1", "z2", "x", "kind", "group"])


def choices(
    *, instruments: tuple[str, ...] = ("z1", "z2"), errors: str = "robust", **more: object
) -> dict[str, object]:
    held = {"covariates": ["x", "kind"], "absorb": ["group"]}
    return WORDS | held | {"treatment": "d", "instruments": list(instruments), "errors": errors} | more


CASES = [
    Case("two_stage_least_squares", made, choices()),
    Case("two_stage_least_squares", lambda: made("place", "w"), choices(errors="clustered", change=-0.5)),
    Case("two_stage_least_squares", made, choices(instruments=("z1",), errors="classical")),
    Case("limited_information", made, choices()),
    Case("generalised_method_of_moments", made, choices()),
    Case("least_squares", made, choices()),
]
