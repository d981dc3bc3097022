"""Group-time effects with covariates, gaps and rows observed once: by hand, against R, invariances, recovery, refusals.

Against did 2.5.1 and DRDID 1.2.3 (`reference/did_covariates.csv`) estimates and errors agree to 1e-10. What is left is
R's logit, which stops when the deviance changes by less than 1e-7 or 1e-8 of itself; ours solves its equations to
rounding (`test_doubly_robust.py`). One thing differs: DRDID 1.2.3, for rows observed once and doubly robust, adds to
the contributions what the regression before adoption brings, where its derivative has a minus. Ours are the derivative
(`test_contributions_are_what_each_weight_adds`); with DRDID's sign they give R's errors.
"""

from __future__ import annotations

import csv
import functools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import samples
from deviations import near

from analysis.data import table
from analysis.data.panels import panel_from_frame
from analysis.data.samples import sample_from_frame
from analysis.designs import group_time
from analysis.designs._group_cells import wanted
from analysis.designs._group_rows import from_means, from_rows, known_before, rows_of_panel
from analysis.inference import doubly_robust, few_clusters
from analysis.panel import NEVER, Labels, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

HERE = Path(__file__).parent / "reference"
VALUE = 1e-8  # R's logit stops early: the largest difference seen is 4e-11
ERROR = 1e-8  # the same: 5e-11
OTHER_SIGN = 2e-4  # what the sign in DRDID's drdid_rc moves an error by, at most
BY = {"dynamic": "event_time", "group": "cohort", "calendar": "period"}
ADJUSTMENT = {"dr": "doubly_robust", "reg": "regression", "ipw": "weighting"}
COMPARISON = {"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}


@functools.cache
def rows() -> list[dict[str, str]]:
    with (HERE / "did_covariates.csv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def options() -> list[tuple[str, str]]:
    return sorted({(r["dataset"], r["option"].split("; type=")[0]) for r in rows()})


def chosen(option: str) -> dict[str, str]:
    return dict(part.split("=") for part in option.split("; "))


@functools.cache
def mpdta(kind: str = "balanced") -> Panel | Sample:
    """The counties: balanced, unbalanced (61 rows missing, each 41st from the seventh on), or rows observed once."""
    frame, labels = table.load("mpdta"), Labels("lemp", "year", "countyreal", "first.treat")
    if kind == "rows":
        return sample_from_frame(frame, replace(labels, unit=""), covariates=["lpop"])
    if kind == "unbalanced":
        frame = frame.drop(index=range(6, len(frame), 41))
    return panel_from_frame(frame, labels, covariates=["lpop"], unbalanced="keep")


def data_of(dataset: str, option: str) -> Panel | Sample:
    if dataset.startswith("castle"):
        return samples.castle()
    unbalanced = "unbalanced" if "unbalanced" in dataset else "balanced"
    return mpdta("rows" if "panel=FALSE" in option else unbalanced)


@functools.cache
def fit(dataset: str, option: str) -> Effects:
    choice = chosen(option)
    return group_time.estimate(
        data_of(dataset, option),
        comparison=COMPARISON[choice["control"]],
        base_period=choice["base"],
        anticipation=int(choice["anticip"]),
        covariates=["lpop"] if choice["x"] == "lpop" else [],
        adjustment=ADJUSTMENT[choice["est"]],
    )


def other_sign(dataset: str, option: str) -> bool:
    """Rows observed once, doubly robust: DRDID's contributions have one term with the other sign."""
    return "est=dr" in option and ("panel=FALSE" in option or "unbalanced" in dataset)


def check(value: float, error: float, row: dict[str, str]) -> None:
    signed = other_sign(row["dataset"], row["option"])
    kind = row["option"].split("est=")[1].split(";")[0] + (", rows observed once" if signed else "")
    early = "R's logit stops early; ours solves its equations to rounding"
    assert near(f"did with covariates, {kind}: estimates", value, row["estimate"], VALUE, early), row
    if row["se"] not in ("", "NA"):
        note = "a term of DRDID's has the other sign; with it put in, below 1e-8" if signed else early
        assert near(f"did with covariates, {kind}: errors", error, row["se"], OTHER_SIGN if signed else ERROR, note), (
            row
        )


@pytest.mark.parametrize(("dataset", "option"), options())
def test_cells_equal_did(dataset: str, option: str) -> None:
    ours = fit(dataset, option).table.set_index(["cohort", "period"])
    wanted_rows = [r for r in rows() if (r["dataset"], r["option"], r["method"]) == (dataset, option, "did_att_gt")]
    assert len(wanted_rows) == len(ours)
    for row in wanted_rows:
        cell = ours.loc[tuple(float(x) for x in re.findall(r"\d+", row["term"]))]
        check(cell["estimate"], cell["std_error"], row)


@pytest.mark.parametrize(("dataset", "option"), options())
def test_averages_equal_did(dataset: str, option: str) -> None:
    effects = fit(dataset, option)
    for kind in ("simple", "dynamic", "group", "calendar"):
        pieces = effects if kind == "simple" else effects.by(BY[kind])
        found = [r for r in rows() if (r["dataset"], r["option"]) == (dataset, f"{option}; type={kind}")]
        assert found
        for row in found:
            if row["term"] == "overall":
                overall = pieces.average(0.95)
                check(overall.value, overall.std_error, row)
                continue
            label = float(re.search(r"-?\d+$", row["term"].rstrip(")"))[0])
            piece = pieces.table.set_index(BY[kind]).loc[label]
            check(piece["estimate"], piece["std_error"], row)


@pytest.mark.parametrize("kind", ["unbalanced", "rows"])
def test_with_the_sign_of_drdid_errors_of_rows_equal_r(kind: str) -> None:
    dataset, option = next(o for o in options() if other_sign(*o) and (kind == "rows") == ("panel=FALSE" in o[1]))
    data, matched = mpdta(kind), 0
    for row in rows():
        if (row["dataset"], row["option"], row["method"]) != (dataset, option, "did_att_gt"):
            continue
        cohort, period = (int(x) - 2003 for x in re.findall(r"\d+", row["term"]))
        base = cohort - 1 if period >= cohort else period - 1
        ours = drdid_error(data, cohort, period, base)
        assert near("did, rows observed once, with DRDID's sign: errors", ours, row["se"], ERROR), row
        matched += 1
    assert matched == 12


def drdid_error(data: Panel | Sample, cohort: int, period: int, base: int) -> float:
    """The error that DRDID 1.2.3 gives: our contributions plus twice the term that it adds and that should go off."""
    if isinstance(data, Panel):
        unit, when = np.nonzero(np.isfinite(data.outcome))
        y, x, adoption = data.outcome[unit, when], data.covariates["lpop"][unit, when], data.adoption[unit]
    else:
        unit, when, y, x, adoption = (
            np.arange(data.n),
            data.period,
            data.outcome,
            data.covariates["lpop"],
            data.adoption,
        )
    use = np.isin(when, (base, period)) & np.isin(adoption, (cohort, NEVER))
    y, x, unit, after, treated = y[use], x[use], unit[use], when[use] == period, adoption[use] == cohort
    design = np.column_stack([np.ones(len(x)), x])
    groups = doubly_robust.compared(treated, design, np.ones(len(x)), "doubly_robust", after=after)
    _, parts = doubly_robust.levels(groups, y)
    before = design * (~treated & ~after)[:, None]
    inverse = np.linalg.inv(before.T @ design)
    rest = y - design @ (inverse @ (before.T @ y))
    odds = groups.odds() * ~after
    gap = odds / odds.sum() - (treated & ~after) / (treated & ~after).sum()
    parts = parts + 2 * rest * (before @ (inverse @ (gap @ design)))
    return float(np.sqrt((doubly_robust.summed(parts[:, None], unit, int(unit.max()) + 1) ** 2).sum()))


CASES = {
    "covariates": lambda: (mpdta(), ["lpop"]),
    "gaps": lambda: (mpdta("unbalanced"), []),
    "gaps and covariates": lambda: (mpdta("unbalanced"), ["lpop"]),
    "rows": lambda: (mpdta("rows"), []),
    "rows and covariates": lambda: (mpdta("rows"), ["lpop"]),
    "moments": lambda: (mpdta(), []),
    "coarse clusters": lambda: (samples.mpdta(cluster="state"), ["lpop"]),
    "weights": lambda: (samples.mpdta(weight="size"), ["lpop"]),
}


@pytest.mark.parametrize("case", CASES)
def test_contributions_of_clusters_give_the_covariance(case: str) -> None:
    data, covariates = CASES[case]()
    effects = group_time.estimate(data, covariates=covariates)
    psi = effects.influence()
    assert psi.shape == (data.clusters, len(effects.table) + len(effects.share))
    np.testing.assert_allclose(psi.T @ psi, effects.joint, atol=1e-16)
    np.testing.assert_allclose(psi.sum(axis=0), 0, atol=1e-13)
    average = effects.by("event_time").averaged_over()
    one = average.influence()
    assert one[:, 0] @ one[:, 0] == pytest.approx(average.table["std_error"].iloc[0] ** 2, rel=1e-10)
    assert effects.refit(data).average(0.9) == effects.average(0.9)


@pytest.mark.parametrize("case", CASES)
def test_order_shift_and_scale(case: str) -> None:
    data, covariates = CASES[case]()
    first = group_time.estimate(data, covariates=covariates)
    moved = group_time.estimate(data.with_outcome(-3 * data.outcome + 100), covariates=covariates)
    np.testing.assert_allclose(moved.estimate, -3 * first.estimate, atol=1e-10)
    np.testing.assert_allclose(moved.joint[: len(first.table)], first.joint[: len(first.table)] * np.where(
        np.arange(len(first.joint)) < len(first.table), 9, -3), atol=1e-12)  # fmt: skip
    order = np.random.default_rng(0).permutation(len(data.outcome))
    shuffled = group_time.estimate(reordered(data, order), covariates=covariates)
    np.testing.assert_allclose(shuffled.estimate, first.estimate, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(shuffled.joint, first.joint, rtol=1e-8, atol=1e-14)


def reordered(data: Panel | Sample, order: np.ndarray) -> Panel | Sample:
    if isinstance(data, Sample):
        return data.rows(order)
    return replace(
        data,
        outcome=data.outcome[order],
        units=data.units[order],
        adoption=data.adoption[order],
        weight=data.weight[order],
        cluster=np.unique(data.cluster[order], return_inverse=True)[1],
        upcoming=data.upcoming[order],
        covariates={name: values[order] for name, values in data.covariates.items()},
    )


def panel(outcome: list[list[float]], adoption: list[int], covariate: list[list[float]] | None = None) -> Panel:
    values = np.array(outcome, dtype=float)
    units, periods = values.shape
    return Panel(
        outcome=values,
        units=np.arange(units),
        periods=np.arange(2000, 2000 + periods),
        adoption=np.array(adoption),
        weight=np.ones(units),
        cluster=np.arange(units),
        labels=Labels("y", "year", "unit", "first"),
        upcoming=np.zeros(units, dtype=int),
        covariates={} if covariate is None else {"x": np.array(covariate, dtype=float)},
    )


def test_gaps_by_hand() -> None:
    """Treated 2001: means 3 (of 2, 4) before and 7 (of 7 alone) after. Never: 1 (of 1, 1) and 2.5 (of 3, 2).
    (7 - 3) - (2.5 - 1) = 2.5. The unit observed twice contributes 0.5 x -(2 - 3) + (7 - 7) = 0.5, the one seen before
    only -0.5 x (4 - 3) = -0.5, the never-treated -0.5 x (3 - 2.5) = -0.25, 0.25 and nothing."""
    nan = np.nan
    effects = group_time.estimate(panel([[2, 7], [4, nan], [1, 3], [nan, 2], [1, nan]], [1, 1, -1, -1, -1]))
    post = effects.post()
    assert post.estimate == pytest.approx([2.5])
    np.testing.assert_allclose(effects.influence()[:, 1], [0.5, -0.5, -0.25, 0.25, 0], atol=1e-15)
    assert post.table["std_error"].iloc[0] == pytest.approx(np.sqrt(0.25 + 0.25 + 2 * 0.0625))
    assert (effects.n, effects.baseline) == (7, 3)


def test_rows_of_a_panel_without_gaps_give_what_its_moments_give() -> None:
    data = samples.castle(weight="popwt")
    cells = wanted(data.cohorts, np.ones((len(data.cohorts), len(data.periods)), bool), "not_yet_treated", "varying", 0)
    rows_of_all = rows_of_panel(data, [], 0)
    effects = group_time.estimate(data, base_period="varying")
    for found in (from_rows(rows_of_all, cells, "regression"), from_means(rows_of_all, cells)):
        np.testing.assert_allclose(found.values, effects.estimate, atol=1e-12)
        np.testing.assert_allclose(found.joint, effects.joint, atol=1e-14)


def test_covariates_that_say_nothing_new_change_nothing() -> None:
    """Against a covariate with the same distribution in every cohort, weighting and regression are differences of
    means: four units per cohort with x = -1, 1, -1, 1."""
    draw = np.random.default_rng(4)
    adoption = np.repeat([-1, 2, 3], 4)
    x = np.tile([-1.0, 1], 6)[:, None] * np.ones(5)
    data = replace(panel(draw.normal(size=(12, 5)).tolist(), adoption.tolist()), covariates={"x": x})
    plain = group_time.estimate(data)
    for adjustment in doubly_robust.ADJUSTMENTS:
        adjusted = group_time.estimate(data, covariates=["x"], adjustment=adjustment)
        np.testing.assert_allclose(adjusted.estimate, plain.estimate, atol=1e-12)


@pytest.mark.parametrize("base_period", ["varying", "universal"])
def test_only_values_from_before_adoption_are_used(base_period: str) -> None:
    """Values from the later of a cell's two periods on may be anything; those from the earlier one matter."""
    data, draw = mpdta(), np.random.default_rng(5)
    values = data.covariates["lpop"] + draw.normal(size=data.outcome.shape)
    varying = replace(data, covariates={"x": values})
    first = group_time.estimate(varying, covariates=["x"], base_period=base_period)
    reached = np.arange(5) >= np.where(data.adoption == NEVER, 99, data.adoption)[:, None]
    spoiled = replace(data, covariates={"x": np.where(reached, 1e3 * draw.normal(size=values.shape), values)})
    again = group_time.estimate(spoiled, covariates=["x"], base_period=base_period, comparison="never_treated")
    clean = group_time.estimate(varying, covariates=["x"], base_period=base_period, comparison="never_treated")
    np.testing.assert_allclose(again.estimate, clean.estimate, rtol=1e-6)
    late = values.copy()
    late[:, 3] += draw.normal(size=500)  # 2006: the base period of the cohort of 2007
    moved = group_time.estimate(replace(data, covariates={"x": late}), covariates=["x"], base_period=base_period)
    same = np.isclose(moved.estimate, first.estimate, atol=1e-12)
    of_2007 = (first.table["cohort"] == 2007) & (first.table["period"] == 2007)
    np.testing.assert_array_equal(same, ~of_2007)


def test_the_base_period_gives_the_covariate_of_a_treated_cell() -> None:
    data, draw = mpdta(), np.random.default_rng(6)
    values = data.covariates["lpop"] + draw.normal(size=data.outcome.shape)
    varying = group_time.estimate(replace(data, covariates={"x": values}), covariates=["x"]).table
    fixed = replace(data, covariates={"x": np.repeat(values[:, [2]], 5, axis=1)})  # 2005: before the cohort of 2006
    wanted_cells = group_time.estimate(fixed, covariates=["x"]).table
    cells = (varying["cohort"] == 2006) & (varying["period"] >= 2006)
    np.testing.assert_allclose(varying["estimate"][cells], wanted_cells["estimate"][cells], atol=1e-12)


def test_what_is_known_of_a_covariate_before_adoption() -> None:
    nan = np.nan
    values = np.array([[nan, 2, nan, 4], [nan, nan, 3, 5], [nan, nan, 3, 5], [1, nan, nan, 2]])
    found = known_before(values, np.array([2, 2, NEVER, 1]))
    np.testing.assert_array_equal(found, [[2, 2, 2, 4], [nan, nan, 3, 5], [3, 3, 3, 5], [1, 1, 1, 2]])
    early = known_before(values, np.array([2, 3, NEVER, 1]), anticipation=1)
    np.testing.assert_array_equal(early[1], [nan, nan, 3, 5])
    constant = np.array([[nan, 7, nan], [nan, nan, 8], [9, nan, 9]])
    np.testing.assert_array_equal(known_before(constant, np.array([1, 1, 1])), [[7] * 3, [8] * 3, [9] * 3])


def test_permutation_works_with_covariates() -> None:
    """Two of twelve counties treated: all 66 assignments."""
    data = mpdta().only(np.isin(np.arange(500), np.flatnonzero(mpdta().adoption == NEVER)[:12]), "test")
    few = replace(data, adoption=np.where(np.arange(12) < 2, 2, NEVER))
    effects = group_time.estimate(few, covariates=["lpop"], adjustment="regression")
    shown = few_clusters.headline(few, effects, average="simple", level=0.9, seed=1)
    assert shown.std_error is None and shown.low < shown.value < shown.high
    assert shown.value == pytest.approx(effects.average(0.9).value)
    assert round(shown.p_value * 66) == pytest.approx(shown.p_value * 66)


def separated(n: int = 40) -> Panel:
    """The cohort of 2002 has x > 0 and the others x < 0; the cohort of 2003 overlaps with the never-treated."""
    draw = np.random.default_rng(8)
    adoption = np.repeat([NEVER, 2, 3], n)
    x = np.concatenate([-1 - draw.random(n), 1 + draw.random(n), -1 - draw.random(n)])
    data = panel(draw.normal(size=(3 * n, 5)).tolist(), adoption.tolist())
    return replace(data, covariates={"x": np.repeat(x[:, None], 5, axis=1)})


def test_cells_without_overlap_are_left_out_and_named() -> None:
    effects = group_time.estimate(separated(), covariates=["x"], comparison="never_treated")
    assert set(effects.table["cohort"]) == {2003} and len(effects.table) == 5
    assert "left out: overlap condition violated for group 2002, time 2000 and 3 other cells" in effects.method
    assert "only adopters of 2003" in effects.estimand
    assert effects.table["weight"].sum() == pytest.approx(1)
    by_regression = group_time.estimate(separated(), covariates=["x"], adjustment="regression")
    assert set(by_regression.table["cohort"]) == {2002, 2003} and "left out" not in by_regression.method


def refused(data: Panel | Sample, **options: object) -> str:
    with pytest.raises(Refusal) as found:
        group_time.estimate(data, **options)
    return str(found.value)


def test_refusals_name_the_place_and_the_fix() -> None:
    alone = separated().only(separated().adoption != 3, "test")
    assert refused(alone, covariates=["x"]).startswith(
        "E126 STOP covariates — overlap condition violated for group 2002, time 2000 and 3 other cells. Fix: drop the "
        "covariates that give the treatment away, or set `adjustment: regression`"
    )
    data = mpdta()
    twice = replace(data, covariates={**data.covariates, "copy": 2 * data.covariates["lpop"] - 1})
    for adjustment in doubly_robust.ADJUSTMENTS:
        assert refused(twice, covariates=["lpop", "copy"], adjustment=adjustment).startswith(
            "E107 STOP covariates:copy — "
        )
    clock = replace(data, covariates={"clock": np.broadcast_to(np.arange(5.0), data.outcome.shape)})
    assert refused(clock, covariates=["clock"]).startswith("E107 STOP covariates:clock — ")
    small = data.only((data.adoption != NEVER) | (np.cumsum(data.adoption == NEVER) <= 5), "test")
    assert refused(small, covariates=["lpop"], comparison="never_treated").startswith(
        "E113 STOP comparison — 5 never-treated units are too few to compare with, given 1 covariate. Fix: set `comp"
    )
    treated = data.only(data.adoption != NEVER, "test")
    assert refused(treated, covariates=["lpop"], comparison="never_treated").startswith("P006 STOP comparison")
    assert refused(replace(data, eligible=np.arange(500) % 2 == 0)).startswith("E131 STOP eligible")
    sample = mpdta("rows")
    assert refused(replace(sample, eligible=sample.treated)).startswith("E131 STOP eligible")
    nine = replace(sample, cluster=np.arange(sample.n) % 9, labels=replace(sample.labels, cluster="c"))
    assert refused(nine).startswith("E104 STOP cluster — only 9 clusters on one side")


def test_words_say_what_was_done() -> None:
    effects = group_time.estimate(mpdta("rows"), covariates=["lpop"], adjustment="weighting")
    assert (
        "adjusted for lpop (reweighting the comparison units" in effects.method
        and "rows observed once" in effects.method
    )
    assert "of 2500 rows taken as independent" in effects.inference
    coarse = group_time.estimate(samples.mpdta(cluster="state"), covariates=["lpop"])
    assert "summed by state (29 clusters)" in coarse.inference and coarse.df == 28


def simulated(units: int, seed: int, *, rows: bool = False) -> Panel | Sample:
    """Callaway and Sant'Anna's design: four periods, cohorts at the second to fourth and never; the chance of adopting
    and the trend both grow with x, so that the unadjusted comparison is biased. Every effect is 1."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=units)
    odds = np.exp(x[:, None] * np.array([1, 2, 3, 4]) / 8)
    place = (draw.random(units)[:, None] > np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)).sum(axis=1)
    adoption = np.array([NEVER, 1, 2, 3])[np.minimum(place, 3)]
    time = np.arange(4)
    treated = (adoption[:, None] != NEVER) & (time >= adoption[:, None])
    outcome = adoption[:, None] + draw.normal(size=(units, 1)) + time * (1 + x[:, None]) + treated
    outcome = outcome + draw.normal(size=(units, 4))
    if rows:
        when = draw.integers(0, 4, units)
        return Sample(
            outcome=outcome[np.arange(units), when],
            periods=time,
            period=when,
            adoption=adoption,
            weight=np.ones(units),
            cluster=np.arange(units),
            labels=Labels("y", "t"),
            covariates={"x": x},
        )
    return replace(panel(outcome.tolist(), adoption.tolist()), covariates={"x": np.repeat(x[:, None], 4, axis=1)})


@pytest.mark.parametrize("rows", [False, True], ids=["panel", "rows"])
def test_known_effects_are_recovered_where_trends_depend_on_the_covariate(rows: bool) -> None:
    data = simulated(120_000 if rows else 20_000, seed=3, rows=rows)
    plain = group_time.estimate(data, base_period="varying")
    assert abs(plain.average(0.95).value - 1) > 4 * plain.average(0.95).std_error
    for adjustment in doubly_robust.ADJUSTMENTS:
        effects = group_time.estimate(data, base_period="varying", covariates=["x"], adjustment=adjustment)
        for kind in ("simple", "event_time", "cohort", "period"):
            found = effects.along(kind).average(0.95)
            assert abs(found.value - 1) < 4 * found.std_error, (adjustment, kind)
        pre = effects.pre()
        assert (np.abs(pre.estimate) < 4 * pre.table["std_error"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("case", ["panel", "gaps", "rows"])
@pytest.mark.parametrize("adjustment", doubly_robust.ADJUSTMENTS)
def test_intervals_cover(case: str, adjustment: str) -> None:
    """1,000 draws: the Monte-Carlo band of a 95 % interval is [.9365, .9635]."""
    covered = 0
    for seed in range(1000):
        data = simulated(1600 if case == "rows" else 400, seed, rows=case == "rows")
        if case == "gaps":
            missing = np.random.default_rng([seed, 1]).random(data.outcome.shape) < 0.05
            data = data.with_outcome(np.where(missing, np.nan, data.outcome))
        effects = group_time.estimate(data, covariates=["x"], adjustment=adjustment)
        covered += not effects.average(0.95).excludes(1.0)
    assert 0.9365 <= covered / 1000 <= 0.9635, covered
