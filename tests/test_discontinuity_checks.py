"""Checks of a discontinuity: each warns on the case made to mislead it and is silent on the matching clean one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from contract_regression_discontinuity import made
from test_regression_discontinuity import fit, load

from analysis.checks import (
    bandwidths,
    covariate_continuity,
    density,
    distant_rows,
    donut,
    effective_sample,
    heaping,
    placebo_cutoffs,
    take_up,
)
from analysis.checks._cutoff import holm, moved
from analysis.estimate import Estimate
from analysis.inference import at_cutoff
from analysis.refusal import Refusal
from analysis.result import Check
from analysis.rows import Rows

LEVEL = 0.95


def sorted_rows(data: Rows) -> Check:
    return density.run(data, fit("local_linear", data, running="x"), None, level=LEVEL, density_dataset=None)


def test_clean_scores_leave_every_check_silent() -> None:
    data = made(n=4000)
    effects = fit("local_linear", data, running="x")
    found = [
        sorted_rows(data),
        covariate_continuity.run(data, effects, None, placebo_columns=["z", "w"], level=LEVEL),
        bandwidths.run(data, effects, None, level=LEVEL),
        placebo_cutoffs.run(data, effects, None, level=LEVEL),
        donut.run(data, effects, None, level=LEVEL),
        heaping.run(data, effects, None, level=LEVEL),
        effective_sample.run(data, effects, None),
        distant_rows.run(data, effects, None, level=LEVEL),
        take_up.run(data, effects, None, treatment=None),
    ]
    assert [check.name for check in found if check.severity != "note"] == []
    assert all("passed" not in check.finding and check.advice and check.finding for check in found)


def test_bunching_at_the_cutoff_stops() -> None:
    check = sorted_rows(made("bunched"))
    assert check.severity == "stop" and check.code == "E122" and check.p_value < 0.01
    assert "Just above the cut-off, the treated side, rows lie" in check.finding


def test_what_sorting_could_do_is_said() -> None:
    check = sorted_rows(made(n=4000))
    assert check.overturns.startswith("Zero becomes plausible if about") and "density of scores" in check.overturns


def test_shared_scores_soften_a_stop_to_a_caution() -> None:
    data = load("gov_transfers", "Support", ["Income_Centered", "Age"])
    effects = fit("local_linear", data, running="Income_Centered", treated_side="below")
    check = density.run(data, effects, None, level=LEVEL, density_dataset="gov_transfers_density")
    assert check.severity == "warn" and check.p_value < 0.001
    assert "every distinct score counted once it gives p = 0.54" in check.finding and "52,549 rows" in check.finding
    with pytest.raises(Refusal, match="D402 STOP density_dataset — drinking_age has no column 'Income_Centered'"):
        density.run(data, effects, None, level=LEVEL, density_dataset="drinking_age")


def test_groups_at_even_steps_cannot_show_sorting() -> None:
    data = load("drinking_age", "all", ["agecell"])
    effects = fit("whole_window", data, running="agecell", cutoff=21)
    check = density.run(data, effects, None, level=LEVEL, density_dataset=None)
    assert check.severity == "note" and "rows are averages of groups" in check.finding


def test_a_column_that_jumps_is_named_and_gaps_are_left_out() -> None:
    data = made(n=4000)
    jumping = data.column("w") + 0.8 * (data.column("x") >= 0)
    gappy = np.where(np.arange(data.n) % 9 == 0, np.nan, data.column("z"))
    data = data.with_column("w", jumping).with_column("z", gappy)
    effects = fit("local_linear", data, running="x")
    check = covariate_continuity.run(data, effects, None, placebo_columns=["z", "w"], level=LEVEL)
    assert check.severity == "warn" and check.finding.startswith("w jumps by more than chance explains")
    assert "(corrected for 2 tests)" in check.finding
    none = covariate_continuity.run(data, effects, None, placebo_columns=[], level=LEVEL)
    assert none.severity == "warn" and "nothing shows" in none.finding


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])


def bent(n: int = 3000) -> Rows:
    """No jump, but a bend right at the cut-off that a line through everything takes for one."""
    data = made(n=n, seed=4)
    x = data.column("x")
    noise = np.random.default_rng(6).normal(0, 0.2, n)
    return data.with_outcome(np.where(x >= 0, 1.2 * np.tanh(6 * x), 0.2 * x) + noise)


def test_a_line_through_all_rows_that_invents_a_jump_is_called_out() -> None:
    data = bent()
    effects = fit("local_linear", data, running="x")
    assert not effects.average(LEVEL).excludes(0.0)
    check = distant_rows.run(data, effects, None, level=LEVEL)
    assert check.severity == "warn" and "that the rows near the cut-off do not show" in check.finding
    whole = fit("whole_window", data, running="x")
    assert whole.average(LEVEL).excludes(0.0)
    check = distant_rows.run(data, whole, None, level=LEVEL)
    assert check.severity == "warn" and "rests on the fitted shape" in check.finding


def test_the_lesson_of_the_cash_transfers() -> None:
    data = load("gov_transfers", "Support", ["Income_Centered", "Age"])
    effects = fit("local_linear", data, running="Income_Centered", treated_side="below")
    check = distant_rows.run(data, effects, None, level=LEVEL)
    assert check.severity == "warn" and check.amounts["far"] == pytest.approx(0.0999, abs=5e-5)
    assert check.amounts["answer"] == pytest.approx(-0.0247, abs=5e-5)
    assert bandwidths.run(data, effects, None, level=LEVEL).severity == "warn"


def test_an_answer_that_follows_the_width_is_called_out() -> None:
    data = bent()
    whole = fit("whole_window", data, running="x", window=0.8)
    assert bandwidths.run(data, whole, None, level=LEVEL).severity == "warn"


def test_bends_taken_for_jumps_show_at_made_up_cutoffs() -> None:
    data = bent()
    whole = fit("whole_window", data, running="x")
    assert placebo_cutoffs.run(data, whole, None, level=LEVEL).severity == "warn"


def test_special_rows_at_the_cutoff_show_in_the_donut() -> None:
    data = made(n=4000)
    x = data.column("x")
    moved_up = data.with_outcome(data.outcome + 1.5 * ((x >= 0) & (x < 0.035)))
    effects = fit("local_linear", moved_up, running="x", bandwidth=0.4)
    assert donut.run(moved_up, effects, None, level=LEVEL).severity == "warn"


def test_heaps_that_differ_are_called_out() -> None:
    data = made(n=4000)
    x = data.column("x")
    heap = (x >= 0) & (x < 0.1) & (np.random.default_rng(1).random(data.n) < 0.6)
    heaped = data.with_column("x", np.where(heap, 0.05, x)).with_outcome(data.outcome + 1.0 * heap)
    effects = fit("local_linear", heaped, running="x", bandwidth=0.3)
    check = heaping.run(heaped, effects, None, level=LEVEL)
    assert check.severity == "warn" and "The score 0.0500 near the cut-off holds" in check.finding


def test_few_rows_and_few_scores_are_counted() -> None:
    check = effective_sample.run(made(n=120), fit("local_linear", made(n=120), running="x"), None)
    assert check.severity == "warn" and "Fewer than 50 on one side" in check.finding
    coarse = made(n=4000).with_column("x", np.floor(4 * made(n=4000).column("x")) / 4 + 0.125)
    check = effective_sample.run(coarse, fit("whole_window", coarse, running="x"), None)
    assert check.severity == "warn" and "few distinct scores" in check.finding


def test_few_clusters_are_counted() -> None:
    data = made(n=1000)
    labels = replace(data.labels, cluster="town")
    grouped = replace(data, cluster=np.random.default_rng(2).integers(0, 20, data.n), labels=labels)
    effects = fit("local_linear", grouped, running="x", cluster="town")
    check = effective_sample.run(grouped, effects, None)
    assert (check.severity, check.code) == ("warn", "E103") and "in 20 clusters" in check.finding
    assert "clustered by town" in effects.inference


@pytest.mark.parametrize(
    ("share", "severity", "code"), [(0.0, "warn", "E123"), (0.4, "warn", "E110"), (0.9, "note", "E110")]
)
def test_a_weak_jump_in_take_up_is_called_out(share: float, severity: str, code: str) -> None:
    data = made("fuzzy", 2000, 8)
    random = np.random.default_rng(3).random(data.n)
    data = data.with_column("d", np.where(random < share, data.column("x") >= 0, random > 0.6).astype(float))
    effects = fit("fuzzy_discontinuity", data, running="x", treatment="d", bandwidth=0.5)
    check = take_up.run(data, effects, None, treatment="d")
    assert (check.severity, check.code) == (severity, code)


def test_the_wrong_side_stops() -> None:
    data = made("fuzzy", 2000, 8)
    effects = fit("whole_window", data, running="x", treatment="d", treated_side="below")
    check = take_up.run(data, effects, None, treatment="d")
    assert check.severity == "stop" and "`treated_side` is probably the other one" in check.finding


def test_a_slope_in_take_up_is_not_a_jump() -> None:
    data = made("fuzzy", 4000, 8)
    chance = 0.5 + 0.45 * np.tanh(6 * data.column("x"))
    data = data.with_column("d", (np.random.default_rng(3).random(data.n) < chance).astype(float))
    effects = fit("whole_window", data, running="x", treatment="d")
    check = take_up.run(data, effects, None, treatment="d")
    assert check.severity == "warn" and "changes gradually" in check.finding


def test_changes_that_count() -> None:
    def one(value: float, error: float) -> Estimate:
        return Estimate(value, error, value, value, 0.95, 0.5, np.inf, 1, 1, 1, "", "", "")

    assert not moved(one(1.0, 0.5), one(1.4, 0.7)) and moved(one(1.0, 0.5), one(2.5, 0.55))
    assert moved(one(0.4, 0.3), one(-0.3, 1.0)) and not moved(one(0.1, 0.3), one(-0.1, 0.4))


def test_bins_never_cross_the_cutoff_and_hold_ten_rows() -> None:
    data = made()
    effects = fit("local_linear", data, running="x")
    found = at_cutoff.bins(data, effects, data.outcome, 2.0)
    assert sum(one.rows for one in found) == data.n and min(one.rows for one in found) >= 10
    assert all(one.high < 0 or one.low >= 0 for one in found) and len(found) <= 2 * at_cutoff.BINS
    each = np.average([one.mean for one in found], weights=[one.rows for one in found])
    assert each == pytest.approx(data.outcome.mean())


def test_widths_go_from_half_to_the_end_of_the_rows() -> None:
    data = made()
    effects = fit("local_linear", data, running="x")
    found = dict(at_cutoff.widths(data, effects, LEVEL))
    assert {0.5, 1.0, 2.0} <= set(found) and found[1.0] == effects.average(LEVEL)
    assert found[2.0].std_error < found[0.5].std_error
