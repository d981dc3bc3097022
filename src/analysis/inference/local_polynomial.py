"""The jump of a local polynomial at a cut-off, with robust bias-corrected inference, through rdrobust: arrays only.

Reference: Calonico, Cattaneo and Titiunik (2014), Econometrica 82(6); Calonico, Cattaneo and Farrell (2020),
Econometrics Journal 23(2). For the set that a weak first stage does not distort: Feir, Lemieux and Marmer (2016),
Journal of Business & Economic Statistics 34(2); Noack and Rothe (2024), Econometrica 92(3).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.panel import Array

Pair = tuple[float, float]
TIES = 50  # rows per value of the score from which neighbours are no longer searched for
SMALLEST = 20  # rows without which no bandwidth can be computed


@dataclass(frozen=True)
class Options:
    """How a local polynomial is fitted. width and bias_width: (below, above) the cut-off, None to choose by `rule`."""

    order: int = 1
    kernel: str = "triangular"
    rule: str = "mserd"
    width: Pair | None = None
    bias_width: Pair | None = None


@dataclass(frozen=True)
class LocalFit:
    """A jump, above minus below. value: the local polynomial's; corrected: less its estimated bias, with `std_error`
    the robust error that counts the correction; conventional: the error of `value`. levels: the two fitted values at
    the cut-off; lines: polynomial coefficients in distance, (below, above); rows: with weight, (below, above).
    take_up: the same of the treatment, where the jump is divided by it. errors: in words.
    """

    value: float
    corrected: float
    conventional: float
    std_error: float
    width: Pair
    bias_width: Pair
    rows: tuple[int, int]
    lines: tuple[Array, Array]
    clusters: int
    errors: str
    take_up: LocalFit | None = None


def jump(
    y: Array,
    x: Array,
    cutoff: float,
    options: Options,
    *,
    treatment: Array | None = None,
    covariates: Array | None = None,
    weight: Array | None = None,
    cluster: Array | None = None,
) -> LocalFit:
    """The jump of E[y | x] at `cutoff`, above minus below, divided by that of the treatment where one is given.

    y, x: (rows,). Rows are put in an order of their own first, so that theirs does not matter. Raises ValueError where
    rdrobust cannot fit (too few distinct values near the cut-off).
    """
    from rdrobust import rdrobust

    if covariates is not None and options.width is not None:
        y, treatment = adjusted(y, treatment, x, cutoff, options, covariates, weight)
        covariates = None
    near = _reached(x, cutoff, options)
    order = np.flatnonzero(near)
    order = order[np.lexsort((y[order], x[order]))]
    errors, words = _errors(x, cluster)
    given: dict[str, Any] = {
        "fuzzy": _ordered(treatment, order),
        "covs": _ordered(covariates, order),
        "weights": _ordered(weight, order),
        "cluster": _ordered(cluster, order),
    }
    if options.width is not None:
        given |= {"h": list(options.width), "b": list(options.bias_width or options.width)}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = rdrobust(
            y[order],
            x[order],
            c=float(cutoff),
            p=options.order,
            kernel=options.kernel,
            bwselect=options.rule,
            vce=errors,
            **{name: value for name, value in given.items() if value is not None},
        )
    return _read(found, words, treatment is not None)


def _reached(x: Array, cutoff: float, options: Options) -> Array:
    """(rows,) within the widths, where they are known: the others have no weight, and only cost time."""
    if options.width is None:
        return np.ones(len(x), dtype=bool)
    widths = np.maximum(options.width, options.bias_width or options.width)
    return np.asarray((x >= cutoff - widths[0]) & (x <= cutoff + widths[1]))


def adjusted(
    y: Array,
    treatment: Array | None,
    x: Array,
    cutoff: float,
    options: Options,
    covariates: Array,
    weight: Array | None,
) -> tuple[Array, Array | None]:
    """Outcome and treatment less what the covariates explain beside the two local polynomials of the fixed width.

    The same coefficients for both sides (Calonico, Cattaneo, Farrell and Titiunik 2019), so that the jumps, and the
    residuals behind their errors, are those of the fit with covariates.
    """
    assert options.width is not None
    held = covariates - covariates.mean(axis=0)
    distance = x - cutoff
    reach = np.where(distance < 0, *options.width)
    kernel = _kernel(distance / reach, options.kernel) * (1.0 if weight is None else weight)
    near = kernel > 0
    d, above, root = (distance / reach)[near], distance[near] >= 0, np.sqrt(kernel[near])[:, None]
    powers = d[:, None] ** np.arange(options.order + 1)
    design = root * np.hstack([held[near], powers * above[:, None], powers * ~above[:, None]])
    pieces = np.column_stack([y] if treatment is None else [y, treatment])
    gamma = np.linalg.lstsq(design.T @ design, design.T @ (root * pieces[near]), rcond=1e-12)[0][: held.shape[1]]
    left = pieces - covariates @ gamma
    return left[:, 0], None if treatment is None else left[:, 1]


def _kernel(u: Array, name: str) -> Array:
    inside = np.abs(u) < 1
    if name == "uniform":
        return np.asarray(inside / 2)
    return np.asarray(np.where(inside, 1 - np.abs(u) if name == "triangular" else 0.75 * (1 - u**2), 0.0))


def identified(x: Array, cutoff: float, width: Pair, covariates: Array, order: int) -> bool:
    """Whether covariates vary apart from one another and from the polynomials among the rows within `width`."""
    distance = x - cutoff
    near = (distance > -width[0]) & (distance < width[1])
    d, above = distance[near] / max(width), distance[near] >= 0
    powers = d[:, None] ** np.arange(order + 1)
    design = np.hstack([powers * above[:, None], powers * ~above[:, None], covariates[near]])
    size = np.sqrt((design**2).sum(axis=0))
    if not size.all():
        return False
    return bool(np.linalg.eigvalsh((design / size).T @ (design / size))[0] > 1e-10)


def _ordered(values: Array | None, order: Array) -> Array | None:
    return None if values is None else values[order]


def _errors(x: Array, cluster: Array | None) -> tuple[str, str]:
    """rdrobust's name of the errors, and what they are in words."""
    if cluster is not None:
        return "cr1", "errors clustered by {cluster} (factor G/(G-1) x (N-1)/(N-K))"
    if len(x) / len(np.unique(x)) > TIES:
        return "hc1", "heteroskedasticity-robust errors (HC1)"
    return "nn", "heteroskedasticity-robust errors from nearest neighbours (three)"


def _read(found: Any, words: str, fuzzy: bool) -> LocalFit:
    widths = np.asarray(found.bws, dtype=float)
    sides = [np.asarray(beta, dtype=float) for beta in (found.beta_p_l, found.beta_p_r)]
    common: dict[str, Any] = {
        "width": (float(widths[0, 0]), float(widths[0, 1])),
        "bias_width": (float(widths[1, 0]), float(widths[1, 1])),
        "rows": (int(found.N_h[0]), int(found.N_h[1])),
        "clusters": int(found.n_clust or 0),
        "errors": words,
    }
    taken = None
    if fuzzy:
        numbers = _numbers(found.tau_T, found.se_T)
        lines = (np.ravel(found.beta_T_p_l).astype(float), np.ravel(found.beta_T_p_r).astype(float))
        taken = LocalFit(*numbers, lines=lines, **common)
    lines = (_line(sides[0], found.tau_cl[0]), _line(sides[1], found.tau_cl[1]))
    return LocalFit(*_numbers(found.coef, found.se), lines=lines, take_up=taken, **common)


def _line(beta: Array, level: float) -> Array:
    """The outcome's polynomial with its constant where covariates put it."""
    line = np.array(beta[:, 0], dtype=float)
    line[0] = float(level)
    return line


def _numbers(coefficients: Any, errors: Any) -> tuple[float, float, float, float]:
    value, corrected = (float(coefficients.iloc[k, 0]) for k in (0, 2))
    return value, corrected, float(errors.iloc[0, 0]), float(errors.iloc[2, 0])


def weak_set(
    y: Array,
    x: Array,
    cutoff: float,
    options: Options,
    treatment: Array,
    critical: float,
    **given: Array | None,
) -> Pair:
    """The effects theta for which the jump of y - theta x treatment is not rejected, as (low, high).

    The widths of `options` stay fixed, so that the jump is linear and its variance quadratic in theta; three fits give
    both. Unbounded (or the whole line, where the set is two rays) when the jump in take-up cannot be told from zero.
    """
    unit = float(np.std(y) / np.std(treatment))
    fits = [jump(y - theta * treatment, x, cutoff, options, **given) for theta in (0.0, unit, -unit)]
    outcome = fits[0].corrected
    taken = (fits[2].corrected - fits[1].corrected) / 2
    base, plus, minus = (fit.std_error**2 for fit in fits)
    a = taken**2 - critical**2 * ((plus + minus) / 2 - base)
    b = -2 * (outcome * taken - critical**2 * (minus - plus) / 4)
    c = outcome**2 - critical**2 * base
    if a <= 0:
        return -np.inf, np.inf
    root = float(np.sqrt(max(b * b - 4 * a * c, 0.0)))
    return unit * (-b - root) / (2 * a), unit * (-b + root) / (2 * a)
