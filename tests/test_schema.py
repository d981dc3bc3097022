"""Values against the declaration: every problem is known, the first is told, the others are counted."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_table import column, put
from own_table import project as project

from analysis.data import catalog, schema, table
from analysis.data.declared import Column
from analysis.refusal import Refusal

COLUMNS = {
    "id": column("text"),
    "year": column(minimum=2000, maximum=2010),
    "score": column("number", missing="allow", maximum=100),
    "kind": column("text", values=["a", "b"]),
}
BAD = "id,year,score,kind\n1,2001,5,a\n2,1999,,c\n3,2011,101,b\n4,1998,102,\n"


def declared(columns: dict[str, dict[str, Any]]) -> dict[str, Column]:
    return {name: Column(**one) for name, one in columns.items()}


def refused(text: str, **changes: Any) -> Refusal:
    put("mine", text, COLUMNS, **changes)
    with pytest.raises(Refusal) as caught:
        table.load("mine")
    assert "\n" not in str(caught.value)
    return caught.value


def test_the_first_problem_is_told_and_the_others_are_counted(project: Any) -> None:
    assert str(refused(BAD)) == (
        "D404 STOP data/raw/mine/mine.csv:year — line 3: the value 1999 is below the minimum 2000 (2 such values); "
        "4 more problems in year, score, kind. Fix: correct the values, or the declared minimum"
    )


def test_all_problems_of_a_table_are_known(project: Any) -> None:
    columns = declared({"year": COLUMNS["year"], "score": COLUMNS["score"]})
    frame = pd.DataFrame({"year": [2001, 1999, 2011, 1998], "score": [5.0, np.nan, 101.0, 102.0]})
    found = [(one.column, one.rule, one.row, one.rows) for one in schema.problems(frame, columns)]
    assert found == [("year", "minimum", 1, 2), ("year", "maximum", 2, 1), ("score", "maximum", 2, 2)]
    assert schema.problems(frame.iloc[:1], columns) == []


def test_a_declared_key_that_repeats_is_refused_with_its_line(project: Any) -> None:
    text = "id,year,score,kind\n1,2001,5,a\n1,2002,5,a\n1,2001,6,b\n1,2001,7,b\n"
    found = refused(text, key=["id", "year"])
    assert (found.code, found.where) == ("P001", "data/raw/mine/mine.csv:(id,year)")
    assert found.problem == "line 4: the key 1,2001 stands a second time (2 such repeats)"
    put("mine", text, COLUMNS)
    assert len(table.load("mine")) == 4, "without a declared key repeats are a matter of the design"


def test_a_key_of_undeclared_or_derived_columns_is_refused(project: Any) -> None:
    for changes, message in (({"key": ["yeer"]}, "did you mean 'year'"), ({"key": ["made"]}, "which is derived")):
        put("mine", BAD, COLUMNS | {"made": column(derived="from the year")}, **changes)
        with pytest.raises(Refusal, match=message):
            catalog.read("mine")


def test_a_load_costs_little() -> None:
    rows = 200_000
    frame = pd.DataFrame({f"x{place}": np.linspace(0, 1, rows) for place in range(8)})
    columns = declared({name: column("number", minimum=0, maximum=1) for name in frame})
    schema.problems(frame.head(), columns)
    begin = time.process_time()
    assert schema.problems(frame, columns) == []
    assert time.process_time() - begin < 0.3


def test_pandera_is_imported_only_when_a_table_is_read() -> None:
    script = (
        "import sys; from analysis import cli; from analysis.data import catalog, roles, table; cli._parser();"
        "from analysis.run import parameters; parameters.load(parameters.find('castle-doctrine'));"
        "print('pandera' in sys.modules or 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
