"""From a long table to a Panel: every structural defect is one line, and the fast path equals the general one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import samples

from analysis.data.panels import panel_from_frame
from analysis.data.samples import sample_from_frame
from analysis.panel import NEVER, Labels
from analysis.refusal import Refusal

LABELS = Labels("y", "year", "id", "first")


def frame(units: int = 6, periods: int = 4) -> pd.DataFrame:
    """Units 1, 2 adopt in 2002, unit 3 in 2003, the others never."""
    unit, year = np.repeat(np.arange(1, units + 1), periods), np.tile(np.arange(2000, 2000 + periods), units)
    first = np.select([unit <= 2, unit == 3], [2002.0, 2003.0], np.nan)
    y = np.random.default_rng(7).normal(size=len(unit))
    weight, cluster = unit.astype(float), unit // 2
    return pd.DataFrame({"id": unit, "year": year, "y": y, "first": first, "w": weight, "c": cluster, "x": y**2})


def refused(table: pd.DataFrame, labels: Labels = LABELS, **options: object) -> str:
    with pytest.raises(Refusal) as caught:
        panel_from_frame(table, labels, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def change(row: int, column: str, value: object) -> pd.DataFrame:
    table = frame().astype({"id": float, "year": float})
    table.loc[row, column] = value
    return table


def test_sorted_shuffled_and_text_keys_give_the_same_panel() -> None:
    labels = Labels("y", "year", "id", "first", "w", "c")
    table = frame()
    panel = panel_from_frame(table, labels, covariates=["x"])
    text = table.assign(id=table["id"].map(lambda i: f"unit {i}"))
    for other in (table.sample(frac=1, random_state=3), table.sort_values(["year", "id"]), text):
        again = panel_from_frame(other, labels, covariates=["x"])
        for name in ("outcome", "periods", "adoption", "weight", "cluster"):
            np.testing.assert_array_equal(getattr(panel, name), getattr(again, name))
        np.testing.assert_array_equal(panel.covariates["x"], again.covariates["x"])
    assert (panel.n, panel.clusters, panel.treated_clusters) == (24, 4, 2)
    assert panel.adoption.tolist() == [2, 2, 3, NEVER, NEVER, NEVER]
    assert panel.dates.tolist() == [2002, 2003] and panel.staggered


def test_frame_round_trip() -> None:
    panel = panel_from_frame(frame(), LABELS)
    back = panel_from_frame(samples.long(panel), Labels("y", "year", "id", "first_treated"))
    np.testing.assert_array_equal(panel.outcome, back.outcome)
    np.testing.assert_array_equal(panel.adoption, back.adoption)


def test_the_callers_table_is_not_changed() -> None:
    table = frame()
    copy = table.copy(deep=True)
    panel_from_frame(table, LABELS).before_adoption().adopt_earlier(1)
    pd.testing.assert_frame_equal(table, copy)
    table.loc[0, "y"] = 5.0  # and stays the caller's own to change


def test_duplicates_are_counted_and_shown() -> None:
    table = pd.concat([frame(), frame().iloc[[3, 3, 8]]])
    assert refused(table) == (
        "P001 STOP (id,year) — 3 duplicate unit-time rows, first: 1,2003. "
        "Fix: aggregate or drop duplicates, or choose another time column"
    )


def test_missing_cells_are_refused_or_dropped_by_choice() -> None:
    table = frame().drop(index=9)
    said = refused(table)
    assert said.startswith("P007 STOP (id,year) — panel unbalanced: 1 of 24 unit-periods missing, first: 3,2001.")
    assert "unbalanced: drop_units" in said
    panel = panel_from_frame(table, LABELS, unbalanced="drop_units")
    assert len(panel.units) == 5 and [(d.units, d.rows) for d in panel.dropped] == [(1, 3)]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (change(5, "first", 2001.0), "P003 STOP first — not constant within unit 2 (2001, 2002). Fix: one first"),
        (change(5, "first", np.nan), "P003 STOP first — not constant within unit 2 (2002, blank)"),
        (change(5, "year", np.nan), "P001 STOP year — 1 rows have no value"),
        (change(5, "y", np.inf), "E117 STOP y — 1 infinite values"),
        (frame().assign(y=1.0), "E117 STOP y — the outcome never varies"),
        (frame().assign(first=np.nan), "P005 STOP first — no treated units within these periods"),
        (frame().assign(first=2002.0), "P005 STOP first — no untreated observation to compare with"),
        (frame().assign(first=lambda d: d["first"].fillna(9999)), "P009 STOP first — value 9999 looks like a code"),
        (frame().assign(first=lambda d: d["first"].fillna(0)), "P009 STOP first — value 0 looks like a code"),
        (frame().assign(first=lambda d: d["first"].fillna(-1)), "P009 STOP first — value -1 looks like a code"),
        (frame().iloc[:0], "P005 STOP y — no rows are left"),
    ],
)
def test_defects_are_one_line(table: pd.DataFrame, said: str) -> None:
    assert refused(table).startswith(said)


def test_weights_clusters_and_covariates_are_checked() -> None:
    table = frame()
    weighted = Labels("y", "year", "id", "first", "w")
    assert refused(table.assign(w=lambda d: d["w"] * (d["year"] - 1999)), weighted).startswith(
        "E129 STOP w — not const"
    )
    assert refused(table.assign(w=-1.0), weighted).startswith("E129 STOP w — a weight is missing, zero or negative")
    clustered = Labels("y", "year", "id", "first", "", "c")
    assert refused(table.assign(c=lambda d: d["year"]), clustered).startswith(
        "E105 STOP c — not constant within unit 1"
    )
    assert refused(table.assign(x=1.0), covariates=["x"]).startswith("E107 STOP x — the covariate never varies")


def test_units_treated_from_the_start_are_dropped_and_counted() -> None:
    panel = panel_from_frame(frame().assign(first=lambda d: d["first"].where(d["id"] != 1, 2000.0)), LABELS)
    assert 1 not in panel.units
    assert panel.dropped[0].reason.startswith("treated from the first period (2000) on") and panel.dropped[0].rows == 4


def test_later_adopters_count_as_untreated_within_the_window() -> None:
    panel = panel_from_frame(frame(), LABELS)
    assert panel.until(2002).adoption.tolist() == [2, 2, NEVER, NEVER, NEVER, NEVER]
    assert panel_from_frame(frame().assign(first=lambda d: d["first"] + 1), LABELS).adoption[2] == NEVER


def test_before_adoption_masks_treated_cells_only() -> None:
    panel = panel_from_frame(frame(), LABELS).before_adoption()
    assert np.isnan(panel.outcome).sum() == 2 * 2 + 1
    assert np.isnan(panel.outcome[2]).tolist() == [False, False, False, True]
    single = panel_from_frame(frame().query("id != 3"), LABELS).before_adoption()
    assert single.periods.tolist() == [2000, 2001]


def test_samples_count_what_they_drop() -> None:
    table = frame().assign(first=lambda d: np.where(d["id"] <= 3, 2002.0, np.nan))
    table.loc[0, "y"] = np.nan
    table.loc[1, "x"] = np.nan
    sample = sample_from_frame(table, Labels("y", "year", "", "first"), covariates=["x"])
    assert [(d.reason, d.rows) for d in sample.dropped] == [("y is missing", 1), ("x is missing", 1)]
    assert (sample.n, sample.start, int(sample.treated.sum())) == (22, 2, 10)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (frame().assign(first=1999.0), "P005 STOP first"),
        (frame().assign(first=np.nan), "P005 STOP first — the rows hold no group under the policy beside one without"),
        (frame().assign(first=2000.0), "P005 STOP first"),
    ],
)
def test_sample_defects(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(Refusal) as caught:
        sample_from_frame(table, Labels("y", "year", "", "first"))
    assert str(caught.value).startswith(said)


def test_adopting_earlier_never_turns_a_treated_unit_into_a_control() -> None:
    panel = panel_from_frame(frame(), LABELS).adopt_earlier(3)
    assert (panel.adoption == NEVER).all() and len(panel.units) == 3 and panel.dropped[0].units == 3


def test_units_about_to_adopt_are_no_controls_when_they_may_already_react() -> None:
    table = frame().assign(first=lambda d: d["first"].where(d["id"] != 4, 2004.0))
    panel = panel_from_frame(table, LABELS)
    assert panel.upcoming.tolist() == [0, 0, 0, 1, 0, 0]
    assert panel.until(2002).upcoming.tolist() == [0, 0, 1, 2, 0, 0]
    assert 4 not in panel.without_early_reactions(1).units
    assert len(panel.without_early_reactions(0).units) == 6


def test_gaps_between_periods_are_noted() -> None:
    table = frame().assign(year=lambda d: d["year"].replace(2003, 2005))
    assert panel_from_frame(table, LABELS).notes == (
        "year jumps from 2002 to 2005: time since adoption is counted in observed periods",
    )
    assert panel_from_frame(frame(), LABELS).notes == ()


def test_periods_must_be_numbers() -> None:
    said = refused(frame().assign(year=lambda d: d["year"].astype(str) + "Q1"))
    assert said.startswith("P008 STOP year — periods are not numbers")


def test_samples_need_their_clusters() -> None:
    table = frame().assign(first=lambda d: np.where(d["id"] <= 3, 2002.0, np.nan), c=lambda d: d["c"].astype(float))
    table.loc[3, "c"] = np.nan
    with pytest.raises(Refusal, match="E105 STOP c — a row has no cluster"):
        sample_from_frame(table, Labels("y", "year", "", "first", "", "c"))


def gappy(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """Row 6 (unit 2 in 2002) is gone and the outcome of row 17 (unit 5 in 2001) is blank."""
    table = frame() if table is None else table
    return table.assign(y=table["y"].where(table.index != 17)).drop(index=6)


def test_gaps_are_kept_by_choice_and_noted() -> None:
    panel = panel_from_frame(gappy(), LABELS, unbalanced="keep")
    assert np.argwhere(np.isnan(panel.outcome)).tolist() == [[1, 2], [4, 1]] and panel.n == 22
    assert panel.notes == ("the panel has gaps: 2 of 24 unit-periods missing (8.3 %)",)
    assert np.isfinite(panel.only(panel.units != 2, "test").outcome[0]).all()


def test_too_many_gaps_are_refused() -> None:
    sparse = frame().drop(index=[1, 6, 11, 12, 17])
    assert "5 of 24 unit-periods missing (20.8 %)" in refused(sparse, unbalanced="keep")


def test_a_missing_covariate_hides_its_cell() -> None:
    table = frame()
    table.loc[3, "x"] = np.nan
    panel = panel_from_frame(table, LABELS, covariates=["x"], unbalanced="keep")
    assert np.argwhere(np.isnan(panel.outcome)).tolist() == [[0, 3]]


def switching(paths: dict[int, list[float]]) -> pd.DataFrame:
    table = frame(units=len(paths))
    return table.assign(d=np.concatenate([paths[unit] for unit in sorted(paths)]))


def test_a_treatment_column_replaces_adoption_dates() -> None:
    """On from 2002, on from 2003, never; then the same with a unit that switches off again."""
    labels = Labels("y", "year", "id", "", treatment="d")
    absorbing = panel_from_frame(switching({1: [0, 0, 1, 1], 2: [0, 0, 0, 1], 3: [0, 0, 0, 0]}), labels)
    assert absorbing.adoption.tolist() == [2, 3, NEVER] and absorbing.treatment is None
    table = switching({1: [0, 1, 0, 0], 2: [1, 1, 1, 0], 3: [0, 0, 0, 0], 4: [1, 1, 1, 1]})
    panel = panel_from_frame(table, labels)
    assert panel.adoption.tolist() == [1, 3, NEVER, NEVER]
    np.testing.assert_array_equal(
        panel.treated, np.array([[0, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]) == 1
    )
    kept = panel.only(panel.units != 1, "test").until(2002)
    np.testing.assert_array_equal(kept.treatment, [[1, 1, 1], [0, 0, 0], [1, 1, 1]])


def test_treated_from_the_start_under_a_treatment_column() -> None:
    labels = Labels("y", "year", "id", "", treatment="d")
    panel = panel_from_frame(switching({1: [1, 1, 1, 1], 2: [0, 0, 0, 1], 3: [0, 0, 0, 0]}), labels)
    assert panel.units.tolist() == [2, 3] and panel.dropped[0].units == 1


def test_eligible_units_and_doses() -> None:
    table = frame().assign(e=lambda d: (d["id"] % 2).astype(float), dose=lambda d: np.where(d["id"] <= 3, d["id"], 0.0))
    panel = panel_from_frame(table, Labels("y", "year", "id", "first", dose="dose", eligible="e"))
    assert panel.dose.tolist() == [1, 2, 3, 0, 0, 0] and panel.eligible.tolist() == [True, False] * 3
    assert panel.adoption.tolist() == [2, 2, 3, NEVER, NEVER, NEVER]
    assert panel.treated.sum(axis=1).tolist() == [2, 0, 1, 0, 0, 0] and panel.treated_clusters == 2
    assert refused(table.assign(dose=-1.0), Labels("y", "year", "id", "first", dose="dose")).startswith(
        "E132 STOP dose"
    )
    assert refused(table.assign(e=0.5), Labels("y", "year", "id", "first", eligible="e")).startswith("E131 STOP e —")


def test_samples_know_several_dates() -> None:
    sample = sample_from_frame(frame(), Labels("y", "year", "", "first"))
    assert sample.staggered and sample.dates.tolist() == [2002, 2003] and sample.start == 2
    assert int(sample.treated.sum()) == 12 and sample.cohorts.tolist() == [NEVER, 2, 3]


def test_rows_of_groups_that_adopt_right_after_the_sample_may_react() -> None:
    table = frame().assign(first=lambda d: np.where(d["id"] == 6, 2004.0, d["first"]))
    sample = sample_from_frame(table, Labels("y", "year", "", "first"))
    assert (sample.adoption[-4:] == NEVER).all() and sample.without_early_reactions(0) is sample
    kept = sample.without_early_reactions(1)
    assert kept.n == 20 and kept.dropped[-1].rows == 4
