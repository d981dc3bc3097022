"""How strong an unmeasured cause would have to be: the bias of a regression in terms of two partial R-squared.

Reference: Cinelli and Hazlett (2020), "Making sense of sensitivity", sections 3 and 4. A cause that explains the share
R_D of what is left of the treatment and the share R_Y of what is left of the outcome moves the coefficient by

    |bias| = sd(outcome left) / sd(treatment left) x sqrt(R_Y R_D / (1 - R_D))

exactly, whatever the errors are; so a bound of the interval can be put in the place of the bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.panel import Array


@dataclass(frozen=True)
class Benchmark:
    """The observed covariate as strong as which a hidden cause would do most, its two shares, and that bias."""

    name: str
    treatment: float
    outcome: float
    bias: float


def strength(bias: float, treatment: Array, outcome: Array, weight: Array) -> float:
    """The equal share R of treatment and outcome that makes up `bias` (the robustness value).

    treatment, outcome: (n,) residuals of both on everything held constant; outcome also on the treatment. Solving
    bias = (sd_Y / sd_D) R / sqrt(1 - R) gives R = (sqrt(f^4 + 4 f^2) - f^2) / 2 with f = bias sd_D / sd_Y.
    """
    f2 = bias**2 * float(weight @ treatment**2) / float(weight @ outcome**2)
    return float((np.sqrt(f2**2 + 4 * f2) - f2) / 2)


def benchmarks(
    treatment: Array, outcome: Array, covariates: Array, names: Sequence[str], weight: Array, *, first: int
) -> list[Benchmark]:
    """What each covariate explains of treatment and outcome beyond the others, and the bias of a cause like it.

    Columns are net of effects. first: how many of the first columns of `covariates` (n, k) are other terms of the
    treatment, held constant but not looked at; `names` are of the rest. Several indicators of one text column (names
    "column: word") are taken together.
    """
    root = np.sqrt(weight)
    y, d, x = outcome * root, treatment * root, covariates * root[:, None]
    groups: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        groups.setdefault(name.partition(": ")[0], []).append(first + place)
    found = []
    left_d, left_y = _left(d, x), _left(y, np.column_stack([d, x]))
    for name, places in groups.items():
        others = np.delete(x, places, axis=1)
        of_treatment = 1 - left_d @ left_d / max(_square(_left(d, others)), 1e-300)
        of_outcome = 1 - left_y @ left_y / max(_square(_left(y, np.column_stack([d, others]))), 1e-300)
        scale = np.sqrt(_square(left_y) / _square(left_d))
        # A hidden cause explains the same shares of what is left once this one is held constant too.
        like_d, like_y = (min(float(share / (1 - share)), 1.0) for share in (of_treatment, of_outcome))
        bias = float(scale * np.sqrt(like_y * like_d / max(1 - like_d, 1e-12)))
        found.append(Benchmark(name, float(of_treatment), float(of_outcome), bias))
    return found


def _left(y: Array, x: Array) -> Array:
    return np.asarray(y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) if x.shape[1] else y


def _square(x: Array) -> float:
    return float(x @ x)
