"""What a page shows of the two stages: coefficients, group means, other intervals, and the p-value of each effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.estimate import Estimate, t_interval
from analysis.fits.instrumental_variable import Instrumented, Problem, Region, instrumented, problem_of
from analysis.inference import anderson_rubin, instruments
from analysis.inference.instruments import Line, Strength
from analysis.panel import Array
from analysis.result import Effects
from analysis.rows import Rows

GROUPS = 10  # bins of predicted treatment, fewer where they would hold less than EACH rows
EACH = 8
DISTINCT = 8  # combinations of instruments up to which each is a group of its own
FEW = 2  # clusters in a group, below which its mean has no interval
POINTS = 201


@dataclass(frozen=True)
class Group:
    """Rows alike in their instruments. predicted: treatment that the instruments predict, as a distance from its mean;
    treatment and outcome: means, low and high with what is held constant taken out, as distances from theirs."""

    name: str
    rows: int
    predicted: float
    treatment: tuple[float, float, float]
    outcome: tuple[float, float, float]


@dataclass(frozen=True)
class Stages:
    """first, reduced: coefficients of the instruments. strength: of the first stage. groups: in order of predicted
    treatment. slope: the coefficient per unit of treatment, with its own t interval. level: of all intervals."""

    first: tuple[Line, ...]
    reduced: tuple[Line, ...]
    strength: Strength
    groups: tuple[Group, ...]
    slope: Estimate
    level: float


@dataclass(frozen=True, eq=False)
class Curve:
    """p-values of effects: effects, p_values: (m,). region: effects not rejected at its level."""

    effects: Array
    p_values: Array
    region: Region


def stages(data: Rows, effects: Effects, named: Sequence[str], level: float) -> Stages:
    """Both stages of `effects`; `named` are the columns of the instruments."""
    problem = problem_of(effects)
    return Stages(
        tuple(instruments.first_stage(problem)),
        tuple(instruments.reduced_form(problem)),
        instruments.strength(problem),
        tuple(_groups(problem, np.column_stack([data.column(name) for name in named]), level)),
        per_unit(effects, level),
        level,
    )


def per_unit(effects: Effects, level: float) -> Estimate:
    """The coefficient itself, per unit of treatment, with the t interval of its own error; without it below F = 10."""
    problem, answer = problem_of(effects), effects.average(level)
    row = effects.table.iloc[0]
    value, error = (float(row[name]) / abs(problem.change) for name in ("estimate", "std_error"))
    value = math.copysign(value, float(row["estimate"]) * problem.change)
    low, high, p_value = t_interval(value, error, effects.df, level)
    words = f"t interval, not to be relied on with weak instruments; {effects.df:g} degrees of freedom"
    if instrumented(effects).strength < anderson_rubin.WEAK:
        low = high = p_value = math.nan
        words = f"none shown: effective F of the first stage below {anderson_rubin.WEAK:g}"
    return replace(
        answer, value=value, std_error=error, low=low, high=high, p_value=p_value, inference=words, centre=None
    )


def conventions(effects: Effects, level: float) -> list[Estimate]:
    """The same effect with other intervals: Anderson-Rubin with the study's errors, tF (one instrument, 95 %), t. With
    weak instruments the first alone."""
    found, problem = instrumented(effects), problem_of(effects)
    answer = effects.average(level)
    pair = instruments.pair(problem)
    low, high = anderson_rubin.region(pair, level, problem.change).hull
    p_value = anderson_rubin.p_value(pair, 0.0)
    words = f"Anderson-Rubin set, F distribution with {problem.count} and {pair.df:g} degrees of freedom"
    shown = [replace(answer, low=low, high=high, p_value=p_value, inference=words)]
    if found.strength < anderson_rubin.WEAK:
        return shown
    value, error = float(effects.estimate[0]), float(effects.table["std_error"].iloc[0])
    if problem.count == 1 and math.isclose(level, 0.95):
        shown.append(_tf(found, answer, value, error))
    low, high, p_value = t_interval(value, error, effects.df, level)
    words = f"t distribution with {effects.df:g} degrees of freedom; too narrow with weak instruments"
    return [*shown, replace(answer, low=low, high=high, p_value=p_value, std_error=error, inference=words)]


def _tf(found: Instrumented, answer: Estimate, value: float, error: float) -> Estimate:
    critical = float(anderson_rubin.tf_critical(found.strength))
    words = f"adjusted t interval (tF): {critical:.2f} times the error, as an F of {found.strength:.3g} asks"
    return replace(
        answer, low=value - critical * error, high=value + critical * error, p_value=math.nan, inference=words
    )


def curve(effects: Effects, level: float) -> Curve:
    """The Anderson-Rubin p-value of effects of the reported change, around the set and least squares."""
    found, problem = instrumented(effects), problem_of(effects)
    assert found.region is not None and found.tested is not None
    region = found.region(level)
    _, plain = instruments.endogeneity(problem)
    answer, error = float(effects.estimate[0]), float(effects.table["std_error"].iloc[0])
    ends = [end for piece in region.pieces for end in piece if math.isfinite(end)]
    marks = [0.0, answer, plain * problem.change, *ends]
    if not region.bounded:
        marks += [answer - 8 * error, answer + 8 * error]
    reach = 0.12 * (max(marks) - min(marks))
    grid = np.linspace(min(marks) - reach, max(marks) + reach, POINTS)
    return Curve(grid, np.array([found.tested(x / problem.change) for x in grid]), region)


def _groups(problem: Problem, raw: Array, level: float) -> list[Group]:
    pair = instruments.pair(problem)
    predicted = pair.basis @ pair.treatment
    values, code = np.unique(raw, axis=0, return_inverse=True)
    names = [", ".join(f"{x:g}" for x in value) for value in values]
    code = np.asarray(code).ravel()
    if len(values) > DISTINCT:
        place = np.argsort(np.argsort(predicted / problem.root, kind="stable"), kind="stable")
        bins = max(3, min(GROUPS, problem.n // EACH))
        code = place * bins // problem.n
        names = [f"{k + 1} of {bins}" for k in range(bins)]
    found = [_group(problem, predicted, code == k, name, level) for k, name in enumerate(names)]
    return sorted(found, key=lambda group: group.predicted)


def _group(problem: Problem, predicted: Array, inside: Array, name: str, level: float) -> Group:
    return Group(
        name,
        int(inside.sum()),
        _mean(problem, predicted, inside, level)[0],
        _mean(problem, problem.treatment, inside, level),
        _mean(problem, problem.outcome, inside, level),
    )


def _mean(problem: Problem, column: Array, inside: Array, level: float) -> tuple[float, float, float]:
    """Weighted mean of a column of the problem over some rows, with the t interval of the study's clusters."""
    root, own = problem.root[inside], column[inside]
    total = float(root @ root)
    mean = float(root @ own) / total
    codes = problem.cluster[inside] if problem.errors == "clustered" else np.arange(len(own))
    sums = np.bincount(np.unique(codes, return_inverse=True)[1], weights=root * (own - root * mean))
    if len(sums) <= FEW:
        return mean, math.nan, math.nan
    error = math.sqrt(len(sums) / (len(sums) - 1) * float(sums @ sums)) / total
    low, high, _ = t_interval(mean, error, len(sums) - 1, level)
    return mean, low, high
