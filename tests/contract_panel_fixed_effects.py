"""Panels with fixed effects under the contract: levels, changes, with gaps, few units and every kind of error."""

from __future__ import annotations

import functools

from contract import Case

from analysis.data import table
from analysis.data.observations import rows_from_frame
from analysis.panel import Labels
from analysis.rows import Rows

LAWS = ["drinkage_law", "punish", "miles_thousand", "unemp", "lincome"]


@functools.cache
def fatalities(weight: str = "") -> Rows:
    """48 states in seven years."""
    labels = Labels("frate", "year", "state", weight=weight)
    return rows_from_frame(table.load("fatalities"), labels, columns=["beertax", *LAWS], unobserved=True)


@functools.cache
def jtrain() -> Rows:
    """54 firms in three years."""
    labels = Labels("lscrap", "year", "fcode")
    return rows_from_frame(table.load("jtrain"), labels, columns=["grant", "grant_1"])


@functools.cache
def gaps() -> Rows:
    """The states with every seventh row missing."""
    whole = fatalities()
    keep = [place for place in range(whole.n) if place % 7 != 3]
    return whole.rows(keep)  # type: ignore[arg-type]


@functools.cache
def few() -> Rows:
    """Twenty states: errors corrected for their number."""
    whole = fatalities()
    return whole.rows(whole.unit < 20)


BEER = {"treatment": "beertax"}
GRANT = {"treatment": "grant", "lags": 1, "before": 0.0}
CASES = [
    Case("fixed_effects", fatalities, BEER),
    Case("fixed_effects", fatalities, BEER | {"covariates": LAWS, "change": 0.1}),
    Case("fixed_effects", gaps, BEER | {"effects": "entity", "errors": "robust"}),
    Case("fixed_effects", few, BEER | {"effects": "time"}),
    Case("fixed_effects", few, BEER | {"errors": "driscoll_kraay"}),
    Case("fixed_effects", functools.partial(fatalities, "pop"), BEER),
    Case("fixed_effects", jtrain, GRANT),
    Case("first_differences", gaps, BEER),
    Case("first_differences", jtrain, GRANT | {"errors": "classical"}),
    Case("random_effects", gaps, BEER | {"covariates": LAWS}),
    Case("random_effects", jtrain, GRANT | {"effects": "entity"}),
    Case("pooled", few, BEER | {"covariates": ["unemp"]}),
    Case("pooled", fatalities, BEER | {"errors": "classical"}),
]
