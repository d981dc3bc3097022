"""Checks of panels with fixed effects: each cautions on the case made to mislead it and is silent on the clean one."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from contract_panel_fixed_effects import fatalities
from test_panel_fixed_effects import BEER, fit, made, panel, study

from analysis import checks, decide, designs
from analysis.data import catalog
from analysis.data.observations import rows_from_frame
from analysis.designs import first_differences, fixed_effects, pooled, random_effects
from analysis.inference import panel_models, panel_movement
from analysis.panel import Labels
from analysis.report import answer, panel_tables, within_units
from analysis.report.display import Unit
from analysis.result import Check
from analysis.rows import Rows
from analysis.study import modules

NAMES = modules("checks", "panel_fixed_effects")


def run(rows: Rows, module: ModuleType = fixed_effects, names: list[str] | None = None, **changes: Any) -> list[Check]:
    name = module.__name__.rpartition(".")[2]
    chosen = study(design=name, treatment="x", checks=names or NAMES, draws=199, **changes)
    return checks.run(chosen, rows, designs.estimate(chosen, rows))


def warned(found: list[Check]) -> set[str]:
    return {check.name for check in found if check.severity == "warn"}


def one(name: str, rows: Rows, module: ModuleType = fixed_effects, **changes: Any) -> Check:
    return run(rows, module, [name], **changes)[0]


@pytest.mark.parametrize("module", [fixed_effects, first_differences, random_effects])
def test_clean_panels_give_no_cause_for_caution(module: ModuleType) -> None:
    found = run(panel(seed=101), module, covariates=["z"])
    assert not warned(found), [(c.name, c.finding) for c in found if c.severity == "warn"]
    assert {check.name for check in found} == set(NAMES)


def test_lasting_differences_are_found() -> None:
    mixed = panel(level=2.0)
    assert one("hausman", mixed, random_effects).severity == "warn"
    assert one("hausman", mixed, pooled).severity == "warn" and one("hausman", mixed).severity == "note"
    assert one("hausman", mixed).p_value < 0.001 < one("hausman", panel(seed=101)).p_value
    assert one("omitted_effects", mixed, pooled).severity == "warn"
    assert "where the answer is" in one("omitted_effects", mixed, fixed_effects, effects="time").finding


def test_the_lesson_of_a_turned_sign_is_told() -> None:
    found = fit(**BEER)
    check = checks.run(study(checks=["omitted_effects"]), fatalities(), found)[0]
    assert "The sign turns once units are compared with themselves" in check.finding and check.severity == "note"


def test_common_shocks_that_go_with_the_treatment_are_found() -> None:
    rows = panel()
    shock = 2.0 * (rows.time - 2004)
    shocked = rows.with_outcome(rows.outcome + shock).with_column("x", rows.column("x") + 0.5 * (rows.time - 2004))
    assert one("omitted_effects", shocked, effects="entity").severity == "warn"
    assert one("omitted_effects", rows, effects="entity").severity == "note"


def test_trends_of_units_are_found() -> None:
    drifting = panel(drift=0.5)
    check = one("trends_per_unit", drifting)
    assert check.severity == "warn" and check.code == "E111" and check.p_value < 0.001
    assert one("trends_per_unit", panel()).severity == "note"
    short = one("trends_per_unit", panel(periods=2))
    assert short.severity == "warn" and "cannot be held constant" in short.finding


def test_a_treatment_that_answers_to_the_outcome_is_found_and_is_fatal() -> None:
    rows = panel(answers=0.4, units=100)
    found = run(rows, names=["strict_exogeneity", "trends_per_unit", "within_variation", "panel_clusters"])
    assert "strict_exogeneity" in warned(found)
    chosen = study(treatment="x")
    effects = designs.estimate(chosen, rows)
    verdict = decide.decide(chosen, rows, effects, None, designs.headline(chosen, rows, effects), found)
    assert (verdict.step, verdict.reason) == (1, "the outcome moved before the treatment did")
    assert one("strict_exogeneity", panel(units=100)).severity == "note"
    assert one("strict_exogeneity", panel(periods=2)).severity == "warn"


def test_strength_never_exceeds_what_nobody_randomised_can_carry() -> None:
    rows, chosen = panel(seed=101), study(treatment="x", checks=NAMES, draws=199)
    effects = designs.estimate(chosen, rows)
    found = checks.run(chosen, rows, effects)
    verdict = decide.decide(chosen, rows, effects, None, designs.headline(chosen, rows, effects), found)
    assert verdict.step == 2 and verdict.reason.startswith("nobody assigned this policy at random")
    assert verdict.overturning is not None and verdict.overturning.name == "unobserved_selection"
    said = answer.overturn(Unit(""), designs.headline(chosen, rows, effects), verdict)
    assert said.startswith("Zero becomes plausible if an unmeasured cause that changes within units explains more than")


def test_changes_never_seen_and_few_that_change_are_found() -> None:
    rows = panel()
    assert "was never seen in any of them" in one("within_variation", rows, change=50.0).finding
    assert one("within_variation", rows, change=50.0).severity == "warn"
    assert one("within_variation", rows).severity == "note"
    still = rows.with_column("x", np.where(rows.unit < 7, rows.column("x"), 0.0))
    assert one("within_variation", still).severity == "warn" and one("panel_clusters", still).code == "E104"


def test_too_few_that_change_get_no_errors() -> None:
    rows = panel()
    still = rows.with_column("x", np.where(rows.unit < 3, rows.column("x"), 0.0))
    chosen = study(treatment="x", checks=NAMES, draws=199)
    effects = designs.estimate(chosen, still)
    estimate = designs.headline(chosen, still, effects)
    found = checks.run(chosen, still, effects)
    verdict = decide.decide(chosen, still, effects, None, estimate, found)
    assert estimate.std_error is None and verdict.step == 1
    assert verdict.reason == "too few clusters for a standard error" and "panel_clusters" in warned(found)


def test_few_and_unequal_clusters_are_found() -> None:
    assert one("panel_clusters", panel(units=12)).severity == "warn"
    rows = panel()
    uneven = rows.with_column("x", np.where(rows.unit < 5, 20.0, 1.0) * rows.column("x"))
    check = one("panel_clusters", uneven)
    assert check.severity == "warn" and "so unequal that they are worth" in check.finding
    assert "CR2" in fixed_effects.estimate(uneven, treatment="x").inference


def test_rows_taken_as_independent_are_found() -> None:
    rows = panel()
    walk = np.cumsum(np.random.default_rng(3).normal(size=(60, 8)), axis=1).ravel()
    slow = np.cumsum(np.random.default_rng(4).normal(size=(60, 8)), axis=1).ravel()
    lasting = rows.with_outcome(walk + slow).with_column("x", slow)
    check = one("panel_clusters", lasting, errors="classical")
    assert check.severity == "warn" and check.statistic > 1.2
    assert "the answer's errors ignore this" in one("serial_correlation", lasting, errors="classical").finding
    assert one("serial_correlation", lasting).severity == "note"
    assert one("panel_clusters", rows, errors="driscoll_kraay").severity == "warn"


def test_measurement_error_parts_changes_from_levels() -> None:
    rows = panel(units=300)
    true = np.cumsum(np.random.default_rng(8).normal(size=(300, 8)), axis=1).ravel()
    noisy = true + np.random.default_rng(9).normal(size=2400)
    check = one("serial_correlation", rows.with_outcome(2 * true + rows.outcome).with_column("x", noisy))
    assert check.severity == "warn" and "differ by more than chance" in check.finding


def test_attrition_that_goes_with_the_outcome_is_found() -> None:
    rows = panel(units=150)
    grid = rows.outcome.reshape(150, 8) - rows.outcome.reshape(150, 8).mean(axis=1, keepdims=True)
    stays = np.cumsum(grid > 1.5, axis=1) - (grid > 1.5) == 0
    check = one("panel_gaps", rows.rows(np.flatnonzero(stays.ravel())))
    assert check.severity == "warn" and "goes with the outcome now" in check.finding
    assert one("panel_gaps", rows).severity == "note"
    random = np.random.default_rng(5).random(rows.n) > 0.03
    assert one("panel_gaps", rows.rows(np.flatnonzero(random))).severity == "note"


def test_units_that_never_report_are_counted() -> None:
    rows = panel(units=40)
    y = np.where(rows.unit < 15, np.nan, rows.outcome)
    found = one("panel_gaps", made(y, rows.column("x"), rows.unit, rows.time))
    assert found.severity == "warn" and "15 units have no outcome in any period" in found.finding


def test_one_unit_that_drives_the_answer_is_named() -> None:
    rows = panel(effect=0.0)
    driven = rows.with_outcome(rows.outcome + 40 * rows.column("x") * (rows.unit == 17))
    unnamed = one("leave_one_unit_out", driven)
    assert unnamed.severity == "warn" and "17" not in unnamed.finding and "without one of them" in unnamed.finding
    driven = replace(driven, labels=replace(driven.labels, public=True))
    check = one("leave_one_unit_out", driven)
    assert check.severity == "warn" and "farthest without i 17" in check.finding
    clustered = replace(driven, cluster=driven.unit // 2, labels=replace(driven.labels, cluster="c"))
    assert "the c of i 16" in one("leave_one_unit_out", clustered).finding


def test_a_covariate_as_strong_as_what_would_overturn_is_found() -> None:
    rows = panel(effect=0.15, units=100)
    strong = rows.with_column("z", rows.column("x") + 0.5 * rows.column("z"))
    heavy = strong.with_outcome(rows.outcome + 2 * strong.column("z"))
    check = one("unobserved_selection", heavy, covariates=["z"])
    assert check.severity in ("warn", "note") and "Of the covariates held constant the strongest, z" in check.finding
    large = strong.with_outcome(rows.outcome + 2 * rows.column("x") + 2 * strong.column("z"))
    assert one("unobserved_selection", large, covariates=["z"]).severity == "warn"
    assert one("unobserved_selection", panel(), covariates=["z"]).severity == "note"


def test_staggered_dates_are_found() -> None:
    rows = panel()
    starts = np.array([2002, 2004, 2006, 9999])[rows.unit % 4]
    check = one("effect_weights", rows.with_column("x", (rows.time >= starts).astype(float)))
    assert check.code == "E101" and check.severity == "warn" and "came at 3 dates" in check.finding
    gradual = one("effect_weights", rows.with_column("x", np.clip(0.5 * (rows.time - starts + 1), 0, 1)))
    assert gradual.code == "E101"
    together = np.where(rows.unit % 2, 2004, 9999)
    same = one("effect_weights", rows.with_column("x", (rows.time >= together).astype(float)))
    assert same.severity == "note" and "No weight is negative" in same.finding


def test_one_period_is_cautioned_and_nothing_breaks() -> None:
    rows = panel()
    single = rows.rows(np.flatnonzero(rows.time == 2003))
    found = run(single, pooled, errors="robust")
    assert {"hausman", "omitted_effects"} <= warned(found)


def test_every_finding_can_be_written() -> None:
    for module in (fixed_effects, first_differences, random_effects, pooled):
        for changes in ({}, {"lags": 1}, {"covariates": ["z"], "errors": "robust"}):
            for check in run(panel(units=35), module, **changes):
                said = answer.finding(Unit("points"), check)
                assert said and "{" not in said and "nan" not in said and "passed" not in said
                assert check.advice


def test_tables_and_chart_say_what_they_show() -> None:
    chosen, rows = study(lags=1, estimators=["pooled"]), fatalities()
    effects = designs.estimate(chosen, rows)
    source = catalog.read("fatalities")
    outcome = source.columns["frate"]
    later = panel_tables.later(effects, 0.95, outcome)
    assert [line.split("  ")[0] for line in later.text.splitlines()[1:]] == [
        "In the same period (the answer)", "1 period later", "Total"]  # fmt: skip
    assert "Set lags" in panel_tables.later(fit(**BEER), 0.95, outcome).text
    steps = panel_models.ladder(rows, fit(**BEER), 0.95)
    assert "The sign depends on what is held constant." in panel_tables.ladder(steps, outcome).meta["note"]
    moved = panel_movement.movement(rows, effects)
    assert "Units whose treatment ever changes" in panel_tables.movement(moved, "beertax", source).text
    estimate = designs.headline(chosen, rows, effects)
    chart = within_units.figure(panel_movement.bins(effects), estimate, chosen, outcome, source)
    assert chart.png[:4] == b"\x89PNG" and "The line rises" in chart.meta["alt"] and "fan" in chart.meta["caption"]


def test_own_table_with_text_units_and_gaps_runs() -> None:
    """What a new user brings: names of places, a period missing here and there, a text covariate."""
    frame = pd.DataFrame(
        {
            "place": ["Ash", "Ash", "Ash", "Elm", "Elm", "Oak", "Oak", "Oak", "Fir", "Fir", "Fir", "Yew"] * 3,
            "year": [1, 2, 3, 1, 3, 1, 2, 3, 1, 2, 3, 1] * 3,
        }
    )
    frame["place"] += np.repeat(["a", "b", "c"], 12)
    random = np.random.default_rng(2)
    frame["rate"], frame["spend"] = random.normal(size=36), random.normal(size=36)
    frame["kind"] = np.where(frame["year"] > 2, "late", np.where(random.random(36) > 0.5, "old", "new"))
    rows = rows_from_frame(frame, Labels("rate", "year", "place"), columns=["spend", "kind"], unobserved=True)
    effects = fixed_effects.estimate(rows, treatment="spend", covariates=["kind"], effects="entity")
    assert effects.n == 33 and "3 rows left out (seen once" in effects.method and np.isfinite(effects.df)
