"""Array-level numerics of trials: hand arithmetic, other packages, and recovery of known truths."""

from __future__ import annotations

import numpy as np
import pytest
from deviations import near

from analysis.inference import attrition_bounds, multiplicity, randomisation, sample_ratio, sequential, trial_power
from analysis.inference.trial_regression import Problem, contrast


def problem(outcome: np.ndarray, assigned: np.ndarray, **changes: object) -> Problem:
    n = len(outcome)
    values = {
        "outcome": outcome,
        "assigned": assigned.astype(float),
        "strata": np.zeros(n),
        "covariates": np.empty((n, 0)),
        "weight": np.ones(n),
        "cluster": np.arange(n),
    }
    return Problem(**(values | changes))


def test_sample_ratio_goldens() -> None:
    group = "published: sample ratio"
    assert near(group, sample_ratio.chi_square([44_000, 45_000], [0.5, 0.5])[1], 0.0008, 5e-5, "one printed digit")
    statistic, p_value = sample_ratio.chi_square([600, 400], [0.5, 0.5])
    assert statistic == pytest.approx(40.0) and near(group, p_value, 2.54e-10, 5e-13)
    assert sample_ratio.chi_square([50, 30, 20], [0.5, 0.3, 0.2])[1] == pytest.approx(1.0)


def test_holm_by_hand_and_by_statsmodels() -> None:
    p_values = np.array([0.01, 0.04, 0.03, 0.005, 0.8])
    np.testing.assert_allclose(multiplicity.holm(p_values), [0.04, 0.09, 0.09, 0.025, 0.8])
    from statsmodels.stats.multitest import multipletests

    draws = np.random.default_rng(0).uniform(size=40) ** 3
    np.testing.assert_allclose(multiplicity.holm(draws), multipletests(draws, method="holm")[1])


def test_westfall_young_by_hand() -> None:
    """Observed 3 and 2; of four rows (the observed one first) the larger reaches 3 twice, the second alone 2 twice."""
    statistics = np.array([[3.0, 2.0], [1.0, 2.5], [3.5, 0.1], [0.2, 0.3]])
    np.testing.assert_allclose(multiplicity.westfall_young(statistics), [0.5, 0.5])
    alike = np.repeat(np.abs(np.random.default_rng(2).normal(size=(1000, 1))), 5, axis=1)
    plain = (alike[:, 0] >= alike[0, 0]).mean()
    np.testing.assert_allclose(multiplicity.westfall_young(alike), np.full(5, plain))


def test_westfall_young_keeps_its_level_over_a_family() -> None:
    draw = np.random.default_rng(4)
    false = 0
    for _ in range(400):
        statistics = np.abs(draw.normal(size=(200, 6)) + 1.5 * draw.normal(size=(200, 1)))
        false += bool((multiplicity.westfall_young(statistics) <= 0.05).any())
    assert 0.025 <= false / 400 <= 0.08


def test_lee_bounds_by_hand() -> None:
    """Ten treated, all seen, values 1 to 10; ten controls of whom five are seen, mean 4: half of the treated go."""
    outcome = np.concatenate([np.arange(1.0, 11.0), [2.0, 3.0, 4.0, 5.0, 6.0], np.full(5, np.nan)])
    assigned = np.repeat([True, False], 10)
    found = attrition_bounds.lee(outcome, assigned)
    assert found.trimmed == pytest.approx(0.5)
    assert (found.lower, found.upper) == (pytest.approx(3.0 - 4.0), pytest.approx(8.0 - 4.0))
    assert found.low < found.lower and found.high > found.upper
    mirrored = attrition_bounds.lee(-outcome, ~assigned)
    assert (mirrored.lower, mirrored.upper) == (pytest.approx(-1.0), pytest.approx(4.0))


def test_lee_errors_are_those_of_the_proposition() -> None:
    """Lee (2009), proposition 3, term by term."""
    draw = np.random.default_rng(7)
    n = 4000
    assigned = np.arange(n) % 2 == 0
    seen = draw.uniform(size=n) < np.where(assigned, 0.9, 0.7)
    outcome = np.where(seen, draw.normal(size=n) + assigned, np.nan)
    found = attrition_bounds.lee(outcome, assigned)
    own = np.sort(outcome[assigned & seen])
    share = found.trimmed
    edge = np.quantile(own, share)
    top = own[own >= edge]
    one, zero = seen[assigned].mean(), seen[~assigned].mean()
    trimmed = (top.var() + (top.mean() - edge) ** 2 * share) / (len(own) * (1 - share))
    ratio = (1 - share) ** 2 * ((1 - one) / (one * assigned.sum()) + (1 - zero) / (zero * (~assigned).sum()))
    rest = outcome[~assigned & seen].var() / (~assigned & seen).sum()
    by_hand = np.sqrt(trimmed + ((top.mean() - edge) / (1 - share)) ** 2 * ratio + rest)
    assert found.upper_error == pytest.approx(by_hand, rel=0.01)


def test_lee_interval_covers() -> None:
    """Response rises with the assignment; always-seen people have an effect of one. 400 draws of 1,000 people."""
    draw = np.random.default_rng(8)
    hits = 0
    for _ in range(400):
        n = 1000
        assigned = draw.permutation(np.arange(n) % 2).astype(bool)
        ability = draw.normal(size=n)
        seen = ability + draw.normal(size=n) + 0.4 * assigned > -1.2
        found = attrition_bounds.lee(np.where(seen, ability + assigned, np.nan), assigned)
        hits += found.low <= 1.0 <= found.high
    assert hits / 400 >= 0.93


def test_the_sequence_holds_under_twenty_looks() -> None:
    """Type-I error of 2,000 null trials read twenty times: single intervals far above, the sequence at most 5 %."""
    draw = np.random.default_rng(9)
    n, looks = 2000, 20
    size = np.arange(1, looks + 1) * n // looks
    y = draw.normal(size=(2000, n))
    sign = np.tile([1.0, -1.0], n // 2)
    total = np.cumsum(y * sign, axis=1)[:, size - 1]
    ratio = np.abs(total / np.sqrt(size))
    once = (ratio > 1.96).any(axis=1).mean()
    always = (ratio > sequential.factor(size, n, 0.95)).any(axis=1).mean()
    assert once > 0.2 and always <= 0.05


def test_the_sequence_is_narrowest_near_the_planned_size() -> None:
    n = np.arange(50, 5000)
    width = sequential.factor(n, 1000, 0.95) / np.sqrt(n)
    others = [sequential.factor(1000, planned, 0.95) for planned in (100, 400, 2500, 10_000)]
    assert (np.diff(width) < 0).all() and min(others) > float(sequential.factor(1000, 1000, 0.95)) * (1 - 1e-3)
    assert sequential.p_value(float(sequential.factor(500, 1000, 0.95)), 500, 1000) == pytest.approx(0.05, rel=1e-6)
    assert sequential.p_value(0.0, 500, 1000) == 1.0


def test_readings_split_no_day() -> None:
    days = np.repeat(np.arange(50), 13)
    ends = sequential.ends(days, 20)
    assert len(ends) <= 20 and ends[-1] == 49 and set(ends) <= set(days)
    assert sequential.ends(np.array([3, 1, 2, 2]), 20).tolist() == [1, 2, 3]


@pytest.mark.parametrize(("size", "icc"), [(1, 0.0), (10, 0.2)])
def test_power_matches_simulation(size: int, icc: float) -> None:
    """Rows, or clusters of ten with intraclass correlation .2; 4,000 trials at the detectable effect."""
    clusters = 60
    n = clusters * size
    error = trial_power.std_error(n / 2, n / 2, 1.0, icc=icc, size=size)
    effect = trial_power.detectable(error, clusters - 2)
    assert trial_power.power(effect, error, clusters - 2) == pytest.approx(0.8, abs=1e-9)
    draw = np.random.default_rng(10)
    arm = np.arange(clusters) % 2
    spread = np.sqrt(icc + (1 - icc) / size)
    means = effect * arm + spread * draw.normal(size=(4000, clusters))
    gap = means[:, arm == 1].mean(axis=1) - means[:, arm == 0].mean(axis=1)
    variance = sum(means[:, arm == k].var(axis=1, ddof=1) / (clusters / 2) for k in (0, 1))
    from scipy import stats

    found = (np.abs(gap) / np.sqrt(variance) > stats.t.ppf(0.975, clusters - 2)).mean()
    assert found == pytest.approx(0.8, rel=0.05)
    assert trial_power.units_needed(effect / 2, error, clusters - 2, clusters) == 4 * clusters


def test_power_is_statsmodels() -> None:
    from statsmodels.stats.power import TTestIndPower

    theirs = TTestIndPower().power(0.4, 100, 0.05)
    ours = trial_power.power(0.4, trial_power.std_error(100, 100, 1.0), 198)
    assert near("statsmodels: power", ours, theirs, 1e-9)


def test_permutation_holds_its_level_where_spreads_differ() -> None:
    """Unequal arms with unequal spreads and no average effect: the studentised test rejects about 5 % of the time."""
    draw = np.random.default_rng(12)
    assigned = np.arange(60) < 15
    rejected = 0
    for _ in range(300):
        outcome = draw.normal(size=60) * np.where(assigned, 3.0, 1.0)
        drawn = randomisation.draws(problem(outcome, assigned), False, 199, int(draw.integers(1e9)))
        rejected += drawn.p_value() <= 0.05
    assert 0.02 <= rejected / 300 <= 0.1


def test_permutation_p_values_do_not_hang_on_the_seed() -> None:
    draw = np.random.default_rng(13)
    one = problem(draw.normal(size=80) + 0.5 * (np.arange(80) % 2), np.arange(80) % 2)
    p_values = [randomisation.draws(one, False, 999, seed).p_value() for seed in range(12)]
    expected = np.sqrt(np.mean(p_values) * (1 - np.mean(p_values)) / 999)
    assert np.std(p_values) < 2 * expected


def test_permutation_interval_is_the_inverted_test() -> None:
    draw = np.random.default_rng(14)
    assigned = np.arange(40) % 2 == 0
    outcome = draw.normal(size=40) + 1.0 * assigned
    drawn = randomisation.draws(problem(outcome, assigned), False, 499, 1)
    low, high = drawn.interval(0.95)
    for end, inward in ((low, 1e-6), (high, -1e-6)):
        moved = problem(outcome - end * assigned, assigned)
        again = randomisation.draws(moved, False, 499, 1)
        assert again.p_value() == pytest.approx(0.05, abs=0.011)
        assert drawn.p_value(end + inward) > 0.05 >= drawn.p_value(end - inward)


def test_contributions_make_up_the_variance() -> None:
    draw = np.random.default_rng(15)
    cluster = np.arange(120) // 6
    assigned = cluster % 2 == 0
    made = problem(draw.normal(size=120), assigned, cluster=cluster, covariates=draw.normal(size=(120, 2)))
    for errors in ("classical", "robust", "clustered"):
        found = contrast(made, errors)
        sums = np.bincount(cluster, found.psi) if errors == "clustered" else found.psi
        assert sums @ sums == pytest.approx(found.variance, rel=1e-9)


def test_weights_count_rows_as_often() -> None:
    """A row of weight two, and the same row twice: the same estimate."""
    draw = np.random.default_rng(16)
    outcome, assigned = draw.normal(size=30), np.arange(30) % 2 == 0
    weight = np.where(np.arange(30) < 10, 2.0, 1.0)
    doubled = np.concatenate([np.arange(30), np.arange(10)])
    one = contrast(problem(outcome, assigned, weight=weight), "robust")
    two = contrast(problem(outcome[doubled], assigned[doubled]), "robust")
    assert one.value == pytest.approx(two.value)
