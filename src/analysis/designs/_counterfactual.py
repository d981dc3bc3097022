"""The outcome without the policy, from untreated cells: cohort and period effects, each times covariates.

The mean of unit i (cohort g, covariates z_i with a leading one) in period t is f(z_i (a_g + l_t)) without the policy,
f the identity or the exponential. Saturating treated cells leaves the fit to the untreated ones, so a cell's effect is
its mean outcome less the mean of what the fit predicts there (Wooldridge 2021, section 5; 2023, section 3). Without
covariates z_i = 1 and a cohort's mean path can stand for its units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.panel import Array
from analysis.refusal import Refusal

TOLERANCE = 1e-10  # below it an eigenvalue, relative to the largest, counts as zero
STEPS = 60


@dataclass(frozen=True, eq=False)
class Block:
    """The units of one cohort: z (n, q), outcome (n, T), weight (n,)."""

    z: Array
    outcome: Array
    weight: Array


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """What the untreated cells say of the K treated ones.

    values: (K,) effects. pull: (G, T, q, K) how the residual of an untreated cell, times z, moves an effect down.
    cohort, period: (G, q), (T, q) coefficients. k: coefficients and period effects estimated, given unit effects.
    """

    values: Array
    pull: Array
    cohort: Array
    period: Array
    k: int


def fit(blocks: list[Block], untreated: Array, rows: Array, periods: Array, exponential: bool) -> Counterfactual:
    """Fit cohort and period coefficients to the `untreated` (G, T) cells and predict the cells (rows, periods) (K,).

    Raises:
        Refusal: E107 when a cell's counterfactual is not identified, E108 when the exponential mean has no finite fit.
    """
    shape = (*untreated.shape, blocks[0].z.shape[1])

    def parts(coefficients: Array) -> tuple[Array, Array]:
        return _score_and_information(blocks, untreated, _split(coefficients, shape), exponential)

    start = np.zeros((sum(shape[:2]), shape[2]))
    if exponential:
        start[: shape[0], 0] = [_log_mean(block, seen) for block, seen in zip(blocks, untreated, strict=True)]
    solution = _newton(start.ravel(), parts, exponential)
    information = parts(solution)[1]
    plain = _score_and_information(blocks, untreated, _split(solution, shape), False)[1]
    if _rank(information) < _rank(plain):
        raise _unbounded()
    cohort, period = _split(solution, shape)
    values, gradient = _effects(blocks, rows, periods, cohort, period, exponential)
    pull = _inverse(information) @ gradient
    if np.abs(information @ pull - gradient).max() > 1e-6 * np.abs(gradient).max():
        fix = "use fewer covariates, or `design: group_time`"
        raise Refusal("E107", "covariates", "the untreated units cannot say what treated ones would have done", fix)
    a, b = _split(pull, (*shape, len(rows)))
    spread = np.where(untreated[:, :, None, None], a[:, None] + b[None], 0.0)
    own = np.array([_rank(block.z.T @ (block.weight[:, None] * block.z)) for block in blocks])
    return Counterfactual(values, spread, cohort, period, int(_rank(information) - own.sum() + 1 + own[rows].sum()))


def contributions(
    found: Counterfactual, block: Block, row: int, untreated: Array, cells: Array, periods: Array, exponential: bool
) -> Array:
    """(n, K) contributions of the units of cohort `row` to the effects, before any small-sample factor.

    Args:
        block: the units. untreated: (T,) their untreated periods.
        cells: places among the K effects of the cohort's own cells, in `periods`.
    """
    fitted, _ = _mean(block.z @ (found.cohort[row] + found.period[untreated]).T, exponential)
    residual = block.weight[:, None] * (block.outcome[:, untreated] - fitted)
    psi = np.zeros((len(block.z), len(found.values)))
    for j in range(block.z.shape[1]):
        psi -= block.z[:, j, None] * (residual @ found.pull[row, untreated, j])
    left = block.outcome[:, periods] - _saturated_mean(block, periods, exponential)
    psi[:, cells] += block.weight[:, None] * left / block.weight.sum()
    return psi


def _split(stacked: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Coefficients of cohorts (G, q, ...) and of periods (T, q, ...)."""
    groups, periods, *rest = shape
    both = stacked.reshape(groups + periods, *rest)
    return both[:groups], both[groups:]


def _mean(index: Array, exponential: bool) -> tuple[Array, Array]:
    """The mean and its slope."""
    if not exponential:
        return index, np.ones_like(index)
    with np.errstate(over="ignore"):
        mean = np.exp(index)
    return mean, mean


def _score_and_information(
    blocks: list[Block], untreated: Array, coefficients: tuple[Array, Array], exponential: bool
) -> tuple[Array, Array]:
    """Gradient (P,) and information (P, P) of the quasi-likelihood in the coefficients of cohorts, then periods."""
    cohort, period = coefficients
    (groups, q), periods = cohort.shape, len(period)
    score = np.zeros((groups + periods, q))
    information = np.zeros((groups + periods, q, groups + periods, q))
    for g, block in enumerate(blocks):
        seen = np.flatnonzero(untreated[g])
        gradient, curvature = _cellwise(block, seen, cohort[g] + period[seen], exponential)
        score[g] = gradient.sum(axis=0)
        score[groups + seen] += gradient
        information[g, :, g] = curvature.sum(axis=0)
        information[g, :, groups + seen] = curvature
        information[groups + seen, :, g] = curvature
        information[groups + seen, :, groups + seen] += curvature
    return score.ravel(), information.reshape(score.size, score.size)


def _cellwise(block: Block, periods: Array, coefficients: Array, exponential: bool) -> tuple[Array, Array]:
    """Gradient (C, q) and information (C, q, q) of each cell of a cohort in its own coefficients (C, q)."""
    mean, slope = _mean(block.z @ coefficients.T, exponential)
    gradient = ((block.outcome[:, periods] - mean) * block.weight[:, None]).T @ block.z
    n, q = block.z.shape
    products = (block.z[:, :, None] * block.z[:, None, :]).reshape(n, q * q) * block.weight[:, None]
    return gradient, (slope.T @ products).reshape(len(periods), q, q)


def _effects(
    blocks: list[Block], rows: Array, periods: Array, cohort: Array, period: Array, exponential: bool
) -> tuple[Array, Array]:
    """Effects (K,) of the cells and the gradient (P, K) of the mean prediction in the coefficients."""
    values = np.zeros(len(rows))
    gradient = np.zeros((len(cohort) + len(period), cohort.shape[1], len(rows)))
    for g in np.unique(rows):
        cells = np.flatnonzero(rows == g)
        block, times = blocks[g], periods[cells]
        mean, slope = _mean(block.z @ (cohort[g] + period[times]).T, exponential)
        share = block.weight / block.weight.sum()
        values[cells] = share @ (block.outcome[:, times] - mean)
        own = (slope * share[:, None]).T @ block.z
        gradient[g, :, cells] = own
        gradient[len(cohort) + times, :, cells] = own
    return values, gradient.reshape(-1, len(rows))


def _saturated_mean(block: Block, periods: Array, exponential: bool) -> Array:
    """(n, C) fitted means of treated cells, each on its own coefficients of z."""
    start = np.zeros((len(periods), block.z.shape[1]))
    if exponential:
        start[:, 0] = np.log(block.weight @ block.outcome[:, periods] / block.weight.sum())
    solution = _newton(start, lambda b: _cellwise(block, periods, b, exponential), exponential)
    return _mean(block.z @ solution.T, exponential)[0]


def _log_mean(block: Block, seen: Array) -> float:
    """Logarithm of the mean outcome in the periods `seen`; 0 where there is none."""
    return float(np.log((block.weight @ block.outcome[:, seen]).mean() / block.weight.sum())) if seen.any() else 0.0


def _newton(start: Array, parts: Callable[[Array], tuple[Array, Array]], exponential: bool) -> Array:
    """The root of a score, one vector or a stack of them, by Newton's method.

    A linear mean needs one step, and a second one to see it; an exponential one takes steps of at most two. Raises
    Refusal E108 without convergence.
    """
    at = start
    for _ in range(STEPS):
        score, information = parts(at)
        if not np.isfinite(information).all():
            break
        step = np.squeeze(_inverse(information) @ score[..., None], axis=-1)
        largest = float(np.abs(step).max(initial=0.0))
        at = at + (step * min(1.0, 2 / max(largest, 1e-300)) if exponential else step)
        if largest <= 1e-9 * float(np.abs(at).max(initial=0.0)):
            return at
    raise _unbounded()


def _unbounded() -> Refusal:
    problem = "the exponential mean has no finite fit: for some values of the covariates every outcome is zero"
    return Refusal("E108", "family", problem, "use fewer covariates, or `family: linear`")


def _inverse(information: Array) -> Array:
    """A generalised inverse of a (stack of) symmetric matrices, scaled to a unit diagonal before ranks are judged."""
    scale = _scale(information)
    return np.asarray(np.linalg.pinv(information / scale, rcond=TOLERANCE, hermitian=True) / scale)


def _rank(information: Array) -> int:
    scaled = information / _scale(information)
    values = np.abs(np.linalg.eigvalsh(scaled))
    return int((values > TOLERANCE * values.max()).sum())


def _scale(information: Array) -> Array:
    root = np.sqrt(np.diagonal(information, axis1=-2, axis2=-1))
    root = np.where(root > 0, root, 1.0)
    return np.asarray(root[..., :, None] * root[..., None, :])
