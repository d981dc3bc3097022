"""Effects on the treated adjusted for covariates, with every observation's contribution: arrays in, arrays out.

One treated group against one comparison group, before and after. `regression` predicts what would have happened to the
treated from a least-squares fit among the comparison units; `weighting` reweights the comparison units by the odds of
being treated, fitted by logit, their weights adding up to one; `doubly_robust` predicts and reweights what is left,
and is right when either model is (Sant'Anna and Zhao 2020, sections 2 and 3: their traditional estimator for units
observed twice, and the locally efficient one for rows observed once; R package DRDID).

A contribution is the influence function divided by the number of observations, with what estimated coefficients add:
contributions add up to zero and the sum of their squares is the variance. The scale of the weights, and any invertible
change of the covariates that keeps the constant in their span, leave the results alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.panel import Array

ADJUSTMENTS = ("doubly_robust", "regression", "weighting")
NO_OVERLAP = 0.999
TRIMMED = 0.995
STEPS = 50
CONVERGED = 1e-15
RANK = 1e-11


@dataclass(frozen=True, eq=False)
class Comparison:
    """A treated group and a comparison group, with what the three adjustments share between outcomes.

    treated: (n,) bool. design: (n, k) covariates, a constant first. weight: (n,). after: (n,) whether a row is from the
    later period, None when the same units are observed twice. propensity: (n,) fitted probability of being treated,
    None where nothing is reweighted. coefficients: (k,) of its logit. problem: why the groups cannot be compared, empty
    where they can; column: the covariate to blame, if one is.
    """

    treated: Array
    design: Array
    weight: Array
    adjustment: str
    after: Array | None = None
    propensity: Array | None = None
    coefficients: Array | None = None
    problem: str = ""
    column: int | None = None

    @property
    def predicts(self) -> bool:
        """Outcomes are regressed on the covariates in the comparison group."""
        return self.adjustment != "weighting"

    def odds(self) -> Array:
        """(n,) weights that give the comparison group the treated group's covariates; zero where none are fitted.

        Comparison units whose propensity reaches .995 are left out.
        """
        if self.propensity is None:
            return np.zeros(len(self.weight))
        kept = ~self.treated & (self.propensity < TRIMMED)
        fitted = np.where(kept, self.propensity, 0.0)
        return np.asarray(self.weight * fitted / (1 - fitted))


def compared(
    treated: Array,
    design: Array,
    weight: Array,
    adjustment: str,
    *,
    after: Array | None = None,
    start: Array | None = None,
) -> Comparison:
    """The two groups with the propensity, or with the reason why they cannot be compared.

    Args:
        treated: (n,) bool. design: (n, k) with a constant first. weight: (n,) positive.
        adjustment: one of ADJUSTMENTS; with a constant alone all three are the difference of means.
        after: (n,) bool, for rows observed once. start: (k,) coefficients from which the logit starts.

    Groups do not overlap where a fitted propensity reaches .999 (R's did asks this of a logit without weights), or the
    logit has no finite solution.
    """
    adjustment = "regression" if design.shape[1] == 1 else adjustment
    groups = Comparison(treated, design, weight, adjustment, after)
    problem, column = _thin(groups)
    if problem:
        return replace(groups, problem=problem, column=column)
    if adjustment == "regression":
        return groups
    coefficients, fitted, solved = logit(treated, design, weight, start)
    problem = "" if solved and fitted.max() < NO_OVERLAP else "overlap condition violated"
    return replace(groups, propensity=fitted, coefficients=coefficients, problem=problem)


def changes(groups: Comparison, change: Array) -> tuple[Array, Array]:
    """Effects (T,) and contributions (n, T) from the changes (n, T) of units observed before and after.

    R: DRDID::reg_did_panel, std_ipw_did_panel, drdid_panel.
    """
    x = groups.design
    treated, odds = _shares(groups.weight * groups.treated), _shares(groups.odds())
    gap, beta = treated - odds, np.zeros((x.shape[1], change.shape[1]))
    if groups.predicts:
        others = x * (groups.weight * ~groups.treated)[:, None]
        inverse = np.linalg.inv(others.T @ x)
        beta = inverse @ (others.T @ change)
        gap = gap - others @ (inverse @ (gap @ x))
    of_treated = treated @ change - (treated @ x) @ beta
    of_others = odds @ change - (odds @ x) @ beta
    known = [x * gap[:, None], treated[:, None], odds[:, None]]
    coefficients = [beta, of_treated[None], -of_others[None]]
    if groups.propensity is not None:
        reweighted = x * odds[:, None]
        moment = reweighted.T @ change - (reweighted.T @ x) @ beta - np.outer(odds @ x, of_others)
        score, slope = _logit_effect(groups, moment)
        known, coefficients = [*known, score], [*coefficients, slope]
    contributions = gap[:, None] * change
    contributions -= np.hstack(known) @ np.vstack(coefficients)
    return of_treated - of_others, contributions


def levels(groups: Comparison, outcome: Array) -> tuple[float, Array]:
    """Effect and contributions (n,) from the outcomes (n,) of rows observed once, before or after.

    R: DRDID::reg_did_rc, std_ipw_did_rc, drdid_rc.
    """
    assert groups.after is not None
    later, part_later = _half(groups, outcome, groups.after)
    earlier, part_earlier = _half(groups, outcome, ~groups.after)
    return later - earlier, part_later - part_earlier


def _half(groups: Comparison, outcome: Array, when: Array) -> tuple[float, Array]:
    """The treated mean of one period's rows less what the comparison rows of that period predict for the treated."""
    x, doubly = groups.design, groups.adjustment == "doubly_robust"
    treated, everyone = _shares(groups.weight * (groups.treated & when)), _shares(groups.weight * groups.treated)
    odds = _shares(groups.odds() * when)
    others, inverse = _normal(x, groups.weight * (~groups.treated & when) * groups.predicts)
    own, own_inverse = _normal(x, groups.weight * (groups.treated & when) * doubly)
    beta, own_beta = inverse @ (others.T @ outcome), own_inverse @ (own.T @ outcome)
    rest, shift = outcome - x @ beta, x @ (own_beta - beta)
    reach = (everyone - treated) * groups.predicts
    of_treated, of_others = float(treated @ rest), float(odds @ rest)
    contributions = treated * (rest - of_treated) - odds * (rest - of_others)
    contributions += rest * (others @ (inverse @ ((odds - treated - reach) @ x)))
    contributions += (outcome - x @ own_beta) * (own @ (own_inverse @ (reach @ x)))
    contributions += (everyone * (shift - everyone @ shift) - treated * (shift - treated @ shift)) * groups.predicts
    if groups.propensity is not None:
        score, slope = _logit_effect(groups, ((odds * (rest - of_others)) @ x)[:, None])
        contributions -= (score @ slope)[:, 0]
    return of_treated - of_others + float(reach @ shift), contributions


def logit(treated: Array, design: Array, weight: Array, start: Array | None = None) -> tuple[Array, Array, bool]:
    """Coefficients (k,), fitted probabilities (n,) and whether the likelihood has a finite maximum.

    Newton's steps, halved while they overshoot, until the step is a 1e-8th of a standard error; the next one, which is
    taken, is then at machine precision.
    """
    from scipy.special import expit

    weight = weight / weight.mean()
    beta = np.zeros(design.shape[1]) if start is None else start
    step, before = np.zeros_like(beta), np.inf
    for _ in range(STEPS):
        fitted = expit(design @ beta)
        score = (weight * (treated - fitted)) @ design
        hessian = (design * (weight * fitted * (1 - fitted))[:, None]).T @ design
        newton = np.linalg.lstsq(hessian, score, rcond=None)[0]
        distance = float(newton @ score)
        if distance > before:
            step = step / 2
            beta = beta - step
            continue
        beta, step, before = beta + newton, newton, distance
        if distance < CONVERGED:
            return beta, expit(design @ beta), True
    return beta, expit(design @ beta), False


def dependent(design: Array, weight: Array) -> int | None:
    """The first column of `design` (n, k) that repeats those before it among rows with weight; None if none does."""
    present = design * np.sqrt(weight / weight.max())[:, None]
    gram = present.T @ present
    size = np.sqrt(np.diag(gram))
    if not size.all():
        return int(np.flatnonzero(size == 0)[0])
    gram = gram / np.outer(size, size)
    for k in range(1, len(gram) + 1):
        if np.linalg.eigvalsh(gram[:k, :k])[0] < RANK:
            return k - 1
    return None


def summed(contributions: Array, cluster: Array, clusters: int) -> Array:
    """(clusters, K) sums of contributions (n, K) by cluster code (n,)."""
    from scipy import sparse

    rows = len(cluster)
    place = sparse.csr_array((np.ones(rows), (cluster, np.arange(rows))), shape=(clusters, rows))
    return np.asarray(place @ contributions)


def _thin(groups: Comparison) -> tuple[str, int | None]:
    """Why there are too few units or rows for the models, and the covariate to blame; empty where there are enough."""
    for member, word in ((groups.treated, "treated"), (~groups.treated, "comparison")):
        fits = groups.adjustment == "doubly_robust" if word == "treated" else groups.predicts
        fits = fits and (word == "comparison" or groups.after is not None)
        for when in (np.ones_like(member),) if groups.after is None else (groups.after, ~groups.after):
            rows = member & when
            if not rows.any():
                return f"no {word} observation", None
            column = dependent(groups.design[rows], groups.weight[rows]) if fits else None
            if column is not None and int(rows.sum()) > groups.design.shape[1]:
                return f"among {word} observations one covariate repeats others", column
            if column is not None:
                return f"too few {word} observations for the covariates", column
    column = None if groups.predicts else dependent(groups.design, groups.weight)
    return ("" if column is None else "one covariate repeats others"), column


def _logit_effect(groups: Comparison, moment: Array) -> tuple[Array, Array]:
    """Scores of the logit (n, k), and what multiplies them (k, T) when its coefficients move an effect by `moment`."""
    assert groups.propensity is not None
    x, fitted = groups.design, groups.propensity
    hessian = (x * (groups.weight * fitted * (1 - fitted))[:, None]).T @ x
    return x * (groups.weight * (groups.treated - fitted))[:, None], np.linalg.solve(hessian, moment)


def _normal(x: Array, weight: Array) -> tuple[Array, Array]:
    """Weighted covariates (n, k) and the inverse of their cross-product with x; zeros where no row has weight."""
    weighted = x * weight[:, None]
    gram = weighted.T @ x
    return weighted, np.linalg.inv(gram) if gram.any() else gram


def _shares(weight: Array) -> Array:
    """Weights as shares of their sum, or zeros."""
    total = weight.sum()
    return np.asarray(weight / total if total else weight)
