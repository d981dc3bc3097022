"""Checks of a randomised trial: each cautions on data made to mislead it and is silent on the matching clean data."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from contract_randomised_trial import classes, training, villages, workshops

from analysis import checks, decide, designs
from analysis.data import table
from analysis.data.observations import rows_from_frame
from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.result import Check
from analysis.rows import Rows
from analysis.studies.randomised_trial import Study

ALL = [
    "attrition",
    "covariate_balance",
    "sample_ratio",
    "compliance",
    "assignment_level",
    "few_clusters_trial",
    "randomisation_test",
    "many_tests",
    "adjustment_agreement",
    "peeking",
]


def study(**changes: object) -> Study:
    values = {
        "question": "Did the offer change the outcome?",
        "decision": "Whether to go on with the offer.",
        "intervention": "the offer",
        "dataset": "nsw_mixtape",
        "outcome": "y",
        "treatment": "d",
        "design": "difference_in_means",
        "worthwhile": 0.1,
        "better": "higher",
        "checks": ALL,
        "draws": 199,
    }
    return Study.read(values | changes, "test.yml")  # type: ignore[return-value]


def found(rows: Rows, **changes: object) -> dict[str, Check]:
    made = study(**changes)
    effects = designs.estimate(made, rows)
    others = designs.alternatives(made, rows, effects)
    return {check.name: check for check in checks.run(made, rows, effects, None, designs.gaps(others))}


def people(n: int = 1200, seed: int = 3, lost: tuple[float, float] = (0.0, 0.0), **changes: object) -> Rows:
    """Made-up people drawn one by one, half to each arm; the true effect is 0.4. lost: shares without an outcome."""
    draw = np.random.default_rng(seed)
    d = draw.permutation(np.arange(n) % 2).astype(float)
    x = draw.normal(size=n)
    y = 0.5 * x + 0.4 * d + draw.normal(size=n)
    y = np.where(draw.uniform(size=n) < np.where(d == 1, lost[1], lost[0]), np.nan, y)
    frame = pd.DataFrame({"y": y, "d": d, "x": x, "day": np.arange(n) // 40, "z": draw.normal(size=n)})
    return rows_from_frame(frame.assign(**changes), Labels("y", ""), columns=["d", "x", "day", "z"], unobserved=True)


CLEAN = {
    "covariates": ["x"],
    "estimators": ["lin_adjusted"],
    "expected_share": 0.5,
    "order": "day",
    "planned": 1200,
    "outcomes": ["z"],
}


def test_a_clean_trial_gives_no_cause_for_caution() -> None:
    shown = found(people(), **CLEAN)
    assert [name for name, check in shown.items() if check.severity != "note"] == []
    made = study(**CLEAN)
    rows = people()
    effects = designs.estimate(made, rows)
    answer = designs.headline(made, rows, effects)
    verdict = decide.decide(made, rows, effects, None, answer, list(shown.values()))
    assert verdict.step == 3 and answer.excludes(0.0) and answer.low < 0.4 < answer.high


def test_unequal_arms_stop_the_answer() -> None:
    rows = people(2000)
    kept = rows.only(~((rows.column("d") == 1) & (np.arange(rows.n) % 3 == 0)), "lost")
    check = found(kept, expected_share=0.5)["sample_ratio"]
    assert check.severity == "stop" and check.p_value is not None and check.p_value < 1e-3
    assert "less than once in a thousand draws" in check.finding
    assert found(rows, expected_share=0.5)["sample_ratio"].severity == "note"


def test_unequal_arms_withhold_the_recommendation() -> None:
    rows = people(2000)
    kept = rows.only(~((rows.column("d") == 1) & (np.arange(rows.n) % 3 == 0)), "lost")
    made = study(expected_share=0.5)
    effects = designs.estimate(made, kept)
    shown = checks.run(made, kept, effects, None, {})
    verdict = decide.decide(made, kept, effects, None, effects.average(0.95), shown)
    assert verdict.action == "withhold" and verdict.reason == "withheld: sample_ratio"


def test_shares_of_several_arms_are_listed() -> None:
    rows = classes(cluster=False)
    choices = {"treatment": "stark", "control_arm": "regular", "arm": "small", "outcome": "scorek"}
    counted = found(rows, **choices, expected_share=[0.347, 0.3, 0.353])["sample_ratio"]
    assert counted.severity == "note" and "Regular 2,194, Small 1,900" in counted.finding
    with pytest.raises(Refusal, match=r"R302 STOP expected_share — one share for 3 arms. Fix: list one for each"):
        found(rows, **choices, expected_share=0.5)


def test_villages_analysed_person_by_person() -> None:
    rows = villages()
    choices = {"treatment": "arm"}
    ignored = found(rows, **choices, errors="robust")["assignment_level"]
    assert ignored.severity == "warn" and ignored.advice == "Set `errors: clustered`."
    assert ignored.statistic is not None and ignored.statistic > 1.5
    unnamed = replace(rows, cluster=np.arange(rows.n), labels=replace(rows.labels, cluster=""))
    seen = found(unnamed, **choices)["assignment_level"]
    assert seen.severity == "warn" and "never varies within village" in seen.finding
    assert found(rows, **choices)["assignment_level"].severity == "note"
    assert found(people())["assignment_level"].severity == "note"


@cache
def voters(cluster: str = "") -> Rows:
    """The cable systems' young registered voters one by one."""
    frame = table.load("rock_the_vote")
    system = np.repeat(frame.index.to_numpy(), frame["n"])
    first = np.concatenate([[0], np.cumsum(frame["n"])[:-1]])
    voted = np.arange(len(system)) - first[system] < frame["r"].to_numpy()[system]
    people = frame[["treated", "strata", "rownames"]].iloc[system].reset_index(drop=True).assign(y=voted.astype(float))
    return rows_from_frame(people, Labels("y", "", cluster=cluster), columns=["treated", "strata", "rownames"])


def test_tv_outreach_person_by_person() -> None:
    """Spots were drawn for cable systems: errors that count voters are too small, and the page says so."""
    choices = {"treatment": "treated", "strata": "strata", "checks": ["assignment_level"]}
    rows = voters()
    check = found(rows, **choices)["assignment_level"]
    assert rows.n > 20_000 and check.severity == "warn" and check.advice == "Set `cluster: rownames`."
    assert check.statistic is not None and check.statistic > 1.5
    assert found(voters("rownames"), **choices)["assignment_level"].severity == "note"


def test_arms_that_differed_before() -> None:
    rows = people()
    tilted = rows.with_column("x", rows.column("x") + 0.3 * rows.column("d"))
    check = found(tilted, covariates=["x", "z"])["covariate_balance"]
    assert check.severity == "warn" and check.p_value is not None and check.p_value <= 0.01
    assert found(rows, covariates=["x", "z"])["covariate_balance"].severity == "note"


def test_balance_of_clusters_is_judged_by_clusters() -> None:
    """A column that is one number for each village: by persons the arms look unlike, by villages they do not."""
    rows = villages()
    own = np.random.default_rng(2).normal(size=24)
    rows = rows.with_column("x", own[rows.column("village").astype(int)])
    by_village = found(rows, treatment="arm", covariates=["x"])["covariate_balance"]
    alone = replace(rows, cluster=np.arange(rows.n), labels=replace(rows.labels, cluster=""))
    by_person = found(alone, treatment="arm", covariates=["x"])["covariate_balance"]
    assert by_village.p_value is not None and by_person.p_value is not None
    assert by_person.p_value <= 0.01 and by_person.severity == "warn"
    assert by_village.p_value > 0.1 and by_village.severity == "note"


def test_missing_outcomes() -> None:
    few = found(people(lost=(0.02, 0.02)))["attrition"]
    assert few.severity == "note" and "{lower_number}" not in few.finding
    lopsided = found(people(lost=(0.05, 0.16)))["attrition"]
    assert lopsided.severity == "warn" and lopsided.p_value is not None and lopsided.p_value < 0.01
    assert lopsided.amounts["lower"] < 0.4 < lopsided.amounts["upper"]
    even = found(people(lost=(0.12, 0.12)))["attrition"]
    assert even.severity == "note" and "Zero becomes plausible" in even.overturns
    heavy = found(people(lost=(0.3, 0.3)))["attrition"]
    assert heavy.severity == "warn"


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_could_overturn_stays_within_the_outcomes_seen(sign: float) -> None:
    """Two in a hundred missing would have to be further off than any outcome seen."""
    rows = people(lost=(0.02, 0.02))
    rows = replace(rows, outcome=sign * np.clip(rows.outcome + 5 * rows.column("d"), 0, 6))
    check = found(rows)["attrition"]
    assert check.overturns.startswith("Missing outcomes alone cannot: even if everybody missing")
    assert ("lowest" if sign > 0 else "highest") in check.overturns and check.amounts["needed"] > 0
    room = rows.outcome.max() - rows.outcome.min()
    assert check.amounts["bias"] > room


def test_class_size_attrition_counts_everyone_assigned() -> None:
    choices = {"treatment": "stark", "control_arm": "regular", "arm": "small", "outcome": "scorek"}
    check = found(classes(), **choices, strata="schoolidk", cluster="schoolidk")["attrition"]
    assert check.statistic == pytest.approx(1 - (2005 + 1738) / (2194 + 1900)) and check.severity == "note"


def test_take_up() -> None:
    choices = {"treatment": "treat", "received": "comply"}
    check = found(workshops(), **choices)["compliance"]
    assert check.severity == "note" and check.statistic == pytest.approx(0.62)
    rows = workshops()
    weak = rows.with_column("comply", np.where(np.arange(rows.n) % 100 == 0, 1.0, 0.0))
    assert found(weak, **choices)["compliance"].severity == "warn"


def test_one_lucky_outcome_of_many() -> None:
    draw = np.random.default_rng(0)
    n = 300
    d = draw.permutation(np.arange(n) % 2).astype(float)
    noise = draw.normal(size=(n, 12))
    gaps = np.array([abs(y[d == 1].mean() - y[d == 0].mean()) for y in noise.T])
    noise = noise[:, np.argsort(-gaps)]
    frame = pd.DataFrame({"d": d, "y": noise[:, 0]} | {f"y{k}": noise[:, k] for k in range(1, 12)})
    names = [f"y{k}" for k in range(1, 12)]
    rows = rows_from_frame(frame, Labels("y", ""), columns=["d", *names])
    check = found(rows, outcomes=names)["many_tests"]
    assert check.severity == "warn" and "12 tests" in check.finding
    real = rows.with_outcome(rows.outcome + d)
    assert found(real, outcomes=names)["many_tests"].severity == "note"


def test_reading_until_it_looks_good() -> None:
    """Pure noise, cut off where a single interval first leaves zero out."""
    draw = np.random.default_rng(0)
    for _ in range(200):
        n = 2000
        d = np.tile([0.0, 1.0], n // 2)
        y = draw.normal(size=n)
        size = np.arange(100, n + 1, 100)
        z = [_ratio(y[:k], d[:k]) for k in size]
        hit = np.flatnonzero(np.abs(z) > 2.0)
        if len(hit):
            stop = size[hit[0]]
            break
    frame = pd.DataFrame({"y": y[:stop], "d": d[:stop], "day": np.arange(stop) // 50})
    rows = rows_from_frame(frame, Labels("y", ""), columns=["d", "day"])
    check = found(rows, order="day")["peeking"]
    assert check.severity == "warn" and "with zero" in check.finding
    early = found(rows, order="day", planned=2000 if stop < 2000 else 4000)["peeking"]
    assert early.severity == "warn" and "planned rows are in" in early.finding
    assert found(people(), order="day", planned=1200)["peeking"].severity == "note"


def _ratio(y: np.ndarray, d: np.ndarray) -> float:
    sides = y[d == 1], y[d == 0]
    return float((sides[0].mean() - sides[1].mean()) / np.sqrt(sum(s.var(ddof=1) / len(s) for s in sides)))


def test_an_effect_that_wears_off() -> None:
    rows = people()
    late = rows.column("day") >= 15
    check = found(rows.with_outcome(rows.outcome + 0.8 * rows.column("d") * ~late), order="day", planned=1200)[
        "peeking"
    ]
    assert check.severity == "warn" and check.advice.startswith("Expect the later effect")


def test_adjusting_that_moves_the_answer() -> None:
    rows = people()
    tilted = rows.with_column("x", rows.column("x") + 0.4 * rows.column("d"))
    shown = found(tilted, covariates=["x"], estimators=["lin_adjusted"])["adjustment_agreement"]
    assert shown.severity == "warn" and "lin adjusted" in shown.finding
    assert found(rows, covariates=["x"], estimators=["lin_adjusted"])["adjustment_agreement"].severity == "note"


def test_taking_part_is_not_compared_with_being_assigned() -> None:
    choices = {"treatment": "treat", "received": "comply", "design": "complier_effect"}
    check = found(workshops(), **choices, estimators=["difference_in_means"])["adjustment_agreement"]
    assert check.severity == "note" and check.finding.startswith("No other estimator of the same effect")


def test_few_clusters() -> None:
    rows = villages()
    assert found(rows, treatment="arm")["few_clusters_trial"].severity == "note"
    some = rows.rows(rows.column("village") < 16)
    check = found(some, treatment="arm")["few_clusters_trial"]
    assert check.severity == "warn" and check.code == "E103"
    few = rows.rows(rows.column("village") < 8)
    hidden = found(few, treatment="arm", uncertainty="permutation")["few_clusters_trial"]
    assert hidden.severity == "warn" and hidden.code == "E104"


def test_a_test_that_needs_the_draw_only() -> None:
    """One outlier of 40 rows carries the difference: the t interval and reassignment part."""
    assert found(people())["randomisation_test"].severity == "note"
    drawn = found(classes(), treatment="stark", control_arm="regular", arm="small", outcome="scorek")
    assert "cannot be redrawn" in drawn["randomisation_test"].finding


def test_checks_that_were_not_made_say_so() -> None:
    shown = found(training(), treatment="treat", outcome="re78")
    for name in ("sample_ratio", "covariate_balance", "compliance", "peeking", "adjustment_agreement"):
        assert shown[name].severity == "note" and "nothing" in shown[name].finding


@cache
def _everything() -> dict[str, Check]:
    return found(people(), **CLEAN)


def test_the_order_of_rows_does_not_matter() -> None:
    rows = people()
    moved = rows.rows(np.random.default_rng(1).permutation(rows.n))
    again = found(moved, **CLEAN)
    for name, check in _everything().items():
        assert again[name].finding == check.finding, name
