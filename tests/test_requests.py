"""A request that the data or the method cannot serve is refused: one line with code, place, problem and fix."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from test_designs import study

from analysis import designs
from analysis.data.panels import panel_from_frame
from analysis.data.samples import sample_from_frame
from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.result import Data

LABELS = Labels("y", "year", "id", "first")
WITH = {"treatment": "d", "dose": "dose", "eligible": "e", "cluster": "c", "weight": "w"}


def table(units: int = 60, periods: int = 8) -> pd.DataFrame:
    """A third adopts in 2003, a third in 2005, a third never; x is fixed, z moves with it, d switches off again."""
    unit, year = np.repeat(np.arange(units), periods), np.tile(np.arange(2000, 2000 + periods), units)
    rng = np.random.default_rng(11)
    x = np.repeat(rng.normal(size=units), periods)
    first = np.select([unit % 3 == 0, unit % 3 == 1], [2003.0, 2005.0], np.nan)
    rows = pd.DataFrame({"id": unit, "year": year, "first": first, "x": x, "z": 3 * x, "c": unit % 12, "w": 1.0 + x**2})
    rows["y"] = rng.normal(size=len(rows)) + 5
    rows["d"] = ((year >= first) & (year < first + 2)).astype(float)
    rows["dose"] = np.where(np.isfinite(first), 1.0 + unit, 0.0)
    rows["e"] = (unit % 2).astype(float)
    return rows


def labels(*also: str) -> Labels:
    given = {name: WITH[name] for name in also}
    return Labels("y", "year", "id", "" if "treatment" in also else "first", **given)


def panel(rows: pd.DataFrame, *also: str, unbalanced: str = "refuse", covariates: tuple[str, ...] = ()) -> Data:
    return panel_from_frame(rows, labels(*also), unbalanced=unbalanced, covariates=list(covariates))


def sample(rows: pd.DataFrame) -> Data:
    return sample_from_frame(rows, Labels("y", "year", "", "first"))


def only(*cohorts: float) -> pd.DataFrame:
    rows = table()
    return rows[rows["first"].isin(cohorts)]


def with_cells(column: str, value: float, *places: int) -> pd.DataFrame:
    rows = table()
    rows[column] = rows[column].astype(float)
    rows.loc[list(places), column] = value
    return rows


def separated() -> pd.DataFrame:
    """x is large where the policy comes and small where it does not: nobody alike to compare with."""
    return table().assign(x=lambda d: np.where(d["first"].notna(), 10.0, 0.0) + d["id"] / 100)


def one_never() -> pd.DataFrame:
    rows = table()
    return rows[rows["first"].notna() | (rows["id"] <= 8)]


AGAINST_NEVER: dict[str, object] = {"comparison": "never_treated"}

# name: (code, words of the message, words of the fix, the data, what the study asks for)
Request = tuple[str, str, str, Callable[[], Data], dict[str, object]]
REQUESTS: dict[str, Request] = {
    "no never-treated group": (
        "P006", "no never-treated group", "comparison: not_yet_treated",
        lambda: panel(only(2003, 2005)), AGAINST_NEVER,
    ),
    "a treatment that switches off, given to a staggered estimator": (
        "P002", "treatment switches off for 40 units (e.g. 0 in 2005)", "design: switching",
        lambda: panel(table(), "treatment"), {"design": "imputation"},
    ),
    "two clusters": (
        "E103", "2 clusters: nothing can be learnt", "add units that decide for themselves",
        lambda: panel(table().assign(c=lambda d: d["first"].isna() * 1), "cluster"), {},
    ),
    "everybody treated before the panel starts": (
        "P005", "no treated units within these periods", "check the adoption dates",
        lambda: panel(table().assign(first=lambda d: d["first"] - 5)), {},
    ),
    "duplicate unit-time rows": (
        "P001", "1 duplicate unit-time rows, first: 0,2000", "aggregate or drop duplicates",
        lambda: panel(pd.concat([table(), table().iloc[:1]])), {},
    ),
    "an adoption date that varies within a unit": (
        "P003", "not constant within unit 0 (2003, 2004)", "one first value per unit",
        lambda: panel(with_cells("first", 2004.0, 2)), {},
    ),
    "a code for never": (
        "P009", "value 9999 looks like a code for 'never'", "leave it blank",
        lambda: panel(table().assign(first=lambda d: d["first"].fillna(9999))), {},
    ),
    "missing cells": (
        "P007", "panel unbalanced: 1 of 480 unit-periods missing, first: 0,2004", "unbalanced: drop_units",
        lambda: panel(table().drop(index=4)), {},
    ),
    "gaps given to a design that cannot work with them": (
        "P007", "stacked needs every unit in every period", "unbalanced: drop_units",
        lambda: panel(table().drop(index=4), unbalanced="keep"), {"design": "stacked"},
    ),
    "too many gaps": (
        "P007", "120 of 480 unit-periods missing (25.0 %)", "narrow `since`/`until`",
        lambda: panel(table().sample(frac=0.75, random_state=1), unbalanced="keep"), {},
    ),
    "two-way fixed effects as a staggered headline": (
        "E101", "2 adoption dates (2003, 2005)", "design: group_time",
        lambda: panel(table()), {"design": "two_way_fixed_effects"},
    ),
    "one date before and after, with several": (
        "E101", "2 adoption dates", "design: group_time", lambda: panel(table()), {"design": "two_by_two"},
    ),
    "an event study that is not identified": (
        "E107", "two-way fixed effects cannot separate", "design: group_time",
        lambda: panel(only(2003, 2005)), {"estimators": ["event_study"]},
    ),
    "nothing left to compare with": (
        "P005", "no untreated observation to compare with", "add units that adopted later or never",
        lambda: panel(only(2003)), {},
    ),
    "an exponential mean of negative outcomes": (
        "E108", "4 values < 0", "family: linear",
        lambda: panel(with_cells("y", -1.0, 3, 40, 41, 42)), {"design": "extended_twfe", "family": "poisson"},
    ),
    "an infinite outcome": (
        "E117", "2 infinite values", "correct the source", lambda: panel(with_cells("y", np.inf, 3, 7)), {},
    ),
    "an outcome that never varies": (
        "E117", "the outcome never varies", "choose another outcome", lambda: panel(table().assign(y=1.0)), {},
    ),
    "no doses": (
        "E132", "dose", "name the column", lambda: panel(table()), {"design": "dose"},
    ),
    "no group for which the policy is not meant": (
        "E131", "eligible", "name the column", lambda: panel(table()), {"design": "triple_difference"},
    ),
    "a group for which the policy is not meant, ignored": (
        "E131", "would ignore which units the policy is meant for", "design: triple_difference",
        lambda: panel(table(), "eligible"), {"design": "imputation"},
    ),
    "a covariate that repeats another": (
        "E107", "repeats", "drop", lambda: panel(table(), covariates=("x", "z")), {"covariates": ["x", "z"]},
    ),
    "nobody alike to compare with": (
        "E126", "overlap condition violated", "adjustment: regression",
        lambda: panel(separated(), covariates=("x",)), {"covariates": ["x"], "adjustment": "weighting"} | AGAINST_NEVER,
    ),
    "too few never-treated units for the covariates": (
        "E113", "units", "covariates",
        lambda: panel(one_never(), covariates=("x",)), {"covariates": ["x"]} | AGAINST_NEVER,
    ),
    "rows observed once, given to a design of units": (
        "E130", "imputation needs the same units over time", "two_by_two",
        lambda: sample(table()), {"design": "imputation"},
    ),
    "clusters finer than the unit": (
        "E105", "not constant within unit 0", "one c value per unit",
        lambda: panel(table().assign(c=lambda d: d["year"] % 4), "cluster"), {},
    ),
    "a weight of zero": (
        "E129", "a weight is missing, zero or negative", "every unit needs a positive weight",
        lambda: panel(table().assign(w=0.0), "weight"), {},
    ),
}  # fmt: skip


def answered(data: Callable[[], Data], wishes: dict[str, object]) -> None:
    """What a notebook does up to its first number."""
    chosen, loaded = study(**wishes), data()
    designs.alternatives(chosen, loaded, designs.estimate(chosen, loaded))


@pytest.mark.parametrize("name", REQUESTS)
def test_a_defective_request_is_one_line(name: str) -> None:
    code, problem, fix, data, wishes = REQUESTS[name]
    with pytest.raises(Refusal) as caught:
        answered(data, wishes)
    line = str(caught.value)
    assert line.startswith(f"{code} STOP ") and "\n" not in line
    assert problem in line and fix in line.split("Fix: ")[1], line


def test_the_table_serves_the_designs_that_fit() -> None:
    """The same rows, asked for what they can answer."""
    fits = [
        (panel(table()), {"estimators": ["imputation", "sun_abraham", "stacked"]}),
        (panel(table(), "treatment"), {"design": "switching"}),
        (panel(table(), "dose"), {"design": "dose"}),
        (panel(table(), "eligible"), {"design": "triple_difference"}),
        (panel(table(), covariates=("x",)), {"covariates": ["x"]}),
        (panel(table().drop(index=4), unbalanced="keep"), {"estimators": ["imputation"]}),
        (sample(table()), {"errors": "clustered"}),
    ]
    for data, wishes in fits:
        chosen = study(**wishes)
        effects = designs.estimate(chosen, data)
        assert np.isfinite(effects.average(0.95).value) and effects.average(0.95).std_error > 0
