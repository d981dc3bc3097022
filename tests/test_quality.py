"""The data section: what is counted is right, what is planted is found, nothing about people is told."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from own_table import column, put
from own_table import project as project

from analysis import data, designs, paths
from analysis.data import audit, catalog, roles
from analysis.inference import descriptives, outliers
from analysis.panel import Labels, Panel, Sample
from analysis.report import groups, quality
from analysis.rows import Rows
from analysis.run import parameters
from analysis.studies.randomised_trial import Study as Trial

COLUMNS = {
    "who": column("text", role="unit", label="Person <b>"),
    "arm": column("text"),
    "wave": column(role="time", label="Wave (of the survey)"),
    "score": column("number", missing="allow", unit="share", label="Share <i>solved</i>"),
    "age": column(missing="allow", minimum=0, maximum=999, label="Age", unit="years"),
}
HEADER = "who,arm,wave,score,age\n"
LINES = [
    "p1,a,1,0.1,20",
    "p2,b,1,,30",
    "p3,a,1,0.3,",
    "p4,b,2,,40",
    "p5,a,2,0.5,50",
    "p6,b,2,0.6,999",
    "p7,b,3,0.2,60",
]


def study(**changes: Any) -> Trial:
    values: dict[str, Any] = {
        "question": "Did it work at all?",
        "decision": "Whether to go on.",
        "intervention": "the policy",
        "dataset": "mine",
        "outcome": "score",
        "treatment": "arm",
        "control_arm": "a",
        "design": "difference_in_means",
        "covariates": ["age"],
        "checks": ["covariate_balance"],
        "worthwhile": 0.1,
        "better": "higher",
    }
    return Trial.model_validate(values | changes)


def table(**declared: Any) -> None:
    put("mine", HEADER + "\n".join(LINES) + "\n", COLUMNS, **declared)


def test_every_used_column_is_counted_by_hand(project: Any) -> None:
    table()
    found = audit.examine(study())
    held = {one.name: one for one in found.columns}
    assert found.rows == 7 and list(held) == ["score", "age", "arm", "wave", "who"]
    score, age = held["score"], held["age"]
    assert (score.present, score.missing, score.distinct) == (5, 2, 5)
    assert (score.low, score.middle, score.high) == (0.1, 0.3, 0.6)
    assert score.flags == ("29 % missing",)
    assert (age.present, age.missing, age.low, age.middle, age.high) == (6, 1, 20, 45, 999)
    assert "999 stands far from all others: a code for missing?" in age.flags
    assert np.isnan(held["who"].low) and np.isnan(held["wave"].middle) and held["wave"].high == 3
    assert not held["who"].flags and not held["arm"].flags


def test_missing_values_are_counted_by_group_and_period(project: Any) -> None:
    table()
    gaps = audit.examine(study()).gaps
    assert gaps.groups == ("a", "b") and gaps.periods == ("1", "2", "3")
    assert gaps.rows.tolist() == [[2, 1], [1, 2], [0, 1]]
    assert gaps.outcome.tolist() == [[0, 1], [0, 1], [0, 0]]
    assert gaps.others.tolist() == [[1, 0], [0, 0], [0, 0]]
    shown = quality.missing(audit.examine(study()))
    assert "1 of 2 (50.0" in shown.text and "no rows" in shown.text
    assert "missing in 2 of 7 rows, another used value in 1" in shown.meta["note"]


def test_rows_sum_whatever_the_groups_and_periods() -> None:
    rng = np.random.default_rng(3)
    time, place = rng.integers(1900, 1990, 500), rng.integers(-1, 3, 500)
    lost, others = rng.random(500) < 0.2, rng.random(500) < 0.1
    gaps = descriptives.gaps(lost, others, (("x", "y", "z"), place), time)
    assert len(gaps.periods) == descriptives.MOST_PERIODS and gaps.groups == ("x", "y", "z", "Not known")
    assert (gaps.rows.sum(), gaps.outcome.sum(), gaps.others.sum()) == (500, lost.sum(), others.sum())
    assert gaps.rows.sum(axis=0)[3] == (place < 0).sum()
    first, last = gaps.periods[0].partition(" to ")[0], gaps.periods[-1].rpartition(" to ")[2]
    assert (int(first), int(last)) == (time.min(), time.max())


def test_of_people_no_extremes_and_no_small_counts_are_shown(project: Any) -> None:
    table(units="people")
    found = audit.examine(study())
    assert found.people and {one.name: one for one in found.columns}["age"].high < 999
    shown, gaps = quality.table(found, catalog.read("mine")), quality.missing(found)
    assert "Highest 1 %" in shown.text and "fewer than 10" in gaps.text and "1 of 2" not in gaps.text


def test_words_of_the_declaration_are_escaped(project: Any) -> None:
    table()
    shown = quality.table(audit.examine(study()), catalog.read("mine"))
    assert "<i>" not in shown.html and "&lt;i&gt;solved" in shown.html and "[%]" in shown.text
    assert shown.meta["csv"].startswith("name,Column") and "0 to 999" in shown.text


def test_a_table_without_gaps_says_so_in_a_sentence() -> None:
    path = parameters.find("castle-doctrine")
    found = audit.examine(parameters.load(path).study)
    assert quality.missing(found).text == "In the 550 rows no value of a used column is missing."
    assert found.absent == (0, 550) and not any(one.flags for one in found.columns)


def test_robust_distances_by_hand() -> None:
    z = outliers.robust_z(np.array([1.0, 2.0, 3.0, 4.0, 100.0]))
    np.testing.assert_allclose(z, np.array([-2, -1, 0, 1, 97]) * 0.6744897501960817)
    many_equal = outliers.robust_z(np.array([5.0, 5, 5, 5, 5, 9]))
    np.testing.assert_allclose(many_equal[-1], 4 / (4 / 6) * np.sqrt(2 / np.pi))
    assert not outliers.robust_z(np.full(9, 2.0)).any()
    assert np.isnan(outliers.robust_z(np.array([1.0, np.nan, 2, 3, 4]))).tolist() == [False, True, False, False, False]


def sample(values: np.ndarray[Any, Any], **more: Any) -> Rows:
    rows = len(values)
    return Rows(values, {}, np.ones(rows), np.arange(rows), Labels("y", ""), **more)


def test_planted_values_are_found_and_clean_ones_are_left_alone() -> None:
    rng = np.random.default_rng(11)
    found = clean = 0
    for _ in range(50):
        values = rng.normal(size=400)
        clean += outliers.examine(sample(values)).count
        planted = rng.choice(400, 5, replace=False)
        values[planted] = rng.choice([-1, 1], 5) * rng.uniform(9, 40, 5)
        found += int(outliers.examine(sample(values)).flagged[planted].sum())
    assert found == 250
    assert clean <= 0.002 * 50 * 400


def test_values_are_compared_with_their_own_group() -> None:
    values = np.concatenate([np.linspace(0, 1, 30), np.linspace(100, 101, 30)])
    values[3] = 100.5
    group = np.repeat([0, 1], 30)
    assert np.flatnonzero(outliers.examine(sample(values), group).flagged).tolist() == [3]
    assert not outliers.examine(sample(values)).flagged[3], "among all rows it stands where half of them do"
    shifted = outliers.examine(sample(7 * values - 3), group)
    np.testing.assert_allclose(shifted.z, outliers.examine(sample(values), group).z)
    order = np.random.default_rng(0).permutation(60)
    np.testing.assert_allclose(outliers.examine(sample(values[order]), group[order]).z, shifted.z[order])


def test_a_spike_in_a_seasonal_series_is_found_and_a_season_is_not() -> None:
    time = np.array([100 * year + month for year in range(2000, 2010) for month in range(1, 13)])
    rng = np.random.default_rng(5)
    values = 50 + 0.1 * np.arange(120) + 8 * np.sin(np.arange(120) * np.pi / 6) + rng.normal(size=120) * 0.5
    calm = sample(values, time=time)
    assert outliers.examine(calm).count <= 2
    values = values.copy()
    values[40] += 12
    found = outliers.examine(sample(values, time=time))
    assert np.abs(found.z).argmax() == 40 and found.flagged[40] and found.within == "the periods around it"


def test_yes_or_no_outcomes_have_no_far_values() -> None:
    found = outliers.examine(sample(np.array([0.0, 1.0] * 20 + [1.0])))
    assert found.count == 0 and found.reason
    source, measure = catalog.read("castle"), catalog.read("castle").columns["l_homicide"]
    estimate = data_of("castle-doctrine")[3]
    assert quality.outliers(found, outliers.Without(None, 0, "rows"), estimate, measure, source).text == found.reason


def data_of(name: str) -> tuple[Any, Any, Any, Any]:
    study = parameters.load(parameters.find(name)).study
    found = data.load(study)
    pieces = designs.estimate(study, found)
    return study, found, pieces, designs.headline(study, found, pieces)


@pytest.mark.parametrize("name", ["minimum-wage", "incinerator", "job-training", "senate-incumbency", "tobacco-tax"])
def test_the_answer_without_them_is_that_of_the_remaining_data(name: str) -> None:
    study, found, pieces, estimate = data_of(name)
    by = {"job-training": "treat", "senate-incumbency": "margin"}.get(name)
    group = None if by is None else found.column(by) >= (1 if by == "treat" else 0)
    far = outliers.examine(found, group)
    average = getattr(study, "average", "simple") if isinstance(found, (Panel, Sample)) else "simple"
    without = outliers.without(found, pieces, far, average)
    assert far.count and without.left_out and without.value is not None
    out = far.flagged.any(axis=1) if isinstance(found, Panel) else far.flagged
    kept = found.only(~out, "out") if isinstance(found, Panel) else found.rows(~out)
    again = designs.estimate(study, kept).along(average).averaged_over().estimate[0]
    assert without.value == pytest.approx(float(again)) and without.value != pytest.approx(estimate.value)
    source = catalog.read(study.dataset)
    shown = quality.outliers(far, without, estimate, source.columns[study.outcome], source)
    assert f"{far.count:,} of {far.z.size:,}" in shown.text and "Without these" in shown.meta["reading"]


def test_where_the_answer_cannot_be_had_without_them_the_reason_is_told() -> None:
    study, found, pieces, estimate = data_of("seat-belt-law")
    far = outliers.examine(found)
    series = outliers.without(found, pieces, far)
    assert far.count and series.value is None and "holes" in series.reason
    source = catalog.read(study.dataset)
    shown = quality.outliers(far, series, estimate, source.columns[study.outcome], source)
    assert "not known: a series with holes" in shown.text
    _, panel, pieces, _ = data_of("prison-building")
    treated = outliers.without(panel, pieces, outliers.examine(panel))
    assert treated.value is None and treated.reason == "no unit would be left on one side of the comparison"


def test_places_are_named_and_people_never() -> None:
    study, panel, pieces, estimate = data_of("tobacco-tax")
    far = outliers.examine(panel)
    without = outliers.without(panel, pieces, far)
    source = catalog.read(study.dataset)
    measure = source.columns[study.outcome]
    for units, named in (("places", True), ("organisations", True), ("people", False), (None, False)):
        declared = source.model_copy(update={"units": units})
        shown = quality.outliers(far, without, estimate, measure, declared)
        assert ("Kentucky" in shown.text + shown.html) is named


def test_reasons_in_the_flow_of_rows_are_words(project: Any) -> None:
    table()
    found = roles.study_data(study(where=["wave <= 2", "age > 20"]))
    assert [(one.reason, one.rows) for one in found.dropped][:3] == [
        ("wave is above 2", 1),
        ("age is missing", 1),
        ("age is 20 or below", 1),
    ]
    shown = groups.flow(found, catalog.read("mine"))
    assert "Left out: wave is above 2" in shown.text
    assert not re.search(r"[<>=]=|!=", shown.text)


@pytest.mark.parametrize(
    ("sign", "value", "words"),
    [
        ("==", 1995.0, "is not 1995"),
        ("!=", "north", "is north"),
        ("<=", 198302.0, "is above 198302"),
        (">=", 1990.0, "is below 1990"),
        ("<", 3.5, "is 3.5 or above"),
        (">", 0.0, "is 0 or below"),
        ("==", True, "is not true"),
        ("==", False, "is true"),
        ("!=", True, "is true"),
        ("!=", False, "is not true"),
    ],
)
def test_a_filter_says_what_it_leaves_out(sign: str, value: Any, words: str) -> None:
    assert roles.opposite(sign, value) == words
    rows = [value, (not value) if isinstance(value, bool) else "south" if isinstance(value, str) else value + 1]
    assert any(roles.COMPARE[sign](row, value) for row in [*rows, value if isinstance(value, str) else value - 1])


def test_every_notebook_has_the_data_section() -> None:
    for path in paths.NOTEBOOKS.glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        if "groups.flow(" in text:
            places = [text.index(call) for call in ("groups.flow(", "quality.table(", "quality.missing(")]
            assert places == sorted(places) and "quality.outliers(" in text, path.stem
