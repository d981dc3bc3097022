"""Were the arms alike before? Standardised differences, and one test for all columns together by reassignment.

Hansen and Bowers (2008), "Covariate balance in simple, stratified and clustered comparative studies": the squared
distance of all adjusted differences, compared with the same under other assignments of the units within strata.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.inference import randomisation
from analysis.inference.trial_arms import Arms
from analysis.inference.trial_rows import everyone
from analysis.panel import Array
from analysis.rows import Rows


@dataclass(frozen=True, eq=False)
class Balance:
    """One entry for each column: its name, mean in control group and arm, and difference in standard deviations.

    p_value: of all differences together; NaN without columns. draws: reassignments behind it. control, arm: names.
    """

    names: tuple[str, ...]
    means: Array
    standardised: Array
    p_value: float
    draws: int
    control: str
    arm: str


def balance(data: Rows, arms: Arms, columns: Sequence[str], *, strata: str | None, draws: int, seed: int) -> Balance:
    """How the two arms of the headline compare on `columns`, among all that were assigned."""
    who = everyone(data, arms, strata)
    pair = who.code <= 1
    matrix, names = who.rows.matrix(columns)
    matrix, member = matrix[pair], who.code[pair] == 1
    means = np.stack([matrix[~member].mean(axis=0), matrix[member].mean(axis=0)], axis=1) if names else np.empty((0, 2))
    spread = np.sqrt((matrix[~member].var(axis=0, ddof=1) + matrix[member].var(axis=0, ddof=1)) / 2)
    apart = np.divide(means[:, 1] - means[:, 0], spread, out=np.zeros(len(names)), where=spread > 0)
    p_value = _together(matrix, member, who.stratum[pair], who.unit[pair], draws, seed) if names else float("nan")
    control, treated = arms.shown[:2]
    return Balance(tuple(names), means, apart, p_value, draws, control, treated)


def _together(matrix: Array, member: Array, stratum: Array, unit: Array, draws: int, seed: int) -> float:
    order = np.lexsort([*matrix.T, member, stratum])
    matrix, member, stratum = _within(matrix[order], stratum[order]), member[order], stratum[order]
    place, label, strata = randomisation.units(member.astype(float), stratum, _kept_together(unit[order]))
    sums = np.stack([np.bincount(place, column) for column in matrix.T], axis=1)
    labels = [label, *randomisation.assignments(label, strata, False, seed, draws)]
    apart = np.stack(labels) @ sums
    apart = apart - apart.mean(axis=0)
    values, vectors = np.linalg.eigh(apart.T @ apart)
    kept = values > 1e-9 * max(float(values[-1]), 1e-300)
    distance = ((apart @ vectors[:, kept]) ** 2 / values[kept]).sum(axis=1)
    return float((distance >= distance[0] * (1 - 1e-9)).mean())


def _kept_together(unit: Array) -> Array:
    """Units in order of first appearance, so that a file's order of rows that are alike does not matter."""
    _, first, place = np.unique(unit, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[place])


def _within(matrix: Array, stratum: Array) -> Array:
    code = np.unique(stratum, return_inverse=True)[1]
    size = np.bincount(code)
    means = np.stack([np.bincount(code, column) / size for column in matrix.T], axis=1)
    return np.asarray(matrix - means[code])
