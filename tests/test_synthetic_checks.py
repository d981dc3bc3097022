"""Checks of the synthetic control family warn on the case made to mislead them and not on the matching clean one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import checks, decide, designs
from analysis.checks import donors as donor_check
from analysis.checks import (
    hull,
    in_time_placebo,
    leave_one_donor_out,
    placebo_units,
    prefit,
    synthetic_agreement,
)
from analysis.checks._synthetic import moved_earlier
from analysis.data.panels import panel_from_frame
from analysis.designs import synthetic_control, synthetic_did
from analysis.fits.synthetic_control import Synthetic
from analysis.panel import NEVER, Labels, Panel
from analysis.result import Check
from analysis.study import Study, modules

BEFORE, AFTER = 20, 8


def study(**changes: Any) -> Study:
    values = {
        "question": "Did the policy change the outcome?",
        "decision": "Whether to go on with the policy.",
        "intervention": "the policy",
        "dataset": "prop99",
        "outcome": "y",
        "design": "synthetic_control",
        "worthwhile": 1.0,
        "better": "higher",
        "seed": 3,
    }
    return Study.read(values | changes, "test.yml")


def simulated(
    treated: int = 1, donors: int = 30, effect: float = 5.0, before: int = BEFORE, seed: int = 1, noise: float = 0.3
) -> Panel:
    """Two common factors that drift; treated units load on them as the mean of four donors does. Known effect from
    period `before` on (seeded; the truth is `effect`)."""
    rng = np.random.default_rng(seed)
    periods = before + AFTER
    factors = np.cumsum(rng.normal(size=(2, periods)), axis=1)
    loads = rng.uniform(0.0, 2.0, size=(donors, 2))
    level = rng.uniform(10.0, 30.0, size=donors)
    mixed = [rng.choice(donors, 4, replace=False) for _ in range(treated)]
    loads = np.vstack([[loads[m].mean(axis=0) for m in mixed], loads])
    level = np.concatenate([[level[m].mean() for m in mixed], level])
    y = level[:, None] + loads @ factors + noise * rng.normal(size=(treated + donors, periods))
    y[:treated, before:] += effect
    return made(y, treated, before)


def made(y: np.ndarray, treated: int, start: int) -> Panel:
    units, periods = y.shape
    frame = pd.DataFrame(
        {
            "i": np.repeat([f"u{k:02d}" for k in range(units)], periods),
            "t": np.tile(np.arange(1, periods + 1), units),
            "y": y.ravel(),
            "g": np.where(np.repeat(np.arange(units), periods) < treated, start + 1.0, np.nan),
        }
    )
    return panel_from_frame(frame, Labels("y", "t", "i", "g", public=True))


def checked(module: Any, panel: Panel, effects: Synthetic | None = None, gaps: dict | None = None) -> Check:
    name = module.__name__.rpartition(".")[2]
    (found,) = checks.run(study(checks=[name]), panel, effects or synthetic_control.estimate(panel), None, gaps)
    return found


def changed(panel: Panel, unit: int, values: Any) -> Panel:
    y = panel.outcome.copy()
    y[unit] += values
    return panel.with_outcome(y)


def test_the_clean_case_gives_no_caution_in_any_check() -> None:
    """One treated unit inside the donors, twenty periods before, thirty donors."""
    panel = simulated()
    for design in ("synthetic_control", "synthetic_did"):
        asked = study(design=design, checks=modules("checks", "synthetic_control"), estimators=["unweighted_did"])
        effects = designs.estimate(asked, panel)
        found = checks.run(asked, panel, effects, None, {"another": 0.1})
        assert [c.name for c in found if c.severity != "note"] == [], design
        assert all("passed" not in c.finding for c in found) and len({c.name for c in found}) == 7
        estimate = designs.headline(asked, panel, effects)
        verdict = decide.decide(asked, panel, effects, None, estimate, found)
        assert verdict.strength == "moderate" and "event of the treated unit's own" in verdict.reason
        assert estimate.low < 5.0 < estimate.high and estimate.excludes(0.0)


def test_a_comparison_that_does_not_follow_stops_the_answer() -> None:
    """The treated unit has a trend of its own that no donor shares."""
    panel = changed(simulated(), 0, 1.5 * np.arange(BEFORE + AFTER))
    effects = synthetic_control.estimate(panel)
    found = checked(prefit, panel, effects)
    assert found.severity == "stop" and found.code == "E121" and found.statistic > 0.5
    asked = study(checks=["prefit", "in_time_placebo", "placebo_units"])
    verdict = decide.decide(asked, panel, effects, None, designs.headline(asked, panel, effects), [found])
    assert verdict.action == "withhold"


def test_prefit_by_hand() -> None:
    """Root mean squared gap over the standard deviation of the treated path; the limits are a quarter and a half."""
    panel = simulated()
    effects = synthetic_control.estimate(panel)
    gap = effects.gaps[:BEFORE]
    ratio = np.sqrt((gap**2).mean()) / effects.pre_scale
    found = checked(prefit, panel, effects)
    assert found.statistic == pytest.approx(ratio) and found.severity == "note"
    for miss, severity in ((0.24, "note"), (0.26, "warn"), (0.49, "warn"), (0.51, "stop"), (np.inf, "stop")):
        assert checked(prefit, panel, replace(effects, pre_rmspe=miss * effects.pre_scale)).severity == severity
    flat = checked(prefit, panel, replace(effects, pre_scale=0.0))
    assert flat.severity == "stop" and flat.statistic is None


def test_few_periods_before_are_a_caution() -> None:
    found = checked(prefit, simulated(before=9))
    assert found.severity == "warn" and "Only 9 periods precede the policy" in found.finding


def test_prefit_says_how_wrong_the_comparison_would_have_to_be() -> None:
    panel = simulated()
    effects = synthetic_control.estimate(panel)
    found, answer = checked(prefit, panel, effects), effects.average(0.95)
    assert found.amounts["needed"] == pytest.approx(min(abs(answer.low), abs(answer.high)))
    assert "{needed}" in found.overturns and "times its typical miss" in found.overturns


def test_a_treated_unit_above_every_donor_is_outside_their_range() -> None:
    panel = simulated()
    assert checked(hull, panel).severity == "note"
    above = changed(panel, 0, 60.0)
    found = checked(hull, above)
    assert found.severity == "warn" and found.statistic == BEFORE and found.amounts["farthest"] > 10
    assert f"In {BEFORE} of {BEFORE} periods" in found.finding
    allowed = checked(hull, above, synthetic_did.estimate(above))
    assert allowed.severity == "note" and "less its own mean" in allowed.finding


def test_one_period_outside_the_range_is_named() -> None:
    panel = simulated()
    top = panel.outcome[1:, 6].max() - panel.outcome[0, 6] + 2.0
    found = checked(hull, changed(panel, 0, np.where(np.arange(BEFORE + AFTER) == 6, top, 0.0)))
    assert found.statistic == 1 and "most in 7, by {farthest}" in found.finding
    assert found.amounts["farthest"] == pytest.approx(2.0)


def test_few_donors_and_heavy_donors_are_cautions() -> None:
    few = checked(donor_check, simulated(donors=8))
    assert few.severity == "warn" and few.code == "E104" and "cannot fall below 0.11" in few.finding
    panel = simulated()
    twin = panel.outcome.copy()
    twin[0, :BEFORE] = twin[5, :BEFORE]
    found = checked(donor_check, panel.with_outcome(twin))
    assert found.severity == "warn" and "the heaviest is u05" in found.finding
    clean = checked(donor_check, panel)
    assert clean.severity == "note" and "30 donors" in clean.finding and "left out by name" in clean.finding


def test_donors_left_out_are_named() -> None:
    panel = simulated()
    found = checked(donor_check, panel, synthetic_control.estimate(panel, exclude=["u07", "u09"]))
    assert "28 donors" in found.finding and "Left out by name: u07 and u09." in found.finding


def test_a_false_start_finds_a_planted_drift() -> None:
    panel = simulated(effect=0.0)
    assert checked(in_time_placebo, panel).severity == "note"
    drift = np.where(np.arange(BEFORE + AFTER) >= 12, 6.0, 0.0)
    found = checked(in_time_placebo, changed(panel, 0, drift))
    assert found.severity == "warn" and found.code == "E112" and found.statistic > 3
    assert "finds an effect where there was no policy" in found.finding


def test_a_false_start_that_could_not_undo_the_answer_is_a_caution_that_is_not_fatal() -> None:
    """The same drift before an effect ten times as large: a bias of its size would leave zero outside."""
    drift = np.where(np.arange(BEFORE + AFTER) >= 12, 3.0, 0.0)
    panel = changed(simulated(effect=60.0), 0, drift)
    effects = synthetic_control.estimate(panel)
    found = checked(in_time_placebo, panel, effects)
    assert found.severity == "warn" and found.code == "E110" and "would not undo the answer" in found.finding
    wide = replace(effects, bounds=lambda level: (1.0, 119.0, 0.04))
    assert checked(in_time_placebo, panel, wide).code == "E112"


def test_a_false_start_uses_no_treated_period() -> None:
    panel = simulated()
    wild = panel.with_outcome(panel.outcome + 1000.0 * panel.treated)
    first, second = checked(in_time_placebo, panel), checked(in_time_placebo, wild)
    assert first.statistic == pytest.approx(second.statistic, abs=1e-9)


def test_periods_before_a_false_start() -> None:
    early = moved_earlier(simulated(), 10)
    assert early.outcome.shape == (31, 20) and early.adoption[0] == 10 and (early.adoption[1:] == NEVER).all()
    panel = simulated(treated=2)
    staggered = panel.with_adoption(np.where(np.arange(32) == 0, 15, panel.adoption))
    early = moved_earlier(staggered, 7)
    assert early.outcome.shape[1] == 15 and set(early.adoption[:2]) == {8}


def test_too_few_periods_for_a_false_start_are_said() -> None:
    found = checked(in_time_placebo, simulated(before=2))
    assert found.severity == "warn" and "cannot be tried" in found.finding


def test_predictors_that_reach_past_the_false_start_give_way_to_the_path() -> None:
    panel = simulated()
    panel = replace(panel, covariates={"x": panel.outcome + 1.0})
    effects = synthetic_control.estimate(panel, predictors=["x@1-20"], optimise_weights=False)
    found = checked(in_time_placebo, panel, effects)
    assert found.p_value is not None and "fitted to the path of the outcome" in found.finding


def test_an_event_in_the_one_donor_that_carries_the_comparison() -> None:
    """The treated unit is the twin of one donor, which has a shock of its own when the policy starts."""
    panel = simulated(effect=0.0)
    y = panel.outcome.copy()
    y[0, :BEFORE] = y[5, :BEFORE]
    y[5, BEFORE:] -= 8.0
    found = checked(leave_one_donor_out, panel.with_outcome(y))
    assert found.severity == "warn" and "without u05" in found.finding
    clean = checked(leave_one_donor_out, simulated())
    assert clean.severity == "note" and clean.amounts["low"] <= clean.amounts["answer"] <= clean.amounts["high"]


def test_leaving_out_by_hand() -> None:
    panel = simulated()
    effects = synthetic_control.estimate(panel)
    heavy = np.flatnonzero(effects.weights[0] >= 0.01)
    values = [
        synthetic_control.estimate(panel.only(np.arange(31) != 1 + k, "test"), uncertainty="none").averaged_over()
        for k in heavy
    ]
    found = checked(leave_one_donor_out, panel, effects)
    assert found.amounts["low"] == pytest.approx(min(float(v.estimate[0]) for v in values), abs=1e-9)
    assert found.amounts["high"] == pytest.approx(max(float(v.estimate[0]) for v in values), abs=1e-9)


def test_the_rank_among_donors() -> None:
    panel = simulated()
    found = checked(placebo_units, panel)
    assert (
        found.severity == "note"
        and found.p_value == pytest.approx(1 / 31)
        and "Of 30 donors" in found.finding
        and "none shows" in found.finding
    )
    nothing = checked(placebo_units, simulated(effect=0.0))
    assert nothing.p_value > 0.05 and nothing.severity == "note"


def test_an_interval_that_the_rank_contradicts_is_a_caution() -> None:
    panel = simulated(effect=0.0)
    effects = synthetic_control.estimate(panel)
    narrow = replace(effects, bounds=lambda level: (0.1, 0.2, 0.01))
    found = checked(placebo_units, panel, narrow)
    assert found.severity == "warn" and "excludes zero all the same" in found.finding


def test_a_treated_unit_larger_than_the_donors_is_a_caution_where_gaps_are_compared_as_they_stand() -> None:
    """Counts: all donors but four are a twentieth of the size, so that their gaps are small whatever happens."""
    panel = simulated(noise=1.0)
    shrunk = np.where(np.arange(31) < 5, 1.0, 0.05)[:, None] * panel.outcome
    small = panel.with_outcome(shrunk)
    found = checked(placebo_units, small, synthetic_did.estimate(small))
    assert found.severity == "warn" and "times as much as the median donor" in found.finding
    assert checked(placebo_units, panel, synthetic_did.estimate(panel)).severity == "note"


def test_estimators_that_disagree_are_a_caution() -> None:
    panel = simulated()
    effects = synthetic_control.estimate(panel)
    error = effects.average(0.95).std_error
    assert error is not None
    near = checked(synthetic_agreement, panel, effects, {"synthetic did": 0.5 * error})
    far = checked(synthetic_agreement, panel, effects, {"synthetic did": 0.5 * error, "unweighted did": -30.0})
    assert near.severity == "note" and far.severity == "warn" and far.amounts["gap"] == 30.0
    assert "(unweighted difference in differences)" in far.finding and "Pointing the other way" in far.finding
    assert checked(synthetic_agreement, panel, effects).severity == "note"


def test_many_treated_units_and_several_dates() -> None:
    """Every check works where twelve units are treated, at one date and at two, and finds nothing to warn of."""
    panel = simulated(treated=12, donors=40)
    early = (np.arange(52)[:, None] < 6) & np.isin(np.arange(BEFORE + AFTER), (BEFORE, BEFORE + 1))
    later = panel.with_outcome(panel.outcome - 5.0 * early)
    later = later.with_adoption(np.where(np.arange(52) < 6, BEFORE + 2, panel.adoption))
    for one in (panel, later):
        asked = study(design="synthetic_did", checks=modules("checks", "synthetic_control"), draws=99)
        effects = designs.estimate(asked, one)
        found = checks.run(asked, one, effects, None, {"another": 0.01})
        assert [c.name for c in found if c.severity != "note"] == []
