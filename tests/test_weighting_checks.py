"""Checks of weighted comparisons: a caution on the case made to mislead, none on the clean one; their arithmetic."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from contract_weighting import ALIKE, rows
from test_weighting import loaded

from analysis import checks, data, decide, designs
from analysis.data import catalog
from analysis.inference import common_support, covariate_balance, unmeasured, weighting_conventions
from analysis.report import answer, group_levels, groups, love_plot, propensity_overlap
from analysis.result import Check
from analysis.rows import Rows
from analysis.study import Study, modules

ALL = modules("checks", "weighting")
BASE = {
    "question": "Did taking part raise the outcome?",
    "decision": "Whether to go on with it.",
    "intervention": "taking part",
    "dataset": "lalonde",
    "outcome": "y",
    "design": "inverse_probability",
    "checks": ALL,
    "negative_outcome": "before",
    "worthwhile": 0.2,
    "better": "higher",
    "estimators": ["entropy_balancing", "augmented_weighting", "matching"],
}


def study(**changes: object) -> Study:
    return Study.read(BASE | ALIKE | changes, "p.yml")


def found(chosen: Study, table: Rows) -> dict[str, Check]:
    effects = designs.estimate(chosen, table)
    others = designs.alternatives(chosen, table, effects)
    return {check.name: check for check in checks.run(chosen, table, effects, None, designs.gaps(others))}


def clean(seed: int = 1) -> Rows:
    return rows(rows=1500, seed=seed, pull=0.4)


def test_nothing_is_cautioned_on_a_clean_comparison() -> None:
    """Tables with overlap and nothing hidden, none of them chosen; the negative control fails by chance once in twenty,
    and estimators part by two standard errors about as rarely."""
    cautions = [
        name for seed in range(10) for name, check in found(study(), clean(seed)).items() if check.severity != "note"
    ]
    assert len(cautions) <= 2 and not set(cautions) - {"negative_control", "weighting_agreement"}


def test_a_clean_comparison_is_moderate_at_most() -> None:
    chosen, table = study(), clean()
    effects = designs.estimate(chosen, table)
    cautions = list(found(chosen, table).values())
    verdict = decide.decide(chosen, table, effects, None, designs.headline(chosen, table, effects), cautions)
    assert (verdict.step, verdict.reason) == (2, "the groups were compared, not assigned")
    assert verdict.overturning is not None and verdict.overturning.name == "hidden_bias"


def test_groups_that_hardly_overlap_are_cautioned_then_stopped() -> None:
    some = found(study(), rows(rows=1500, pull=1.6))["overlap"]
    assert (some.code, some.severity) == ("E126", "warn") and "count the same" in some.finding
    none = found(study(estimators=[]), rows(rows=1500, pull=5.0))["overlap"]
    assert none.severity == "stop" and "nobody to compare them with" in none.finding
    assert found(study(), clean())["overlap"].severity == "note"


def test_without_overlap_there_is_no_answer() -> None:
    chosen, table = study(estimators=[]), rows(rows=1500, pull=5.0)
    effects = designs.estimate(chosen, table)
    verdict = decide.decide(
        chosen, table, effects, None, designs.headline(chosen, table, effects), list(found(chosen, table).values())
    )
    assert (verdict.action, verdict.step) == ("withhold", 0)


def test_a_hidden_cause_shows_in_the_negative_control() -> None:
    told = found(study(), rows(rows=1500, pull=0.4, hidden=0.8))["negative_control"]
    assert told.severity == "warn" and told.p_value < 0.001 and "still differs" in told.finding
    silent = found(study(), clean())["negative_control"]
    assert silent.severity == "note" and "no more than chance" in silent.finding
    assert "No outcome is named" in found(study(negative_outcome=None), clean())["negative_control"].finding


def test_a_failed_negative_control_leaves_weak_evidence() -> None:
    chosen, table = study(), rows(rows=1500, pull=0.4, hidden=0.8)
    effects = designs.estimate(chosen, table)
    verdict = decide.decide(
        chosen, table, effects, None, designs.headline(chosen, table, effects), list(found(chosen, table).values())
    )
    assert (verdict.step, verdict.reason) == (1, "the groups differ in what treatment cannot have moved")


def test_imbalance_left_by_weights_is_cautioned() -> None:
    """Matching without bias adjustment on the chance of treatment alone, with few to choose from."""
    chosen = study(design="matching", distance="propensity", bias_adjusted=False, estimators=[])
    told = found(chosen, rows(rows=60, pull=1.5))["balance_before_after"]
    assert told.severity == "warn" and told.code == "E126"
    assert found(study(), clean())["balance_before_after"].severity == "note"


def test_variances_are_compared_too() -> None:
    table = clean()
    own = table.column("d") == 1
    spread = np.where(own, 2.0, 1.0) * np.random.default_rng(5).normal(size=table.n)
    told = found(study(), table.with_column("x", spread))["balance_before_after"]
    assert told.severity == "warn" and "add the square of what differs" in told.advice
    exact = found(study(squares=["x"], design="entropy_balancing"), table.with_column("x", spread))
    assert exact["balance_before_after"].severity == "note"


def test_balance_by_hand() -> None:
    """Two columns; treated means 2 and 1/2, others 0 and 0; standard deviations of the treated sqrt(2), sqrt(1/2)."""
    import pandas as pd

    from analysis.data.observations import rows_from_frame
    from analysis.designs import unadjusted
    from analysis.panel import Labels

    frame = pd.DataFrame({"y": [1.0, 2, 3, 5], "d": [1, 1, 0, 0], "x": [1.0, 3, -1, 1], "z": [0, 1, 0, 0]})
    table = rows_from_frame(frame, Labels("y", ""), columns=["d", "x", "z"])
    balance = covariate_balance.balance(table, unadjusted.estimate(table, treatment="d"), ["x", "z"])
    assert balance.before.tolist() == pytest.approx([2 / math.sqrt(2), 0.5 / math.sqrt(0.5)])
    assert balance.ratio_before[0] == pytest.approx(1) and math.isnan(balance.ratio_before[1])


def test_effective_size_by_hand() -> None:
    assert covariate_balance.worth(np.array([1.0, 1, 2])) == pytest.approx(16 / 6)


def test_e_values_as_printed() -> None:
    """VanderWeele and Ding (2017): a risk ratio of 3.9 (1.8 to 8.7) has E-values of 7.26 and 3.00."""
    assert round(unmeasured.e_value(3.9), 2) == 7.26 and round(unmeasured.e_value(1.8), 2) == 3.0
    assert unmeasured.risk_ratio(0.29, 1.0, level=0.1) == pytest.approx(3.9)
    assert unmeasured.risk_ratio(-0.5, 1.0) == pytest.approx(math.exp(0.455))
    assert unmeasured.e_value(1.0) == 1.0


def test_signed_ranks_have_the_bound_s_mean_and_variance() -> None:
    """All assignments of eight pairs, positive with chance gamma / (1 + gamma): exact mean and variance."""
    from scipy import stats

    differences = np.array([0.3, -1.2, 2.5, 4.1, -0.7, 3.3, 5.2, 1.9])
    ranks, gamma = stats.rankdata(np.abs(differences)), 1.7
    chance = gamma / (1 + gamma)
    sums, weights = [], []
    for signs in itertools.product((0, 1), repeat=8):
        sums.append(float(np.dot(signs, ranks)))
        weights.append(chance ** sum(signs) * (1 - chance) ** (8 - sum(signs)))
    mean = float(np.dot(sums, weights))
    spread = math.sqrt(float(np.dot((np.array(sums) - mean) ** 2, weights)))
    observed = float(ranks[differences > 0].sum())
    assert unmeasured.signed_rank_p(differences, gamma) == pytest.approx(stats.norm.sf((observed - mean) / spread))
    plain = stats.wilcoxon(differences, correction=False, method="approx", alternative="greater").pvalue
    assert unmeasured.signed_rank_p(differences, 1.0) == pytest.approx(plain)


def test_gamma_is_where_the_bound_crosses() -> None:
    differences = np.random.default_rng(1).normal(0.6, 1, 200)
    gamma = unmeasured.sensitivity(differences)
    assert gamma > 1 and unmeasured.signed_rank_p(differences, gamma) == pytest.approx(0.025, abs=1e-5)
    assert unmeasured.sensitivity(np.random.default_rng(2).normal(0, 1, 50)) == 1.0
    assert unmeasured.signed_rank_p(np.zeros(5), 1.0) == 1.0 and unmeasured.sensitivity(np.full(400, 1.0)) > 40


def test_hidden_bias_warns_where_little_would_do() -> None:
    strong = found(study(), clean())["hidden_bias"]
    assert strong.severity == "note" and "times likelier" in strong.overturns
    thin = found(study(), clean().with_outcome(clean().outcome - 0.8 * clean().column("d")))["hidden_bias"]
    assert thin.severity == "warn" and thin.statistic < 1.5
    null = found(study(), clean().with_outcome(clean().outcome - clean().column("d")))["hidden_bias"]
    assert null.severity == "note" and not null.overturns and "includes zero already" in null.finding
    matched = found(study(design="matching", estimators=[]), clean())["hidden_bias"]
    assert "Among matched pairs" in matched.finding


def test_hidden_bias_of_a_share_is_a_ratio_of_shares() -> None:
    share = clean().with_outcome((clean().outcome > 0.5).astype(float))
    told = found(study(), share)["hidden_bias"]
    effects = designs.estimate(study(), share)
    low = effects.average(0.95).low
    ratio = (effects.baseline + low) / effects.baseline
    assert told.statistic == pytest.approx(unmeasured.e_value(ratio))


def test_estimators_that_part_are_cautioned() -> None:
    """An outcome with the square of x, and treatment at its ends: least squares and matching part."""
    table = rows(rows=1500, pull=1.6)
    curved = table.with_outcome(table.outcome + 2 * table.column("x") ** 2)
    told = found(study(design="outcome_regression"), curved)["weighting_agreement"]
    assert told.severity == "warn" and told.statistic > 1
    assert found(study(), clean())["weighting_agreement"].severity == "note"
    assert "No other estimator" in found(study(estimators=[]), clean())["weighting_agreement"].finding


def test_leaving_out_what_matters_turns_the_answer() -> None:
    table = rows(rows=1500, pull=0.8)
    down = table.with_outcome(table.outcome - 1.25 * table.column("d"))
    told = found(study(), down)["specification_sensitivity"]
    assert told.severity == "warn" and "leaving out x moves" in told.finding
    assert found(study(), clean())["specification_sensitivity"].severity == "note"
    alone = found(study(covariates=["x"]), clean())["specification_sensitivity"]
    assert "no covariate that could be left out" in alone.finding


def test_what_cannot_be_checked_is_said() -> None:
    told = found(study(), clean())["selection_on_observables"]
    assert told.severity == "note" and "cannot be checked with these data" in told.finding


@pytest.mark.parametrize(
    ("name", "step", "cautioned"),
    [
        ("quitting-smoking", 2, set()),
        ("lalonde", 2, {"overlap", "balance_before_after"}),
        ("job-training-survey", 1, {"overlap", "negative_control"}),
    ],
)
def test_the_studies_say_what_they_should(name: str, step: int, cautioned: set[str]) -> None:
    chosen, table = loaded(name)
    effects = designs.estimate(chosen, table)
    made = found(chosen, table)
    verdict = decide.decide(chosen, table, effects, None, designs.headline(chosen, table, effects), list(made.values()))
    assert {key for key, check in made.items() if check.severity != "note"} == cautioned and verdict.step == step


def test_every_block_of_the_page_shows_numbers_and_words() -> None:
    chosen, table = loaded("lalonde")
    source = catalog.read(chosen.dataset)
    measure, effects = source.columns[chosen.outcome], designs.estimate(chosen, table)
    levels = group_levels.figure(effects, chosen, measure, source)
    assert levels.png[:4] == b"\x89PNG" and "1,214" in levels.text and "\u2212635" in levels.meta["alt"]
    spread = common_support.spread(table, effects, chosen.treatment, chosen.covariates, chosen.squares)
    chart = propensity_overlap.figure(spread, source, effects.n)
    assert chart.png and "Mirrored bar chart" in chart.meta["alt"] and "csv" in chart.meta
    weights = propensity_overlap.weights(common_support.use(effects), common_support.ranges(table, effects))
    assert "100" in weights.text and "odds of treatment" in weights.meta["note"]
    love = love_plot.figure(covariate_balance.balance(table, effects, chosen.covariates), source)
    assert "Race: black" in love.text and love.png and "Earnings in 1974" in love.meta["table_html"]
    assert "Rows in the source" in groups.flow(table, source).text
    intervals = weighting_conventions.conventions(table, effects, level=0.95)
    assert len(intervals) == 3 and len({round(one.std_error, 6) for one in intervals}) == 3


def test_weighted_differences_follow_from_the_columns_shown() -> None:
    """Where both groups are weighted, both weighted means stand in the table."""
    for estimand, both in (("everyone", True), ("treated", False)):
        effects = designs.estimate(study(estimand=estimand), clean())
        found = covariate_balance.balance(clean(), effects, ["x", "z"])
        columns = {name: catalog.Column(label=f"Column {name}", type="number") for name in ("x", "z")}
        source = SimpleNamespace(columns=columns, origin="made up")
        shown = love_plot.figure(found, source)  # type: ignore[arg-type]
        assert ("Treated, weighted" in shown.text) == both
        for row in shown.meta["csv"].splitlines()[1:]:
            assert all(len(cell.lstrip("-0.").replace(".", "").rstrip("0")) <= 3 for cell in row.split(",")[1:5]), row


def test_bins_with_few_rows_are_merged() -> None:
    effects = designs.estimate(study(estimand="everyone"), clean())
    spread = common_support.spread(clean(), effects, "d", ["x", "z", "place"], [])
    merged = spread.merged()
    assert not ((merged.counts > 0) & (merged.counts < 10)).any() and ((spread.counts > 0) & (spread.counts < 10)).any()
    assert merged.counts.sum(axis=1).tolist() == spread.counts.sum(axis=1).tolist()
    assert merged.treated.sum() == pytest.approx(1) and merged.comparison_weighted.sum() == pytest.approx(1)
    assert len(merged.edges) == len(merged.treated) + 1 < len(spread.edges)
    assert (merged.edges[0], merged.edges[-1]) == (spread.edges[0], spread.edges[-1])


def test_spreads_add_up() -> None:
    effects = designs.estimate(study(estimand="everyone"), clean())
    spread = common_support.spread(clean(), effects, "d", ["x", "z", "place"], [])
    for part in (spread.treated, spread.comparison, spread.treated_weighted, spread.comparison_weighted):
        assert part.sum() == pytest.approx(1)
    moved = np.abs(spread.treated_weighted - spread.comparison_weighted).sum()
    assert moved < 0.7 * np.abs(spread.treated - spread.comparison).sum()


def test_units_of_log_and_share_are_shown_as_levels() -> None:
    chosen, table = loaded("lalonde")
    source = catalog.read(chosen.dataset)
    share = table.with_outcome((table.outcome > 0).astype(float))
    column = source.columns["re78"].model_copy(update={"unit": "share", "label": "Share with earnings"})
    shown = group_levels.figure(designs.estimate(chosen, share), chosen, column, source)
    assert "(%)" in shown.meta["alt"]
    logs = table.with_outcome(np.log1p(table.outcome))
    column = source.columns["re78"].model_copy(update={"unit": "log"})
    assert "geometric mean" in group_levels.figure(designs.estimate(chosen, logs), chosen, column, source).meta["alt"]


def test_a_user_s_answer_reads_as_a_sentence() -> None:
    chosen, table = loaded("quitting-smoking")
    effects = designs.estimate(chosen, table)
    estimate = designs.headline(chosen, table, effects)
    made = list(found(chosen, table).values())
    verdict = decide.decide(chosen, table, effects, None, estimate, made)
    measure = catalog.read(chosen.dataset).columns[chosen.outcome]
    said = answer.summary(chosen, measure, effects, estimate, verdict, made).meta["answer"]
    assert said["sentence"].startswith("After quitting smoking, the weight gain from 1971 to 1982 was 3.4\u202fkg") or (
        "3.4 kg higher than the comparison predicts" in said["sentence"]
    )
    assert "unmeasured made both treatment and a high outcome" in said["overturn"]
    assert data.load(chosen).n == 1566
