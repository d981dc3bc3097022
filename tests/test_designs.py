"""One contract for every file in designs/: what it returns, what it leaves alone, and what must not matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import samples
from contract import Case, cases, later, shuffled

from analysis import designs
from analysis.panel import NEVER, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Data, Effects
from analysis.study import Study, modules


def dosed() -> Panel:
    """Treated counties with doses of their own: the logarithm of their size."""
    panel = samples.mpdta()
    return replace(panel, dose=np.where(panel.adoption == NEVER, 0.0, np.abs(panel.covariates["lpop"][:, 0]) + 0.5))


def eligible() -> Panel:
    """Every other county is one that the policy is meant for."""
    panel = samples.mpdta()
    return replace(panel, eligible=np.arange(len(panel.units)) % 2 == 0)


def switched() -> Panel:
    panel = samples.mpdta()
    return replace(panel, treatment=panel.treated.astype(float))


CASES = [
    ("group_time", samples.mpdta),
    ("group_time", samples.castle),
    ("imputation", samples.mpdta),
    ("imputation", samples.castle),
    ("sun_abraham", samples.mpdta),
    ("sun_abraham", samples.castle),
    ("extended_twfe", samples.mpdta),
    ("extended_twfe", samples.castle),
    ("stacked", samples.mpdta),
    ("stacked", samples.castle),
    ("local_projection", samples.mpdta),
    ("local_projection", samples.castle),
    ("triple_difference", eligible),
    ("switching", samples.mpdta),
    ("switching", switched),
    ("dose", dosed),
    ("event_study", samples.mpdta),
    ("two_way_fixed_effects", samples.mpdta),
    ("two_by_two", samples.organ),
    ("two_by_two", samples.kielmc),
]
DESIGNS = modules("designs", "difference_in_differences")
OTHERS = cases()


def study(**changes: object) -> Study:
    values = {
        "question": "Did the policy change the outcome?",
        "decision": "Whether to go on with the policy.",
        "intervention": "the policy",
        "dataset": "mpdta",
        "outcome": "lemp",
        "design": "group_time",
        "worthwhile": 0.1,
        "better": "higher",
    }
    return Study.read(values | changes, "test.yml")


def fit(name: str, data: Data) -> Effects:
    errors = "robust" if isinstance(data, Sample) else "clustered"
    return designs.estimate(study(design=name, errors=errors), data, name)


def test_every_design_is_under_contract() -> None:
    assert {name for name, _ in CASES} == set(DESIGNS)
    assert {case.design for case in OTHERS} | set(DESIGNS) == set(modules("designs"))


@pytest.mark.parametrize("name", modules("designs"))
def test_method_card_is_complete(name: str) -> None:
    card = designs.card(name)
    assert list(card) == ["Estimand", "Assumes", "Reference", "Fails when"]
    assert all(len(text) > 20 for text in card.values())


@pytest.mark.parametrize(("name", "data"), CASES)
def test_returns_effects_with_everything_later_steps_need(name: str, data) -> None:
    effects = fit(name, data())
    k = len(effects.table)
    assert isinstance(effects, Effects) and k > 0
    assert {"cohort", "period", "event_time", "estimate", "std_error", "weight", "treated_clusters"} <= set(
        effects.table
    )
    assert effects.covariance.shape == (k, k)
    np.testing.assert_allclose(effects.covariance, effects.covariance.T, atol=1e-12 * np.abs(effects.covariance).max())
    np.testing.assert_allclose(np.sqrt(np.diag(effects.covariance)), effects.table["std_error"])
    assert np.linalg.eigvalsh(effects.covariance).min() > -1e-10 * np.abs(effects.covariance).max()
    assert effects.table["weight"].sum() == pytest.approx(1)
    assert effects.inference and effects.method and effects.estimand and np.isfinite(effects.baseline)


@pytest.mark.parametrize(("name", "data"), [c for c in CASES if c[1] is not samples.kielmc])
def test_contributions_of_clusters_make_up_the_covariance(name: str, data) -> None:
    effects = fit(name, data())
    psi = effects.influence()
    assert psi.shape[0] >= effects.clusters and psi.shape[1] == len(effects.joint)
    np.testing.assert_allclose(psi.T @ psi, effects.joint, atol=1e-10 * np.abs(effects.joint).max())


@pytest.mark.parametrize(("name", "data"), CASES)
def test_does_not_change_its_input_and_refits_to_the_same(name: str, data) -> None:
    panel = data()
    before = panel.outcome.copy()
    first = fit(name, panel)
    again = first.refit(panel)
    np.testing.assert_array_equal(panel.outcome, before)
    np.testing.assert_array_equal(first.estimate, again.estimate)
    np.testing.assert_array_equal(first.joint, again.joint)


@pytest.mark.parametrize(("name", "data"), CASES)
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 1000.0), (-2.0, 0.0), (1e-6, 3.0), (1e6, 0.0)])
def test_scaling_scales_and_shifting_leaves(name: str, data, scale: float, shift: float) -> None:
    panel = data()
    first, moved = fit(name, panel), fit(name, panel.with_outcome(scale * panel.outcome + shift))
    np.testing.assert_allclose(moved.estimate, scale * first.estimate, rtol=1e-6, atol=1e-9 * abs(scale))
    np.testing.assert_allclose(moved.table["std_error"], abs(scale) * first.table["std_error"], rtol=1e-6)


@pytest.mark.parametrize(("name", "data"), [c for c in CASES if c[1] is not samples.kielmc])
def test_unit_and_period_shifts_do_not_matter(name: str, data) -> None:
    panel = data()
    units = np.random.default_rng(1).normal(size=(len(panel.units), 1))
    periods = np.random.default_rng(2).normal(size=(1, len(panel.periods)))
    first, moved = fit(name, panel), fit(name, panel.with_outcome(panel.outcome + units + periods))
    np.testing.assert_allclose(moved.estimate, first.estimate, atol=1e-10)


@pytest.mark.parametrize(("name", "data"), CASES)
def test_order_of_units_or_rows_does_not_matter(name: str, data) -> None:
    panel = data()
    shuffle = np.random.default_rng(3).permutation(len(panel.outcome))
    first, moved = fit(name, panel), fit(name, shuffled(panel, shuffle))
    np.testing.assert_allclose(moved.estimate, first.estimate, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(moved.table["std_error"], first.table["std_error"], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(("name", "data"), [c for c in CASES if c[1] is not samples.kielmc])
def test_a_shift_of_treated_cells_moves_the_average_by_as_much(name: str, data) -> None:
    panel = data()
    first, moved = fit(name, panel), fit(name, panel.with_outcome(panel.outcome + 0.7 * panel.treated))
    assert moved.average(0.9).value == pytest.approx(first.average(0.9).value + 0.7, abs=1e-10)


@pytest.mark.parametrize(("name", "data"), [c for c in CASES if c[1] is not samples.kielmc])
def test_time_shift_does_not_matter(name: str, data) -> None:
    panel = data()
    later = replace(panel, periods=panel.periods + 100)
    np.testing.assert_array_equal(fit(name, later).estimate, fit(name, panel).estimate)


def test_two_way_fixed_effects_is_never_a_staggered_headline() -> None:
    for name in ("two_way_fixed_effects", "event_study"):
        with pytest.raises(Refusal, match=r"E101 STOP design — 3 adoption dates .* Fix: set `design: group_time`"):
            designs.estimate(study(design=name), samples.mpdta())
    shown = designs.alternatives(study(), samples.mpdta(), designs.estimate(study(), samples.mpdta()))
    assert [a.label for a in shown] == ["group_time", "two_way_fixed_effects"]
    assert "already treated" in shown[1].reason


def test_cross_sections_are_refused_where_units_are_needed() -> None:
    for name in set(DESIGNS) - {"group_time", "triple_difference", "two_by_two"}:
        with pytest.raises(Refusal, match="E130 STOP design"):
            designs.estimate(study(), samples.kielmc(), name)


def test_a_missing_comparison_group_is_named() -> None:
    panel = samples.mpdta()
    treated = panel.only(panel.adoption != NEVER, "test")
    with pytest.raises(Refusal, match=r"P006 STOP comparison — no never-treated group. Fix: set `comparison"):
        designs.estimate(study(comparison="never_treated"), treated)
    effects = designs.estimate(study(), treated)
    assert effects.table["cohort"].max() == 2006 and effects.table["period"].max() == 2006


def test_anticipation_moves_the_base() -> None:
    effects = designs.estimate(study(anticipation=1), samples.mpdta())
    assert effects.reference == -2 and 2004 not in set(effects.table["cohort"])
    panel = samples.mpdta()
    y, never, own = panel.outcome, panel.adoption == NEVER, panel.adoption == 4
    by_hand = (y[own, 4] - y[own, 2]).mean() - (y[never, 4] - y[never, 2]).mean()
    cell = effects.table.set_index(["cohort", "period"]).loc[(2007, 2007), "estimate"]
    assert cell == pytest.approx(by_hand, abs=1e-12)


def test_clustered_cross_sections_need_a_cluster() -> None:
    with pytest.raises(Refusal, match="E105 STOP errors — clustered errors need a cluster column"):
        designs.estimate(study(design="two_by_two"), samples.kielmc())


def test_a_repeated_covariate_is_named() -> None:
    sample = samples.kielmc(covariates=("age",))
    doubled = replace(sample, covariates={"age": sample.covariates["age"], "twice": 2 * sample.covariates["age"]})
    with pytest.raises(Refusal, match="E107 STOP covariates:twice"):
        designs.estimate(study(design="two_by_two", covariates=["age", "twice"], errors="robust"), doubled)


def test_few_clusters_in_cross_sections_are_refused() -> None:
    sample = samples.kielmc()
    coarse = replace(sample, cluster=np.arange(sample.n) % 9, labels=replace(sample.labels, cluster="c"))
    with pytest.raises(Refusal, match="E104 STOP errors — only 9 clusters in one of the groups"):
        designs.estimate(study(design="two_by_two"), coarse)
    with pytest.raises(Refusal, match="E105 STOP errors — robust errors ignore `cluster`"):
        designs.estimate(study(design="two_by_two", errors="robust"), coarse)


def test_an_early_reaction_of_coming_adopters_does_not_touch_the_answer() -> None:
    """Cohorts adopt at 4 and 7, react one period early by as much; the panel ends at 6, before the second adopts."""
    import pandas as pd

    from analysis.data.panels import panel_from_frame
    from analysis.panel import Labels

    unit, year = np.repeat(np.arange(60), 7), np.tile(np.arange(7), 60)
    first = np.select([unit < 20, unit < 50], [4.0, 7.0], np.nan)
    y = unit + 0.1 * year + 1.0 * (year >= first - 1)
    panel = panel_from_frame(pd.DataFrame({"i": unit, "t": year, "y": y, "g": first}), Labels("y", "t", "i", "g"))
    cells = designs.estimate(study(anticipation=1), panel).table.set_index("period")
    assert cells.loc[6, "estimate"] == pytest.approx(1.0, abs=1e-12)
    assert designs.estimate(study(anticipation=0), panel).table.set_index("period").loc[6, "estimate"] < 0.5


def test_what_is_not_estimated_is_said_and_kept_out_of_the_baseline() -> None:
    panel = samples.mpdta()
    treated = panel.only(panel.adoption != NEVER, "test")
    effects = designs.estimate(study(), treated)
    assert effects.estimand.endswith("only adopters of 2004, 2006, up to 2006, have a comparison")
    kept = np.isin(treated.adoption, [1, 3])
    by_hand = treated.outcome[kept, treated.adoption[kept] - 1].mean()
    assert effects.baseline == pytest.approx(by_hand)


def test_alternatives_say_which_choices_they_cannot_make() -> None:
    chosen = study(anticipation=1)
    shown = designs.alternatives(chosen, samples.mpdta(), designs.estimate(chosen, samples.mpdta()))
    assert shown[1].reason.endswith(", without anticipation")


@pytest.mark.parametrize("average", ["simple", "event_time", "cohort", "period"])
def test_a_trend_moves_every_average_by_its_distance(average: str) -> None:
    from analysis.inference.trends import mean_distance

    panel = samples.castle()
    effects = designs.estimate(study(), panel)
    trend = 0.01 * np.arange(11) * (panel.adoption != NEVER)[:, None]
    moved = effects.refit(panel.with_outcome(panel.outcome + trend)).along(average).average(0.95).value
    expected = 0.01 * mean_distance(panel, effects, average)
    assert moved - effects.along(average).average(0.95).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("case", OTHERS, ids=lambda case: case.design)
class TestOtherFamilies:
    """The same contract for the designs of the other families; `Case` says what may move an answer."""

    def test_returns_effects_with_everything_later_steps_need(self, case: Case) -> None:
        effects = case.fit()
        table, k = effects.table, len(effects.table)
        assert isinstance(effects, Effects) and k > 0
        assert {"event_time", "estimate", "std_error", "weight"} <= set(table)
        assert effects.covariance.shape == (k, k)
        np.testing.assert_allclose(np.sqrt(np.diag(effects.covariance)), table["std_error"])
        assert table["weight"].sum() == pytest.approx(1)
        assert effects.inference and effects.method and effects.estimand
        answer = effects.average(0.9)
        assert np.isfinite(answer.value) and answer.n > 0 and not answer.low > answer.high

    def test_does_not_change_its_input_and_refits_to_the_same(self, case: Case) -> None:
        data = case.data()
        before = data.outcome.copy()
        first = case.fit(data)
        again = first.refit(data)
        np.testing.assert_array_equal(data.outcome, before)
        np.testing.assert_array_equal(first.estimate, again.estimate)
        np.testing.assert_array_equal(first.joint, again.joint)

    def test_scaling_scales_and_shifting_leaves(self, case: Case) -> None:
        data = case.data()
        first = case.fit(data)
        moves = [(scale, 0.0) for scale in case.scales] + ([(1.0, case.shift)] if case.shift else [])
        for scale, shift in moves:
            moved = case.fit(data.with_outcome(scale * data.outcome + shift))
            close = {"rtol": case.rtol, "atol": case.rtol * abs(scale) * np.abs(first.estimate).max()}
            np.testing.assert_allclose(moved.estimate, scale * first.estimate, **close)
            np.testing.assert_allclose(moved.table["std_error"], abs(scale) * first.table["std_error"], **close)

    def test_order_of_units_or_rows_does_not_matter(self, case: Case) -> None:
        data = case.data()
        shuffle = np.random.default_rng(3).permutation(len(data.outcome))
        first, moved = case.fit(data), case.fit(shuffled(data, shuffle))
        np.testing.assert_allclose(moved.estimate, first.estimate, rtol=case.rtol)
        np.testing.assert_allclose(moved.table["std_error"], first.table["std_error"], rtol=case.rtol)

    def test_time_shift_does_not_matter(self, case: Case) -> None:
        data = case.data()
        moved = {name: _plus(case.choices[name], 100) for name in case.dates}
        np.testing.assert_allclose(
            case.fit(later(data, 100), **moved).estimate, case.fit(data).estimate, rtol=case.rtol
        )


def _plus(value: object, years: int) -> object:
    return [entry + years for entry in value] if isinstance(value, list) else value + years
