"""Sensitivity to violations of parallel trends: by hand, by linear programmes, against HonestDiD, in simulation."""

from __future__ import annotations

import csv
import math
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import samples
from deviations import near
from scipy import optimize, special, stats
from test_designs import study

from analysis.checks import parallel_trends
from analysis.data import catalog
from analysis.designs import event_study, group_time, imputation, sun_abraham, two_by_two
from analysis.inference import honest, honest_path, honest_relative, honest_smooth
from analysis.inference.few_clusters import ENOUGH
from analysis.inference.honest_conditional import accepted, critical_values
from analysis.inference.honest_problem import Problem
from analysis.refusal import Refusal
from analysis.report import answer, sensitivity
from analysis.report.display import Unit
from analysis.run.results import Number

HERE = Path(__file__).parent / "reference"
Z = stats.norm.ppf(0.975)
MAGNITUDES = (0.0, 0.5, 1.0, 1.5, 2.0)
CASES = {
    "BCdata_EventStudy": ("BCdata_EventStudy", False),
    "mpdta TWFE event study": ("mpdta_TWFE_event_study", False),
    "mpdta CS universal dynamic": ("mpdta_CS_universal_dynamic", False),
    "mpdta CS universal dynamic avg post": ("mpdta_CS_universal_dynamic_avg_post", True),
    "ehec TWFE event study, year<=2015, cohorts 2014 and later/never, ref 2013, first post period": (
        "ehec_event_study",
        False,
    ),
}
EHEC = list(CASES)[-1]


def drawn(pre: int, after: int, seed: int = 0, weights: np.ndarray | None = None) -> Problem:
    """A random walk's path around its reference, with the covariance of another one's mean."""
    rng = np.random.default_rng(seed)
    walks = rng.normal(size=(60, pre + after + 1)).cumsum(axis=1)
    walks = np.delete(walks - walks[:, [pre]], pre, axis=1)
    covariance = np.cov(walks.T) / 60
    chosen = np.full(after, 1 / after) if weights is None else weights
    return Problem(rng.multivariate_normal(np.repeat([0.0, 1.0], [pre, after]), covariance), covariance, pre, chosen)


# ------------------------------------------------------------------------------------------------ by hand


def test_nothing_allowed_is_the_normal_interval() -> None:
    for problem in (drawn(4, 3), drawn(1, 1), drawn(3, 4, weights=np.array([1.0, 0, 0, 0]))):
        low, high = honest_relative.interval(problem, 0.0)
        assert low == pytest.approx(problem.value - Z * problem.error, abs=1e-9)
        assert high == pytest.approx(problem.value + Z * problem.error, abs=1e-9)


def test_one_before_and_one_after_by_hand() -> None:
    """The earlier change is 10 without error, so that the effect lies within 3 - 10 m and 3 + 10 m but for the noise of
    the 3. The first stage rejects beyond the normal quantile of .9975 = 2.807; the second is one-sided with what is
    left, (.05 - .005) / .995, of a normal cut off there: the .9975 (1 - .04523) quantile, 1.668."""
    problem = Problem(np.array([-10.0, 3.0]), np.diag([0.0, 1.0]), 1, np.ones(1))
    quantile = stats.norm.ppf(stats.norm.cdf(stats.norm.ppf(0.9975)) * (1 - 0.045 / 0.995))
    assert f"{quantile:.3f}" == "1.668"
    low, high = honest_relative.interval(problem, 2.0)
    assert (low, high) == (pytest.approx(3 - 20 - quantile, abs=1e-9), pytest.approx(3 + 20 + quantile, abs=1e-9))
    assert honest_relative.identified(problem, 2.0) == (-17.0, 23.0)
    assert honest_relative.face_value(problem) == pytest.approx(0.3)


def test_a_straight_line_by_hand() -> None:
    """One estimate before: the line through it and the reference goes on, 1.5 periods on average over two."""
    covariance = np.array([[1.0, 0.2, 0.1], [0.2, 2.0, 0.5], [0.1, 0.5, 3.0]])
    problem = Problem(np.array([-0.4, 5.0, 7.0]), covariance, 1, np.array([0.5, 0.5]))
    value = 6.0 + 1.5 * -0.4
    error = math.sqrt(2.25 * 1 + (2 + 3 + 2 * 0.5) / 4 + 2 * 1.5 * (0.2 + 0.1) / 2)
    assert honest_smooth.interval(problem, 0.0) == pytest.approx((value - Z * error, value + Z * error), abs=1e-12)
    assert honest_smooth.conditional(problem, 0.0) == pytest.approx((value - Z * error, value + Z * error), abs=1e-12)
    # a bend m at the reference adds m and 2 m to the two effects, one in the period after it m to the second
    assert honest_smooth.identified(problem, 1.0) == pytest.approx((value - 2.0, value + 2.0), abs=1e-12)
    half = error * honest_smooth.folded(2.0 / error, 0.95)
    assert honest_smooth.interval(problem, 1.0) == pytest.approx((value - half, value + half), abs=1e-12)


def test_with_no_bend_the_slope_is_the_efficient_one() -> None:
    """Generalised least squares of a line and a first effect on all estimates, which are then one linear model."""
    problem = drawn(4, 1)
    design = np.column_stack([[-4.0, -3, -2, -1, 1], [0, 0, 0, 0, 1.0]])
    inverse = np.linalg.inv(problem.covariance)
    spread = np.linalg.inv(design.T @ inverse @ design)
    value, error = (spread @ design.T @ inverse @ problem.beta)[1], math.sqrt(spread[1, 1])
    assert honest_smooth.interval(problem, 0.0) == pytest.approx((value - Z * error, value + Z * error), abs=1e-9)


def test_folded_normal_quantile() -> None:
    for t in (0.0, 0.3, 2.0, 50.0):
        q = honest_smooth.folded(t, 0.9)
        assert stats.norm.cdf(q - t) - stats.norm.cdf(-q - t) == pytest.approx(0.9, abs=1e-12)


@pytest.mark.parametrize("mbar", MAGNITUDES)
def test_the_outcomes_unit_and_sign_do_not_matter(mbar: float) -> None:
    problem = drawn(4, 3, seed=2)
    low, high = honest_relative.interval(problem, mbar)
    short, long = honest_smooth.interval(problem, mbar / 10)
    for unit in (1e-6, -1.0, 1e6):
        other = replace(problem, beta=unit * problem.beta, covariance=unit**2 * problem.covariance)
        scaled, smooth = honest_relative.interval(other, mbar), honest_smooth.interval(other, abs(unit) * mbar / 10)
        assert np.sort(np.array(scaled) / unit) == pytest.approx([low, high], rel=1e-7)
        assert np.sort(np.array(smooth) / unit) == pytest.approx([short, long], rel=1e-7)


# ---------------------------------------------------------------------------------- against linear programmes


def rows(problem: Problem, mbar: float, yardstick: np.ndarray) -> np.ndarray:
    """The moments' rows A: plus and minus each change after the reference, less mbar times the yardstick."""
    after = problem.changes[problem.pre :]
    return np.concatenate([after, -after]) - mbar * yardstick


def programme(y: np.ndarray, nuisance: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """The vertex that solves max gamma'y, gamma >= 0, gamma'nuisance = 0, gamma'sd = 1."""
    equal = np.column_stack([sd, nuisance]).T
    found = optimize.linprog(-y, A_eq=equal, b_eq=np.eye(len(equal))[0], method="highs-ds")
    return found.x


def hybrid(problem: Problem, mbar: float, yardstick: np.ndarray, theta: float, critical: float) -> bool:
    """The hybrid test by linear programmes alone, truncation points by following them (as HonestDiD does)."""
    a, weights = rows(problem, mbar, yardstick), problem.weights
    post = a[:, problem.pre :]
    free = post @ np.linalg.svd(weights[None])[2][1:].T
    y, sigma = a @ problem.beta - post @ weights / (weights @ weights) * theta, a @ problem.covariance @ a.T
    sd = np.sqrt(np.diag(sigma))
    gamma = programme(y, free, sd)
    eta, error = gamma @ y, math.sqrt(gamma @ sigma @ gamma)
    if eta > critical:
        return False
    along = sigma @ gamma / error**2
    rest = y - along * eta
    ends = []
    for far in (-1e4, 1e4):
        point, vertex = far, programme(rest + along * far, free, sd)
        while vertex @ (rest + along * point) > point + 1e-9:
            point = vertex @ rest / (1 - vertex @ along)
            vertex = programme(rest + along * point, free, sd)
        ends.append(point)
    low, high, z = ends[0] / error, min(ends[1], critical) / error, eta / error
    left = (stats.norm.sf(z) - stats.norm.sf(high)) / (stats.norm.sf(low) - stats.norm.sf(high))
    return eta <= 0 or left >= 0.045 / 0.995


@pytest.mark.parametrize(
    ("pre", "weights"), [(2, [1.0, 0, 0]), (3, [0.5, 0.5]), (2, [0.2, -0.5, 0.4, 0.3])], ids=["first", "mean", "mixed"]
)
def test_closed_form_equals_the_linear_programmes(pre: int, weights: list[float]) -> None:
    problem, compared = drawn(pre, len(weights), seed=5, weights=np.array(weights)), 0
    before = problem.changes[:pre]
    for mbar in (0.5, 2.0):
        found = honest_relative.moments(problem, mbar)
        critical = critical_values(found, 0.005)
        theta = np.linspace(problem.value - 5 * problem.error, problem.value + 5 * problem.error, 9)
        ours = accepted(found, np.repeat(theta[None], 2 * pre, axis=0), 0.05, critical)
        for k, yardstick in enumerate([*before, *-before]):
            theirs = [hybrid(problem, mbar, yardstick, t, critical[k]) for t in theta]
            assert ours[k].tolist() == theirs, (mbar, k)
            compared += len(set(theirs))
    assert compared > 4 * pre, "both verdicts should occur"


@pytest.mark.parametrize("mbar", [0.0, 0.5, 2.0])
def test_critical_values_against_draws(mbar: float) -> None:
    """400,000 draws of the moments: the share beyond the critical value is kappa within four standard errors."""
    problem = drawn(3, 3, seed=8)
    found = honest_relative.moments(problem, mbar)
    critical = critical_values(found, 0.005)
    z = np.random.default_rng(1).multivariate_normal(np.zeros(7 - 1), problem.covariance, size=400_000)
    basis = np.concatenate([problem.changes[:3], -problem.changes[:3]])
    for k, yardstick in enumerate(basis):
        statistic = (np.stack([z @ problem.average, z @ yardstick], axis=1) @ found.loadings[k].T).max(axis=1)
        assert abs((statistic > critical[k]).mean() - 0.005) < 4 * math.sqrt(0.005 / 400_000)


def test_worst_bias_and_identified_sets_by_linear_programme() -> None:
    problem, bend = drawn(5, 3, seed=3), 0.05
    frontier = honest_smooth.frontier(problem)
    best = frontier.best(bend)
    row = frontier.base + best.combination @ frontier.before
    limits = {"A_ub": np.concatenate([problem.bends, -problem.bends]), "bounds": (None, None)}
    worst = optimize.linprog(-row, b_ub=np.full(14, bend), **limits)
    assert -worst.fun == pytest.approx(best.bias, rel=1e-9)
    assert best.error == pytest.approx(math.sqrt(row @ problem.covariance @ row), rel=1e-12)
    calm = problem.largest_bend * 1.5
    known = {"A_eq": np.eye(8)[:5], "b_eq": problem.beta[:5]}
    ends = [optimize.linprog(s * problem.average, b_ub=np.full(14, calm), **limits, **known).fun for s in (1, -1)]
    assert honest_smooth.identified(problem, calm) == pytest.approx((problem.value + ends[1], problem.value - ends[0]))
    assert all(math.isnan(end) for end in honest_smooth.identified(problem, problem.largest_bend / 2))
    step = np.concatenate([problem.changes[5:], -problem.changes[5:]])
    wide = optimize.linprog(-problem.average, A_ub=step, b_ub=np.full(6, problem.largest_change), bounds=(None, None))
    assert honest_relative.identified(problem, 1.0)[0] == pytest.approx(problem.value + wide.fun)


@pytest.mark.parametrize("bend", [0.0, 0.01, 0.1, 1.0])
def test_no_other_estimator_has_a_shorter_interval(bend: float) -> None:
    """The half length is convex in the combination: a general minimiser finds nothing below the followed path."""
    frontier = honest_smooth.frontier(drawn(6, 4, seed=4))
    best = frontier.best(bend)
    reach = float(np.abs(frontier.problem.bend_reach).sum())

    def half(u: np.ndarray) -> float:
        error = math.sqrt(frontier.constant + 2 * frontier.linear @ u + u @ frontier.quadratic @ u)
        return error * honest_smooth.folded(bend * (reach + np.abs(u).sum()) / error, 0.95)

    assert half(best.combination) == pytest.approx(best.half, rel=1e-10)
    for start in (best.combination, np.zeros(5)):
        other = optimize.minimize(half, start, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-10})
        assert other.fun >= best.half * (1 - 1e-9)


# ---------------------------------------------------------------------------------------- against HonestDiD


def reference(file: str) -> list[dict[str, str]]:
    with (HERE / file).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def case(dataset: str) -> Problem:
    name, mean = CASES[dataset]
    table = np.array([list(row.values()) for row in reference(f"honestdid_input_{name}.csv")], dtype=float)
    pre = {"BCdata_EventStudy": 4, "ehec_event_study": 5}.get(name, 3)
    after = len(table) - pre
    return Problem(table[:, 0], table[:, 1:], pre, np.full(after, 1 / after) if mean else np.eye(after)[0])


def printed(dataset: str, kind: str) -> list[tuple[float, float, float]]:
    """Magnitude, low and high of the rows of one kind."""
    file = {"mpdta C": "honestdid_cs.csv", "ehec TW": "honestdid_ehec.csv"}.get(dataset[:7], "honestdid.csv")
    ends: dict[float, dict[str, float]] = {}
    for row in reference(file):
        if row["dataset"] == dataset and kind in row["option"]:
            size = float(re.search(r"M(?:bar)?= *([\d.e-]+)", row["option"])[1])
            ends.setdefault(size, {})[row["term"]] = float(row["estimate"])
    assert ends
    return [(size, end["lb"], end["ub"]) for size, end in ends.items()]


def r_normals(n: int) -> np.ndarray:
    """R's set.seed(0); rnorm(n): scrambled congruential seeding of MT19937, inversion of 53 random bits."""
    state, key = 0, []
    for k in range(675):
        state = (69069 * state + 1) & 0xFFFFFFFF
        key += [state] if k > 50 else []
    generator = np.random.MT19937()
    full = generator.state
    full["state"] = {"key": np.array(key, dtype=np.uint32), "pos": 624}
    generator.state = full
    uniform = generator.random_raw(2 * n) * 2.3283064365386963e-10
    return special.ndtri((np.floor(134217728 * uniform[::2]) + uniform[1::2]) / 134217728)


def r_critical(problem: Problem, mbar: float) -> np.ndarray:
    """HonestDiD's simulated critical values: the largest moment in 1,000 draws with the symmetric root of A V A'."""
    before, size, after = problem.changes[: problem.pre], np.abs(problem.reach), len(problem.weights)
    found = []
    for yardstick in [*before, *-before]:
        a = rows(problem, mbar, yardstick)
        sigma = a @ problem.covariance @ a.T
        values, vectors = np.linalg.eigh(sigma)
        root = vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T
        rays = np.zeros((after + 2, 2 * after))
        rays[0, :after] = rays[1, after:] = size  # all weights are positive here
        rays[2:] = np.hstack([np.eye(after)] * 2)
        vertices = rays / (rays @ np.sqrt(np.diag(sigma)))[:, None]
        draws = r_normals(2000 * after).reshape(1000, -1) @ root
        found.append(np.quantile((draws @ vertices.T).max(axis=1), 0.995))
    return np.array(found)


def r_grid(problem: Problem, reach: float = 0.0) -> np.ndarray:
    """1,000 points, twenty standard errors (and the reach) around zero, wherever the estimate lies."""
    return np.linspace(-20 * problem.error - reach, 20 * problem.error + reach, 1000)


def test_the_stream_is_that_of_r() -> None:
    assert r_normals(5).round(9).tolist() == [1.262954285, -0.326233361, 1.329799263, 1.272429321, 0.414641434]


@pytest.mark.parametrize("dataset", CASES)
def test_relative_magnitudes_equal_honestdid(dataset: str) -> None:
    """With R's draws behind the critical value and on R's grid, the same grid points to 1e-7 of a step.

    The exact sets lie within one step and a quarter: a step is the grid's resolution, the rest is the noise of a .995
    quantile from 1,000 draws, here between 2.6 and 3.0 where 2.81 is exact. One end is cut off by R's grid, which is
    centred on zero: BCdata at 2, where the effect itself is ten standard errors away.
    """
    problem = case(dataset)
    grid = r_grid(problem)
    step = grid[1] - grid[0]
    for mbar, low, high in printed(dataset, "DeltaRM"):
        found = honest_relative.moments(problem, mbar)
        kept = accepted(found, np.repeat(grid[None], 2 * problem.pre, axis=0), 0.05, r_critical(problem, mbar))
        inside = grid[kept.any(axis=0)]
        same = "HonestDiD, relative magnitudes, its draws and grid (steps of the grid)"
        assert near(same, inside[0] / step, low / step, 1e-6) and near(same, inside[-1] / step, high / step, 1e-6)
        exact = honest_relative.interval(problem, mbar)
        ours = "HonestDiD, relative magnitudes, exact critical value (steps)"
        assert near(ours, exact[0] / step, low / step, 1.25, "its .995 quantile is of 1,000 draws")
        if high < grid[-1]:
            assert near(ours, exact[1] / step, high / step, 1.25, "its .995 quantile is of 1,000 draws")


@pytest.mark.parametrize("dataset", list(CASES)[:-1])
def test_conditional_smoothness_sets_equal_honestdid(dataset: str) -> None:
    """Within one step. They use the last period before the reference alone, hence the distance from the fixed-length
    intervals: that at no bend BCdata's is [.210, .328] against [.131, .216] is what the test defines."""
    problem = case(dataset)
    for bend, low, high in printed(dataset, "(DeltaSD), C-LF"):
        grid = r_grid(problem, bend * np.abs(problem.bend_reach).sum())
        exact = honest_smooth.conditional(problem, bend)
        step = grid[1] - grid[0]
        for ours, theirs in zip(exact, (low, high), strict=True):
            assert near("HonestDiD, smoothness, conditional (steps)", ours / step, theirs / step, 1.0)


@pytest.mark.parametrize("dataset", CASES)
def test_fixed_length_intervals_are_no_longer_than_honestdids(dataset: str) -> None:
    """HonestDiD takes the quantile from a million draws, off by .1 %, and the estimator from a conic solver.

    Given its draws, ours is as long to 1e-7 where variance alone or bias alone decides, and never longer than by the
    roughness of such a quantile (5e-5) in between, where its solver can be .08 % longer (mpdta at .005: its stopping
    rule). So the exact side is ours; with the exact quantile the two agree to two thousandths.
    """
    problem = case(dataset)
    frontier, draws = honest_smooth.frontier(problem), r_normals(1_000_000)
    for bend, low, high in printed(dataset, "FLCI"):
        theirs, best = (high - low) / 2, frontier.best(bend)
        half = best.error * float(np.quantile(np.abs(draws + best.bias / best.error), 0.95))
        assert half <= theirs * (1 + 5e-5)
        if bend == 0 or not best.combination.any():
            assert half == pytest.approx(theirs, rel=1e-7)
        million = "its quantile is of a million draws"
        assert near("HonestDiD, smoothness, fixed length (ratio)", best.half / theirs, 1.0, 2e-3, million)
        assert (best.low + best.high) / 2 == pytest.approx((low + high) / 2, abs=0.05 * theirs)


def medicaid(*dates: int) -> Problem:
    """Effect of 2014 by this project's own design, on data to 2015: adopters of 2014 and those of `dates` or never."""
    panel = samples.ehec()
    adopts = np.where(panel.adoption < 0, 0, panel.periods[panel.adoption])
    path = event_study.estimate(panel.only(np.isin(adopts, [0, 2014, *dates]), "not in the example").until(2015))
    keep = (path.table["event_time"] != -1).to_numpy()
    return Problem(path.estimate[keep], path.covariance[np.ix_(keep, keep)], 5, np.array([1.0, 0.0]))


def test_medicaid_as_printed() -> None:
    """From the rows of the panel: coefficients and covariance as in R, then the printed sets to their four digits."""
    problem, theirs = medicaid(), case(EHEC)
    assert np.abs(problem.beta - theirs.beta).max() < 1e-12
    assert np.abs(problem.covariance - theirs.covariance).max() < 1e-14
    grid = r_grid(problem)
    for mbar, low, high in [(0.5, 0.0208, 0.0634), (1, 0.0125, 0.0714), (1.5, 0.0028, 0.0810), (2, -0.0078, 0.0917)]:
        found = honest_relative.moments(problem, mbar)
        kept = accepted(found, np.repeat(grid[None], 10, axis=0), 0.05, r_critical(problem, mbar))
        inside = grid[kept.any(axis=0)]
        assert (round(inside[0], 4), round(inside[-1], 4)) == (low, high)
        assert np.abs(np.array(honest_relative.interval(problem, mbar)) - [low, high]).max() < 1.25 * (
            grid[1] - grid[0]
        )


def test_medicaid_as_in_the_packages_readme() -> None:
    """Later adopters kept as not treated yet. Printed by an earlier version (other draws): within a step and a half of
    its grid; fixed-length intervals to the .1 % of its simulated quantile and the printed digits."""
    problem = medicaid(2016, 2017, 2019)
    step = 40 * problem.error / 999
    printed_sets = {0.5: (0.0241, 0.0673), 1: (0.0171, 0.0720), 1.5: (0.00859, 0.0796), 2: (-0.00107, 0.0883)}
    for mbar, ends in printed_sets.items():
        assert np.abs(np.array(honest_relative.interval(problem, mbar)) - ends).max() < 1.5 * step
    smooth = {0: (0.0259, 0.0607), 0.01: (0.0132, 0.0787), 0.02: (0.00286, 0.0907), 0.03: (-0.00714, 0.101)}
    for bend, (low, high) in smooth.items():
        exact = honest_smooth.interval(problem, bend)
        assert abs(exact[0] - low) < 1e-4 and abs(exact[1] - high) < 5e-4


# ------------------------------------------------------------------------------------- breakdown, size, speed


def test_breakdown_is_where_zero_enters() -> None:
    problem = case("BCdata_EventStudy")
    mbar, bend = honest_relative.breakdown(problem), honest_smooth.breakdown(problem)
    assert honest_relative.interval(problem, mbar)[0] > 0 > honest_relative.interval(problem, mbar + 0.01)[0]
    assert honest_smooth.interval(problem, bend)[0] > 0 > honest_smooth.interval(problem, bend * 1.001)[0]
    mirrored = replace(problem, beta=-problem.beta)
    assert honest_relative.breakdown(mirrored) == pytest.approx(mbar, abs=0.002)
    assert honest_smooth.breakdown(mirrored) == pytest.approx(bend, rel=1e-6)


def test_breakdown_where_there_is_none() -> None:
    nothing = case("mpdta TWFE event study")  # its interval holds zero
    assert (honest_relative.breakdown(nothing), honest_smooth.breakdown(nothing)) == (0.0, 0.0)
    still = replace(drawn(2, 2), beta=np.array([0.0, 0.0, 9.0, 9.0]), covariance=np.diag([1e-14, 1e-14, 1.0, 1.0]))
    assert honest_relative.breakdown(still) == math.inf and honest.multiple(math.inf) == "more than 100 times"


def test_problems_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit together"):
        Problem(np.zeros(3), np.eye(3), 0, np.ones(3))
    with pytest.raises(ValueError, match="no weight"):
        Problem(np.zeros(3), np.eye(3), 1, np.zeros(2))


@pytest.mark.parametrize(("pre", "after"), [(5, 5), (4, 6), (11, 6), (20, 20)])
def test_four_sets_take_a_fraction_of_a_second(pre: int, after: int) -> None:
    """Two CPU seconds are the promise for ten coefficients; forty need no other method."""
    problem = drawn(pre, after)
    start = time.process_time()
    ends = [honest_relative.interval(problem, mbar) for mbar in (0.5, 1.0, 1.5, 2.0)]
    assert time.process_time() - start < 1.0
    lows, highs = np.array(ends).T
    assert (np.diff(lows) < 0).all() and (np.diff(highs) > 0).all()
    for mbar, (low, high) in zip((0.5, 1.0, 1.5, 2.0), ends, strict=True):
        known = honest_relative.identified(problem, mbar)
        assert low < known[0] and known[1] < high


# ------------------------------------------------------------------------------------- designs, check, chart


@pytest.mark.parametrize("average", ["simple", "event_time", "cohort", "period"])
def test_nothing_allowed_is_the_designs_own_interval(average: str) -> None:
    panel = samples.mpdta()
    effects = group_time.estimate(panel)
    found = honest.examine(panel, effects, effects.by("event_time"), average=average, level=0.9)
    own = effects.along(average).average(0.9)
    assert found.answer == pytest.approx(found.estimate, abs=1e-12)
    assert found.interval("relative", 0.0) == pytest.approx((own.low, own.high), abs=1e-9)
    weights = honest_path.weights_of(effects, average)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12) and len(weights) == 4
    if average in ("simple", "event_time"):
        assert weights @ effects.by("event_time").post().estimate == pytest.approx(own.value, abs=1e-12)
    steady = replace(effects, table=effects.table.assign(estimate=effects.table["event_time"] + 1.0))
    assert steady.along(average).averaged_over().estimate[0] == pytest.approx(weights @ [1, 2, 3, 4], abs=1e-12)


@pytest.mark.parametrize("average", ["simple", "event_time", "cohort", "period"])
@pytest.mark.parametrize("design", [group_time, imputation, sun_abraham], ids=["group_time", "imputation", "sun"])
def test_a_violation_moves_estimates_as_the_sets_assume(design, average: str) -> None:
    """A violation that depends on the time since adoption alone, added to the outcome: earlier effects change by it,
    relative to the reference, and the average by its weights after the reference, whatever baseline the design uses."""
    panel = samples.mpdta()
    event = np.arange(5) - panel.adoption[:, None]
    drift = {-4: 0.7, -3: -0.2, -2: 0.5, -1: 0.3, 0: 1.1, 1: -0.4, 2: 0.9, 3: 2.0}
    moved = np.where((panel.adoption >= 0)[:, None], np.vectorize(lambda e: drift.get(e, 0.0))(event), 0.0)
    options = {"comparison": "never_treated"} if design is group_time else {}
    problems = []
    for data in (panel, panel.with_outcome(panel.outcome + moved)):
        effects = design.estimate(data, **options)
        parts = honest_path.earlier_parts(data, effects, average)
        assert bool(parts) == (design is imputation)
        problems.append(honest_path.answer_of(effects, average, 0.95, parts))
    change = problems[1].beta - problems[0].beta
    assert change[:3] == pytest.approx([0.4, -0.5, 0.2], abs=1e-9)
    after = np.array([drift[e] - drift[-1] for e in range(4)])
    assert change[-1] == pytest.approx(problems[0].weights @ after, abs=1e-9)


def test_sets_of_a_fixed_sum_of_effects() -> None:
    panel = samples.ehec()
    path = group_time.estimate(panel).by("event_time")
    first = honest_path.first_period(path)
    table = honest.sets(path, first, level=0.95, mbars=[0.0, 1.0], bends=[0.0, 0.01])
    assert table["kind"].tolist() == ["relative", "relative", "smooth", "smooth"]
    row = path.intervals(0.95, ENOUGH).set_index("event_time").loc[0]
    assert table.loc[0, ["low", "high"]].tolist() == pytest.approx([row["low"], row["high"]], abs=1e-9)
    found = honest.breakdown(path, first, level=0.95)
    edges = honest.sets(path, first, level=0.95, mbars=[found.mbar, found.mbar + 0.01], bends=[found.bend])
    assert edges["low"][0] > 0 > edges["low"][1] and edges["low"][2] > 0


def test_anticipation_belongs_to_what_may_be_violated() -> None:
    """Reference two periods before adoption: the period between has no weight, but its change may be a violation."""
    panel = samples.ehec()
    effects = group_time.estimate(panel, anticipation=1)
    weights = honest_path.weights_of(effects, "simple")
    assert weights[0] == 0 and weights.sum() == pytest.approx(1.0)
    path = effects.by("event_time")
    assert path.reference == -2
    problem = honest_path.answer_of(effects, "simple", 0.95)
    assert problem.reach[0] == pytest.approx(problem.reach[1]) == pytest.approx(1.0)


def test_earlier_effects_without_a_common_reference_are_refused() -> None:
    panel = samples.mpdta()
    effects = group_time.estimate(panel, base_period="varying")
    path = effects.by("event_time")
    with pytest.raises(Refusal, match=r"E110 STOP base_period .* Fix: set `base_period: universal`"):
        honest.sets(path, honest_path.first_period(path), level=0.95)
    found = honest.examine(panel, effects, path, average="simple", level=0.95)
    assert found.reason == "effects before adoption have no common reference period"


def test_earlier_effects_are_used_as_far_as_they_rest_on_enough_clusters() -> None:
    panel = samples.castle()
    effects = group_time.estimate(panel)
    path = effects.by("event_time")
    found = honest.examine(panel, effects, path, average="simple", level=0.95)
    firm = path.pre().resting_on(ENOUGH).table["event_time"].tolist()
    assert firm[-found.changes :] == list(range(-1 - found.changes, -1))
    assert found.changes + found.left_out == len(path.pre().table) and found.left_out > 0


def test_a_gap_among_the_effects_is_refused() -> None:
    path = group_time.estimate(samples.mpdta()).by("event_time")
    shifted = path.table["event_time"].where(path.table["event_time"] < 1, path.table["event_time"] + 1)
    holey = replace(path, table=path.table.assign(event_time=shifted))
    with pytest.raises(Refusal, match="gaps"):
        honest.sets(holey, np.ones(4) / 4, level=0.95)


def checked(panel, effects, path=None, average: str = "simple"):
    path = effects.by("event_time") if path is None else path
    return parallel_trends.run(panel, effects, path, level=0.95, average=average)


def test_check_cautions_below_one_half() -> None:
    panel = samples.castle()
    found = checked(panel, group_time.estimate(panel))
    assert (found.severity, found.code) == ("warn", "E111") and 0 < found.statistic < 0.5
    said = answer.finding(Unit("log"), found)
    assert "by no more than 0.12 times the largest of the 5 changes seen before (6.7" in said
    assert "parallel trends hold" not in said and "passed" not in said


def test_check_notes_a_firm_answer_with_its_numbers() -> None:
    panel = samples.ehec()
    found = checked(panel, group_time.estimate(panel))
    assert (found.severity, found.code) == ("note", "E110") and found.statistic > 1
    said = answer.finding(Unit("share"), found)
    assert "1.15 times the largest of the 5 changes seen before (0.83 percentage points)" in said
    assert "could also bend by 0.38 percentage points a period" in said


def test_check_says_when_there_is_nothing_to_break() -> None:
    panel = samples.mpdta()
    noise = np.random.default_rng(3).normal(size=panel.outcome.shape)
    found = checked(panel, group_time.estimate(panel.with_outcome(noise)))
    assert found.severity == "note" and found.low < 0 < found.high
    assert "Even if trends were parallel, the interval includes zero" in found.finding


def test_check_with_one_earlier_change_cautions() -> None:
    panel = samples.ehec()
    late = panel.only(panel.periods[panel.adoption] != 2015, "test").until(2015)
    short = replace(late, outcome=late.outcome[:, 4:], periods=late.periods[4:], adoption=late.adoption - 4)
    short = replace(short, adoption=np.where(late.adoption < 0, -1, short.adoption))
    found = checked(short, group_time.estimate(short))
    assert found.severity == "warn" and "the one change seen before" in found.finding


def test_check_names_the_estimate_when_the_path_is_another_designs() -> None:
    panel = samples.ehec()
    late = panel.only(panel.periods[panel.adoption] != 2015, "test").until(2015)
    found = checked(late, two_by_two.estimate(late), event_study.estimate(late))
    assert "The interval around {estimate}, the average relative to the last period before adoption" in found.finding


@pytest.mark.parametrize("kind", ["few", "sample", "none"])
def test_check_says_when_it_cannot_be_made(kind: str) -> None:
    if kind == "sample":
        data, path = samples.injury(), None
        effects = two_by_two.estimate(data, errors="robust")
    else:
        data = samples.organ()
        effects, path = two_by_two.estimate(data), event_study.estimate(data) if kind == "few" else None
    found = parallel_trends.run(data, effects, path, level=0.95, average="simple")
    assert found.severity == "warn" and "cannot be assessed" in found.finding
    if kind == "few":
        assert "1 treated and 26 comparison clusters" in found.finding
        assert "With no allowance for chance" in answer.finding(Unit("share"), found)


def test_figure_shows_sets_numbers_and_words() -> None:
    panel = samples.ehec()
    effects = group_time.estimate(panel)
    found = honest.examine(panel, effects, effects.by("event_time"), average="simple", level=0.95)
    source = catalog.read("ehec_data")
    block = sensitivity.figure(found, study(), source.columns["dins"], source)
    assert block.png[:4] == b"\x89PNG" and block.text.splitlines()[1].startswith("As answered")
    assert "Zero comes inside at 1.15 times." in block.meta["caption"] and "0 times" in block.text
    numbers = {one["id"]: Number.model_validate(one) for one in block.meta["numbers"]}
    assert list(numbers)[:6] == ["honest_original", *(f"honest_rm_{m:g}" for m in MAGNITUDES)]
    low, high = found.interval("relative", 1.5)
    assert (numbers["honest_rm_1.5"].low, numbers["honest_rm_1.5"].high) == (low, high)
    assert "from 5.2 to 8.4 as answered" in block.meta["alt"]
    assert block.meta["csv"].splitlines()[0] == "kind,magnitude,estimate,low,high"
    again = sensitivity.figure(found, study(), source.columns["dins"], source)
    assert again.png == block.png


def test_figure_is_a_sentence_where_nothing_can_be_assessed() -> None:
    source = catalog.read("ehec_data")
    block = sensitivity.figure(honest.Unassessed("no path"), study(), source.columns["dins"], source)
    assert block.kind == "prose" and "no path" in block.text


# --------------------------------------------------------------------------------------------- simulation


@pytest.mark.slow
@pytest.mark.parametrize("mbar", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("jump", [0.1, 1.0], ids=["hidden", "plain"])
def test_sets_cover_when_the_violation_is_exactly_what_is_allowed(mbar: float, jump: float) -> None:
    """No effect; trends part before by `jump` in one period and after by mbar times that in each. 1,000 draws."""
    problem, rng, pre = drawn(4, 3, seed=3), np.random.default_rng(11), 4
    changes = jump * np.array([0.2, -1.0, 0.1, 0.3, *[mbar] * 3])
    walk = np.concatenate([[0.0], np.cumsum(changes)])
    truth = np.delete(walk - walk[pre], pre)
    covered = 0
    for beta in rng.multivariate_normal(truth, problem.covariance, size=1000):
        found = honest_relative.moments(replace(problem, beta=beta), mbar)
        covered += accepted(found, np.zeros((2 * pre, 1)), 0.05, critical_values(found, 0.005)).any()
    assert covered / 1000 >= 0.9365, covered


@pytest.mark.slow
@pytest.mark.parametrize("bend", [0.0, 0.05, 0.5])
def test_fixed_length_intervals_cover_the_worst_bend(bend: float) -> None:
    problem, rng, pre = drawn(4, 3, seed=3), np.random.default_rng(12), 4
    frontier = honest_smooth.frontier(problem)
    row = frontier.base + frontier.best(bend).combination @ frontier.before
    worst = optimize.linprog(
        -row,
        A_ub=np.concatenate([problem.bends, -problem.bends]),
        b_ub=np.full(12, bend),
        A_eq=np.eye(7)[pre - 1 : pre],
        b_eq=[-0.3],
        bounds=(None, None),
    ).x
    covered = 0
    for beta in rng.multivariate_normal(worst, problem.covariance, size=1000):
        low, high = honest_smooth.interval(replace(problem, beta=beta), bend)
        covered += low <= 0 <= high
    assert covered / 1000 >= 0.9365, covered
