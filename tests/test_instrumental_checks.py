"""Checks of an instrumental-variable study: each warns on the case made to mislead, and none on the clean one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from contract_instrumental_variable import WORDS, choices, made
from test_instrumental_variable import estimated, few, small

from analysis import checks, data, decide, designs, paths
from analysis.checks import (
    endogeneity,
    exclusion,
    instrument_clusters,
    leave_one_cluster_out,
    monotonicity,
    overidentification,
    reduced_form,
    weak_instrument,
)
from analysis.data import catalog
from analysis.data.observations import rows_from_frame
from analysis.decide.instrumental_variable import GROUNDS
from analysis.designs import two_stage_least_squares as two_stage
from analysis.fits.instrumental_variable import problem_of, region_of
from analysis.inference import instruments
from analysis.inference.instrument_stages import conventions, curve, stages
from analysis.panel import Labels
from analysis.report import answer
from analysis.report import instruments as charts
from analysis.report.display import Unit
from analysis.result import Check, Effects
from analysis.rows import Rows
from analysis.study import Study, modules

ALL = modules("checks", "instrumental_variable")


def study(rows: Rows, **changes: Any) -> Study:
    values = {
        "question": "Did the policy change the outcome?",
        "decision": "Whether to go on with the policy.",
        "intervention": "one more unit of treatment",
        "dataset": "card",
        "outcome": "y",
        "treatment": "d",
        "instruments": [name for name in rows.columns if name.startswith("z")],
        "design": "two_stage_least_squares",
        "worthwhile": 0.2,
        "better": "higher",
        "draws": 199,
        "checks": ALL,
    }
    return Study.read(values | WORDS | changes, "p.yml")


def judged(rows: Rows, **changes: Any) -> tuple[list[Check], Any, Effects]:
    chosen = study(rows, **changes)
    effects = designs.estimate(chosen, rows)
    found = checks.run(chosen, rows, effects, None)
    return found, decide.decide(chosen, rows, effects, None, effects.average(0.95), found), effects


def warned(found: list[Check]) -> list[str]:
    return [check.name for check in found if check.severity != "note"]


def test_a_clean_study_gets_no_caution_and_no_more_than_moderate() -> None:
    for count in (1, 2):
        found, verdict, effects = judged(small(1.0, n=1500, count=count, seed=2))
        assert warned(found) == [] and len(found) == len(ALL) == 8
        assert (verdict.strength, verdict.action) == (
            "moderate",
            "extend",
        ) and "through the treatment alone" in verdict.reason
        assert "from where on a t interval can be read" in next(c for c in found if c.name == "weak_instrument").finding
        assert effects.rule == "t" and verdict.overturning.name == "exclusion"


def test_a_weak_instrument_is_named_and_decides_nothing() -> None:
    found, verdict, effects = judged(small(0.08, n=400, seed=1))
    assert effects.strength < 10 and "weak_instrument" in warned(found)
    assert (verdict.strength, verdict.reason, verdict.action) == ("weak", "the instruments are weak", "not_on_this")
    check = next(c for c in found if c.name == "weak_instrument")
    assert check.code == "E123" and "below 10" in check.finding and "its t interval is not shown" in check.finding


@pytest.mark.parametrize(
    ("pieces", "bounded", "words"),
    [
        (2, False, "in 2 parts and leaves out only effects between"),
        (1, False, "holds every effect"),
        (1, True, "runs from"),
    ],
)
def test_the_words_of_a_weak_set_follow_its_shape(pieces: int, bounded: bool, words: str) -> None:
    for seed in range(80):
        effects = estimated(small(0.08, seed=seed))
        region = region_of(effects, 0.95)
        if effects.strength < 10 and (len(region.pieces), region.bounded) == (pieces, bounded):
            check = weak_instrument.run(small(0.08, seed=seed), effects, None, treatment="d", level=0.95)
            assert words in answer.finding(Unit("dollars"), check) and "{" not in answer.finding(Unit("log"), check)
            return
    pytest.fail("no such set among the draws")


def test_instruments_that_disagree_are_a_caution_with_the_estimate_of_each() -> None:
    rows = small(0.7, n=1500, count=2, direct=0.4, seed=1)
    effects = estimated(rows)
    found = overidentification.run(rows, effects, None)
    assert found.severity == "warn" and found.p_value < 0.001
    alone = [two_stage.estimate(rows, treatment="d", instruments=[name]).estimate[0] for name in ("z0", "z1")]
    assert found.amounts == {"lowest": pytest.approx(min(alone)), "highest": pytest.approx(max(alone))}
    one = overidentification.run(rows, two_stage.estimate(rows, treatment="d", instruments=["z0"]), None)
    assert one.severity == "note" and "One instrument cannot be checked" in one.finding


def pushed(against: bool, n: int = 3000) -> Rows:
    """A lottery that moves people at low levels of treatment up, and at high levels up or down."""
    rng = np.random.default_rng(8)
    z, high = rng.integers(0, 2, n), rng.random(n) < 0.4
    d = np.where(high, 8 + (-1 if against else 1) * z, 2 + 2 * z) + rng.integers(0, 2, n)
    raw = pd.DataFrame({"y": d + rng.normal(size=n), "d": d.astype(float), "z": z.astype(float)})
    return rows_from_frame(raw, Labels("y", ""), columns=["d", "z"])


def test_people_pushed_the_other_way_are_a_caution() -> None:
    for against in (True, False):
        rows = pushed(against)
        effects = two_stage.estimate(rows, treatment="d", instruments=["z"])
        found = monotonicity.run(rows, effects, None, monotonicity="Winning makes nobody {leave}.", treatment="d")
        assert found.severity == ("warn" if against else "note")
        said = answer.finding(Unit("dollars"), found)
        assert "Winning makes nobody {leave}." in said and ("at or above 9" in said) == against


def test_a_treatment_of_two_values_cannot_show_who_is_pushed_back() -> None:
    rows = pushed(against=False)
    taken = rows.with_column("d", (rows.column("d") > 5).astype(float))
    found = monotonicity.run(taken, estimated(taken), None, monotonicity="Winning makes nobody leave.", treatment="d")
    assert found.severity == "note" and "Cannot be checked" in found.finding


def test_few_clusters_behind_the_instrument_are_a_caution() -> None:
    found, verdict, effects = judged(few(), errors="clustered")
    check = next(c for c in found if c.name == "instrument_clusters")
    assert (check.severity, check.code) == ("warn", "E104") and effects.rule == "bootstrap"
    assert "worth only" in check.finding and not effects.average(0.95).excludes(0.0)
    assert verdict.action == "collect" or verdict.step < 3
    many = estimated(few(worth=20), errors="clustered", draws=99)
    assert instrument_clusters.run(few(worth=20), many, None).severity == "note"


def test_rows_of_one_unit_taken_as_independent_are_a_caution() -> None:
    rows = small(1.0, n=200)
    repeated = replace(rows, unit=np.arange(200) // 2, units=np.arange(100), labels=Labels("y", "", unit="person"))
    found = instrument_clusters.run(repeated, estimated(repeated), None)
    assert (found.severity, found.code) == ("warn", "E105") and "Set `cluster: person`" in found.advice
    assert instrument_clusters.run(rows, estimated(rows), None).severity == "note"


def test_one_row_that_makes_the_answer_is_found_and_not_named() -> None:
    rows = small(0.5, n=150, seed=3)
    outcome, z = rows.outcome.copy(), rows.columns["z0"].copy()
    z[70], outcome[70] = 12.0, -150.0
    driven = replace(rows, outcome=outcome, columns={**rows.columns, "z0": z})
    found = leave_one_cluster_out.run(driven, estimated(driven), None)
    assert found.severity == "warn" and "changes by more than half without one of them" in found.finding
    assert "row 71" not in found.finding and "farthest" not in found.finding
    assert leave_one_cluster_out.run(rows, estimated(rows), None).severity == "note"


@pytest.mark.parametrize("change", [1.0, -0.5])
def test_the_direct_effect_that_overturns_does_so(change: float) -> None:
    """Take that direct effect away, and the instrument's relation to the outcome has a p-value of exactly 5 %."""
    rows = small(0.6, n=300, seed=2)
    effects = estimated(rows, change=change)
    found = exclusion.run(rows, effects, None, exclusion=WORDS["exclusion"], intervention="more", level=0.95)
    (first,) = instruments.first_stage(problem_of(effects))
    away = found.amounts["direct"] / change * first.value * rows.column("z0")
    after = estimated(rows.with_outcome(rows.outcome - away), change=change)
    assert instruments.jointly_zero(problem_of(after)).p_value == pytest.approx(0.05, abs=0.002)
    assert 0 < found.statistic < 1 and np.sign(found.amounts["direct"]) == np.sign(effects.estimate[0])
    assert "Zero becomes plausible" in answer.written(Unit("log"), found.overturns, found)


def test_an_exclusion_in_a_persons_words_is_kept_as_written() -> None:
    rows = small(0.02, n=100)
    words = "A lottery {drawn} by hand touches nothing else."
    found = exclusion.run(rows, estimated(rows), None, exclusion=words, intervention="more", level=0.95)
    assert words in answer.finding(Unit("log"), found) and found.overturns == ""


def test_a_t_interval_without_a_reduced_form_is_a_caution() -> None:
    for seed in range(200):
        rows = small(0.15, seed=seed, n=100)
        effects = estimated(rows)
        t = effects.estimate[0] / effects.table["std_error"][0]
        found = reduced_form.run(rows, effects, None, intervention="more", level=0.95)
        hollow = found.p_value > 0.05 and abs(t) > 2.0
        if hollow:
            assert found.severity == "warn" and found.code == "E123"
            return
        assert abs(t) < 1.98 or found.severity == "note"
    pytest.fail("no such case among the draws")


def test_least_squares_beside_the_answer_is_never_a_caution() -> None:
    rows = small(1.0, n=1500)
    found = endogeneity.run(rows, estimated(rows), None)
    assert found.severity == "note" and found.p_value < 0.01 and found.amounts["plain"] > found.amounts["answer"]


def test_least_squares_as_a_headline_stays_weak() -> None:
    assert GROUNDS.most("least_squares")[0] == 1
    _, verdict, _ = judged(small(1.0, n=400), design="least_squares")
    assert verdict.strength == "weak"


# The real studies -----------------------------------------------------------------------------------------------------

STUDIES = {
    "prison-capacity": ("inconclusive", "moderate", ["instrument_clusters"]),
    "cigarette-tax": ("lower than the comparison predicts", "weak", ["overidentification"]),
    "college-proximity": ("higher than the comparison predicts", "moderate", []),
}


@pytest.mark.parametrize("name", STUDIES)
def test_what_the_pages_say(name: str) -> None:
    file = paths.PARAMS / "instrumental_variable" / f"{name}.yml"
    chosen = Study.read(yaml.safe_load(file.read_text(encoding="utf-8")), file.name).model_copy(update={"draws": 499})
    rows = data.load(chosen)
    effects = designs.estimate(chosen, rows)
    found = checks.run(chosen, rows, effects, None)
    estimate = designs.headline(chosen, rows, effects)
    verdict = decide.decide(chosen, rows, effects, None, estimate, found)
    source = catalog.read(chosen.dataset)
    measure = source.columns[chosen.outcome]
    words, strength, cautions = STUDIES[name]
    assert words in answer.sentence(chosen, measure, effects, estimate, verdict)
    assert (verdict.strength, warned(found)) == (strength, cautions)
    both = stages(rows, effects, chosen.instruments, chosen.level)
    for block in (
        charts.figure(both, chosen, measure, source),
        charts.table(both, chosen, measure, source),
        charts.curve(curve(effects, 0.95), estimate, chosen, measure, source),
    ):
        assert block.meta["caption"] and block.meta["csv"] and "nan" not in block.text + block.html
        assert block.meta.get("alt", "Chart").split()[0] in ("Two", "Line", "Chart")


def test_a_table_of_ones_own_needs_no_roles() -> None:
    rows = made()
    found, _, effects = judged(rows, **{k: v for k, v in choices().items() if k not in WORDS})
    assert len(found) == 8 and effects.n == 240


def test_a_weak_page_shows_no_t_interval_anywhere() -> None:
    rows = small(0.08, n=400, seed=1)
    chosen = study(rows)
    effects = designs.estimate(chosen, rows)
    measure = catalog.Column(type="number", label="Outcome", unit="dollars")
    block = charts.intervals(effects.average(0.95), conventions(effects, 0.95), measure)
    assert "no other interval is shown" in block.text
    source = catalog.read("card")
    own = source.model_copy(update={"columns": {"d": measure, "y": measure, "z0": measure}})
    table = charts.table(stages(rows, effects, ["z0"], 0.95), chosen, measure, own)
    assert "not shown" in table.text.splitlines()[-1]
