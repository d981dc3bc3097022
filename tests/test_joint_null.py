"""Joint inference over specifications: by hand on tiny examples, and its size when there is no effect."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.inference import joint_null
from analysis.panel import Panel
from analysis.sweep import members, reassigned
from analysis.sweep.members import Members


def test_the_curve_by_hand() -> None:
    estimate, clear = np.array([1.0, 2.0, -4.0, 3.0]), np.array([True, False, True, True])
    # Median of 1, 2, -4, 3 is 1.5; three of four are positive; two of four are positive and clear of zero.
    assert joint_null.curve(estimate, clear) == (1.5, 0.75, 0.5)
    assert joint_null.curve(-estimate, clear) == (1.5, 0.75, 0.5)


def test_a_tie_of_signs_counts_the_side_with_more_clear_estimates() -> None:
    assert joint_null.curve(np.array([1.0, -1.0]), np.array([False, True])) == (0.0, 0.5, 0.5)


def test_refused_assignments_are_left_out_of_a_draw() -> None:
    found = joint_null.curve(np.array([1.0, np.nan, -3.0, 5.0]), np.array([True, True, False, False]))
    assert found == (1.0, pytest.approx(2 / 3), pytest.approx(1 / 3))
    assert joint_null.curve(np.array([np.nan]), np.array([False])) == (0.0, 0.5, 0.0)


def test_random_signs_by_hand() -> None:
    """Two blocks that give one each: a draw is -2, 0 or 2 with chances 1/4, 1/2, 1/4."""
    psi = np.array([[1.0], [1.0]])
    joint = joint_null.by_multipliers(
        np.array([2.0]), np.array([np.sqrt(2.0)]), np.array([1.0]), psi, draws=20_000, seed=1
    )
    assert joint.median.p_value == pytest.approx(0.5, abs=0.02) and joint.median.expected == pytest.approx(
        1.0, abs=0.03
    )
    # 2 is more than one error from zero and 0 is not; the observed one is 2 as well.
    assert joint.significant.p_value == pytest.approx(0.5, abs=0.02)
    assert (joint.specifications, joint.draws, joint.blocks, joint.way) == (1, 20_000, 2, "multipliers")
    signs = np.random.default_rng(1).choice([-1.0, 1.0], size=(20_000, 2))
    assert joint.median.p_value == (1 + (np.abs(signs.sum(axis=1)) >= 2).sum()) / 20_001


def test_draws_have_the_errors_that_are_shown() -> None:
    """Contributions are rescaled: an error three times as large as theirs makes the draws three times as wide."""
    psi = np.random.default_rng(2).normal(size=(40, 3))
    spread = np.sqrt((psi**2).sum(axis=0))
    one, three = (
        joint_null.by_multipliers(np.ones(3), factor * spread, np.full(3, 2.0), psi, draws=999, seed=3)
        for factor in (1.0, 3.0)
    )
    assert three.median.expected == pytest.approx(3 * one.median.expected)
    assert three.significant.expected == pytest.approx(one.significant.expected)
    with pytest.raises(ValueError, match="without spread"):
        joint_null.by_multipliers(np.ones(1), np.ones(1), np.ones(1), np.zeros((4, 1)), draws=99, seed=1)


def test_the_order_of_specifications_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    psi, value = rng.normal(size=(30, 5)), rng.normal(size=5)
    error, critical, order = np.sqrt((psi**2).sum(axis=0)), np.full(5, 2.0), [3, 1, 4, 0, 2]
    given = joint_null.by_multipliers(value, error, critical, psi, draws=499, seed=5)
    turned = joint_null.by_multipliers(value[order], error[order], critical, psi[:, order], draws=499, seed=5)
    assert (given.median, given.sign, given.significant) == (turned.median, turned.sign, turned.significant)


@pytest.mark.parametrize("clusters", [30, 60])
def test_size_under_no_effect(clusters: int) -> None:
    """200 data sets without an effect, eight correlated specifications: about one in twenty is called rare.

    The band holds 99.9 % of the counts of a test of exactly five per cent (binomial, 200 draws).
    """
    rng, rejected = np.random.default_rng(20260101), np.zeros(3)
    mix = rng.normal(size=(8, 8)) + 2.0
    for number in range(200):
        x = rng.standard_t(8, size=(clusters, 8)) @ mix.T
        value = x.mean(axis=0)
        psi = (x - value) / clusters
        error = np.sqrt((psi**2).sum(axis=0))
        joint = joint_null.by_multipliers(value, error, np.full(8, 2.0), psi, draws=199, seed=number)
        rejected += [one.p_value <= 0.05 for one in (joint.median, joint.sign, joint.significant)]
    assert (rejected <= 20).all() and rejected[0] >= 2 and rejected[2] >= 1, rejected


def test_an_effect_in_every_specification_is_found() -> None:
    rng = np.random.default_rng(6)
    common = rng.normal(size=(50, 1))
    x = 0.7 + common + 0.5 * rng.normal(size=(50, 6))
    value = x.mean(axis=0)
    psi = (x - value) / 50
    joint = joint_null.by_multipliers(value, np.sqrt((psi**2).sum(axis=0)), np.full(6, 2.0), psi, draws=999, seed=7)
    assert joint.median.p_value < 0.01 and joint.significant.p_value < 0.01
    # All of one sign is no rarity when specifications are this much alike.
    assert joint.sign.p_value > 0.2


def test_reassigned_draws_are_counted_by_hand() -> None:
    null = np.array([[1.0, 1.0], [3.0, 3.0], [np.nan, np.nan], [-3.0, -1.0], [0.5, -0.5]])
    joint = joint_null.by_draws(np.array([2.0, 2.0]), np.array([True, True]), null, np.abs(null) > 2, blocks=12)
    # Medians 1, 3, 2, 0: two of four reach 2. Shares 1, 1, 1, 1/2: three of four reach 1. Clear: 0, 1, 1/2, 0: one.
    assert [one.p_value for one in (joint.median, joint.sign, joint.significant)] == [3 / 5, 4 / 5, 2 / 5]
    assert joint.draws == 4


class TestMembers:
    def of(self, atoms: list[int], cluster: list[int], rows: str = "") -> Members:
        return Members(np.array(atoms, dtype=np.uint64), np.array(cluster), rows)

    def test_units_are_matched_whatever_the_sample(self) -> None:
        """The second specification has lost unit 11 and counts the others in another order."""
        first, second = self.of([10, 11, 12], [0, 1, 2]), self.of([12, 10], [0, 1])
        matrix = members.aligned([np.array([1.0, 2.0, 3.0]), np.array([30.0, 10.0])], [first, second])
        assert matrix is not None
        assert sorted(map(tuple, matrix.tolist())) == [(1.0, 10.0), (2.0, 0.0), (3.0, 30.0)]

    def test_the_coarsest_clusters_make_the_blocks(self) -> None:
        first, second = self.of([1, 2, 3, 4], [0, 1, 2, 3]), self.of([1, 2, 3, 4], [0, 0, 1, 1])
        matrix = members.aligned([np.array([1.0, 2.0, 3.0, 4.0]), np.array([5.0, 6.0])], [first, second])
        assert matrix is not None and sorted(map(tuple, matrix.tolist())) == [(3.0, 5.0), (7.0, 6.0)]

    def test_rows_without_a_name_are_matched_only_when_the_same_ones_are_used(self) -> None:
        first, second = self.of([0, 1], [0, 1], "2 rows ()"), self.of([0, 1], [0, 1], "2 rows (x is missing: 1)")
        values = [np.ones(2), np.ones(2)]
        assert members.aligned(values, [first, second]) is None
        assert members.aligned(values, [first, first]) is not None

    def test_labels_hash_by_their_text(self) -> None:
        assert members.hashed(np.array([1, 2])).tolist() == members.hashed(np.array(["1", "2"], dtype=object)).tolist()


class TestReassignment:
    def test_every_specification_sees_the_same_reassignment(self) -> None:
        """A specification without the last unit hands treatment on among the others in the same order."""
        atom = members.hashed(np.arange(9))
        keys = reassigned.scrambled(atom, 7, 3)
        assert (np.argsort(keys[:8]) == [k for k in np.argsort(keys) if k != 8]).all()
        assert (reassigned.scrambled(atom, 7, 4) != keys).all() and (reassigned.scrambled(atom, 8, 3) != keys).all()

    def test_each_assignment_is_used_once_and_all_are_equally_likely(self) -> None:
        atom, cluster = members.hashed(np.arange(4)), np.arange(4)
        found = np.array([reassigned._sources(atom, cluster, np.zeros((4, 1)), 1, draw) for draw in range(2_000)])
        assert (np.sort(found, axis=1) == np.arange(4)).all()
        shares = np.array([(found[:, unit] == source).mean() for unit in range(4) for source in range(4)])
        assert np.abs(shares - 0.25).max() < 0.05

    def test_clusters_change_places_as_a_whole(self) -> None:
        cluster, treated = np.array([0, 0, 1, 1, 2]), np.array([[1.0], [1.0], [0.0], [0.0], [0.0]])
        source = reassigned._sources(members.hashed(np.arange(5)), cluster, treated, 5, 1)
        assert all(len(set(treated[source][cluster == one, 0])) == 1 for one in range(3))

    def test_units_of_one_cluster_treated_differently_are_refused(self) -> None:
        with pytest.raises(Exception, match="clusters cannot change places"):
            reassigned._sources(members.hashed(np.arange(2)), np.zeros(2, int), np.array([[1.0], [0.0]]), 1, 1)

    def test_a_panel_keeps_its_outcomes(self, small_panel: Panel) -> None:
        found = reassigned.reassign(None, small_panel, 3, 0)  # type: ignore[arg-type]
        assert isinstance(found, Panel)
        assert (found.outcome == small_panel.outcome).all()
        assert sorted(found.adoption) == sorted(small_panel.adoption)


@pytest.fixture
def small_panel() -> Panel:
    from analysis.panel import Labels

    adoption = np.array([2, 2, -1, -1, -1, 3])
    return Panel(
        outcome=np.random.default_rng(1).normal(size=(6, 5)),
        units=np.arange(6),
        periods=np.arange(2000, 2005),
        adoption=adoption,
        weight=np.ones(6),
        cluster=np.arange(6),
        labels=Labels(outcome="y", time="t", unit="u"),
        upcoming=np.zeros(6, dtype=int),
    )
