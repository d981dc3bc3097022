"""Checks find what was planted, say what they could have missed, and never judge by a bare "passed"."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import samples
from scipy import stats
from test_designs import study

from analysis import checks, designs
from analysis.checks import few_treated, placebo, pretrends
from analysis.data.panels import panel_from_frame
from analysis.designs import event_study, group_time, two_by_two
from analysis.inference.few_clusters import headline, support
from analysis.inference.permutation import p_value_of, permute
from analysis.panel import NEVER, Labels, Panel
from analysis.result import Check
from analysis.study import modules


def simulated(treated: int, units: int = 60, slope: float = 0.0, effect: float = 1.0, seed: int = 1) -> Panel:
    """Ten periods, adoption at the sixth, independent errors, a linear difference in trends of `slope`."""
    noise = np.random.default_rng(seed).normal(size=(units, 10))
    own = np.arange(units) < treated
    y = noise + own[:, None] * (slope * np.arange(10) + effect * (np.arange(10) >= 5))
    frame = pd.DataFrame({"i": np.repeat(np.arange(units), 10), "t": np.tile(np.arange(1, 11), units), "y": y.ravel()})
    frame["g"] = np.where(frame["i"] < treated, 6.0, np.nan)
    return panel_from_frame(frame, Labels("y", "t", "i", "g", public=True))


def checked(module, data, effects=None, path=None, **choices) -> Check:
    name = module.__name__.rpartition(".")[2]
    effects = effects or group_time.estimate(data)
    path = effects.by("event_time") if effects.kind == "cells" else path
    (found,) = checks.run(study(checks=[name], seed=3, **choices), data, effects, path)
    return found


def test_parallel_groups_give_a_note_with_its_power() -> None:
    found = checked(pretrends, simulated(30, effect=4.0))
    assert found.severity == "note" and found.p_value > 0.05
    assert 0 < found.amounts["slope"] < found.amounts["bias"]
    assert "Four times in five it notices" in found.finding


def test_diverging_groups_give_a_caution() -> None:
    found = checked(pretrends, simulated(30, slope=0.5))
    assert found.severity == "warn" and found.code == "E111" and found.p_value < 0.001


def test_a_weak_pretest_is_a_caution_even_when_it_finds_nothing() -> None:
    found = checked(pretrends, simulated(12, units=30, effect=0.4, seed=4))
    assert found.p_value > 0.05 and found.severity == "warn" and "enough to undo it" in found.finding


def test_joint_test_and_power_by_hand() -> None:
    """Two independent effects 1 and 2 with unit variance and 40 clusters: W = 5, d = 38, F = 5 (38 - 2 + 1)/(40 x 2).
    A slope d makes them -2d and -d, so that the noncentrality is 5 d^2; at the stated slope the noncentral F exceeds
    the critical value four times in five."""
    joint = pretrends.joint_test(np.array([1.0, 2.0]), np.eye(2), 40)
    assert joint.statistic == pytest.approx(5 * 37 / 80) and joint.p_value == pytest.approx(
        stats.f.sf(5 * 37 / 80, 2, 37)
    )
    slope = pretrends.detectable_slope(np.array([-2.0, -1.0]), np.eye(2), joint, 0.8)
    power = stats.ncf.sf(stats.f.ppf(0.95, 2, 37), 2, 37, 5 * slope**2)
    assert power == pytest.approx(0.8, abs=1e-6)
    assert pretrends.joint_test(np.array([1.0, 1.0]), np.ones((2, 2)), 40) is None
    assert pretrends.joint_test(np.ones(14), np.eye(14), 40) is None


def test_effects_resting_on_few_clusters_stay_out_of_the_pretest() -> None:
    effects = group_time.estimate(samples.castle())
    path = effects.by("event_time")
    assert len(path.pre().table) == 8 and len(path.pre().resting_on(10).table) == 5


def test_a_trend_of_the_stated_slope_biases_by_the_stated_amount() -> None:
    panel = simulated(30)
    found = checked(pretrends, panel)
    slope, bias = found.amounts["slope"], found.amounts["bias"]
    trend = slope * np.arange(10) * (panel.adoption >= 0)[:, None]
    moved = group_time.estimate(panel.with_outcome(panel.outcome + trend)).average(0.95).value
    assert moved - group_time.estimate(panel).average(0.95).value == pytest.approx(bias, abs=1e-10)


def test_placebo_finds_a_planted_early_divergence() -> None:
    panel = simulated(30)
    early = panel.outcome + 2.0 * ((panel.adoption >= 0)[:, None] & (np.arange(10) >= 3))
    assert checked(placebo, panel).severity == "note"
    found = checked(placebo, panel.with_outcome(early))
    assert found.severity == "warn" and found.statistic == pytest.approx(2.0, abs=0.6)


def test_placebo_uses_no_treated_cell() -> None:
    panel = samples.mpdta()
    wild = panel.with_outcome(panel.outcome + 1000.0 * panel.treated)
    assert checked(placebo, wild).statistic == pytest.approx(checked(placebo, panel).statistic, abs=1e-12)


def test_checks_that_cannot_be_made_say_so() -> None:
    sample = samples.kielmc()
    effects = two_by_two.estimate(sample, errors="robust")
    for module in (pretrends, placebo):
        found = checked(module, sample, effects)
        assert found.severity == "warn" and "cannot be" in found.finding and found.p_value is None
    rows = checked(few_treated, sample, effects)
    assert rows.severity == "warn" and "321 rows as independent" in rows.finding


def test_few_treated_reports_the_permutation() -> None:
    effects = two_by_two.estimate(samples.organ())
    path = event_study.estimate(samples.organ())
    found = checked(few_treated, samples.organ(), effects, path)
    assert found.p_value == pytest.approx(5 / 27) and found.severity == "warn"
    assert "4 of 26 reassignments" in found.finding and "cannot fall below 0.037" in found.finding
    pre = checked(pretrends, samples.organ(), effects, path)
    assert "F =" not in pre.finding and "reassignments" in pre.finding


def test_unequal_clusters_are_worth_fewer() -> None:
    found = checked(few_treated, samples.mpdta(cluster="state"))
    assert (
        found.severity == "warn"
        and "16 comparison of 29 clusters, in cohorts of 5.2 on average: few enough" in found.finding
    )
    assert support(group_time.estimate(samples.mpdta(cluster="state")), "simple").worth == pytest.approx(7.6, abs=0.1)
    assert checked(few_treated, simulated(30)).severity == "note"


def test_permutation_by_hand() -> None:
    """One treated of four, changes 5, 1, 2, 3: the estimate 5 - 2 = 3 against 1 - 10/3, 2 - 3, 3 - 8/3."""
    changes = [5.0, 1.0, 2.0, 3.0]
    frame = pd.DataFrame({"i": np.repeat(range(4), 2), "t": [0, 1] * 4, "g": [1.0] * 2 + [np.nan] * 6})
    frame["y"] = [v for change in changes for v in (0.0, change)]
    panel = panel_from_frame(frame, Labels("y", "t", "i", "g"))
    found = permute(panel, two_by_two.estimate(panel), average="simple", level=0.7, seed=1)
    assert (found.p_value, found.assignments, found.exact, found.lowest) == (0.25, 4, True, 0.25)
    assert math.isinf(permute(panel, two_by_two.estimate(panel), average="simple", level=0.8, seed=1).low)
    others = [c - (sum(changes) - c) / 3 for c in changes]
    slopes = [1.0, *[-1 / 3] * 3]
    for bound in (found.low, found.high):
        inside, outside = (
            bound + (1e-6 if bound == found.low else -1e-6),
            bound + (-1e-6 if bound == found.low else 1e-6),
        )
        assert p_value_of(inside, np.array(others), np.array(slopes)) > 0.3
        assert p_value_of(outside, np.array(others), np.array(slopes)) <= 0.3


def test_permutation_enumerates_every_assignment_once() -> None:
    from analysis.inference.permutation import _assignments, _count

    dates = np.array([2, 2, 3, -1, -1])
    seen = {tuple(a) for a in _assignments(dates, True, 0, 0)} | {tuple(dates)}
    assert seen == set(itertools.permutations(dates)) and len(seen) == _count(dates) == 30


def test_permutation_draws_depend_on_the_seed_alone() -> None:
    panel = simulated(5, units=40)
    effects = group_time.estimate(panel)
    first, again, other = (permute(panel, effects, average="simple", level=0.9, seed=s, draws=99) for s in (1, 1, 2))
    assert first == again and first.assignments == 100 and not first.exact
    assert first.low != other.low


@pytest.mark.parametrize("name", modules("checks", "difference_in_differences"))
def test_every_check_answers_in_the_one_form(name: str) -> None:
    panel = samples.ehec()
    effects = group_time.estimate(panel)
    (found,) = checks.run(study(checks=[name]), panel, effects, effects.by("event_time"))
    assert found.name == name and found.severity in checks.ORDER
    assert found.assumption.endswith(".") and found.finding.endswith(".") and found.advice.endswith(".")
    assert "passed" not in found.finding


def test_findings_come_most_serious_first() -> None:
    chosen = study(checks=["few_treated", "placebo", "pretrends"])
    panel = samples.organ()
    effects = designs.estimate(chosen, panel, "two_by_two")
    found = checks.run(chosen, panel, effects, event_study.estimate(panel))
    assert [c.severity for c in found] == sorted((c.severity for c in found), key=lambda s: checks.ORDER[s])


def test_few_comparison_clusters_are_permuted_too() -> None:
    """Thirty-eight treated beside one comparison unit: its error cannot be seen, and the rule must notice."""
    panel = simulated(38, units=39, effect=0.0)
    effects = group_time.estimate(panel)
    assert support(effects, "simple").comparison == 1
    shown = headline(panel, effects, average="simple", level=0.95, seed=1)
    assert shown.std_error is None and "38 treated and 1 comparison" in shown.inference
    found = checked(few_treated, panel)
    assert found.severity == "warn" and "Only 38 treated and 1 comparison of 39 clusters" in found.finding


def test_without_never_treated_the_last_cohort_is_the_comparison() -> None:
    panel = samples.mpdta(cluster="state")
    treated = panel.only(panel.adoption >= 0, "test")
    assert support(group_time.estimate(treated), "simple").comparison == 9
    path = group_time.estimate(treated).by("event_time").intervals(0.95, 10)
    assert path["low"].isna().all()


def test_the_headline_obeys_the_rule_for_unequal_clusters() -> None:
    """By event time the minimum-wage answer rests on one state: worth 2.6 clusters, whatever the count says."""
    panel = samples.mpdta(cluster="state")
    effects = group_time.estimate(panel)
    assert support(effects, "event_time").worth < 5 < support(effects, "simple").worth
    assert headline(panel, effects, average="event_time", level=0.95, seed=1).std_error is None
    assert headline(panel, effects, average="simple", level=0.95, seed=1).std_error > 0


def test_unequal_weights_are_seen_by_every_design() -> None:

    panel = simulated(12, units=40)
    weight = np.where(np.arange(40) == 0, 100.0, 1.0)
    heavy = replace(panel, weight=weight / weight.mean(), labels=replace(panel.labels, weight="w"))
    for module in (group_time, two_by_two, event_study):
        assert support(module.estimate(heavy), "simple").worth < 2


def test_treated_clusters_of_another_size_are_named() -> None:

    panel = simulated(3, units=20)
    weight = np.where(np.arange(20) < 3, 0.05, 1.0)
    small = replace(panel, weight=weight / weight.mean(), labels=replace(panel.labels, weight="w"))
    assert "this test rejects too often" in checked(few_treated, small).finding
    assert "rejects too" not in checked(few_treated, panel).finding


def test_placebo_respects_declared_anticipation() -> None:
    panel = simulated(30, effect=3.0)
    early = panel.with_outcome(panel.outcome + 3.0 * ((panel.adoption >= 0)[:, None] & (np.arange(10) == 4)))
    assert checked(placebo, early).statistic > 1
    effects = group_time.estimate(early, anticipation=1)
    assert abs(checked(placebo, early, effects, anticipation=1).statistic) < 1


def test_a_placebo_that_could_find_nothing_is_not_made() -> None:
    panel = simulated(1, units=15)
    found = checked(placebo, panel)
    assert found.severity == "warn" and "not even the largest divergence would stand out" in found.finding


def test_permuted_pretest_compares_like_with_like() -> None:
    """Six units adopt at six dates; under no divergence the p-value is not pushed towards one."""
    p_values = []
    for seed in range(3):
        y = np.random.default_rng(seed).normal(size=(24, 10))
        frame = pd.DataFrame({"i": np.repeat(range(24), 10), "t": np.tile(range(10), 24), "y": y.ravel()})
        frame["g"] = np.where(frame["i"] < 6, 4.0 + frame["i"], np.nan)
        panel = panel_from_frame(frame, Labels("y", "t", "i", "g"))
        p_values.append(checked(pretrends, panel).p_value)
    assert np.mean(p_values) < 0.85


def test_an_outcome_without_noise_stops_nothing() -> None:
    panel = simulated(20, units=40)
    exact = panel.with_outcome(2.0 * panel.treated + np.arange(10.0))
    found = checked(pretrends, exact)
    assert found.severity == "warn" and "cannot be checked" in found.finding


def test_clusters_that_hold_several_cohorts_count_once() -> None:
    """Six clusters of four units; units of every cluster adopt at three dates and never: six treated, six to compare
    with, worth six, whatever the number of cohorts."""
    panel = simulated(18, units=24, effect=0.0)
    adoption = np.array([4, 5, 6, NEVER])[np.arange(24) // 6]
    coarse = replace(panel, adoption=adoption, cluster=np.arange(24) % 6, labels=replace(panel.labels, cluster="c"))
    rests_on = support(group_time.estimate(coarse), "simple")
    assert (rests_on.treated, rests_on.comparison) == (6, 6)
    assert rests_on.worth == pytest.approx(6) and rests_on.against == pytest.approx(6)


def test_comparison_clusters_count_by_what_they_are_worth() -> None:
    """One of ten comparison units outweighs the others: its error cannot be seen, and the rule must notice."""
    panel = simulated(40, units=50, effect=0.0)
    weight = np.where(np.arange(50) == 49, 50.0, 1.0)
    heavy = replace(panel, weight=weight / weight.mean(), labels=replace(panel.labels, weight="w"))
    rests_on = support(group_time.estimate(heavy), "simple")
    assert rests_on.comparison == 10 and rests_on.against == pytest.approx(59**2 / (9 + 2500)) and rests_on.few
    assert headline(heavy, group_time.estimate(heavy), average="simple", level=0.95, seed=1, draws=99).std_error is None


def test_treated_clusters_are_those_of_the_average() -> None:
    """Six adopt early and forty late, none never: only the six are estimated, against the others."""
    panel = simulated(30, units=46, effect=0.0)
    late = replace(panel, adoption=np.where(np.arange(46) < 6, 4, 8))
    assert support(group_time.estimate(late), "simple").treated == 6


def test_many_clusters_in_tiny_cohorts_are_left_out_too() -> None:
    """Six hundred units, twelve cohorts of one: treated units one at a time, the others in fifty groups."""
    panel = simulated(12, units=600, effect=0.0)
    tiny = replace(panel, adoption=np.where(np.arange(600) < 12, 2 + np.arange(600) % 6, NEVER))
    shown = headline(tiny, group_time.estimate(tiny), average="simple", level=0.95, seed=1)
    assert "one treated i, or one of 50 groups of others, at a time (jackknife; 62 refits" in shown.inference
    assert shown.df == 61 and shown.std_error > group_time.estimate(tiny).average(0.95).std_error
