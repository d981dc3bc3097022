"""Estimates and errors against the R packages, row by row, and against published tables.

Tolerance 1e-8 where both sides are closed-form linear algebra (the differences seen are below 1e-12); printed digits
for published tables.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import samples
from deviations import near

from analysis.designs import event_study, group_time, two_by_two, two_way_fixed_effects
from analysis.inference import few_clusters
from analysis.panel import Panel
from analysis.result import Effects

HERE = Path(__file__).parent / "reference"
TOLERANCE = 1e-8  # closed-form linear algebra on both sides
BY = {"dynamic": "event_time", "group": "cohort", "calendar": "period"}


def rows(file: str) -> list[dict[str, str]]:
    with (HERE / file).open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def options() -> list[tuple[str, str]]:
    return sorted({(r["dataset"], r["option"].split("; type=")[0]) for r in rows("did.csv")})


def panel_of(dataset: str, option: str) -> Panel:
    if dataset == "mpdta":
        return samples.mpdta(weight="size" if "weightsname" in option else "")
    return samples.castle(weight="popwt" if "weightsname" in option else "")


def fit(dataset: str, option: str) -> Effects:
    chosen = dict(part.split("=") for part in option.split("; ") if part.count("=") == 1)
    return group_time.estimate(
        panel_of(dataset, option),
        comparison={"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}[chosen["control"]],
        base_period=chosen["base"],
        anticipation=int(chosen["anticip"]),
    )


def close(group: str, ours: float, theirs: str) -> bool:
    return near(group, ours, theirs, TOLERANCE)


@pytest.mark.parametrize(("dataset", "option"), options())
def test_group_time_effects_equal_did(dataset: str, option: str) -> None:
    effects = fit(dataset, option)
    table = effects.table.set_index(["cohort", "period"])
    wanted = [r for r in rows("did.csv") if (r["dataset"], r["option"], r["method"]) == (dataset, option, "did_att_gt")]
    assert len(wanted) == len(table)
    for row in wanted:
        cohort, period = (float(x) for x in re.findall(r"\d+", row["term"]))
        ours = table.loc[(cohort, period)]
        assert close("did: group-time effects, estimates", ours["estimate"], row["estimate"]), row
        if row["se"] not in ("", "NA"):
            assert close("did: group-time effects, errors", ours["std_error"], row["se"]), row


@pytest.mark.parametrize(("dataset", "option"), options())
def test_averages_equal_did(dataset: str, option: str) -> None:
    effects = fit(dataset, option)
    for kind in ("simple", "dynamic", "group", "calendar"):
        pieces = effects if kind == "simple" else effects.by(BY[kind])
        overall = pieces.average(0.95)
        wanted = [r for r in rows("did.csv") if r["dataset"] == dataset and r["option"] == f"{option}; type={kind}"]
        assert wanted
        for row in wanted:
            if row["term"] == "overall":
                assert close("did: averages, estimates", overall.value, row["estimate"]) and close(
                    "did: averages, errors", overall.std_error, row["se"]
                ), row
                continue
            label = float(re.search(r"-?\d+$", row["term"].rstrip(")"))[0])
            ours = pieces.table.set_index(BY[kind]).loc[label]
            assert close("did: averages, estimates", ours["estimate"], row["estimate"]), row
            if row["se"] not in ("", "NA"):
                assert close("did: averages, errors", ours["std_error"], row["se"]), row


def fixest(dataset: str, method: str, option: str) -> list[dict[str, str]]:
    found = [r for r in rows("fixest.csv") if (r["dataset"], r["method"], r["option"]) == (dataset, method, option)]
    assert found, option
    return found


@pytest.mark.parametrize(
    ("dataset", "option", "weight"),
    [
        ("mpdta", "ref=-1 and never; cluster_unit; ssc default", ""),
        ("castle(did2s)", "ref -1 & never; unweighted; cluster sid", ""),
        ("castle(did2s)", "ref -1 & never; weights popwt; cluster sid", "popwt"),
    ],
)
def test_event_study_equals_fixest(dataset: str, option: str, weight: str) -> None:
    panel = samples.mpdta() if dataset == "mpdta" else samples.castle(weight=weight)
    table = event_study.estimate(panel).table.set_index("event_time")
    for row in fixest(dataset, "fixest_event_study", option):
        ours = table.loc[int(re.search(r"-?\d+$", row["term"])[0])]
        assert close("fixest: event study, estimates", ours["estimate"], row["estimate"]) and close(
            "fixest: event study, errors", ours["std_error"], row["se"]
        ), row


def test_event_study_covariance_equals_fixest() -> None:
    effects = event_study.estimate(samples.mpdta())
    place = {e: k for k, e in enumerate(effects.table["event_time"])}
    for row in fixest("mpdta", "fixest_event_study_vcov", "cluster_unit"):
        a, b = (int(x) for x in re.findall(r"-?\d+", row["term"]))
        assert abs(effects.covariance[place[a], place[b]] - float(row["estimate"])) < 1e-12, row


@pytest.mark.parametrize(
    ("dataset", "option", "weight"),
    [
        ("mpdta", "vcov=cluster_unit; ssc default", ""),
        ("castle(did2s)", "l_homicide~post; unweighted; cluster sid", ""),
        ("castle(did2s)", "l_homicide~post; weights popwt; cluster sid", "popwt"),
    ],
)
def test_two_way_fixed_effects_equal_fixest(dataset: str, option: str, weight: str) -> None:
    panel = samples.mpdta() if dataset == "mpdta" else samples.castle(weight=weight)
    (row,) = fixest(dataset, "fixest_twfe", option)
    ours = two_way_fixed_effects.estimate(panel).average(0.95)
    assert close("fixest: two-way fixed effects, estimates", ours.value, row["estimate"]) and close(
        "fixest: two-way fixed effects, errors", ours.std_error, row["se"]
    )


def test_covariates_in_two_way_fixed_effects_equal_fixest() -> None:
    row = fixest("mpdta", "fixest_twfe", "with lpop x year; cluster_unit")[0]
    ours = two_way_fixed_effects.estimate(samples.mpdta(), covariates=["lpop"]).average(0.95)
    assert close("fixest: two-way fixed effects with a covariate, estimates", ours.value, row["estimate"]) and close(
        "fixest: two-way fixed effects with a covariate, errors", ours.std_error, row["se"]
    )


@pytest.mark.parametrize(("vcov", "errors"), [("iid", "classical"), ("hetero", "robust")])
def test_repeated_cross_sections_equal_fixest(vcov: str, errors: str) -> None:
    for dataset, sample, option in (
        ("injury(ky==1)", samples.injury(), f"ldurat~afchnge*highearn; vcov={vcov}"),
        ("kielmc", samples.kielmc("lrprice"), f"lrprice~nearinc*y81; vcov={vcov}"),
    ):
        row = next(r for r in fixest(dataset, "fixest_did2x2", option) if ":" in r["term"])
        ours = two_by_two.estimate(sample, errors=errors).average(0.95)
        assert close("fixest: repeated cross-sections, estimates", ours.value, row["estimate"]) and close(
            "fixest: repeated cross-sections, errors", ours.std_error, row["se"]
        )


@pytest.mark.parametrize(
    ("covariates", "value", "error"),
    [((), "-11863.90", "7456.65"), (("age", "agesq"), "-21920.27", "6359.75"),
     (tuple(samples.KIELMC), "-14177.93", "4987.27")],
)  # fmt: skip
def test_incinerator_equals_the_textbook(covariates: tuple[str, ...], value: str, error: str) -> None:
    sample = samples.kielmc(covariates=covariates)
    ours = two_by_two.estimate(sample, covariates=covariates, errors="classical").average(0.95)
    assert (f"{ours.value:.2f}", f"{ours.std_error:.2f}") == (value, error)


def test_workers_compensation_equals_the_textbook() -> None:
    ours = two_by_two.estimate(samples.injury(), errors="classical").average(0.95)
    assert (f"{ours.value:.3f}", f"{ours.std_error:.3f}", ours.n) == ("0.191", "0.069", 5626)
    michigan = two_by_two.estimate(samples.injury("mi"), errors="classical").average(0.95)
    assert (f"{michigan.value:.6f}", f"{michigan.std_error:.6f}", michigan.n) == ("0.191991", "0.154170", 1524)


def test_medicaid_equals_the_course() -> None:
    effects = group_time.estimate(samples.ehec())
    cell = effects.table.set_index(["cohort", "period"]).loc[(2014.0, 2014.0)]
    assert f"{cell['estimate']:.8f}" == "0.04670243"
    assert f"{effects.average(0.95).value:.6f}" == "0.067983"
    twfe = two_way_fixed_effects.estimate(samples.ehec()).average(0.95)
    assert (f"{twfe.value:.6f}", f"{twfe.std_error:.6f}") == ("0.070321", "0.007401")


def test_organ_donation_is_not_three_stars() -> None:
    effects = two_by_two.estimate(samples.organ())
    clustered = effects.average(0.95)
    assert (f"{clustered.value:.6f}", f"{clustered.std_error:.6f}") == ("-0.022459", "0.006131")
    shown = few_clusters.headline(samples.organ(), effects, average="simple", level=0.95, seed=1)
    assert shown.p_value == pytest.approx(5 / 27, abs=1e-12)
    assert shown.std_error is None and not shown.excludes(0.0)


def test_joint_pretest_equals_did() -> None:
    """did prints W = 7.7912 with p = .16812 from a chi-square with five degrees of freedom."""
    from scipy import stats

    effects = group_time.estimate(samples.mpdta(), comparison="never_treated", base_period="varying").pre()
    wald = effects.estimate @ np.linalg.solve(effects.covariance, effects.estimate)
    # did's test includes the factor n/n of its influence functions: no correction, as ours.
    assert wald == pytest.approx(7.7912366272, abs=1e-9)
    assert f"{stats.chi2.sf(wald, 5):.5f}" == "0.16812"
