"""Sentences and tables that must not mislead: ends near zero, ranges of estimators, periods, clusters, ranks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from test_checks import simulated

from analysis import paths
from analysis.data.catalog import Column
from analysis.designs import Alternative, group_time, two_by_two
from analysis.inference import honest
from analysis.inference.honest import Unassessed
from analysis.panel import Panel
from analysis.report import effects
from analysis.result import Estimate

OUTCOME = Column(label="Sales", type="number", unit="packs")
LOG = Column(label="Sales", type="number", unit="log")


def one(value: float, low: float, high: float, inference: str = "t") -> Estimate:
    known = {"estimand": "the effect", "method": "a method", "inference": inference, "level": 0.95, "df": 19.0}
    size = {"n": 100, "clusters": 20, "treated_clusters": 10, "std_error": 1.0, "p_value": 0.04}
    return Estimate(value=value, low=low, high=high, **known, **size)


def test_an_end_near_zero_is_not_shown_as_zero() -> None:
    shown = effects.inference(one(20.0, 0.04, 40.0), [one(20.0, -0.002, 40.1), one(20.0, 3.0, 37.0)], OUTCOME)
    cells = [line.split() for line in shown.text.splitlines()[1:]]
    ends = [cell for line in cells for cell in line if re.fullmatch("[\u2212\\d.]+", cell)]
    assert "0.040" in ends and "\u22120.002" in ends and "0.000" not in ends and "0" not in ends
    assert "1 of 3 includes zero" in shown.meta["reading"] and "1 of 3 intervals includes zero" in shown.meta["note"]


def _beside(*values: float, column: Column = OUTCOME) -> str:
    """What is said of estimators beside each other; the pieces behind them are not looked at."""
    pieces: Any = None
    shown = [Alternative(f"d{k}", f"D{k}", pieces, one(v, v - 1, v + 1), "why") for k, v in enumerate(values)]
    return str(effects.comparison(shown, column).meta["note"])


def test_estimators_far_below_the_answer_are_said_with_their_range() -> None:
    assert ", from 28 to 1,600 packs (the smallest is less than half of the answer);" in _beside(1700, 28, 1600, 900)
    assert "smallest" not in _beside(1700, 1500, 1600) and "smallest" not in _beside(1700, 1500)


def test_ranks_are_explained_under_every_table_that_has_them() -> None:
    ranked, plain = one(-16.0, -47.0, 16.0, "placebo: each of 38 donors"), one(-16.0, -20.0, -12.0)
    assert "may run far past zero" in effects.inference(plain, [ranked], OUTCOME).meta["note"]
    assert "may run far past zero" not in effects.inference(plain, [one(1.0, 0.5, 2.0)], OUTCOME).meta["note"]


def _last(panel: Panel, since: int) -> Panel:
    keep = panel.periods >= since
    adoption = np.where(panel.adoption < 0, panel.adoption, panel.adoption - int((~keep).sum()))
    return replace(panel, outcome=panel.outcome[:, keep], periods=panel.periods[keep], adoption=adoption)


def test_a_single_period_before_is_called_that() -> None:
    panel = simulated(30)
    start = int(panel.cohorts.max())
    short = _last(panel, int(panel.periods[start - 1]))
    pieces = two_by_two.estimate(short)
    path = group_time.estimate(short, base_period="universal").by("event_time")
    found = honest.examine(short, pieces, path, average="simple", level=0.95)
    assert isinstance(found, Unassessed) and "a single period before the policy" in found.reason


def test_no_advice_names_a_finer_level() -> None:
    said = "".join(path.read_text() for path in sorted(Path(paths.SOURCE).rglob("*.py")))
    for words in ("finer level", "finer cluster"):
        assert words not in said


def test_estimators_that_point_the_other_way_need_no_range() -> None:
    assert "1 of 2 other estimators" in _beside(0.5, -0.2, 0.4) and "smallest" not in _beside(0.5, -0.2, 0.4)
    assert "from 11 to 35\u202f% (the smallest" in _beside(0.5, 0.1, 0.3, column=LOG)
