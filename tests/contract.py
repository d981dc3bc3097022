"""One entry of the contract that every design keeps: the design, data that it fits, and what may move its answer.

`contract_<family>.py` holds the CASES of one family; `test_designs.py` runs them all.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from analysis import designs
from analysis.panel import Panel
from analysis.result import AnyData, Effects
from analysis.rows import Rows
from analysis.study import Study


@dataclass(frozen=True)
class Case:
    """choices: study fields beyond the required ones. shift: added to the outcome without moving the estimate, None
    where a level matters. scales: factors of the outcome that multiply the estimate. dates: choices that move with the
    time axis; a list moves entry by entry. rtol: of the comparisons, above the noise of a solver or a search."""

    design: str
    data: Callable[[], AnyData]
    choices: Mapping[str, Any] = field(default_factory=dict)
    shift: float | None = 1000.0
    scales: tuple[float, ...] = (-2.0, 1e-6, 1e6)
    dates: tuple[str, ...] = ()
    rtol: float = 1e-6

    def study(self, **changes: Any) -> Study:
        values = {
            "question": "Did the policy change the outcome?",
            "decision": "Whether to go on with the policy.",
            "intervention": "the policy",
            "dataset": "mpdta",
            "outcome": self.data().labels.outcome,
            "design": self.design,
            "worthwhile": 0.1,
            "better": "higher",
        }
        return Study.read(values | dict(self.choices) | changes, "test.yml")

    def fit(self, data: AnyData | None = None, **changes: Any) -> Effects:
        return designs.estimate(self.study(**changes), self.data() if data is None else data)


def cases() -> list[Case]:
    found: list[Case] = []
    for path in sorted(Path(__file__).parent.glob("contract_*.py")):
        found += importlib.import_module(path.stem).CASES
    return found


def shuffled(data: AnyData, order: np.ndarray) -> AnyData:
    if not isinstance(data, Panel):
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
        treatment=None if data.treatment is None else data.treatment[order],
        dose=None if data.dose is None else data.dose[order],
        eligible=None if data.eligible is None else data.eligible[order],
    )


def later(data: AnyData, years: int) -> AnyData:
    if isinstance(data, Rows):
        if data.time is None:
            return data
        aside = None if data.unobserved is None else later(data.unobserved, years)
        return replace(data, time=data.time + years, unobserved=aside)
    return replace(data, periods=data.periods + years)
