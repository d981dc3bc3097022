"""Treatments of different strength: by hand, against other programs, by moving weights, and what must not matter."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import samples
from deviations import near

from analysis.designs import _splines, dose, group_time
from analysis.inference import few_clusters
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal
from analysis.result import Effects

REFERENCE = Path(__file__).parent / "reference" / "contdid_dose.csv"
TOLERANCE = 1e-8  # least squares on both sides; what is seen is rounding, below 1e-12
RELATED = ["slope", "response", "slope_response"]


def panel_of(adoption: np.ndarray, amount: np.ndarray, outcome: np.ndarray, *, weight=None, cluster=None) -> Panel:
    units, periods = outcome.shape
    return Panel(
        outcome=np.array(outcome, dtype=float),
        units=np.arange(units),
        periods=np.arange(1, periods + 1),
        adoption=np.asarray(adoption),
        weight=np.ones(units) if weight is None else np.asarray(weight) / np.mean(weight),
        cluster=np.arange(units) if cluster is None else np.asarray(cluster),
        labels=Labels("y", "t", "i", "g", "" if weight is None else "w", "" if cluster is None else "c", dose="d"),
        upcoming=np.zeros(units, dtype=int),
        dose=np.array(amount, dtype=float),
    )


def uniform(count: int, seed: int) -> np.ndarray:
    """Numbers in [0, 1) from a linear congruential generator: the same in every version of every library."""
    state, out = seed, []
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        out.append(state / 2**31)
    return np.array(out)


def effect_of(amount: np.ndarray) -> np.ndarray:
    """A cubic dose response, 0 at 0."""
    return amount + 0.3 * amount**2 - 0.05 * amount**3


def made_up(name: str, *, noise: float = 1.0, **roles) -> Panel:
    """One date and two periods, or three dates and five; a third of the units are never treated."""
    periods, dates, units = (2, [1], 130) if name == "two periods" else (5, [2, 3, 4], 230)
    draws = uniform(units * (4 + 2 * periods), 21).reshape(units, -1)
    pick = (draws[:, 1] * len(dates)).astype(int)
    adoption = np.where(draws[:, 0] < 1 / 3, NEVER, np.array(dates)[pick])
    amount = np.where(adoption == NEVER, 0.0, 0.1 + 3 * draws[:, 2] * draws[:, 3])
    after = (adoption[:, None] != NEVER) & (np.arange(periods) >= adoption[:, None])
    shocks = noise * (draws[:, 4 : 4 + periods] + draws[:, 4 + periods :] - 1)
    outcome = 2 * draws[:, :1] + 0.2 * np.arange(periods) + shocks + after * effect_of(amount)[:, None]
    return panel_of(adoption, amount, outcome, **roles)


def mpdta() -> Panel:
    """The county panel with a made-up dose."""
    panel = samples.mpdta()
    amount = np.where(panel.adoption == NEVER, 0.0, 0.2 + uniform(len(panel.units), 4))
    return replace(panel, dose=amount)


def case(name: str) -> Panel:
    if name == "weighted":
        return made_up("staggered", weight=0.5 + uniform(230, 9))
    if name == "clustered":
        return made_up("staggered", cluster=np.arange(230) // 4)
    return mpdta() if name == "mpdta" else made_up(name)


CASES = ["two periods", "staggered", "weighted", "clustered", "mpdta"]


def single(effects: Effects, name: str) -> tuple[float, float]:
    found = effects.related[name].average(0.95)
    return found.value, found.std_error


def test_level_by_hand_and_slope_of_a_line() -> None:
    """Treated change by 1 + 2 d, the untreated by 3 and 1: at doses 1..6 that is 8 on average, less 2; slope 2."""
    amount = np.array([1, 2, 3, 4, 5, 6, 0, 0])
    change = np.array([3, 5, 7, 9, 11, 13, 3, 1])
    panel = panel_of(np.where(amount > 0, 1, NEVER), amount, np.stack([np.zeros(8), change], axis=1))
    effects = dose.estimate(panel)
    assert effects.average(0.95).value == pytest.approx(6.0, abs=1e-13)
    value, error = single(effects, "slope")
    assert value == pytest.approx(2.0, abs=1e-12) and error < 1e-12
    response = effects.related["response"].table
    np.testing.assert_allclose(response["estimate"], 1 + 2 * response["dose"] - 2, atol=1e-12)
    # Only the untreated vary: departures 1 and -1 from their mean, each counted by a half.
    np.testing.assert_allclose(response["std_error"], np.sqrt(0.5), atol=1e-12)
    np.testing.assert_allclose(effects.related["slope_response"].table["estimate"], 2.0, atol=1e-11)


def test_grid_is_the_twenty_quantiles_of_the_doses() -> None:
    amount = np.concatenate([np.arange(1, 41), [0, 0]])
    panel = panel_of(np.where(amount > 0, 1, NEVER), amount, uniform(84, 3).reshape(42, 2))
    assert list(dose.estimate(panel).related["response"].table["dose"]) == list(range(2, 40, 2))


def test_slope_and_response_are_those_of_a_cubic() -> None:
    """Without interior knots the curve is a cubic polynomial, here from numpy's own least squares."""
    panel = made_up("two periods")
    treated = panel.adoption != NEVER
    amount, change = panel.dose[treated], (panel.outcome[:, 1] - panel.outcome[:, 0])
    cubic = np.polynomial.Polynomial.fit(amount, change[treated], 3)
    effects = dose.estimate(panel)
    table = effects.related["response"].table
    np.testing.assert_allclose(table["estimate"], cubic(table["dose"]) - change[~treated].mean(), atol=1e-11)
    slope = effects.related["slope_response"].table
    np.testing.assert_allclose(slope["estimate"], cubic.deriv()(slope["dose"]), atol=1e-10)
    assert single(effects, "slope")[0] == pytest.approx(cubic.deriv()(amount).mean(), abs=1e-11)


@pytest.mark.parametrize("name", ["two periods", "staggered"])
def test_a_cubic_response_is_recovered(name: str) -> None:
    panel = made_up(name, noise=0.0)
    effects = dose.estimate(panel)
    response, slope = effects.related["response"].table, effects.related["slope_response"].table
    np.testing.assert_allclose(response["estimate"], effect_of(response["dose"]), atol=1e-9)
    np.testing.assert_allclose(slope["estimate"], 1 + 0.6 * slope["dose"] - 0.15 * slope["dose"] ** 2, atol=1e-9)
    exposed = np.where(panel.adoption == NEVER, 0, len(panel.periods) - panel.adoption)
    average = np.average(1 + 0.6 * panel.dose - 0.15 * panel.dose**2, weights=exposed)
    assert single(effects, "slope")[0] == pytest.approx(average, abs=1e-9)
    assert effects.average(0.95).value == pytest.approx(np.average(effect_of(panel.dose), weights=exposed), abs=1e-9)


def rows(method: str, dataset: str) -> list[dict[str, str]]:
    with REFERENCE.open(encoding="utf-8") as handle:
        return [r for r in csv.DictReader(handle) if (r["method"], r["dataset"]) == (method, dataset)]


def test_two_periods_equal_other_programs() -> None:
    """Errors of the level, the response and its slope, estimates of all. diff-diff's error of the average slope leaves
    out that the doses averaged over are themselves a sample, and moderndid's errors are bootstrapped: not compared."""
    panel = made_up("two periods")
    effects = dose.estimate(panel)
    (cohort,) = dose._cohorts(panel, "never_treated", 0)
    for program in ("diff-diff", "moderndid"):
        for row in rows(program, "two periods"):
            name, _, at = row["term"].partition(" at ")
            grid = np.array([float(at or 0)])
            if name in ("response", "slope_response"):
                table = dose._response(panel, effects, [cohort], grid, slope=name == "slope_response").table
                value, error = table.loc[0, ["estimate", "std_error"]]
            else:
                value, error = single(effects, "slope") if name == "slope" else _level(effects)
            assert near(f"{program}: dose, estimates", value, row["estimate"], TOLERANCE), row
            if row["se"]:
                assert near(f"{program}: dose, errors", error, row["se"], TOLERANCE), row


def _level(effects: Effects) -> tuple[float, float]:
    found = effects.average(0.95)
    return found.value, found.std_error


def test_cohort_slopes_equal_other_programs() -> None:
    """Several dates: the slope of every cohort in every period, averaged over treated units and periods."""
    panel = made_up("staggered")
    found = {row["term"]: float(row["estimate"]) for row in rows("diff-diff", "staggered")}
    cells = [(g, t) for g in (2, 3, 4) for t in range(g, 5)]
    size = [(panel.adoption == g).sum() for g, _ in cells]
    slope = np.average([found[f"slope of {g + 1} in {t + 1}"] for g, t in cells], weights=size)
    level = np.average([found[f"level of {g + 1} in {t + 1}"] for g, t in cells], weights=size)
    effects = dose.estimate(panel)
    assert near("diff-diff: dose, estimates", single(effects, "slope")[0], slope, TOLERANCE)
    assert near("diff-diff: dose, estimates", effects.average(0.95).value, level, TOLERANCE)


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize("name", CASES)
def test_level_is_that_of_any_treatment_against_none(name: str, comparison: str) -> None:
    panel = case(name)
    ours, theirs = dose.estimate(panel, comparison=comparison), group_time.estimate(panel, comparison=comparison)
    np.testing.assert_array_equal(ours.table, theirs.table)
    np.testing.assert_array_equal(ours.joint, theirs.joint)
    assert ours.kind == "cells" and list(ours.related) == RELATED


@pytest.mark.parametrize("name", CASES)
def test_contributions_square_to_the_covariance(name: str) -> None:
    effects = dose.estimate(case(name))
    for piece in [effects, effects.averaged_over(), *effects.related.values()]:
        psi = piece.influence()
        assert psi.shape == (effects.clusters, len(piece.joint))
        np.testing.assert_allclose(psi.T @ psi, piece.joint, atol=1e-14)
        np.testing.assert_allclose(np.sqrt(np.diag(piece.covariance)), piece.table["std_error"], atol=1e-14)
        assert piece.table["weight"].sum() == pytest.approx(1)


@pytest.mark.parametrize("name", ["two periods", "staggered", "weighted"])
@pytest.mark.parametrize("piece", RELATED)
def test_contributions_are_the_derivatives_in_the_weight_of_each_unit(name: str, piece: str) -> None:
    """The infinitesimal jackknife: what one unit adds is how the estimate moves with its weight, times the weight."""
    panel = case(name)
    # One treated unit less, and no twenty-quantile lies between two doses, where any change of weight would move it.
    panel = panel.only(np.arange(len(panel.units)) != np.argmax(panel.adoption != NEVER), "test")
    first = dose.estimate(panel).related[piece]
    psi = first.influence()
    step = 1e-5
    for unit in range(0, len(panel.units), 17):
        moved = []
        for by in (step, -step):
            weight = panel.weight.copy()
            weight[unit] *= 1 + by
            other = replace(panel, weight=weight / weight.mean(), labels=replace(panel.labels, weight="w"))
            moved.append(dose.estimate(other).related[piece])
        np.testing.assert_array_equal(moved[0].table.get("dose", 0), first.table.get("dose", 0))
        numerical = (moved[0].estimate - moved[1].estimate) / (2 * step)
        np.testing.assert_allclose(psi[unit], numerical, atol=1e-7 * max(1, np.abs(psi).max()))


def test_errors_are_near_those_of_leaving_one_unit_out() -> None:
    panel = made_up("two periods")
    effects = dose.estimate(panel).related["slope"]
    without = [
        effects.refit(panel.only(np.arange(len(panel.units)) != i, "jackknife")).estimate[0]
        for i in range(len(panel.units))
    ]
    n = len(without)
    jackknife = np.sqrt((n - 1) / n * ((np.array(without) - np.mean(without)) ** 2).sum())
    # The jackknife is the larger by terms of order 1/n: with 94 treated units and four coefficients a few per cent.
    assert 1.0 < jackknife / effects.table["std_error"].iloc[0] < 1.08


@pytest.mark.parametrize("name", CASES)
def test_what_must_not_matter(name: str) -> None:
    panel = case(name)
    first = dose.estimate(panel)
    units = 100 * uniform(len(panel.units), 5)[:, None]
    periods = 100 * uniform(len(panel.periods), 6)
    moved = dose.estimate(panel.with_outcome(-2 * (panel.outcome + units + periods)))
    order = np.argsort(uniform(len(panel.units), 7))
    mixed = dose.estimate(
        replace(
            panel,
            outcome=panel.outcome[order],
            units=panel.units[order],
            adoption=panel.adoption[order],
            weight=panel.weight[order],
            cluster=panel.cluster[order],
            upcoming=panel.upcoming[order],
            dose=panel.dose[order],
        )
    )
    for other, scale in ((moved, -2), (mixed, 1)):
        for piece in RELATED:
            np.testing.assert_allclose(other.related[piece].estimate, scale * first.related[piece].estimate, atol=1e-9)
            np.testing.assert_allclose(
                other.related[piece].table["std_error"], abs(scale) * first.related[piece].table["std_error"], atol=1e-9
            )
        np.testing.assert_allclose(other.estimate, scale * first.estimate, atol=1e-10)


def test_the_unit_of_the_dose_divides_the_slope_alone() -> None:
    panel = case("staggered")
    first, tenfold = dose.estimate(panel), dose.estimate(replace(panel, dose=10 * panel.dose))
    for name, by in (("slope", 10), ("response", 1), ("slope_response", 10)):
        for column in ("estimate", "std_error"):
            ours, theirs = tenfold.related[name].table[column], first.related[name].table[column]
            np.testing.assert_allclose(ours, theirs / by, rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_refits_to_the_same_and_changes_nothing(name: str) -> None:
    panel = case(name)
    outcome, amount = panel.outcome.copy(), panel.dose.copy()
    first = dose.estimate(panel)
    np.testing.assert_array_equal(first.refit(panel).table, first.table)
    for piece in first.related.values():
        np.testing.assert_array_equal(piece.refit(panel).table, piece.table)
    np.testing.assert_array_equal(panel.outcome, outcome)
    np.testing.assert_array_equal(panel.dose, amount)


def test_a_dose_rests_on_the_cohorts_that_reach_it() -> None:
    """Doses 1 to 6 in one cohort, 11 to 16 in another: no cohort says anything about the other's doses."""
    adoption = np.repeat([1, 2, NEVER], 6)
    amount = np.concatenate([np.arange(1, 7), np.arange(11, 17), np.zeros(6)])
    panel = panel_of(adoption, amount, uniform(54, 2).reshape(18, 3))
    table = dose.estimate(panel, comparison="never_treated").related["response"].table.set_index("dose")
    alone = panel.only(adoption != 2, "test")
    own = dose.estimate(alone, comparison="never_treated").related["response"].table.set_index("dose")
    shared = [d for d in own.index if d in table.index]
    assert len(shared) >= 4
    np.testing.assert_allclose(table.loc[shared, "estimate"], own.loc[shared, "estimate"], atol=1e-12)
    np.testing.assert_allclose(table.loc[shared, "std_error"], own.loc[shared, "std_error"], atol=1e-12)


def test_anticipation_moves_the_base() -> None:
    """Reaction declared one period early: changes from two periods before the date."""
    panel = made_up("staggered").until(4)
    one = panel.only(np.isin(panel.adoption, [NEVER, 3]) & (panel.upcoming == 0), "test")
    treated = one.adoption == 3
    change = one.outcome[:, 3] - one.outcome[:, 1]
    cubic = np.polynomial.Polynomial.fit(one.dose[treated], change[treated], 3)
    effects = dose.estimate(one, anticipation=1)
    assert single(effects, "slope")[0] == pytest.approx(cubic.deriv()(one.dose[treated]).mean(), abs=1e-10)
    assert effects.reference == -2


def test_few_distinct_doses_leave_the_level() -> None:
    panel = made_up("two periods")
    coarse = replace(panel, dose=np.where(panel.dose > 0, 1 + np.arange(130) % 4, 0))
    effects = dose.estimate(coarse)
    assert effects.related == {}
    assert effects.method.endswith("no dose response: no cohort has 5 distinct doses")
    np.testing.assert_array_equal(effects.table, dose.estimate(panel).table)
    clumped = replace(panel, dose=np.where(panel.dose > 0, 1 + (np.arange(130) % 7 > 0) + 1e-13 * panel.dose, 0))
    assert dose.estimate(clumped).related == {}
    with pytest.raises(Refusal, match="E132 STOP dose — no cohort has 5 distinct doses"):
        dose.estimate(panel).related["slope"].refit(coarse)


def test_a_cohort_with_few_doses_is_left_out_of_the_response() -> None:
    panel = made_up("staggered")
    coarse = replace(panel, dose=np.where(panel.adoption == 3, 1 + np.arange(230) % 3, panel.dose))
    effects = dose.estimate(coarse, comparison="never_treated")
    without = dose.estimate(panel.only(panel.adoption != 3, "test"), comparison="never_treated")
    assert single(effects, "slope") == pytest.approx(single(without, "slope"), abs=1e-12)
    assert effects.related["slope"].method.endswith("doses of adopters of 3, 5 alone, the others have too few")


def test_refusals() -> None:
    panel = made_up("two periods")
    first = int(np.flatnonzero(panel.adoption != NEVER)[0])
    never = int(np.flatnonzero(panel.adoption == NEVER)[0])
    with pytest.raises(Refusal, match=r"E132 STOP dose — the data name no dose\. Fix: name the column under `dose`"):
        dose.estimate(replace(panel, dose=None))
    for unit, value, words in (
        (first, -1.0, "1 unit with a negative dose"),
        (first, 0.0, "1 unit treated with a dose of 0"),
        (never, 2.0, "1 unit never treated but with a dose"),
        (never, np.nan, "1 unit without a dose"),
    ):
        amount = panel.dose.copy()
        amount[unit] = value
        with pytest.raises(Refusal, match=rf"E132 STOP d — {words} \(e.g. {unit}\). Fix: "):
            dose.estimate(replace(panel, dose=amount))
    with pytest.raises(Refusal, match="E132 STOP d — no untreated unit to compare the doses with"):
        dose.estimate(panel.only(panel.adoption != NEVER, "test"))
    with pytest.raises(Refusal, match="E130 STOP design — dose needs the same units over time"):
        dose.estimate(samples.kielmc())


def test_adopters_still_to_come_may_have_a_dose() -> None:
    panel = made_up("staggered")
    early = panel.until(4)
    later = (panel.adoption == 4) & (panel.dose > 0)
    assert (early.adoption[later] == NEVER).all()
    assert set(dose.estimate(early).table["cohort"]) == {3, 4}


def test_without_never_treated_units_later_adopters_are_compared_with() -> None:
    panel = made_up("staggered")
    treated = panel.only(panel.adoption != NEVER, "test")
    effects = dose.estimate(treated)
    assert effects.table["cohort"].max() == 4 and list(effects.related) == RELATED
    with pytest.raises(Refusal, match="P006"):
        dose.estimate(treated, comparison="never_treated")


def test_few_treated_units_are_permuted() -> None:
    """What is permuted is the level, any treatment against none, which a refit estimates whatever the doses."""
    panel = made_up("two periods")
    treated, never = np.flatnonzero(panel.adoption != NEVER), np.flatnonzero(panel.adoption == NEVER)
    few = panel.only(np.isin(np.arange(130), [*treated[:2], *never[:6]]), "test")
    shown = few_clusters.headline(few, dose.estimate(few), average="simple", level=0.9, seed=1)
    assert shown.std_error is None and 0 < shown.p_value <= 1


def test_interior_knots_are_fitted() -> None:
    """A kink at the knot is what a curve with a linear piece on either side reproduces."""
    amount = uniform(60, 3)
    kinked = np.maximum(amount - 0.5, 0) * 4 + amount
    curve = _splines.fit(amount, kinked, np.ones(60), degree=1, inner=np.array([0.5]))
    values, slopes = curve.at(np.array([0.25, 0.75]))[0], curve.slope_at(np.array([0.25, 0.75]))[0]
    np.testing.assert_allclose(values, [0.25, 1.75], atol=1e-12)
    np.testing.assert_allclose(slopes, [1, 5], atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two periods", "staggered"])
def test_intervals_cover(name: str) -> None:
    """Three hundred draws, also of the doses: 95 % intervals of slope and level cover in .92 to .98 of them."""
    rng = np.random.default_rng(12)
    periods, dates, units = (2, [1], 300) if name == "two periods" else (4, [1, 2], 400)
    hits = {"slope": [], "level": []}
    truth = {"slope": 1 + 0.6 * 1.1 - 0.15 * (1.1**2 + 1 / 3), "level": 0.0}
    truth["level"] = 1.1 + 0.3 * (1.1**2 + 1 / 3) - 0.05 * (1.1**3 + 1.1)
    for _ in range(300):
        adoption = np.where(rng.random(units) < 0.4, NEVER, rng.choice(dates, units))
        amount = np.where(adoption == NEVER, 0, rng.uniform(0.1, 2.1, units))
        after = (adoption[:, None] != NEVER) & (np.arange(periods) >= adoption[:, None])
        outcome = rng.normal(size=(units, 1)) + rng.normal(size=(units, periods)) + after * effect_of(amount)[:, None]
        effects = dose.estimate(panel_of(adoption, amount, outcome))
        for key, found in (("slope", effects.related["slope"].average(0.95)), ("level", effects.average(0.95))):
            hits[key].append(found.low <= truth[key] <= found.high)
    for key, hit in hits.items():
        assert 0.92 <= np.mean(hit) <= 0.98, (key, np.mean(hit))
