"""All tests of a trial together: every arm against the control group, on the outcome and on every further outcome."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.fits.randomised_trial import Trial
from analysis.inference import multiplicity, randomisation
from analysis.inference.trial_arms import Arms
from analysis.inference.trial_regression import Problem
from analysis.inference.trial_rows import everyone
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import Estimate
from analysis.rows import Rows


@dataclass(frozen=True)
class Test:
    """One arm on one outcome: the estimate, and its p-value adjusted for all the tests by Holm, and by Westfall and
    Young (NaN where the assignment cannot be redrawn). spread: the outcome's standard deviation within arms."""

    arm: str
    outcome: str
    estimate: Estimate
    holm: float
    westfall_young: float
    spread: float


def family(
    data: Rows,
    effects: Trial,
    arms: Arms,
    outcomes: Sequence[str] = (),
    *,
    strata: str | None,
    level: float,
    draws: int,
    seed: int,
) -> list[Test]:
    """The tests, that of the headline first."""
    names = [data.labels.outcome, *outcomes]
    pairs = [(name, outcome) for name in arms.names[1:] for outcome in names]
    fits = [_fit(data, effects, name, outcome) for name, outcome in pairs]
    estimates = [fit.average(level) for fit in fits]
    adjusted = _westfall_young(data, arms, names, strata, draws, seed)
    holm = multiplicity.holm(np.array([one.p_value for one in estimates]))
    shown = dict(zip(arms.names, arms.shown, strict=True))
    return [
        Test(shown[name], outcome, one, float(h), float(w), fit.spread)
        for (name, outcome), one, h, w, fit in zip(pairs, estimates, holm, adjusted, fits, strict=True)
    ]


def _fit(data: Rows, effects: Trial, arm: str, outcome: str) -> Trial:
    """The headline's design on one arm and outcome; a plain difference where two shares cannot be compared."""
    values = data.outcome if outcome == data.labels.outcome else data.column(outcome)
    found: Trial = effects.refit(data.with_outcome(values), arm=arm)  # type: ignore[call-arg, assignment]
    return found


def _westfall_young(data: Rows, arms: Arms, names: list[str], strata: str | None, draws: int, seed: int) -> Array:
    """(arms x outcomes,) adjusted p-values from reassignments of all arms within strata."""
    tests = (len(arms.names) - 1) * len(names)
    who = everyone(data, arms, strata)
    if tests < 2 or (data.clustered and not who.clustered):
        return np.full(tests, math.nan)
    outcomes = np.column_stack([data.column(name) for name in names])
    problem = Problem(
        data.outcome, arms.code.astype(float), who.stratum[who.seen], outcomes, data.weight, data.cluster
    ).by_value()
    groups = problem.cluster if who.clustered else np.arange(problem.n)
    try:
        unit, label, stratum = randomisation.units(problem.assigned, problem.strata, groups)
    except Refusal:
        return np.full(tests, math.nan)
    drawn = [label, *randomisation.assignments(label, stratum, False, seed, draws)]
    cluster = problem.cluster if who.clustered else None
    return multiplicity.westfall_young(np.stack([_ratios(problem, one[unit], cluster) for one in drawn]))


def _ratios(problem: Problem, label: Array, cluster: Array | None) -> Array:
    """(arms x outcomes,) estimates over errors of every arm against the control arm under `label`."""
    found = []
    for arm in range(1, int(problem.assigned.max()) + 1):
        pair = (label == 0) | (label == arm)
        weight = problem.weight[pair]
        columns = np.column_stack([label[pair] == arm, problem.covariates[pair]]).astype(float)
        columns = _demeaned(columns, problem.strata[pair], weight)
        d, y = columns[:, 0], columns[:, 1:]
        own = weight * d
        total = float(own @ d)
        value = own @ y / total
        score = own[:, None] * (y - d[:, None] * value) / total
        if cluster is not None:
            score = np.stack([np.bincount(cluster[pair], column) for column in score.T], axis=1)
        found.append(value / np.maximum(np.sqrt((score**2).sum(axis=0)), 1e-300))
    return np.concatenate(found)


def _demeaned(columns: Array, strata: Array, weight: Array) -> Array:
    code = np.unique(strata, return_inverse=True)[1]
    size = np.bincount(code, weight)
    means = np.stack([np.bincount(code, weight * column) / size for column in columns.T], axis=1)
    return np.asarray(columns - means[code])
