"""The checks of a new study: all that bear on the strength of its evidence and need nothing that is not said yet."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from analysis.decide.grounds import Grounds
from analysis.study import modules

WIDTH = 116
# What a check says nothing without: the parameter that must be filled.
_ASKS = {
    "placebo_outcome": "placebo_outcome",
    "spillover": "exposure",
    "bad_controls": "covariates",
    "weighting": "weight",
    "agreement": "estimators",
    "synthetic_agreement": "estimators",
    "model_agreement": "estimators",
    "adjustment_agreement": "estimators",
    "weighting_agreement": "estimators",
    "specification_sensitivity": "covariates",
    "many_tests": "outcomes",
    "peeking": "order",
    "compliance": "received",
    "take_up": "treatment",
}


def chosen(family: str, said: Mapping[str, Any]) -> list[str]:
    """The checks that can run once the parameters in `said` are filled, those without which evidence is never strong
    first; these are listed whatever they need, because leaving one out weakens the evidence in any case."""
    grounds = _grounds(family)
    named = [name for names in grounds.kinds.values() for name in names if name not in grounds.needed]
    return [*grounds.needed, *(name for name in dict.fromkeys(named) if not lacks(name, said))]


def lacks(name: str, said: Mapping[str, Any]) -> str:
    """The parameter that the check `name` waits for, "" for none."""
    if name == "overidentification":
        return "" if len(said.get("instruments") or []) > 1 else "instruments (two or more)"
    field = _ASKS.get(name, "")
    return field if field and not said.get(field) else ""


def further(family: str, listed: list[str], said: Mapping[str, Any]) -> list[str]:
    """Remarks about the checks that are not listed: what each of them needs first, and those that need nothing."""
    others = [name for name in modules("checks", family) if name not in listed]
    waiting = {name: lacks(name, said) for name in others}
    needy = [f"{name} ({field.replace(' (', ': ').rstrip(')')})" for name, field in waiting.items() if field]
    free = [name for name, field in waiting.items() if not field]
    lines = []
    if needy:
        lines += _remark(f"Checks to add once the parameter in brackets is filled: {', '.join(needy)}.")
    if free:
        lines += _remark(f"Further checks: {', '.join(free)}.")
    return lines


def _remark(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ")


def _grounds(family: str) -> Grounds:
    grounds: Grounds = import_module(f"analysis.decide.{family}").GROUNDS
    return grounds
