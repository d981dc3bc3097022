"""Titles of axes that show an outcome's level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.display import Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column


def level(outcome: Column) -> str:
    """The outcome with its unit, as groups' means are drawn: logs as geometric means, shares in per cent."""
    unit = Unit(outcome.unit)
    words = {"share": "%", "log": "geometric mean"}.get(unit.name, unit.name)
    return f"{outcome.label} ({words})" if words else outcome.label
