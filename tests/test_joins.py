"""Joins: no row multiplied, none lost, every mismatch counted or refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from own_table import column, parameters, put
from own_table import project as project

from analysis import paths
from analysis.data import audit, catalog, joins, table
from analysis.refusal import Refusal
from analysis.report import quality
from analysis.run import identity
from analysis.run import parameters as files

SHOPS = {"shop": column(), "county": column("text", missing="allow"), "sales": column("number")}
COUNTIES = {"county": column("text", missing="allow"), "people": column(minimum=0), "rural": column("boolean")}
TABLE = "shop,county,sales\n1,a,10\n2,b,20\n3,a,30\n4,,40\n5,z,50\n"
OTHER = "county,people,rural\na,100,true\nb,200,false\nc,300,true\n,400,true\n"
JOIN = {"dataset": "counties", "on": ["county"], "kind": "many_to_one", "columns": ["people", "rural"]}


def tables(join: dict[str, Any] | None = None, other: str = OTHER, shops: str = TABLE, **declared: Any) -> None:
    put("counties", other, COUNTIES | declared)
    put("shops", shops, SHOPS, joins=[{**JOIN, "minimum_match": 0.5, **(join or {})}])


def refused() -> Refusal:
    with pytest.raises(Refusal) as caught:
        table.load("shops")
    assert "\n" not in str(caught.value) and caught.value.code == "D408"
    return caught.value


def test_rows_keep_their_place_and_a_missing_key_matches_nothing(project: Any) -> None:
    tables()
    frame = table.load("shops")
    assert frame["shop"].tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(frame["people"], [100, 200, 100, np.nan, np.nan])
    np.testing.assert_array_equal(frame["rural"], [1.0, 0.0, 1.0, np.nan, np.nan])


def test_matches_are_counted_on_both_sides_and_shown(project: Any) -> None:
    tables()
    (match,) = joins.matches("shops")
    assert (match.rows, match.matched, match.without_key, match.rate) == (5, 3, 1, 0.6)
    assert (match.other_rows, match.other_matched, match.other_without_key) == (4, 2, 1)
    shown = quality.matches((match,))
    assert "counties" in shown.text and "60.0" in shown.text and "many to one" in shown.html


def test_joined_columns_carry_their_declaration(project: Any) -> None:
    tables(people=column(minimum=0, role="covariate", unit="persons"), rural=column("boolean", role="first_treated"))
    source = catalog.read("shops")
    assert source.joined == ["counties"] and list(source.columns) == ["shop", "county", "sales", "people", "rural"]
    people, rural = source.columns["people"], source.columns["rural"]
    assert (people.unit, people.role, people.missing) == ("persons", "covariate", "allow")
    assert rural.role == "other", "when the policy came is said by the table itself"


def test_a_many_to_many_join_is_refused_with_the_first_key(project: Any) -> None:
    tables(other=OTHER + "b,201,true\na,101,false\n")
    found = refused()
    assert found.where == "data/raw/shops/source.yml:joins.0.on"
    assert found.problem == "2 rows of counties repeat a key, first: b" and "keep one row" in found.fix


def test_one_to_one_refuses_repeats_here(project: Any) -> None:
    tables({"kind": "one_to_one"})
    found = refused()
    assert found.problem == "1 rows here repeat a key, first: a" and "many_to_one" in found.fix
    tables({"kind": "one_to_one"}, shops="shop,county,sales\n1,a,1\n2,,2\n3,,3\n4,b,4\n")
    assert table.load("shops")["people"].isna().tolist() == [False, True, True, False]


def test_too_few_matches_are_refused_with_the_first_row_without_one(project: Any) -> None:
    tables({"minimum_match": 0.9})
    found = refused()
    assert found.where.endswith("joins.0.minimum_match")
    assert found.problem == (
        "3 of 5 rows find a match in counties (60.0 %), fewer than minimum_match 0.9; first without: (missing)"
    )


@pytest.mark.parametrize(
    ("join", "declared", "where", "problem", "fix"),
    [
        ({"dataset": "county"}, {}, "dataset", "no dataset 'county'", "counties"),
        ({"dataset": "shops"}, {}, "dataset", "a table joined to itself", "another folder"),
        ({"on": ["region"]}, {}, "on", "counties has no column 'region'", "use one of"),
        ({"columns": ["peple"]}, {}, "columns", "counties has no column 'peple'", "did you mean 'people'"),
        ({"on": ["people"]}, {}, "on", "shops has no column 'people'", "use one of"),
        ({}, {"county": column()}, "on", "'county' is text here and integer in counties", "the same type"),
        ({"columns": ["sales"]}, {"sales": column()}, "columns", "column 'sales' is in both tables", "rename it"),
    ],
)
def test_a_join_that_cannot_be_is_refused_from_the_declarations(
    project: Any, join: dict[str, Any], declared: dict[str, Any], where: str, problem: str, fix: str
) -> None:
    tables(join, **declared)
    found = refused()
    assert found.where == f"data/raw/shops/source.yml:joins.0.{where}" and found.problem == problem
    assert fix in found.fix


def test_a_chain_of_joins_is_refused(project: Any) -> None:
    tables()
    put("towns", "shop\n1\n", {"shop": column()}, joins=[{**JOIN, "dataset": "shops", "on": ["shop"]}])
    with pytest.raises(Refusal, match="shops has joins of its own"):
        catalog.read("towns")


@pytest.mark.parametrize(
    ("join", "message"),
    [
        ({"kind": "many_to_many"}, "joins.0.kind — "),
        ({"minimum_match": 2}, "joins.0.minimum_match — "),
        ({"by": "x"}, "joins.0.by — unknown key 'by'"),
    ],
)
def test_mistakes_in_the_declaration_are_named(project: Any, join: dict[str, Any], message: str) -> None:
    tables(join)
    with pytest.raises(Refusal, match=message) as caught:
        catalog.read("shops")
    assert caught.value.code == "D401"


def test_the_page_shows_the_match_rates_and_the_key_covers_both_tables(project: Any) -> None:
    tables()
    values = {
        "question": "Did the policy change sales?",
        "decision": "Whether to keep it.",
        "intervention": "the policy",
        "dataset": "shops",
        "outcome": "sales",
        "treatment": "rural",
        "instruments": ["people"],
        "exclusion": "Nobody knows why it should.",
        "monotonicity": "Nobody is pushed the other way.",
        "covariates": [],
        "absorb": [],
        "design": "two_stage_least_squares",
        "worthwhile": 1,
        "better": "higher",
    }
    loaded = files.load(parameters("mine", "instrumental_variable", **values))
    assert [source.dataset for source in loaded.sources] == ["shops", "counties"]
    shown = quality.table(audit.examine(loaded.study), loaded.source)
    assert shown.html.count("<table>") == 2 and "How" not in shown.meta["caption"] and "60.0" in shown.text
    before = identity.of(loaded)
    tables(other=OTHER.replace("a,100", "a,101"))
    after = identity.of(files.load(paths.PARAMS / "instrumental_variable" / "mine.yml"))
    assert after.moved(before.parts) == ["data"]
