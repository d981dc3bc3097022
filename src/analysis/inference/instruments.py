"""What instruments do to the treatment and to the outcome, how strong they are, and whether they agree.

All regressions are on columns from which what is held constant has been taken out; their errors are those of the study
(classical, heteroskedasticity-robust with factor n/(n-K), or clustered with factor G/(G-1) x (n-1)/(n-K)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.fits.instrumental_variable import Problem
from analysis.panel import Array


@dataclass(frozen=True, eq=False)
class Pair:
    """Outcome and treatment, each regressed on an orthonormal basis of the instruments.

    outcome, treatment: (L,) coefficients. oo, ot, tt: (L, L) their covariances, `ot` that of outcome with treatment.
    basis: (n, L); triangle: (L, L), the instruments are basis @ triangle. df: of the denominator of an F test.
    """

    outcome: Array
    treatment: Array
    oo: Array
    ot: Array
    tt: Array
    basis: Array
    triangle: Array
    df: float


@dataclass(frozen=True)
class Line:
    """One coefficient with its error and the degrees of freedom of its t distribution."""

    name: str
    value: float
    error: float
    df: float


@dataclass(frozen=True)
class Test:
    """A test: its statistic, p-value and degrees of freedom."""

    statistic: float
    p_value: float
    df: float


@dataclass(frozen=True)
class Strength:
    """The first stage: F with the study's errors, effective F, and the share of the treatment's remaining variance that
    the instruments explain."""

    f: Test
    effective: float
    share: float


def pair(problem: Problem) -> Pair:
    """Outcome and treatment on the instruments, with the joint covariance of all coefficients."""
    basis, triangle = np.linalg.qr(problem.instruments)
    both = np.column_stack([problem.outcome, problem.treatment])
    coefficients = basis.T @ both
    left = both - basis @ coefficients
    k, cov = problem.count, covariance(problem, basis, left, np.eye(problem.count))
    return Pair(
        outcome=coefficients[:, 0],
        treatment=coefficients[:, 1],
        oo=cov[:k, :k],
        ot=cov[:k, k:],
        tt=cov[k:, k:],
        basis=basis,
        triangle=triangle,
        df=problem.df(k),
    )


def covariance(problem: Problem, regressors: Array, residuals: Array, bread: Array) -> Array:
    """(m k, m k) covariance of m regressions on the same k `regressors`, equation after equation.

    residuals: (n, m). bread: (k, k) inverse of the cross-product of the regressors.
    """
    m, k = residuals.shape[1], regressors.shape[1]
    left = problem.n - problem.taken - k
    if problem.errors == "classical":
        return np.kron(residuals.T @ residuals / left, bread)
    scores = (residuals[:, :, None] * (regressors @ bread)[:, None, :]).reshape(problem.n, m * k)
    factor = problem.n / left
    if problem.errors == "clustered":
        scores, groups = summed(scores, problem.cluster), problem.clusters
        factor = groups / (groups - 1) * (problem.n - 1) / left
    return np.asarray(factor * scores.T @ scores)


def summed(scores: Array, cluster: Array) -> Array:
    """(G, k) sums of (n, k) `scores` by cluster."""
    found = np.zeros((int(cluster.max()) + 1, scores.shape[1]))
    np.add.at(found, cluster, scores)
    return found


def strength(problem: Problem) -> Strength:
    """How strong the instruments are. The effective F is that of Montiel Olea and Pflueger (2013, section 3): with one
    instrument it is the F with the study's errors, with classical errors the ordinary F."""
    found = pair(problem)
    explained = float(found.treatment @ found.treatment)
    statistic = float(found.treatment @ np.linalg.solve(found.tt, found.treatment)) / problem.count
    total = float(problem.treatment @ problem.treatment)
    return Strength(
        f_test(statistic, problem.count, found.df), explained / float(np.trace(found.tt)), explained / total
    )


def first_stage(problem: Problem) -> list[Line]:
    """The effect of each instrument on the treatment, the others held constant."""
    found = pair(problem)
    return _lines(problem, found, found.treatment, found.tt)


def reduced_form(problem: Problem) -> list[Line]:
    """The effect of each instrument on the outcome, the others held constant."""
    found = pair(problem)
    return _lines(problem, found, found.outcome, found.oo)


def jointly_zero(problem: Problem) -> Test:
    """The test that no instrument is related to the outcome: that of no effect at any strength of the instruments."""
    found = pair(problem)
    statistic = float(found.outcome @ np.linalg.solve(found.oo, found.outcome)) / problem.count
    return f_test(statistic, problem.count, found.df)


def on_index(problem: Problem) -> Line:
    """The outcome on the treatment as the instruments predict it, first-stage noise left aside: exact under no effect;
    the coefficient is two-stage least squares."""
    found = pair(problem)
    predicted = found.basis @ found.treatment
    return regressed(problem, "predicted treatment", problem.outcome, predicted)


def regressed(problem: Problem, name: str, outcome: Array, *regressors: Array) -> Line:
    """The coefficient of the last of the regressors, all with what is held constant taken out."""
    columns = np.column_stack(regressors)
    bread = np.linalg.inv(columns.T @ columns)
    coefficient = bread @ (columns.T @ outcome)
    cov = covariance(problem, columns, (outcome - columns @ coefficient)[:, None], bread)
    return Line(name, float(coefficient[-1]), float(np.sqrt(cov[-1, -1])), problem.df(columns.shape[1]))


def two_stage(problem: Problem) -> float:
    """The two-stage least squares coefficient."""
    found = pair(problem)
    return float(found.treatment @ found.outcome / (found.treatment @ found.treatment))


def overidentification(problem: Problem) -> Test | None:
    """Whether the instruments agree on the effect: Sargan's n R-squared under classical errors, else Hansen's J of the
    two-step method of moments. None with one instrument."""
    from scipy import stats

    found, spare = pair(problem), problem.count - 1
    if not spare:
        return None
    left = problem.outcome - problem.treatment * two_stage(problem)
    if problem.errors == "classical":
        moment = found.basis.T @ left
        statistic = problem.n * float(moment @ moment) / float(left @ left)
    else:
        weight = np.linalg.inv(_moments(problem, found.basis, left))
        slope = found.treatment @ weight
        gap = found.outcome - found.treatment * float(slope @ found.outcome / (slope @ found.treatment))
        statistic = float(gap @ weight @ gap)
    return Test(statistic, float(stats.chi2.sf(statistic, spare)), spare)


def endogeneity(problem: Problem) -> tuple[Test, float]:
    """Whether least squares and two-stage least squares differ by more than chance (Durbin, Wu and Hausman, by adding
    the first stage's residual to the regression), and the least squares coefficient."""
    found = pair(problem)
    residual = problem.treatment - found.basis @ found.treatment
    line = regressed(problem, "residual", problem.outcome, problem.treatment, residual)
    plain = float(problem.treatment @ problem.outcome / (problem.treatment @ problem.treatment))
    return f_test((line.value / line.error) ** 2, 1, line.df), plain


def each_alone(problem: Problem) -> list[Line]:
    """Two-stage least squares with each instrument alone, the others not used."""
    lines = []
    for place, name in enumerate(problem.names):
        instrument = problem.instruments[:, place]
        slope = float(instrument @ problem.treatment)
        value = float(instrument @ problem.outcome) / slope
        left = problem.outcome - problem.treatment * value
        cov = covariance(problem, instrument[:, None], left[:, None], np.array([[1 / slope]]))
        if problem.errors == "classical":
            cov = cov / slope * float(instrument @ instrument)
        lines.append(Line(name, value, float(np.sqrt(cov[0, 0])), problem.df(1)))
    return lines


def moved(problem: Problem) -> Array:
    """(clusters,) how much each cluster adds to the two-stage least squares coefficient: to first order, what leaving
    it out takes away. Rows where errors are not clustered."""
    found = pair(problem)
    predicted = found.basis @ found.treatment
    left = problem.outcome - problem.treatment * two_stage(problem)
    own = predicted * left / float(predicted @ predicted)
    return summed(own[:, None], problem.cluster)[:, 0] if problem.errors == "clustered" else own


def carriers(problem: Problem) -> float:
    """The number of equally weighted clusters (or rows) that the instruments' variation is worth: inverse Herfindahl
    of the clusters' shares in the variance of the predicted treatment."""
    found = pair(problem)
    own = (found.basis @ found.treatment) ** 2
    share = summed(own[:, None], problem.cluster)[:, 0] if problem.errors == "clustered" else own
    return float(share.sum() ** 2 / (share @ share))


def f_test(statistic: float, numerator: int, denominator: float) -> Test:
    """An F statistic with its p-value."""
    from scipy import stats

    return Test(statistic, float(stats.f.sf(statistic, numerator, denominator)), denominator)


def _lines(problem: Problem, found: Pair, coefficient: Array, cov: Array) -> list[Line]:
    back = np.linalg.inv(found.triangle)
    values, errors = back @ coefficient, np.sqrt(np.diag(back @ cov @ back.T))
    return [Line(n, float(v), float(e), found.df) for n, v, e in zip(problem.names, values, errors, strict=True)]


def _moments(problem: Problem, basis: Array, left: Array) -> Array:
    """(L, L) variance of the instruments' cross-products with the residuals."""
    scores = basis * left[:, None]
    if problem.errors == "clustered":
        scores = summed(scores, problem.cluster)
    return np.asarray(scores.T @ scores)
