"""Weighted comparisons: hand arithmetic, what must hold exactly, published numbers, and how they refuse."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from contract_weighting import EFFECT, SEED, frame, rows
from deviations import near

from analysis import data, designs, paths
from analysis.data.observations import rows_from_frame
from analysis.designs import (
    augmented_weighting,
    entropy_balancing,
    inverse_probability,
    outcome_regression,
    unadjusted,
)
from analysis.fits.weighting import Weighted
from analysis.inference import common_support, entropy, propensity, weighting_conventions
from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.rows import Rows
from analysis.run import parameters
from analysis.study import Study

ALIKE = {"treatment": "d", "covariates": ["x", "z", "place"], "squares": [], "estimand": "treated", "trim": 0.0}
WEIGHING = (inverse_probability, entropy_balancing, augmented_weighting)


def choices(module, **changes) -> dict:
    own = (
        {"known_weights": False} if module in WEIGHING else {"modifiers": None} if module is outcome_regression else {}
    )
    return ALIKE | own | changes


@functools.cache
def loaded(study: str) -> tuple[Study, Rows]:
    found = parameters.load(paths.PARAMS / "weighting" / f"{study}.yml").study
    return found, data.load(found)


def published(study: str, design: str, **changes) -> Weighted:
    chosen, found = loaded(study)
    return designs.estimate(chosen.model_copy(update=changes), found, design)


def strata() -> Rows:
    """Two strata. a: two treated (3, 5) and one other (1), effect 3; b: one treated (10), three others (4, 5, 6),
    effect 5."""
    y = [3.0, 5.0, 1.0, 10.0, 4.0, 5.0, 6.0]
    d, a = [1, 1, 0, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0]
    import pandas as pd

    return rows_from_frame(pd.DataFrame({"y": y, "d": d, "x": a}), Labels("y", ""), columns=["d", "x"])


@pytest.mark.parametrize("module", [*WEIGHING, outcome_regression])
@pytest.mark.parametrize(("estimand", "by_hand"), [("treated", (2 * 3 + 1 * 5) / 3), ("everyone", (3 * 3 + 4 * 5) / 7)])
def test_with_one_covariate_of_two_values_all_are_stratification(module, estimand: str, by_hand: float) -> None:
    """The effect is 3 in stratum a (3 rows, 2 treated) and 5 in stratum b (4 rows, 1 treated)."""
    found = module.estimate(strata(), **choices(module, covariates=["x"], estimand=estimand))
    assert found.estimate[0] == pytest.approx(by_hand, abs=1e-9)
    weights, y = found.weights, strata().outcome
    gap = weights[found.treated] @ y[found.treated] - weights[~found.treated] @ y[~found.treated]
    assert gap == pytest.approx(by_hand, abs=1e-9)


def test_unadjusted_is_a_difference_of_means() -> None:
    """Treated mean 6, others 4; squared residuals 26 and 14, 5 degrees of freedom."""
    found = unadjusted.estimate(strata(), treatment="d")
    assert found.estimate[0] == pytest.approx(2) and found.aside
    assert found.table["std_error"][0] == pytest.approx(np.sqrt(40 / 5 * (1 / 3 + 1 / 4)))


@pytest.mark.parametrize("estimand", ["treated", "everyone"])
@pytest.mark.parametrize(
    ("module", "more"),
    [*((module, {}) for module in (*WEIGHING, outcome_regression)), (outcome_regression, {"modifiers": ["x"]})],
)
def test_contributions_are_derivatives_by_row(module, more: dict, estimand: str) -> None:
    """A row's contribution is how the estimate moves with the row's weight, times that weight: to 1e-5 of the largest
    (second differences of the numerical derivative)."""
    whole = rows(weight="w")
    part = whole.rows(np.arange(120))
    chosen = choices(module, estimand=estimand, squares=["x"], **more)
    found = module.estimate(part, **chosen)
    psi, step = found.influence()[:, 0], 1e-4
    for place in (0, 7, 50, 119):
        moved = []
        for sign in (1, -1):
            weight = part.weight.copy()
            weight[place] *= 1 + sign * step
            moved.append(module.estimate(replace(part, weight=weight), **chosen).estimate[0])
        assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(psi[place], abs=1e-5 * np.abs(psi).max())
    assert psi.sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("module", [*WEIGHING, outcome_regression])
def test_weights_reproduce_the_estimate_and_balance(module) -> None:
    for estimand in ("treated", "everyone"):
        found = module.estimate(rows(), **choices(module, estimand=estimand))
        sums = [found.weights[member] @ rows().outcome[member] for member in (found.treated, ~found.treated)]
        assert sums[0] - sums[1] == pytest.approx(found.estimate[0], abs=1e-9)
        assert found.weights[found.treated].sum() == pytest.approx(1)
        assert found.levels.comparison_weighted == pytest.approx(found.baseline)
        if module is not inverse_probability:
            x = rows().column("x")
            target = x[found.treated].mean() if estimand == "treated" else x.mean()
            assert found.weights[~found.treated] @ x[~found.treated] == pytest.approx(target, abs=1e-9)


def test_entropy_weights_are_exact_and_the_nearest() -> None:
    """Means met to 1e-12 standard deviations; log weights linear in the covariates, the condition of the optimum."""
    draw = np.random.default_rng(SEED)
    x, base = draw.normal(size=(200, 3)), draw.uniform(0.5, 2, 200)
    target = np.array([0.4, -0.2, 0.3])
    found = entropy.balance(x, base, target)
    assert found.blame is None and found.weights.sum() == pytest.approx(1)
    assert near("entropy balancing: means met", float(np.abs(found.weights @ x - target).max()), 0.0, 1e-10, "exact")
    design = np.column_stack([np.ones(200), x])
    logs = np.log(found.weights / base)
    residual = logs - design @ np.linalg.lstsq(design, logs, rcond=None)[0]
    assert np.abs(residual).max() < 1e-9


def test_entropy_balancing_refuses_what_no_weights_can_reach() -> None:
    found = entropy.balance(np.random.default_rng(1).uniform(size=(50, 2)), np.ones(50), np.array([0.5, 1.5]))
    assert found.blame == 1
    triangle = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert entropy.balance(np.repeat(triangle, 5, axis=0), np.ones(15), np.array([0.9, 0.9])).blame is not None
    apart = rows().with_column("x", np.where(rows().column("d") == 1, 5.0, 0.0) + 0.1 * rows().column("x"))
    with pytest.raises(Refusal, match="E126 STOP covariates:x — the groups do not overlap: no positive weights"):
        entropy_balancing.estimate(apart, **choices(entropy_balancing, covariates=["x", "z"]))


@pytest.mark.parametrize("module", [inverse_probability, augmented_weighting])
def test_groups_told_apart_by_a_covariate_are_refused(module) -> None:
    apart = rows().with_column("x", rows().column("d") + 0.1 * np.sin(np.arange(rows().n)))
    with pytest.raises(Refusal, match="E126 STOP covariates:x — the groups do not overlap: covariates, this one above"):
        module.estimate(apart, **choices(module))


def test_the_logit_is_that_of_statsmodels() -> None:
    import statsmodels.api as sm

    at = designs._weighting.setting(rows(), **ALIKE)
    fitted = propensity.fit(at.treated, at.design, at.rows.weight).fitted
    theirs = sm.GLM(at.treated.astype(float), at.design, family=sm.families.Binomial()).fit(tol=1e-14).fittedvalues
    assert near("statsmodels: propensities", float(np.abs(fitted - theirs).max()), 0.0, 1e-9, "two solvers")


def test_known_weights_give_the_errors_of_weighted_least_squares() -> None:
    import statsmodels.api as sm

    found = inverse_probability.estimate(
        rows(), **choices(inverse_probability, estimand="everyone", known_weights=True)
    )
    model = sm.WLS(rows().outcome, sm.add_constant(found.treated.astype(float)), weights=found.raw)
    theirs = model.fit(cov_type="HC0")
    assert near("statsmodels: weighted difference", found.estimate[0], theirs.params[1], 1e-9)
    assert near("statsmodels: weighted difference, errors", found.table["std_error"][0], theirs.bse[1], 1e-9)
    last = weighting_conventions.conventions(rows(), found, level=0.95)[-1]
    assert near("statsmodels: HC3", last.std_error, model.fit(cov_type="HC3").bse[1], 1e-9)


def test_quitting_smoking_as_printed() -> None:
    """Hernan and Robins, chapters 12 and 13: 3.4 (2.4, 4.5) with weights, 3.5 by standardisation, 2.5 unadjusted."""
    answer = published("quitting-smoking", "inverse_probability").average(0.95)
    shown = [round(x, 4) for x in (answer.value, answer.std_error)] + [round(x, 3) for x in (answer.low, answer.high)]
    assert shown == [3.4405, 0.5255, 2.411, 4.470]
    assert round(published("quitting-smoking", "outcome_regression").estimate[0], 4) == 3.5174
    assert round(unadjusted.estimate(loaded("quitting-smoking")[1], treatment="qsmk").estimate[0], 4) == 2.5406


def test_quitting_smoking_weights_as_printed() -> None:
    found = published("quitting-smoking", "inverse_probability")
    shown = common_support.ranges(loaded("quitting-smoking")[1], found)
    assert [round(x, 4) for x in shown["raw"]] == [1.9963, 1.0537, 16.7001]
    assert [round(x, 4) for x in shown["stabilised"]] == [0.9988, 0.3312, 4.2977]


def test_job_training_against_a_panel_as_printed() -> None:
    """Unadjusted -635.03 (657.14), least squares 1548.24 (781.28), odds weights 1214.07 (HC3 831.5)."""
    found = loaded("lalonde")[1]
    plain = unadjusted.estimate(found, treatment="treat").average(0.95)
    assert [round(x, 2) for x in (plain.value, plain.std_error)] == [-635.03, 657.14]
    assert round(published("lalonde", "outcome_regression", modifiers=[]).estimate[0], 2) == 1548.24
    weighted = published("lalonde", "inverse_probability")
    assert round(weighted.estimate[0], 2) == 1214.07
    assert round(weighting_conventions.conventions(found, weighted, level=0.95)[-1].std_error, 1) == 831.5


def test_least_squares_with_common_slopes_has_the_printed_classical_error() -> None:
    import statsmodels.api as sm

    study, found = loaded("lalonde")
    matrix = np.column_stack([found.column("treat"), np.ones(found.n), found.matrix(study.covariates)[0]])
    fit = sm.OLS(found.outcome, matrix).fit()
    assert fit.params[0] == pytest.approx(published("lalonde", "outcome_regression", modifiers=[]).estimate[0])
    assert round(fit.bse[0], 2) == 781.28


def test_job_training_against_a_panel_equals_weightit() -> None:
    """WeightIt's documentation (1.x), lm_weightit on the lalonde table of cobalt: to the digits printed there."""
    found = published("lalonde", "inverse_probability")
    answer = found.average(0.95)
    shown = [round(x, 1) for x in (answer.value, answer.std_error, answer.low, answer.high, found.baseline)]
    assert shown == [1214.1, 798.2, -350.3, 2778.4, 5135.1]
    assert round(common_support.use(found)[1].worth, 2) == 99.82
    few = published("lalonde", "inverse_probability", covariates=["age", "educ", "married", "re74"])
    shown = [round(x, 1) for x in (few.estimate[0], few.table["std_error"][0], few.baseline)]
    assert shown == [833.2, 669.1, 5515.9]
    assert round(published("lalonde", "entropy_balancing").estimate[0]) == 1273


def test_job_training_against_a_survey_as_printed() -> None:
    found = unadjusted.estimate(loaded("job-training-survey")[1], treatment="treat")
    assert found.n == 16177 and round(found.estimate[0]) == -8498
    assert near("DATA.md: naive difference", found.estimate[0], -8497.516, 5e-4, "printed digits")
    assert near("DATA.md: naive difference, error", found.table["std_error"][0], 712.021, 5e-4, "printed digits")


@pytest.mark.parametrize("module", [*WEIGHING, outcome_regression])
def test_a_known_effect_is_recovered(module) -> None:
    """Fifty tables of 400 rows: the mean estimate lies within three Monte-Carlo errors of the truth."""
    values = [module.estimate(rows(seed=seed), **choices(module)).estimate[0] for seed in range(50)]
    assert abs(np.mean(values) - EFFECT) < 3 * np.std(values) / np.sqrt(50)
    naive = np.mean([unadjusted.estimate(rows(seed=seed), treatment="d").estimate[0] for seed in range(50)])
    assert naive > EFFECT + 0.5


def test_doubly_robust_survives_one_wrong_model() -> None:
    """x enters treatment with its square and the outcome linearly, or the other way round; the square is left out."""
    draw = np.random.default_rng(SEED)
    n = 20_000
    x = draw.normal(size=n)
    for treat, out in ((0.4 * x**2 - 0.4, x), (0.6 * x, x**2 + x)):
        d = (draw.random(n) < 1 / (1 + np.exp(-treat))).astype(float)
        y = EFFECT * d + out + draw.normal(size=n)
        table = replace(
            rows(), outcome=y, columns={"d": d, "x": x}, weight=np.ones(n), cluster=np.arange(n), categories={}
        )
        found = augmented_weighting.estimate(
            table, **choices(augmented_weighting, covariates=["x"], estimand="everyone")
        )
        assert abs(found.estimate[0] - EFFECT) < 4 * found.table["std_error"][0]


def test_trimming_drops_and_says_so() -> None:
    chosen = choices(inverse_probability, estimand="everyone", trim=0.2)
    found = inverse_probability.estimate(rows(), **chosen)
    assert found.n == found.kept.sum() < rows().n and "propensities lie within 0.2 to 0.8" in found.estimand
    full = inverse_probability.estimate(rows(), **chosen | {"trim": 0.0})
    inside = (full.propensity >= 0.2) & (full.propensity <= 0.8)
    np.testing.assert_array_equal(found.kept, inside)
    with pytest.raises(Refusal, match=r"E126 STOP trim — no propensities of both groups lie within 0\.499"):
        inverse_probability.estimate(rows(), **chosen | {"trim": 0.499})


def test_errors_follow_clusters_and_weights() -> None:
    grouped = rows(cluster="group")
    found = inverse_probability.estimate(grouped, **choices(inverse_probability))
    plain = inverse_probability.estimate(rows(), **choices(inverse_probability))
    sums = np.bincount(grouped.cluster, plain.influence()[:, 0])
    assert found.table["std_error"][0] == pytest.approx(np.sqrt(40 / 39 * (sums**2).sum()))
    assert found.df == 39 and found.clusters == 40 and "40 clusters" in found.inference
    coarse = replace(grouped, cluster=grouped.cluster % 5)
    with pytest.raises(Refusal, match="E104 STOP cluster — only 5 clusters in one of the groups"):
        inverse_probability.estimate(coarse, **choices(inverse_probability))


def test_a_row_counted_twice_is_a_row_of_twice_the_weight() -> None:
    """Estimates, not errors: weights stand for how many like it a row represents."""
    twice = np.concatenate([np.arange(rows().n), np.arange(50)])
    weight = np.ones(rows().n)
    weight[:50] = 2
    for module in (*WEIGHING, outcome_regression):
        doubled = module.estimate(replace(rows().rows(twice), cluster=np.arange(len(twice))), **choices(module))
        weighed = module.estimate(replace(rows(), weight=weight / weight.mean()), **choices(module))
        assert doubled.estimate[0] == pytest.approx(weighed.estimate[0], abs=1e-8)


def test_refusals_name_the_column() -> None:
    doubled = rows().with_column("z", 2 * rows().column("x") + 1)
    with pytest.raises(Refusal, match="E107 STOP covariates:z — the column repeats others"):
        inverse_probability.estimate(doubled, **choices(inverse_probability))
    with pytest.raises(Refusal, match="P005 STOP x — the column holds values other than 0 and 1"):
        inverse_probability.estimate(rows(), **choices(inverse_probability, treatment="x", covariates=["z"]))
    lone = rows().with_column("z", (rows().column("d") * (np.arange(rows().n) % 9 == 0)).astype(float))
    with pytest.raises(Refusal, match="E107 STOP covariates:z — among comparison rows the column repeats others"):
        outcome_regression.estimate(lone, **choices(outcome_regression))


BASE = {
    "question": "Did taking part raise the outcome?",
    "decision": "Whether to go on with it.",
    "intervention": "taking part",
    "dataset": "lalonde",
    "outcome": "re78",
    "treatment": "treat",
    "covariates": ["age", "race"],
    "design": "inverse_probability",
    "worthwhile": 1.0,
    "better": "higher",
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"covariates": []}, "covariates are missing"),
        ({"squares": ["educ"]}, "squares names 'educ', which is no covariate"),
        ({"neighbours": 3}, "neighbours has no effect without matching"),
        ({"known_weights": True, "design": "matching"}, "known_weights has no effect without inverse_probability or"),
        ({"covariates": ["age", "treat"]}, "p.yml:treatment — treatment is named in another part as well"),
        ({"covariates": ["age", "re78"]}, "p.yml:covariates — covariates hold the outcome"),
        ({"negative_outcome": "re78"}, "negative_outcome is the outcome itself"),
        ({"design": "unadjusted"}, "covariates has no effect under design unadjusted"),
        ({"trim": 0.5}, "trim — input should be less than 0.5"),
        ({"estimand": "treatd"}, "did you mean 'treated'"),
        ({"design": "group_time"}, "unknown name 'group_time'"),
    ],
)
def test_a_study_refuses_what_it_would_ignore(changes: dict, message: str) -> None:
    from analysis.studies.weighting import Study as Weighing

    with pytest.raises(Refusal, match=message):
        Weighing.read(BASE | changes, "p.yml")


def test_neighbours_may_be_meant_for_another_estimator() -> None:
    study = Study.read(BASE | {"neighbours": 3, "estimators": ["matching"]}, "p.yml")
    assert study.FAMILY == "weighting" and study.columns()[0] == ("outcome", "re78")


def test_parameters_not_in_a_file_fall_back_to_neutral_choices() -> None:
    """What the notebook sets by default, and a file does not name, must not be the worked example's own choice."""
    from analysis.run import source_notebook
    from analysis.studies.weighting import Study as Weighing

    declared = source_notebook.defaults(source_notebook.path_of("weighting", "weighting.ipynb"))
    own = ("squares", "estimand", "trim", "modifiers", "neighbours", "calliper", "distance", "bias_adjusted")
    for name in (*own, "known_weights", "negative_outcome", "weight", "cluster", "where", "since", "until"):
        assert declared[name] == Weighing.model_fields[name].get_default(), name


def test_the_same_numbers_from_shuffled_rows() -> None:
    order = np.random.default_rng(3).permutation(rows().n)
    for module in (*WEIGHING, outcome_regression):
        first = module.estimate(rows(), **choices(module))
        again = module.estimate(rows().rows(order), **choices(module))
        assert again.estimate[0] == pytest.approx(first.estimate[0], rel=1e-10)


def test_frame_carries_its_truth() -> None:
    assert len(frame()) == 400 and set(frame()["d"]) == {0, 1}
