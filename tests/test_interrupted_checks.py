"""Checks of an interrupted series warn on the case made to mislead them, and are silent on the matching clean one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contract_interrupted_time_series import traffic
from test_interrupted_time_series import BELT, CALIFORNIA, SPEED, noisy, rows, study

from analysis import checks, decide, designs
from analysis.inference import interruption
from analysis.result import Check
from analysis.rows import Rows
from analysis.study import modules

NAMES = modules("checks", "interrupted_time_series")


def checked(name: str, data: Rows, **choices: object) -> Check:
    chosen = study(**{"outcome": "y", "start": 61, "design": "autoregressive_errors", "checks": [name]} | choices)
    effects = designs.estimate(chosen, data)
    others = designs.alternatives(chosen, data, effects)
    (found,) = checks.run(chosen, data, effects, None, designs.gaps(others))
    return found


def clean(**changes: object) -> Rows:
    return noisy(120, effect=4.0, seed=12, **changes)


def with_column(data: Rows, name: str, values: np.ndarray) -> Rows:
    return data.with_column(name, values)


def test_a_clean_series_with_a_control_gives_no_caution() -> None:
    data = with_column(clean(), "other", 5 + np.random.default_rng(2).normal(size=120))
    choices = {
        "control_series": ["other"],
        "other_events": ["30 a strike"],
        "estimators": ["segmented_regression", "prais_winsten"],
        "checks": NAMES,
    }
    chosen = study(**{"outcome": "y", "start": 61, "design": "autoregressive_errors"} | choices)
    effects = designs.estimate(chosen, data)
    found = checks.run(chosen, data, effects, None, designs.gaps(designs.alternatives(chosen, data, effects)))
    assert len(found) == 9 and [c.name for c in found if c.severity != "note"] == []
    verdict = decide.decide(chosen, data, effects, None, designs.headline(chosen, data, effects), found)
    assert verdict.strength == "moderate" and "one series without a control" in verdict.reason
    assert verdict.overturning is not None and not verdict.trends


@pytest.mark.parametrize("name", NAMES)
def test_every_check_answers_in_the_one_form(name: str) -> None:
    found = checked(name, traffic(), start=198601, outcome="prcfat", **CALIFORNIA)
    assert found.name == name and found.severity in checks.ORDER
    assert found.assumption.endswith(".") and found.finding.endswith(".") and found.advice.endswith(".")
    assert "passed" not in found.finding


@pytest.mark.parametrize(
    ("periods", "start", "season", "severity", "said"),
    [
        (20, 7, 0, "stop", "Fewer than 8 periods before"),
        (20, 11, 0, "warn", "Fewer than 12 on a side"),
        (60, 31, 0, "note", "30 periods before the policy and 30 under it"),
        (60, 31, 24, "warn", "A season seen less than twice"),
    ],
)
def test_short_series(periods: int, start: int, season: int, severity: str, said: str) -> None:
    found = checked("series_length", noisy(periods, effect=2.0), start=start, season=season)
    assert found.severity == severity and said in found.finding
    assert (found.code == "E125") == (severity != "note")


def test_a_stopped_series_is_withheld() -> None:
    data, chosen = noisy(20, effect=9.0), study(outcome="y", start=7, checks=["series_length"])
    effects = designs.estimate(chosen, data)
    found = checks.run(chosen, data, effects, None)
    verdict = decide.decide(chosen, data, effects, None, designs.headline(chosen, data, effects), found)
    assert verdict.action == "withhold"


def test_autocorrelation_warns_where_errors_ignore_it() -> None:
    dependent, design = noisy(100, rho=0.7, seed=4), {"design": "segmented_regression", "start": 51}
    ignored = checked("autocorrelation", dependent, **design, errors="classical")
    assert ignored.severity == "warn" and ignored.code == "E125" and ignored.p_value < 0.001
    assert "holds the truth in 70\u202f% of cases" in ignored.finding or "in 55" in ignored.finding
    assert checked("autocorrelation", dependent, start=51).severity == "note"
    independent = noisy(100, seed=4)
    assert checked("autocorrelation", independent, **design, errors="classical").severity == "note"


def test_short_autocorrelated_series_warn_under_newey_west() -> None:
    found = checked("autocorrelation", noisy(24, rho=0.6, seed=2), start=13, design="segmented_regression")
    assert found.severity == "warn" and "too narrow" in found.finding


def test_false_starts_find_an_earlier_break() -> None:
    """A jump eight periods into the past, and nothing at the start: the answer's date is no better than others."""
    data, t = noisy(120, seed=3), np.arange(1, 121)
    broken = data.with_outcome(data.outcome + 6.0 * (t >= 40) + 1.0 * (t >= 61))
    found = checked("placebo_breaks", broken)
    assert found.severity == "warn"
    assert checked("placebo_breaks", clean()).severity == "note"
    assert checked("placebo_breaks", noisy(30, effect=3.0), start=9).severity == "warn"


def test_false_starts_use_nothing_from_under_the_policy() -> None:
    data, chosen = clean(), study(outcome="y", start=61, design="autoregressive_errors")
    tried = interruption.false_starts(data, designs.estimate(chosen, data), 0.95)
    wild = data.with_outcome(np.where(np.arange(120) >= 60, 1e3 * np.arange(120.0) ** 2, data.outcome))
    again = interruption.false_starts(wild, designs.estimate(chosen, wild), 0.95)
    np.testing.assert_allclose(tried.estimate, again.estimate)
    assert tried.labels.min() == 13 and tried.labels.max() == 49


def test_other_events() -> None:
    assert checked("co_interventions", clean()).severity == "warn"
    far = checked("co_interventions", clean(), other_events=["30 a strike"])
    assert far.severity == "note" and "a strike (30), 31 periods before it" in far.finding and "bare" in far.amounts
    same = checked("co_interventions", clean(), other_events=["61 a strike"])
    assert same.severity == "warn" and "at the start" in same.finding and "own" not in same.amounts


def test_what_would_overturn_the_answer_is_its_nearest_bound() -> None:
    chosen = study(outcome="y", start=61, design="autoregressive_errors", checks=["co_interventions"])
    effects = designs.estimate(chosen, clean())
    (found,) = checks.run(chosen, clean(), effects, None)
    assert found.amounts["least"] == pytest.approx(effects.average(0.95).low) and "{least}" in found.overturns


def test_a_control_that_moves_is_a_caution() -> None:
    rng, t = np.random.default_rng(6), np.arange(1, 121)
    still, moved = rng.normal(size=120), rng.normal(size=120) + 4.0 * (t >= 61)
    assert checked("control_comparison", clean()).severity == "warn"
    quiet = checked("control_comparison", with_column(clean(), "other", still), control_series=["other"])
    assert quiet.severity == "note" and "did not move by more than chance" in quiet.finding
    loud = checked("control_comparison", with_column(clean(), "other", moved), control_series=["other"])
    assert loud.severity == "warn" and "in the same direction" in loud.finding
    assert loud.amounts["value0"] == pytest.approx(4.0, abs=1.0)
    taken = checked(
        "control_comparison",
        with_column(clean(), "other", -moved),
        control_series=["other"],
        design="controlled_series",
    )
    assert "which the answer takes off" in taken.finding


def test_a_bent_trend_is_a_caution_and_may_be_fatal() -> None:
    t = np.arange(1, 121)
    curve = rows(0.002 * (t - 61.0) ** 2 * (t >= 1) + np.random.default_rng(9).normal(size=120))
    bent = curve.with_outcome(
        np.where(t < 61, 0.0, 0.004 * (t - 61.0) ** 2) + np.random.default_rng(9).normal(size=120)
    )
    found = checked("trend_shape", bent)
    assert found.severity == "warn" and found.p_value < 0.05
    assert checked("trend_shape", clean()).severity == "note"


def test_a_growing_effect_is_no_step() -> None:
    data, t = noisy(120, seed=5), np.arange(1, 121)
    grows = data.with_outcome(data.outcome + 0.15 * np.maximum(t - 60, 0))
    assert checked("impact_shape", grows).severity == "warn"
    assert checked("impact_shape", grows, impact="ramp").severity == "note"
    assert checked("impact_shape", clean()).severity == "note"
    assert "free to grow" in checked("impact_shape", grows, impact="both").finding


def test_a_season_that_is_not_modelled_is_a_caution() -> None:
    data, t = clean(), np.arange(120)
    seasonal = replace(data.with_outcome(data.outcome + 3 * np.sin(2 * np.pi * t / 12)), time=_months(120))
    assert checked("seasonal_pattern", seasonal, start=198601, season=0).severity == "warn"
    assert checked("seasonal_pattern", seasonal, start=198601).severity == "note"
    assert checked("seasonal_pattern", data).severity == "note"


def _months(count: int) -> np.ndarray:
    place = np.arange(count)
    return 100 * (1981 + place // 12) + place % 12 + 1


def test_models_that_disagree_are_a_caution() -> None:
    speed = CALIFORNIA | {"start": 198705, "outcome": "prcfat", "other_events": [BELT], "drift": True}
    far = checked("model_agreement", traffic(), **speed, estimators=["structural_series"])
    assert far.severity == "warn" and "structural series" in far.finding
    near = checked("model_agreement", clean(), estimators=["prais_winsten"])
    assert near.severity == "note"
    assert checked("model_agreement", clean()).severity == "warn"


def test_the_belt_law_that_raises_accidents_is_weak_evidence() -> None:
    chosen = study(
        outcome="ltotacc",
        design="autoregressive_errors",
        **CALIFORNIA,
        other_events=[SPEED],
        checks=[
            "series_length",
            "autocorrelation",
            "placebo_breaks",
            "co_interventions",
            "control_comparison",
            "trend_shape",
            "impact_shape",
        ],
    )
    data = traffic("ltotacc")
    effects = designs.estimate(chosen, data)
    found = checks.run(chosen, data, effects, None)
    answer = designs.headline(chosen, data, effects)
    verdict = decide.decide(chosen, data, effects, None, answer, found)
    assert answer.excludes(0.0) and answer.value > 0.09
    assert verdict.strength == "weak" and verdict.action == "not_on_this"
    assert {"placebo_breaks", "control_comparison"} <= {check.name for check in found if check.severity == "warn"}
