"""From a long table to `Rows`: what is dropped and counted, what is refused, and what the rows can say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.data.observations import rows_from_frame
from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.rows import Rows


def frame(**changes: object) -> pd.DataFrame:
    values = {
        "y": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        "d": [0, 1, 0, 1, 0, 1],
        "x": [0.5, np.nan, 1.5, 2.0, 2.5, 3.0],
        "place": ["b", "a", "b", "c", "a", "c"],
        "w": [1.0, 1.0, 2.0, 2.0, 3.0, 3.0],
        "t": [3, 1, 2, 6, 5, 4],
    }
    return pd.DataFrame(values | changes)


def rows(labels: Labels | None = None, **changes: object) -> Rows:
    return rows_from_frame(frame(**changes), labels or Labels("y", ""), columns=["d", "x", "place"])


def test_rows_with_gaps_are_dropped_and_counted() -> None:
    found = rows(y=[1.0, 2.0, np.nan, 4.0, 5.0, 6.0])
    assert found.n == 4 and [(one.reason, one.rows) for one in found.dropped] == [
        ("x is missing", 1),
        ("y is missing", 1),
    ]


def test_rows_without_outcome_can_be_set_aside() -> None:
    found = rows_from_frame(frame(y=[1.0, 2.0, np.nan, 4.0, 5.0, 6.0]), Labels("y", ""), columns=["d"], unobserved=True)
    assert found.n == 5 and found.unobserved is not None
    assert found.unobserved.n == 1 and found.unobserved.column("d").tolist() == [0.0]


def test_text_becomes_indicators_of_all_categories_but_the_first() -> None:
    matrix, names = rows().matrix(["x", "place"])
    assert names == ["x", "place: b", "place: c"]
    np.testing.assert_array_equal(matrix[:, 1:], [[1, 0], [1, 0], [0, 1], [0, 0], [0, 1]])


def test_one_series_stands_in_the_order_of_time() -> None:
    found = rows_from_frame(frame(), Labels("y", "t"), columns=["d"])
    assert found.time is not None and found.time.tolist() == [1, 2, 3, 4, 5, 6]
    assert found.outcome.tolist() == [2.0, 3.0, 1.0, 6.0, 5.0, 4.0]


def test_roles_of_weight_cluster_and_unit() -> None:
    found = rows_from_frame(frame(), Labels("y", "t", "place", weight="w", cluster="place"), columns=["d"])
    assert found.weight.mean() == pytest.approx(1) and found.clusters == 3 and found.clustered and found.weighted
    assert found.units.tolist() == ["a", "b", "c"] and found.unit is not None and found.unit.tolist()[0] == 1
    kept = found.only(found.column("d") == 1, "not reached")
    assert kept.clusters == 2 and (kept.dropped[-1].units, kept.dropped[-1].rows) == (1, 3)


@pytest.mark.parametrize(
    ("labels", "changes", "message"),
    [
        (Labels("y", ""), {"y": [1.0] * 6}, "E117 STOP y — the outcome never varies"),
        (Labels("y", ""), {"y": [1.0, np.inf, 2, 3, 4, 5]}, "E117 STOP y — 1 infinite values"),
        (
            Labels("y", "t", "place"),
            {"t": [1, 1, 1, 1, 1, 2]},
            "P001 STOP .place,t. — 2 duplicate unit-time rows, first: b,1",
        ),
        (
            Labels("y", "", weight="w"),
            {"w": [0.0, 1, 1, 1, 1, 1]},
            "E129 STOP w — a weight is missing, zero or negative",
        ),
        (
            Labels("y", "", cluster="place"),
            {"place": [None, "a", "a", "b", "b", "c"]},
            "E105 STOP place — a row has no",
        ),
        (Labels("y", ""), {"x": pd.to_datetime(["2020-01-01"] * 6)}, "D402 STOP x — the column holds dates"),
        (Labels("y", ""), {"x": [np.nan] * 6}, "P005 STOP y — no rows are left"),
    ],
)
def test_defects_are_one_line(labels: Labels, changes: dict, message: str) -> None:
    with pytest.raises(Refusal, match=message):
        rows(labels, **changes)


def test_binary_columns_hold_both_values() -> None:
    assert rows().binary("d").tolist() == [False, False, True, False, True]
    with pytest.raises(Refusal, match="P005 STOP x — the column holds values other than 0 and 1"):
        rows().binary("x")
    with pytest.raises(Refusal, match="P005 STOP d — every row has 1: there is nothing to compare"):
        rows(d=[1] * 6).binary("d")
    with pytest.raises(Refusal, match="D402 STOP z"):
        rows().column("z")


def test_the_family_of_a_design_brings_its_choices(tmp_path) -> None:
    from analysis.studies.difference_in_differences import Study as Differences
    from analysis.study import families, model

    assert model("group_time") is Differences and families("designs", "group_time") == ("difference_in_differences",)
    with pytest.raises(Refusal, match=r"p.yml:design — unknown name 'grup_time'. Fix: did you mean 'group_time'"):
        model("grup_time", "p.yml")


def test_a_missing_value_may_stay_in_columns_that_may_have_gaps() -> None:
    found = rows_from_frame(frame(), Labels("y", ""), columns=["d", "x"], gaps={"x"})
    assert found.n == 6 and np.isnan(found.column("x")).sum() == 1 and not found.dropped
