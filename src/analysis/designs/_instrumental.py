"""What the instrumental-variable designs share: the study's rows as arrays, and an estimate as Effects.

The kernels are linearmodels', on columns from which what is held constant has been taken out; two-stage least squares,
LIML and two-step GMM give the same coefficients as on all columns, and errors once their factor counts those columns
(for GMM up to its second step's residuals, which on all columns are not orthogonal to what is held constant).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypedDict

import numpy as np

from analysis.fits.instrumental_variable import Instrumented, Problem, Region
from analysis.inference import anderson_rubin, instruments, partialling
from analysis.inference.instrument_bootstrap import Bootstrap
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import t_interval
from analysis.rows import Rows

FEWEST = 10  # clusters, below which errors are far too small
MANY = 30  # clusters, below which intervals come from a bootstrap
TINY = 1e-9
CONVENTIONS = {
    "classical": "classical errors (every row independent, same variance)",
    "robust": "heteroskedasticity-robust errors (factor N/(N-K); every row independent)",
    "clustered": "errors clustered by {cluster} ({clusters} clusters), factor G/(G-1) x (N-1)/(N-K)",
}
Kernel = Callable[[Problem], tuple[float, float]]


class Options(TypedDict):
    """The choices of the study that every design of the family takes."""

    treatment: str
    instruments: tuple[str, ...]
    covariates: tuple[str, ...]
    absorb: tuple[str, ...]
    errors: str
    change: float
    draws: int
    seed: int


def problem(data: Rows, options: Options) -> Problem:
    """The arrays of the study. Raises Refusal where a column has nothing left (E107), errors and clusters do not go
    together (E105), clusters are fewer than ten (E103) or rows too few (E107)."""
    _check_errors(data, options["errors"])
    columns, shown = data.matrix(options["covariates"])
    sets = [partialling.codes_of(data.column(name)) for name in options["absorb"]]
    held = partialling.hold(data.weight, columns, sets)
    if held.repeated >= 0:
        name = shown[held.repeated]
        raise Refusal("E107", f"covariates:{name}", "the column repeats others held constant", f"drop {name}")
    moving, names = data.matrix(options["instruments"])
    treatment = options["treatment"]
    found = Problem(
        outcome=held.residual(data.outcome),
        treatment=_left("treatment", treatment, data.column(treatment), held),
        instruments=np.column_stack([_left("instruments", n, c, held) for n, c in zip(names, moving.T, strict=True)]),
        names=tuple(names),
        taken=held.rank,
        cluster=data.cluster,
        errors=options["errors"],
        change=options["change"],
        root=held.root,
        without=held.residual,
    )
    _check_size(found)
    return found


def answer(data: Rows, options: Options, kernel: Kernel, refit: Any, title: str) -> Instrumented:
    """The effect of a change of `options["change"]` in the treatment, as Effects; `kernel` gives the coefficient and
    its variance, and `title` names it. Raises Refusal as `problem`."""
    arrays = problem(data, options)
    facts = _facts(data, arrays, options, kernel, refit, title)
    return Instrumented(**(facts | _inference(data, arrays, options, facts)))


def _facts(data: Rows, arrays: Problem, options: Options, kernel: Kernel, refit: Any, title: str) -> dict[str, Any]:
    import pandas as pd

    value, variance = (arrays.change**power * part for power, part in zip((1, 2), kernel(arrays), strict=True))
    clusters = arrays.clusters
    row = {"cohort": -1, "period": -1, "event_time": 0, "estimate": value, "std_error": math.sqrt(variance)}
    row |= {"weight": 1.0, "treated_clusters": clusters, "comparison_clusters": clusters}
    moved = options["treatment"]
    return {
        "table": pd.DataFrame([row]),
        "joint": np.array([[variance]]),
        "kind": "single",
        "estimand": f"average effect of a change of {arrays.change:g} in the treatment ({moved}), among those whose "
        "treatment the instruments moved",
        "method": title + _held(options),
        "df": arrays.df(1),
        "n": data.n,
        "clusters": clusters,
        "treated_clusters": clusters,
        "baseline": float(np.average(data.outcome, weights=data.weight)),
        "compared": "on average over all rows",
        "refit": partial(refit, **options),
        "problem": arrays,
    }


def plain(found: Instrumented, data: Rows) -> Instrumented:
    """The same without instruments: a t interval, for comparison only."""
    arrays = found.problem
    assert arrays is not None
    return replace(
        found,
        rule="t",
        bounds=None,
        estimand="difference in outcome that goes with a difference in treatment, whatever its cause",
        inference=convention(data, arrays),
        aside="for comparison only: what goes with the treatment, the instruments not used",
    )


def convention(data: Rows, arrays: Problem) -> str:
    """The errors in words, with the t distribution that goes with them."""
    return f"{_errors(data, arrays)}; t distribution with {arrays.df(1):g} degrees of freedom"


def fitted(arrays: Problem, model: Any) -> tuple[float, float]:
    """Coefficient and variance of a linearmodels `model` of the arrays, its small-sample factor counting every column
    held constant."""
    kind = {"classical": "unadjusted", "robust": "robust", "clustered": "clustered"}[arrays.errors]
    more = {"clusters": arrays.cluster} if arrays.errors == "clustered" else {}
    fit = model.fit(cov_type=kind, debiased=True, **more)
    variance = float(fit.cov.to_numpy()[0, 0])
    return float(fit.params.iloc[0]), variance * (arrays.n - 1) / (arrays.n - arrays.taken - 1)


def scaled(arrays: Problem) -> Array:
    """The instruments with length one each, which changes no estimate and keeps their cross-products well scaled."""
    return np.asarray(arrays.instruments / np.linalg.norm(arrays.instruments, axis=0))


def _inference(data: Rows, arrays: Problem, options: Options, facts: dict[str, Any]) -> dict[str, Any]:
    """The interval that the strength of the instruments and the cases behind them allow, and its words."""
    found, strength = instruments.pair(arrays), instruments.strength(arrays).effective
    worth = instruments.carriers(arrays)
    few = worth < FEWEST or (arrays.errors == "clustered" and arrays.clusters < MANY)
    region: Callable[[float], Region] = partial(anderson_rubin.region, found, change=arrays.change)
    tested: Callable[[float], float] = partial(anderson_rubin.p_value, found)
    if few:
        again = Bootstrap(arrays, options["draws"], options["seed"])
        region, tested = again.region, again.p_value
    more = {"strength": strength, "worth": worth, "region": region, "tested": tested}
    if strength >= anderson_rubin.STRONG and not few:
        words = f"effective F of the first stage {strength:,.0f}, strong enough for a t interval"
        return more | {"rule": "t", "inference": f"{words}; {convention(data, arrays)}"}
    wide = arrays.count > 1 and strength >= anderson_rubin.WEAK
    row = facts["table"].iloc[0]
    own = (float(row["estimate"]), float(row["std_error"]), float(facts["df"]))
    kind = "shortest interval around the t interval and the Anderson-Rubin set" if wide else "Anderson-Rubin interval"
    how = f"F distribution with {arrays.count} and {found.df:g} degrees of freedom"
    return more | {
        "rule": "bootstrap" if few else "anderson_rubin",
        "inference": f"{kind}, which holds however weak the instruments are (effective F of the first stage "
        f"{strength:.3g}); {_bootstrapped(arrays, options, worth) if few else how}; {_errors(data, arrays)}",
        "bounds": partial(bounds, region, tested, own, wide),
    }


def _bootstrapped(arrays: Problem, options: Options, worth: float) -> str:
    clustered = arrays.errors == "clustered"
    reason = f"there are only {arrays.clusters} clusters"
    if worth < FEWEST:
        reason = f"the instruments' variation is worth only {worth:.1f} {'clusters' if clustered else 'rows'}"
    return (
        f"wild {'cluster ' if clustered else ''}bootstrap with the null imposed, {options['draws']} draws, seed "
        f"{options['seed']}, because {reason}"
    )


def _errors(data: Rows, arrays: Problem) -> str:
    return CONVENTIONS[arrays.errors].format(cluster=data.labels.word(data.labels.cluster), clusters=arrays.clusters)


def bounds(
    region: Callable[[float], Region],
    tested: Callable[[float], float],
    own: tuple[float, float, float],
    wide: bool,
    level: float,
) -> tuple[float, float, float]:
    """Ends of the interval and the p-value of no effect; own: the estimate, its error and degrees of freedom.

    An Anderson-Rubin set narrows where several instruments disagree; where it is `wide` the interval therefore holds
    the t interval too. The ends are missing where the set leaves the estimate out.
    """
    found, p_value = region(level), tested(0.0)
    low, high = found.hull
    if wide:
        t_low, t_high, t_p = t_interval(*own, level)
        return float(np.nanmin([low, t_low])), float(np.nanmax([high, t_high])), max(p_value, t_p)
    return (low, high, p_value) if found.holds(own[0]) else (math.nan, math.nan, p_value)


def _held(options: Options) -> str:
    names = [*options["covariates"], *(f"effects of {name}" for name in options["absorb"])]
    return f" of {options['treatment']}" + (f", holding constant {', '.join(names)}" if names else "")


def _left(field: str, name: str, column: Array, held: partialling.Held) -> Array:
    """What is left of a column; refused where that is nothing."""
    found = held.residual(column)
    spread = float(np.linalg.norm(held.root * (column - np.average(column, weights=held.root**2))))
    if spread == 0:
        raise Refusal("E107", f"{field}:{name}", "the column never varies", "check `where`, or name another column")
    if float(np.linalg.norm(found)) < TINY * spread:
        problem = "nothing of the column is left once covariates and absorbed effects are held constant"
        raise Refusal("E107", f"{field}:{name}", problem, f"hold less constant, or drop {name}")
    return found


def _check_errors(data: Rows, errors: str) -> None:
    if errors != "clustered" and data.clustered:
        problem = f"{errors} errors ignore `cluster`"
        raise Refusal("E105", "errors", problem, "set `errors: clustered` or drop `cluster`")
    if errors != "clustered":
        return
    if not data.clustered:
        raise Refusal("E105", "errors", "clustered errors need a cluster column", "name `cluster`, or errors: robust")
    if data.clusters < FEWEST:
        problem = f"only {data.clusters} clusters: cluster-robust errors would be far too small"
        fix = "add clusters that were assigned for themselves, or report the comparison as a description"
        raise Refusal("E103", "errors", problem, fix)


def _check_size(arrays: Problem) -> None:
    spare = arrays.n - arrays.taken - arrays.count
    if spare < 2 or (arrays.errors == "clustered" and arrays.clusters <= arrays.count + 1):
        problem = f"{arrays.n} rows in {arrays.clusters} clusters cannot carry {arrays.taken + arrays.count} columns"
        raise Refusal("E107", "instruments", problem, "use fewer instruments, covariates or absorbed effects")
    length = arrays.instruments / np.linalg.norm(arrays.instruments, axis=0)
    left = np.abs(np.diag(np.linalg.qr(length, mode="r")))
    if (left < TINY).any():
        name = arrays.names[int(np.flatnonzero(left < TINY)[0])]
        raise Refusal("E107", f"instruments:{name}", "the instrument repeats the others", f"drop {name}")
