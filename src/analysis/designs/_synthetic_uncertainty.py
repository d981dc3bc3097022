"""Uncertainty of weighted-donor effects in the forms that a study may ask for, each with its convention in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from analysis.designs._synthetic_panel import Book
from analysis.inference import conformal, synthetic_errors
from analysis.inference.synthetic import Problem, Weigher
from analysis.inference.synthetic_errors import Draws
from analysis.inference.synthetic_groups import Estimated
from analysis.panel import Array
from analysis.refusal import Refusal

FEW = 3  # donors that placebo units need
HARDLY = 1 - 1e-9  # the share of weight from which one donor carries all


@dataclass(frozen=True)
class Approach:
    """How a design weighs: `weigh` the treated units, `again` placebo units and resamples. by_fit: placebo effects are
    compared over their gap before, as levels must agree. conformal: what fits all periods under a hypothesis, where the
    design has it. method: the design in words."""

    weigh: Weigher
    again: Callable[[Estimated], Weigher]
    by_fit: bool
    conformal: Callable[[Estimated], Weigher] | None
    method: str


@dataclass(frozen=True)
class Uncertainty:
    """joint: (K, K). bounds(level): low, high, p-value of the average; limits(level): (K, 3) by row. words: the
    convention. draws: placebo units one by one, where they were estimated; scaled: by their fit before."""

    joint: Array
    words: str
    df: float
    bounds: Callable[[float], tuple[float, float, float]] | None = None
    limits: Callable[[float], Array] | None = None
    draws: Draws | None = None
    scaled: bool = False


def always(weigh: Weigher) -> Callable[[Estimated], Weigher]:
    """The same weigher whatever was found for the treated units."""
    return lambda own: weigh


def uncertain(book: Book, approach: Approach, own: Estimated, kind: str, draws: int, seed: int) -> Uncertainty:
    if kind == "none":
        return _missing(own)
    if kind == "jackknife":
        return _jackknife(book, own)
    if kind == "bootstrap":
        return _bootstrap(book, approach, own, draws, seed)
    defined = approach.conformal is not None and book.dated
    if kind == "conformal" and approach.conformal is not None and book.dated:
        placebo = _placebo(book, approach, own, draws, seed) if _enough(book) else _missing(own)
        return _conformal(book, approach.conformal(own), own, placebo)
    if not _enough(book):
        problem = f"{len(book.donors)} donors cannot stand in for {book.treated} treated units"
        fix = "choose `uncertainty: conformal`" if defined else "choose another design with `uncertainty: conformal`"
        raise Refusal("E104", "uncertainty", problem, f"add donors, or {fix}")
    found = _placebo(book, approach, own, draws, seed)
    if kind == "placebo":
        return found
    why = "with several adoption dates" if approach.conformal else "for weights of this kind"
    words = f"conformal inference is not defined {why}, so that placebos are used: {found.words}"
    return replace(found, words=words)


def _enough(book: Book) -> bool:
    """Donors suffice to stand in for the treated units and be weighed against others."""
    return len(book.donors) >= max(FEW, book.treated + 2)


def _missing(own: Estimated) -> Uncertainty:
    """No uncertainty at all."""
    joint = np.full((len(own.path), len(own.path)), np.nan)
    return Uncertainty(joint, "none", np.nan, lambda level: (np.nan, np.nan, np.nan))


def _placebo(book: Book, approach: Approach, own: Estimated, draws: int, seed: int) -> Uncertainty:
    setting, donors, treated = book.setting, len(book.donors), book.treated
    weigh = approach.again(own)
    one = treated == 1
    found = (
        synthetic_errors.one_by_one(setting, weigh) if one else synthetic_errors.in_sets(setting, weigh, draws, seed)
    )
    noise = synthetic_errors.noise(own.problems)
    scale, scales, used = synthetic_errors.yardsticks(own, found, noise, by_fit=approach.by_fit)
    who = f"each of {donors} donors in turn" if one else f"{draws} random sets of {treated} donors (seed {seed})"
    measure = "average gap over the gap in the periods fitted" if used else "average gap"
    return Uncertainty(
        joint=synthetic_errors.spread(found, scale / scales),
        words=f"placebo: {who} in the place of the treated; p-value: share of {measure} at least as large, the treated "
        f"counted; interval: effects that this does not reject; standard error: standard deviation of placebo effects"
        f"{', each scaled to the fit of the treated' if used else ''}, with {donors - 1} degrees of freedom",
        df=donors - 1,
        bounds=partial(_permuted, own.path, found.paths, setting.weights, scale, scales),
        limits=partial(_by_row, own.path, found.paths, scale, scales),
        draws=found if one else None,
        scaled=used,
    )


def _permuted(
    path: Array, others: Array, weights: Array, scale: float, scales: Array, level: float
) -> tuple[float, float, float]:
    statistic = np.abs(others @ weights) / scales
    return synthetic_errors.permuted(float(path @ weights), scale, statistic, level)


def _by_row(path: Array, others: Array, scale: float, scales: Array, level: float) -> Array:
    rows = [_permuted(path, others, unit, scale, scales, level) for unit in np.eye(len(path))]
    return np.array(rows)


def _jackknife(book: Book, own: Estimated) -> Uncertainty:
    fewest, n = int(book.setting.sizes.min()), len(book.panel.units)
    if fewest < 2:
        raise _one_treated("jackknife", fewest)
    if max(float(fit.unit.max()) for fit in own.fits) > HARDLY:
        problem = "one donor carries all the weight, so that it cannot be left out"
        raise Refusal("E104", "uncertainty", problem, "set `uncertainty: placebo`")
    joint = synthetic_errors.jackknifed(synthetic_errors.left_out(book.setting, own.fits))
    words = f"jackknife over {n} units, weights held; t distribution with {n - 1} degrees of freedom"
    return Uncertainty(joint, words, n - 1)


def _bootstrap(book: Book, approach: Approach, own: Estimated, draws: int, seed: int) -> Uncertainty:
    if book.treated < 2:
        raise _one_treated("bootstrap", book.treated)
    n = len(book.panel.units)
    joint = synthetic_errors.spread(synthetic_errors.resampled(book.setting, approach.again(own), draws, seed))
    words = (
        f"bootstrap of {n} units, {draws} draws (seed {seed}), weights found again; t distribution with {n - 1} "
        "degrees of freedom"
    )
    return Uncertainty(joint, words, n - 1)


def _one_treated(kind: str, count: int) -> Refusal:
    problem = f"{kind} errors need two treated units or more for each date, and there is {count}"
    return Refusal("E104", "uncertainty", problem, "set `uncertainty: placebo` or conformal")


def _conformal(book: Book, weigh: Weigher, own: Estimated, placebo: Uncertainty) -> Uncertainty:
    problem = own.problems[0]
    scaled = ", each scaled to the fit of the treated" if placebo.scaled else ""
    error = f"standard deviation of placebo effects{scaled}, with {placebo.df:g} degrees of freedom"
    words = (
        f"conformal: the residual after beside those of the {problem.start - problem.first} periods before, under each "
        "hypothesised effect, weights fitted to all of them; interval: effects that this does not reject; standard "
        f"error: {'none, with so few donors' if np.isnan(placebo.df) else error}"
    )
    return Uncertainty(
        joint=placebo.joint,
        words=words,
        df=placebo.df,
        bounds=cache(partial(conformal.average, problem, weigh)),
        limits=cache(partial(_periods, problem, weigh, len(own.path))),
        draws=placebo.draws,
    )


def _periods(problem: Problem, weigh: Weigher, rows: int, level: float) -> Array:
    found = np.full((rows, 3), np.nan)
    after = conformal.by_period(problem, weigh, level)
    found[rows - len(after) :] = after
    return found
