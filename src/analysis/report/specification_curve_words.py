"""How the choices of a sweep are called: parameters and their values in the words of a reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis.report import display

if TYPE_CHECKING:
    from analysis.data.catalog import Source
    from analysis.report.display import Unit
    from analysis.sweep.plan import Sweep

NOTHING = {
    "until": "to the last period",
    "since": "from the first period",
    "weight": "every unit alike",
    "window": "as many as there are",
    "cluster": "as declared",
    "bandwidth": "by the rule",
    "calliper": "any distance",
    "modifiers": "all covariates",
    "anticipation": "none",
    "donut": "none",
    "trim": "none",
}
OWN_PHRASE = "as planned"
LISTED = 2


def own(sweep: Sweep) -> str:
    """What the study's own choices are called: pre-registered only where a plan from before any result holds them."""
    return "pre-registered" if sweep.registered else "planned"


def parameter(name: str) -> str:
    """A parameter as a heading: `design` is the estimator, others as they are called in the file."""
    words = {"design": "estimator", "where": "rows used", "until": "last period", "since": "first period"}
    return words.get(name, name.replace("_", " "))


def value(sweep: Sweep, name: str, chosen: Any) -> str:
    """One value of a parameter: its label in the sweep's file, else the labels of columns, else its own words."""
    known = next((one for one in sweep.alternatives.get(name, ()) if one.value == chosen), None)
    if known is not None and known.label:
        return known.label
    if chosen is None or (chosen == 0 and name in NOTHING):
        return NOTHING.get(name, "none")
    if isinstance(chosen, list):
        return _list(chosen, sweep.base.source)
    if isinstance(chosen, bool):
        return "yes" if chosen else "no"
    if isinstance(chosen, str):
        return _column(chosen, sweep.base.source)
    return f"{chosen:g}" if isinstance(chosen, float) else str(chosen)


def choices(sweep: Sweep, chosen: Mapping[str, Any]) -> str:
    """What a specification does otherwise than the study."""
    own = sweep.planned
    listed = [f"{parameter(name)}: {value(sweep, name, one)}" for name, one in chosen.items() if one != own[name]]
    return "; ".join(listed) if listed else OWN_PHRASE


def _list(chosen: list[Any], source: Source) -> str:
    if not chosen:
        return "none"
    if len(chosen) > LISTED:
        return f"{len(chosen)} named in the study"
    return ", ".join(_column(str(one), source) for one in chosen)


def _column(name: str, source: Source) -> str:
    if name not in source.columns:
        return name.replace("_", " ")
    label = source.columns[name].label.partition(" (")[0]
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def bare(unit: Unit, x: float) -> str:
    """A difference in natural units, as a number alone."""
    return display.significant(unit.shown(x), 2)
