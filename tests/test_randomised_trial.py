"""Designs of a randomised trial: printed numbers, other packages, hand arithmetic, and what is refused."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from contract import Case
from contract_randomised_trial import BEFORE, audit, classes, training, villages, vote, workshops
from deviations import near

from analysis import designs
from analysis.data import table
from analysis.data.observations import rows_from_frame
from analysis.designs import complier_effect, difference_in_means, lin_adjusted, pre_period_adjusted, two_proportions
from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.rows import Rows

REFERENCE = Path(__file__).parent / "reference" / "randomised_trial.csv"
PRINTED = list(csv.DictReader(REFERENCE.read_text(encoding="utf-8").splitlines()))
GRADES = {"kindergarten": "k", "grade 1": "1", "grade 2": "2", "grade 3": "3"}


def printed(dataset: str, option: str = "", term: str = "", method: str = "") -> dict[str, str]:
    (found,) = [
        row
        for row in PRINTED
        if row["dataset"] == dataset
        and row["option"].startswith(option)
        and row["term"].startswith(term)
        and method in row["method"]
    ]
    return found


def rounded(ours: float, theirs: str) -> bool:
    """`ours` shows the digits of `theirs`."""
    digits = len(theirs.partition(".")[2])
    return near("printed: randomised trials", ours, theirs, 0.5 * 10**-digits + 1e-12, "half of the last printed digit")


def simple(dataset: str, outcome: str, treatment: str, errors: str = "classical"):
    rows = rows_from_frame(table.load(dataset), Labels(outcome, ""), columns=[treatment], unobserved=True)
    return difference_in_means.estimate(rows, treatment=treatment, errors=errors).average(0.95)


def test_job_training() -> None:
    for errors, option in (("classical", "classical"), ("robust", "HC2")):
        theirs = printed("nsw_mixtape", option)
        found = difference_in_means.estimate(training(), treatment="treat", errors=errors).average(0.95)
        assert rounded(found.value, theirs["estimate"]) and rounded(found.std_error, theirs["se"])


def test_lalondes_sample() -> None:
    level, growth = simple("nswdemo", "re78", "trt"), simple("nswdemo", "growth", "trt")
    assert rounded(level.value, printed("nswdemo", method="difference")["estimate"]) and level.n == 722
    theirs = printed("nswdemo", method="growth")
    assert rounded(growth.value, theirs["estimate"]) and rounded(growth.std_error, theirs["se"])


def test_unemployment() -> None:
    found, theirs = simple("jtrain2", "unem78", "train"), printed("jtrain2")
    assert rounded(found.value, theirs["estimate"]) and rounded(found.std_error, theirs["se"])


@pytest.mark.parametrize("grade", GRADES)
@pytest.mark.parametrize("arm", ["small", "regular+aide"])
def test_class_size_all_eight_pairs(grade: str, arm: str) -> None:
    theirs, code = printed("star", term=arm, method=grade), GRADES[grade]
    rows = classes(code, cluster=False)
    found = difference_in_means.estimate(rows, treatment=f"star{code}", control_arm="regular", arm=arm).average(0.95)
    assert f"n={rows.n}" == theirs["extra"]
    assert rounded(found.value, theirs["estimate"]) and rounded(found.std_error, theirs["se"])


def test_resume_audit() -> None:
    effects = two_proportions.estimate(audit(), treatment="name_group", control_arm="White-sounding name")
    found, theirs = effects.average(0.95), printed("resume_names")
    assert rounded(found.value, theirs["estimate"]) and rounded(found.std_error, theirs["se"])
    assert [round(arm.mean, 4) for arm in effects.arms] == [0.0965, 0.0645]
    assert "z = −4.11" in found.inference
    from statsmodels.stats.proportion import proportions_ztest

    z, p_value = proportions_ztest([157, 235], [2435, 2435])
    assert abs(z) == pytest.approx(4.108, abs=5e-4) and found.p_value == pytest.approx(p_value, rel=1e-9)


def test_tv_outreach_with_strata() -> None:
    effects = difference_in_means.estimate(vote(), treatment="treated", strata="strata", errors="classical")
    found, theirs = effects.average(0.95), printed("rock_the_vote")
    assert rounded(found.value, theirs["estimate"]) and rounded(found.std_error, theirs["se"])
    assert found.df == 85 - 40 - 1


def test_thornton_with_the_factor_of_hc1() -> None:
    """HC1 is HC0 times N/(N-K); with two groups HC2 divides each group's sum of squares by n-1 instead of n."""
    frame = table.load("thornton_hiv")
    rows = rows_from_frame(frame[frame["any"].notna()], Labels("got", ""), columns=["any"], unobserved=True)
    effects, theirs = difference_in_means.estimate(rows, treatment="any"), printed("thornton_hiv")
    parts = [rows.outcome[rows.column("any") == k].var() / (rows.column("any") == k).sum() for k in (0, 1)]
    hc1 = np.sqrt(sum(parts) * rows.n / (rows.n - 2))
    assert rounded(effects.average(0.95).value, theirs["estimate"]) and rounded(float(hc1), theirs["se"])
    assert rows.n == 2834 and rounded(effects.baseline, "0.338684")
    assert effects.average(0.95).std_error == pytest.approx(hc1, rel=1e-3)


def test_women_only_by_hand() -> None:
    """A made-up trial of six: means 5 and 2, variances 1 and 4 over 3."""
    rows = rows_from_frame(_six(), Labels("y", ""), columns=["d"])
    effects = difference_in_means.estimate(rows, treatment="d")
    found = effects.average(0.95)
    assert found.value == pytest.approx(3.0) and found.std_error == pytest.approx(np.sqrt(1 / 3 + 4 / 3))
    welch = (1 / 3 + 4 / 3) ** 2 / ((1 / 3) ** 2 / 2 + (4 / 3) ** 2 / 2)
    assert found.df == pytest.approx(4.0) and welch < 4
    assert effects.baseline == pytest.approx(2.0) and effects.compared == "in the control group"


def _six():
    import pandas as pd

    return pd.DataFrame({"y": [4.0, 5.0, 6.0, 0.0, 2.0, 4.0], "d": [1, 1, 1, 0, 0, 0]})


def test_errors_are_those_of_statsmodels() -> None:
    import statsmodels.api as sm

    rows = training()
    x = np.column_stack([rows.column(name) for name in BEFORE])
    d, centred = rows.column("treat"), x - x.mean(axis=0)
    columns = sm.add_constant(np.column_stack([d, centred, d[:, None] * centred]))
    theirs = sm.OLS(rows.outcome, columns).fit(cov_type="HC2")
    ours = lin_adjusted.estimate(rows, treatment="treat", covariates=BEFORE).average(0.95)
    group = "statsmodels: HC2 errors of a trial"
    assert near(group, ours.value / theirs.params[1], 1.0, 1e-9) and near(
        group, ours.std_error / theirs.bse[1], 1.0, 1e-9
    )


def test_lin_is_the_difference_of_two_regressions_at_the_mean() -> None:
    rows = villages()
    x, y, d = rows.column("x"), rows.outcome, rows.column("arm")
    lines = [np.polynomial.polynomial.polyfit(x[d == k], y[d == k], 1) for k in (0, 1)]
    by_hand = np.polynomial.polynomial.polyval(x.mean(), lines[1] - lines[0])
    ours = lin_adjusted.estimate(rows, treatment="arm", covariates=["x"])
    assert ours.estimate[0] == pytest.approx(by_hand, abs=1e-9)


def test_degrees_of_freedom_of_hc2_are_those_of_cr2_with_single_rows() -> None:
    from dataclasses import replace

    rows = villages()
    single = replace(rows, cluster=np.arange(rows.n), labels=replace(rows.labels, cluster="row"))
    a, b = (
        lin_adjusted.estimate(one, treatment="arm", covariates=["x"], strata="region", errors=errors)
        for one, errors in ((rows, "robust"), (single, "clustered"))
    )
    np.testing.assert_allclose([a.df, a.joint[0, 0]], [b.df, b.joint[0, 0]], rtol=1e-9)


def test_strata_taken_out_beforehand_change_nothing() -> None:
    """Schools are strata and clusters: the fast way and the plain one."""
    from dataclasses import replace

    from analysis.inference import cluster_robust
    from analysis.inference.trial_regression import contrast

    rows = classes()
    made = _setting(rows, treatment="stark", control_arm="regular", arm="small", strata="schoolidk")
    part = made.problem.rows(made.problem.strata < 12)
    fast = contrast(part, "clustered")
    columns = np.column_stack([part.moving(part.assigned), part.fixed()])
    plain = cluster_robust.cr2(cluster_robust.least_squares(part.outcome, columns, part.cluster, asked=1))
    np.testing.assert_allclose([fast.variance, fast.df], [plain.covariance[0, 0], plain.df[0]], rtol=1e-7)
    assert replace(part, by_size=True).strata_lie_in_clusters is False


def _setting(rows: Rows, **choices):
    from analysis.designs._trial import Choice, setting

    return setting(rows, Choice(**choices))


def test_strata_by_size_are_neymans() -> None:
    """The average of the strata's own differences and variances, weighted by their sizes."""
    rows = training()
    by_size = difference_in_means.estimate(rows, treatment="treat", strata="nodegree", strata_weights="size")
    value = variance = 0.0
    for code in (0.0, 1.0):
        inside = rows.column("nodegree") == code
        sides = [rows.outcome[inside & (rows.column("treat") == k)] for k in (1, 0)]
        value += inside.mean() * (sides[0].mean() - sides[1].mean())
        variance += inside.mean() ** 2 * sum(side.var(ddof=1) / len(side) for side in sides)
    assert by_size.estimate[0] == pytest.approx(value) and by_size.joint[0, 0] == pytest.approx(variance)


def test_complier_effect_is_two_stage_least_squares() -> None:
    from linearmodels.iv import IV2SLS

    rows = workshops()
    one = np.ones(rows.n)
    theirs = IV2SLS(rows.outcome, one, rows.column("comply"), rows.column("treat")).fit(
        cov_type="robust", debiased=True
    )
    effects = complier_effect.estimate(rows, treatment="treat", received="comply")
    ours, group = effects.average(0.95), "linearmodels: effect of taking part"
    assert near(group, ours.value, theirs.params.iloc[1], 1e-10)
    assert ours.std_error == pytest.approx(theirs.std_errors.iloc[1], rel=2e-3)  # HC2 against HC1
    assert effects.takeup is not None and effects.takeup[0] == pytest.approx(0.62) and not effects.assigned
    assigned = difference_in_means.estimate(rows, treatment="treat").estimate[0]
    assert ours.value == pytest.approx(assigned / 0.62, rel=1e-9)


def test_anderson_rubin_ends_are_where_the_assignment_is_just_told_from_zero() -> None:
    rows = workshops()
    weak = rows.with_column("comply", rows.column("comply") * (np.arange(rows.n) % 12 == 0))
    effects = complier_effect.estimate(weak, treatment="treat", received="comply")
    answer = effects.average(0.95)
    assert answer.inference.startswith("Anderson-Rubin interval")
    for end in (answer.low, answer.high):
        moved = weak.with_outcome(weak.outcome - end * weak.column("comply"))
        again = difference_in_means.estimate(moved, treatment="treat").average(0.95)
        assert again.p_value == pytest.approx(0.05, abs=2e-3)
    nobody = rows.with_column("comply", np.where(np.arange(rows.n) < 3, 1.0, 0.0))
    unbounded = complier_effect.estimate(nobody, treatment="treat", received="comply").average(0.95)
    assert np.isinf(unbounded.low) and not unbounded.excludes(1e9)


def test_cuped_takes_away_what_the_outcome_before_explains() -> None:
    rows = villages()
    effects = pre_period_adjusted.estimate(rows, treatment="arm", pre_outcome="x", errors="robust")
    bare = difference_in_means.estimate(rows, treatment="arm", errors="robust")
    assert effects.reduction == pytest.approx(1 - effects.joint[0, 0] / bare.joint[0, 0]) and effects.reduction > 0.5
    d, x, y = rows.column("arm"), rows.column("x"), rows.outcome
    inside = [np.where(d == k, x - x[d == k].mean(), 0) for k in (0, 1)]
    theta = sum(part @ y for part in inside) / sum(part @ part for part in inside)
    gap = x[d == 1].mean() - x[d == 0].mean()
    assert effects.estimate[0] == pytest.approx(bare.estimate[0] - theta * gap)


def test_permutation_counts_every_assignment_of_a_small_trial() -> None:
    """Six units, three treated: twenty assignments, two of which are as extreme as the observed one."""
    rows = rows_from_frame(_six().assign(y=[7.0, 8.0, 9.0, 1.0, 2.0, 3.0]), Labels("y", ""), columns=["d"])
    found = difference_in_means.estimate(rows, treatment="d", uncertainty="permutation").average(0.8)
    assert found.p_value == pytest.approx(0.1) and "all 20 reassignments" in found.inference
    assert found.low < found.value < found.high


def test_permutation_follows_strata_and_clusters() -> None:
    rows = villages()
    found = difference_in_means.estimate(rows, treatment="arm", strata="region", uncertainty="permutation")
    analytic = difference_in_means.estimate(rows, treatment="arm", strata="region").average(0.95)
    drawn = found.average(0.95)
    assert "reassignments of clusters (village) within region" in drawn.inference
    assert drawn.high - drawn.low == pytest.approx(analytic.high - analytic.low, rel=0.25)
    with pytest.raises(Refusal, match="E105 STOP cluster — the assignment varies within clusters"):
        difference_in_means.estimate(
            classes(), treatment="stark", control_arm="regular", arm="small", uncertainty="permutation"
        )


def test_few_clusters_have_no_standard_error() -> None:
    rows = villages()
    few = rows.rows(rows.column("village") < 8)
    with pytest.raises(Refusal, match=r"E104 STOP errors — only 4 clusters in one of the arms"):
        difference_in_means.estimate(few, treatment="arm")
    found = difference_in_means.estimate(few, treatment="arm", uncertainty="permutation").average(0.9)
    assert found.std_error is None and found.p_value >= 1 / 70 and found.low < 1 < found.high


def test_arms_are_named() -> None:
    rows = classes(cluster=False)
    with pytest.raises(Refusal, match=r"P005 STOP control_arm — the arms do not say which one it is"):
        difference_in_means.estimate(rows, treatment="stark")
    with pytest.raises(Refusal, match="P005 STOP arm — there is no arm 'tiny'"):
        difference_in_means.estimate(rows, treatment="stark", control_arm="regular", arm="tiny")
    with pytest.raises(Refusal, match="P005 STOP treat — every row is in the same arm"):
        difference_in_means.estimate(training().rows(training().column("treat") == 1), treatment="treat")
    with pytest.raises(Refusal, match=r"P005 STOP re75 — .* different values: that is no list of arms"):
        difference_in_means.estimate(training(), treatment="re75")


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(Refusal, match="E105 STOP errors — clustered errors need a cluster column"):
        difference_in_means.estimate(training(), treatment="treat", errors="clustered")
    with pytest.raises(Refusal, match="P005 STOP re78 — the outcome holds values other than 0 and 1"):
        two_proportions.estimate(training(), treatment="treat")
    rows = villages()
    with pytest.raises(Refusal, match="E105 STOP design — two proportions count rows that are alike"):
        two_proportions.estimate(rows.with_outcome((rows.outcome > 0).astype(float)), treatment="arm")
    with pytest.raises(Refusal, match=r"E113 STOP strata_weights — .* hold one unit, which shows no spread"):
        difference_in_means.estimate(vote(), treatment="treated", strata="strata", strata_weights="size")
    with pytest.raises(Refusal, match="D402 STOP received"):
        complier_effect.estimate(training(), treatment="treat")
    twice = training().with_column("black", 2 * training().column("hisp"))
    with pytest.raises(Refusal, match="E107 STOP covariates"):
        lin_adjusted.estimate(twice, treatment="treat", covariates=BEFORE)


def test_choices_are_checked_before_anything_runs() -> None:
    case = Case("difference_in_means", training, {"treatment": "treat"})
    for changes, message in (
        ({"expected_share": 1.5}, "expected_share — a share lies between 0 and 1"),
        ({"covariates": ["age"]}, "covariates — covariates has no effect. Fix: add lin_adjusted"),
        ({"strata_weights": "size"}, "strata_weights — strata_weights has no effect without strata"),
        ({"design": "two_proportions", "strata": "age"}, "strata has no effect under design two_proportions"),
        ({"checks": ["pretrends"]}, "unknown name 'pretrends'"),
    ):
        with pytest.raises(Refusal, match="R302 STOP") as caught:
            case.study(**changes)
        assert message in str(caught.value)


def test_the_effect_of_taking_part_stands_beside_the_effect_of_an_offer() -> None:
    case = Case("difference_in_means", workshops, {"treatment": "treat", "received": "comply"})
    study = case.study(estimators=["complier_effect"], covariates=[])
    effects = designs.estimate(study, workshops())
    shown = designs.alternatives(study, workshops(), effects)
    assert shown[1].gap is None and "taking part" in shown[1].reason
