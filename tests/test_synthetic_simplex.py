"""Weights on the simplex: exact optima by hand and by enumeration, their conditions, and the reference iterations."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from analysis.inference import frank_wolfe
from analysis.inference.simplex import nearest


def value(weights: np.ndarray, columns: np.ndarray, target: np.ndarray, ridge: float = 0.0) -> float:
    return float(((columns @ weights - target) ** 2).sum() + ridge * weights @ weights)


def draw(seed: int, m: int, n: int, inside: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(m, n)) + 3
    target = columns @ rng.dirichlet(np.ones(n)) if inside else rng.normal(size=m) + 3
    return columns, target


def test_between_two_columns_by_hand() -> None:
    found = nearest(np.array([[0.0, 1.0]]), np.array([0.25]))
    np.testing.assert_allclose(found.weights, [0.75, 0.25], atol=1e-9)


def test_outside_the_columns_the_nearest_one_has_all_weight() -> None:
    found = nearest(np.array([[0.0, 1.0, 3.0]]), np.array([7.0]))
    np.testing.assert_array_equal(found.weights, [0, 0, 1])


def test_columns_that_are_the_same_share_the_weight() -> None:
    found = nearest(np.array([[0.0, 0.0, 1.0]]), np.array([0.5]))
    np.testing.assert_allclose(found.weights, [0.25, 0.25, 0.5], atol=1e-6)


def test_a_target_equal_to_every_column_is_shared_evenly() -> None:
    np.testing.assert_allclose(nearest(np.ones((3, 4)), np.ones(3)).weights, 0.25)


def enumerated(columns: np.ndarray, target: np.ndarray, ridge: float) -> float:
    """The least value over every support, each solved as an equality-constrained least-squares problem."""
    n, best = columns.shape[1], np.inf
    gram = columns.T @ columns + ridge * np.eye(n)
    for size in range(1, n + 1):
        for support in combinations(range(n), size):
            at = list(support)
            system = np.block([[gram[np.ix_(at, at)], np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
            solved = np.linalg.lstsq(system, np.append(columns[:, at].T @ target, 1.0), rcond=None)[0][:size]
            if (solved >= -1e-12).all():
                weights = np.zeros(n)
                weights[at] = solved
                best = min(best, value(weights, columns, target, ridge))
    return best


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_equals_the_best_of_all_supports(seed: int, ridge: float) -> None:
    columns, target = draw(seed, 4, 7)
    found = nearest(columns, target, ridge)
    assert value(found.weights, columns, target, ridge) == pytest.approx(enumerated(columns, target, ridge), rel=1e-8)


@pytest.mark.parametrize(("m", "n"), [(5, 40), (20, 38), (40, 20), (4, 309)])
@pytest.mark.parametrize("ridge", [0.0, 1.0])
@pytest.mark.parametrize("inside", [False, True])
def test_conditions_of_an_optimum_hold(m: int, n: int, ridge: float, inside: bool) -> None:
    for seed in range(3):
        columns, target = draw(seed, m, n, inside)
        found = nearest(columns, target, ridge)
        assert found.weights.min() >= 0 and found.weights.sum() == pytest.approx(1, abs=1e-12)
        slope = columns.T @ (columns @ found.weights - target) + ridge * found.weights
        size = ((columns - target[:, None]) ** 2).mean() * m
        assert slope @ found.weights - slope.min() <= 1e-10 * size
        assert found.residual <= 1e-12


def test_the_search_may_start_anywhere() -> None:
    columns, target = draw(3, 12, 30)
    cold = nearest(columns, target).weights
    for seed in range(5):
        start = np.random.default_rng(seed).dirichlet(np.ones(30))
        np.testing.assert_allclose(nearest(columns, target, start=start).weights, cold, atol=1e-10)


def test_scale_and_shift_do_not_move_weights() -> None:
    columns, target = draw(5, 12, 30)
    plain = nearest(columns, target).weights
    np.testing.assert_allclose(nearest(1e6 * columns - 7, 1e6 * target - 7).weights, plain, atol=1e-8)


def test_reference_iterations_stop_short_of_the_optimum() -> None:
    columns, target = draw(1, 20, 30)
    exact, theirs = nearest(columns, target), frank_wolfe.weights(columns, target, 1e-6, 0.1)
    assert theirs.min() >= 0 and theirs.sum() == pytest.approx(1)
    assert value(exact.weights, columns, target) < value(theirs, columns, target)
    np.testing.assert_allclose(theirs, exact.weights, atol=0.05)


@pytest.mark.parametrize("kind", ["ties", "copies", "tiny", "huge"])
def test_degenerate_columns_end_at_an_optimum(kind: str) -> None:
    """Whole numbers with many ties, repeated columns, and any unit of measurement, from any start."""
    for seed in range(60):
        rng = np.random.default_rng(seed)
        m, n = rng.integers(1, 9), rng.integers(3, 25)
        columns = rng.integers(-2, 3, size=(m, n)).astype(float)
        target = rng.integers(-3, 4, size=m).astype(float)
        if kind == "copies":
            columns[:, 1:3] = columns[:, :1]
        scale = {"tiny": 1e-8, "huge": 1e8}.get(kind, 1.0)
        start = None if seed % 2 else rng.dirichlet(np.ones(n))
        found = nearest(scale * columns, scale * target, start=start)
        assert found.weights.min() >= 0 and found.weights.sum() == pytest.approx(1, abs=1e-9)
        assert found.residual <= 1e-10
