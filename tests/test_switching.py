"""Treatments that switch on and off: by hand, against did_multiplegt_dyn, and what must not matter."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import samples
from deviations import near

from analysis.designs import group_time, switching
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal

REFERENCE = Path(__file__).parent / "reference" / "dyn_switching.csv"
TOLERANCE = 1e-8  # averages of differences on both sides: what is seen is rounding, below 1e-14


def panel_of(treatment: np.ndarray, outcome: np.ndarray, *, weight=None, cluster=None) -> Panel:
    units, periods = outcome.shape
    changed = treatment != treatment[:, :1]
    return Panel(
        outcome=np.array(outcome, dtype=float),
        units=np.arange(units),
        periods=np.arange(1, periods + 1),
        adoption=np.where(changed.any(axis=1), changed.argmax(axis=1), NEVER),
        weight=np.ones(units) if weight is None else np.asarray(weight) / np.mean(weight),
        cluster=np.arange(units) if cluster is None else np.asarray(cluster),
        labels=Labels("y", "t", "i", "", "" if weight is None else "w", "" if cluster is None else "c", "d"),
        upcoming=np.zeros(units, dtype=int),
        treatment=np.array(treatment, dtype=float),
    )


TREATMENT = np.array([[0, 1, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 1], [1, 1, 1]])
OUTCOME = np.array([[1, 4, 6], [2, 3, 4], [0, 1, 3], [5, 5, 6], [3, 1, 0], [2, 3, 5], [1, 1, 2]])


def tiny(**roles) -> Panel:
    """Two units switch on (the second off again), two stay off; one switches off, two stay on."""
    return panel_of(TREATMENT, OUTCOME, **roles)


def uniform(count: int, seed: int) -> np.ndarray:
    """Numbers in [0, 1) from a linear congruential generator: the same in every version of every library."""
    state, out = seed, []
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        out.append(state / 2**31)
    return np.array(out)


def made_up(seed: int, units: int, levels: int, *, cross: bool = False, periods: int = 7) -> tuple:
    """Treatment and outcome: three fifths of the units leave their first level at some date, then move about, on one
    side of it unless `cross`; the outcome moves with this and last period's treatment."""
    draws = uniform(units * (4 + 3 * periods), seed).reshape(units, -1)
    treatment = np.zeros((units, periods))
    for i, row in enumerate(draws):
        first = int(levels * row[0])
        treatment[i] = first
        if row[1] < 0.6:
            others = [v for v in range(levels) if v != first]
            start = 1 + int((periods - 1) * row[2])
            treatment[i, start:] = others[int(len(others) * row[3])]
            side = [v for v in range(levels) if cross or (v - first) * (treatment[i, start] - first) >= 0]
            for t in range(start + 1, periods):
                stays = row[4 + t] < 0.7
                treatment[i, t] = treatment[i, t - 1] if stays else side[int(len(side) * row[4 + periods + t])]
    shocks = draws[:, -periods:] - 0.5
    before = np.hstack([np.zeros((units, 1)), treatment[:, :-1]])
    outcome = 3 * draws[:, :1] + np.cumsum(shocks, axis=1) + shocks[:, ::-1] + treatment + 0.4 * before
    return treatment, outcome + 0.3 * np.arange(periods)


def case(name: str) -> Panel:
    """The made-up panels of the reference values."""
    if name == "levels":
        return panel_of(*made_up(3, 120, 3))
    if name == "crossing":
        return panel_of(*made_up(4, 160, 4, cross=True))
    treatment, outcome = made_up(1, 90, 2)
    if name == "weighted":
        return panel_of(treatment, outcome, weight=0.5 + uniform(90, 8))
    return panel_of(treatment, outcome, cluster=np.arange(90) // 3 if name == "clustered" else None)


CASES = ["on and off", "levels", "crossing", "weighted", "clustered"]


def test_effects_by_hand() -> None:
    """One period on: those switching on change by 3 and 1, those staying off by 1 and 0 (.5); the one switching off by
    -2, those staying on by 1 and 0. (2.5 + .5 + 2.5) / 3. Two on: (5 - 2) + (2 - 2) - (-3 - 2) = 8, over 3."""
    table = switching.estimate(tiny()).table.set_index("event_time")
    assert list(table.index) == [-1, 0, 1]
    np.testing.assert_allclose(table["estimate"], [0, 5.5 / 3, 8 / 3], atol=1e-14)
    np.testing.assert_array_equal(table["weight"], [0, 0.5, 0.5])
    np.testing.assert_array_equal(table["treated_clusters"], 3)
    np.testing.assert_array_equal(table["comparison_clusters"], 2)


def test_effect_per_unit_of_treatment_by_hand() -> None:
    """The effects sum to 5.5 + 8; treatment changed by one for three units, a period later still for two of them."""
    per_unit = switching.estimate(tiny()).related["per_unit_of_treatment"]
    assert per_unit.average(0.95).value == pytest.approx(13.5 / 5, abs=1e-14)
    assert per_unit.kind == "single"


def test_error_by_hand() -> None:
    """Contributions, times 3. Switching on: departures 1, -1 from their mean, times sqrt(2). Staying off: -+.5 sqrt(2).
    The only one switching off: -2 less the mean -1/3 of it and those staying on, times sqrt(3/2). These count half:
    .5 x .5 sqrt(2) each. Squares: 4 + 1 + 25/9 x 3/2 + 1/4."""
    table = switching.estimate(tiny()).table.set_index("event_time")
    assert table.loc[0, "std_error"] == pytest.approx(np.sqrt((4 + 1 + 25 / 6 + 0.25) / 9), abs=1e-14)


def test_weights_by_hand() -> None:
    """Weight 3 on the first unit: N = 5, and its 2.5 counts three times: (7.5 + .5 + 2.5) / 5."""
    table = switching.estimate(tiny(weight=[3, 1, 1, 1, 1, 1, 1])).table.set_index("event_time")
    assert table.loc[0, "estimate"] == pytest.approx(10.5 / 5, abs=1e-14)


def test_placebo_by_hand() -> None:
    """Switch in the third period; the change from the second period back to the first is 1, 2, against 4, 2."""
    treatment = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0], [0, 0, 0]])
    outcome = np.array([[2, 1, 9], [5, 3, 7], [4, 0, 1], [3, 1, 1]])
    table = switching.estimate(panel_of(treatment, outcome)).table.set_index("event_time")
    assert list(table.index) == [-2, -1, 0]
    assert table.loc[-2, "estimate"] == pytest.approx(1.5 - 3.0, abs=1e-14)
    assert table.loc[0, "estimate"] == pytest.approx(6.0 - 0.5, abs=1e-14)


def test_anticipation_moves_the_base() -> None:
    """One date, reaction declared one period early: every change is taken from two periods before the switch."""
    treatment = np.array([[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]])
    outcome = np.array([[0, 2, 1, 9], [0, 5, 3, 7], [0, 4, 0, 1], [0, 3, 1, 1]])
    effects = switching.estimate(panel_of(treatment, outcome), anticipation=1)
    table = effects.table.set_index("event_time")
    assert effects.reference == -2 and list(table.index) == [-3, -2, -1, 0]
    assert table.loc[0, "estimate"] == pytest.approx((7 + 2) / 2 - (-3 - 2) / 2, abs=1e-14)
    assert table.loc[-1, "estimate"] == pytest.approx((-1 - 2) / 2 - (-4 - 2) / 2, abs=1e-14)
    assert table.loc[-3, "estimate"] == pytest.approx((-2 - 5) / 2 - (-4 - 3) / 2, abs=1e-14)
    assert list(table["weight"]) == [0, 0, 0, 1]


def rows(dataset: str) -> list[dict[str, str]]:
    with REFERENCE.open(encoding="utf-8") as handle:
        return [row for row in csv.DictReader(handle) if row["dataset"] == dataset]


@pytest.mark.parametrize("name", CASES)
def test_estimates_and_errors_equal_did_multiplegt_dyn(name: str) -> None:
    effects = switching.estimate(case(name), window=4)
    table = effects.table.set_index("event_time")
    wanted = rows(name)
    assert len(wanted) >= 6
    for row in wanted:
        kind, number = row["term"].split("_")
        if kind == "Average":
            one = effects.related["per_unit_of_treatment"].average(0.95)
            value, error = one.value, one.std_error
        else:
            place = int(number) - 1 if kind == "Effect" else -1 - int(number)
            value, error = table.loc[place, ["estimate", "std_error"]]
        assert near("did_multiplegt_dyn: switching, estimates", value, row["estimate"], TOLERANCE), row
        assert near("did_multiplegt_dyn: switching, errors", error, row["se"], TOLERANCE), row


@pytest.mark.parametrize(
    ("data", "never", "anticipation"),
    [
        (samples.mpdta, True, 0),
        (samples.mpdta, True, 1),
        (samples.mpdta, False, 0),
        (samples.castle, True, 0),
        (samples.castle, True, 1),
        (samples.castle, False, 0),
        (samples.castle, False, 1),
    ],
)
def test_adoption_for_good_gives_group_time_effects(data, never: bool, anticipation: int) -> None:
    panel = data()
    if not never:
        panel = panel.only(panel.adoption != NEVER, "test")
    ours = switching.estimate(panel, anticipation=anticipation).table
    theirs = group_time.estimate(panel, anticipation=anticipation).by("event_time").table.set_index("event_time")
    post = ours[ours["event_time"] >= -1 - anticipation].set_index("event_time")
    np.testing.assert_allclose(post["estimate"], theirs.loc[post.index, "estimate"], atol=1e-12)
    assert set(post.index) == {e for e in theirs.index if e >= -1 - anticipation}
    switched = replace(panel, treatment=panel.treated.astype(float))
    np.testing.assert_array_equal(switching.estimate(switched, anticipation=anticipation).table, ours)


@pytest.mark.parametrize("name", CASES)
def test_contributions_square_to_the_covariance(name: str) -> None:
    effects = switching.estimate(case(name))
    pieces = [effects, effects.averaged_over(), effects.pre(), effects.related["per_unit_of_treatment"]]
    for piece in pieces:
        psi = piece.influence()
        assert psi.shape == (effects.clusters, len(piece.joint))
        np.testing.assert_allclose(psi.T @ psi, piece.joint, atol=1e-13)
        np.testing.assert_allclose(np.sqrt(np.diag(piece.covariance)), piece.table["std_error"], atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_what_must_not_matter(name: str) -> None:
    panel = case(name)
    first = switching.estimate(panel)
    units = 100 * uniform(len(panel.units), 5)[:, None]
    periods = 100 * uniform(len(panel.periods), 6)
    moved = switching.estimate(panel.with_outcome(-2 * (panel.outcome + units + periods)))
    np.testing.assert_allclose(moved.estimate, -2 * first.estimate, atol=1e-11)
    np.testing.assert_allclose(moved.joint, 4 * first.joint, atol=1e-11)
    order = np.argsort(uniform(len(panel.units), 7))
    mixed = replace(
        panel,
        outcome=panel.outcome[order],
        units=panel.units[order],
        adoption=panel.adoption[order],
        weight=panel.weight[order],
        cluster=panel.cluster[order],
        upcoming=panel.upcoming[order],
        treatment=panel.treatment[order],
    )
    again = switching.estimate(mixed)
    np.testing.assert_allclose(again.estimate, first.estimate, atol=1e-13)
    np.testing.assert_allclose(again.joint, first.joint, atol=1e-13)


@pytest.mark.parametrize("name", CASES)
def test_refits_to_the_same_and_changes_nothing(name: str) -> None:
    panel = case(name)
    outcome, treatment = panel.outcome.copy(), panel.treatment.copy()
    first = switching.estimate(panel, window=2)
    np.testing.assert_array_equal(first.refit(panel).table, first.table)
    per_unit = first.related["per_unit_of_treatment"]
    np.testing.assert_array_equal(per_unit.refit(panel).table, per_unit.table)
    np.testing.assert_array_equal(panel.outcome, outcome)
    np.testing.assert_array_equal(panel.treatment, treatment)


def test_the_direction_of_the_first_change_gives_the_sign() -> None:
    """Treatment reversed (1 - d): every change points the other way."""
    treatment, outcome = made_up(1, 90, 2)
    first, turned = (switching.estimate(panel_of(d, outcome)) for d in (treatment, 1 - treatment))
    np.testing.assert_allclose(turned.estimate, -first.estimate, atol=1e-13)
    assert "opposite sign" in first.estimand


def test_the_scale_of_treatment_matters_only_per_unit() -> None:
    treatment, outcome = made_up(3, 120, 3)
    first, tenfold = (switching.estimate(panel_of(d, outcome)) for d in (treatment, 10 * treatment + 7))
    np.testing.assert_array_equal(tenfold.estimate, first.estimate)
    for name in ("estimate", "std_error"):
        ours, theirs = (float(e.related["per_unit_of_treatment"].table[name].iloc[0]) for e in (tenfold, first))
        assert ours == pytest.approx(theirs / 10, rel=1e-12)


def test_a_unit_is_left_out_once_treatment_has_been_on_both_sides() -> None:
    """1 -> 2 -> 0: in from the first change to the period before 0; what happens to it afterwards plays no part."""
    treatment = np.array([[1, 2, 2, 0, 0], [1, 2, 2, 2, 2], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]])
    outcome = uniform(20, 2).reshape(4, 5)
    later = outcome.copy()
    later[0, 3:] += 50
    first, second = (switching.estimate(panel_of(treatment, y)) for y in (outcome, later))
    np.testing.assert_array_equal(first.table, second.table)
    np.testing.assert_array_equal(first.table["treated_clusters"], [2, 2, 2, 1, 1])
    assert "1 units leave" in first.method


def test_known_effects_of_a_path_are_recovered() -> None:
    """Without noise: 2 for each period ever treated so far, 3 more while treated, on top of unit and period effects."""
    treatment = made_up(1, 90, 2)[0]
    treatment = treatment[treatment[:, 0] == 0]
    so_far = np.cumsum(treatment, axis=1)
    effect = 2 * so_far + 3 * treatment
    outcome = effect + 9 * uniform(len(treatment), 3)[:, None] + uniform(7, 4)
    panel = panel_of(treatment, outcome)
    table = switching.estimate(panel).table.set_index("event_time")
    switch = panel.adoption
    for e in range(6):
        seen = np.flatnonzero((switch != NEVER) & (switch + e < 7))
        assert table.loc[e, "estimate"] == pytest.approx(effect[seen, switch[seen] + e].mean(), abs=1e-12)
    assert np.abs(table.loc[:-1, "estimate"]).max() < 1e-12
    per_unit = switching.estimate(panel).related["per_unit_of_treatment"].average(0.95).value
    assert per_unit == pytest.approx(effect.sum() / treatment.sum(), abs=1e-12)


def test_window_limits_effects_and_placebos() -> None:
    panel = case("on and off")
    every, two = switching.estimate(panel), switching.estimate(panel, window=2)
    assert list(two.table["event_time"]) == [-3, -2, -1, 0, 1]
    kept = every.table[every.table["event_time"].between(-3, 1)]
    np.testing.assert_array_equal(two.table["estimate"], kept["estimate"])
    assert list(every.table["event_time"]) == sorted(every.table["event_time"])


def test_false_dates_use_only_what_was_observed_before() -> None:
    panel = case("on and off")
    false = panel.before_adoption().adopt_earlier(2)
    effects = switching.estimate(false)
    reached = (false.adoption != NEVER)[:, None] & (np.arange(7) >= false.adoption[:, None] + 2)
    assert np.isnan(false.outcome[reached]).all() and np.isfinite(false.outcome[~reached]).all()
    assert effects.table["event_time"].max() == 1 and effects.related == {}
    with pytest.raises(Refusal, match="P005 STOP treatment — no treatment changes in these periods"):
        switching.estimate(panel).related["per_unit_of_treatment"].refit(false)


def test_refusals() -> None:
    treated = samples.mpdta().only(samples.mpdta().adoption != NEVER, "test")
    with pytest.raises(Refusal, match="P005 STOP treatment — no unit whose treatment changes can be compared"):
        switching.estimate(treated, anticipation=1)
    with pytest.raises(Refusal, match="E130 STOP design — switching needs the same units over time"):
        switching.estimate(samples.kielmc())
    own = panel_of(np.arange(7)[:, None] + TREATMENT, OUTCOME)
    with pytest.raises(Refusal, match="P005 STOP d — no unit whose treatment changes can be compared"):
        switching.estimate(own)
    panel = tiny()
    swapped = panel.with_adoption(panel.adoption[::-1])
    with pytest.raises(Refusal, match="P002 STOP d — adoption and treatment disagree on whether 6 units ever change"):
        switching.estimate(swapped)
    holed = panel.with_outcome(np.where(np.arange(21).reshape(7, 3) == 1, np.nan, panel.outcome))
    with pytest.raises(Refusal, match="P007"):
        switching.estimate(holed)


def test_switchers_without_comparison_are_counted() -> None:
    treatment = np.vstack([TREATMENT, [[2, 3, 3]]])
    effects = switching.estimate(panel_of(treatment, np.vstack([OUTCOME, [[0, 0, 0]]])))
    assert effects.estimand.endswith("only 3 of 4 units that change have a comparison")
    np.testing.assert_allclose(effects.estimate, switching.estimate(tiny()).estimate, atol=1e-14)


def test_worth_of_the_average_in_clusters() -> None:
    """Three switchers count the same in both event times: the average is worth three clusters."""
    assert switching.estimate(tiny()).effective == pytest.approx(3.0)
    heavy = switching.estimate(tiny(weight=[3, 1, 1, 1, 1, 1, 1]))
    assert heavy.effective == pytest.approx(25 / 11)


@pytest.mark.slow
@pytest.mark.parametrize("units", [60, 120])
def test_intervals_cover(units: int) -> None:
    """Three hundred draws: a 95 % interval covers in .92 to .98 of them (it is conservative by construction)."""
    rng = np.random.default_rng(11)
    switch = rng.integers(2, 9, units)
    base = np.arange(units) % 2
    after = np.arange(8) >= switch[:, None]
    again = after & (np.arange(8) >= switch[:, None] + 2) & (np.arange(units) % 3 == 0)[:, None]
    treatment = np.where(after & ~again, 1 - base[:, None], base[:, None])
    covered, values = [], []
    for _ in range(300):
        shocks = rng.normal(size=(units, 8)).cumsum(axis=1) * 0.5 + rng.normal(size=(units, 1))
        found = switching.estimate(panel_of(treatment, shocks), window=3).average(0.95)
        covered.append(found.low <= 0 <= found.high)
        values.append(found.value)
    assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(300), "biased"
    assert 0.92 <= np.mean(covered) <= 0.985, np.mean(covered)
