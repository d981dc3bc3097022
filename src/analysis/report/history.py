"""The headline of every version of a study on one scale: places for small charts, one row a version."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report.catalogue_entries import Entry

WIDTH, MARGIN = 200, 8


def rows(versions: Sequence[Entry]) -> list[dict[str, float]]:
    """Where each version's `value`, `low`, `high` and the common `zero` stand, in SVG units, in the order given.

    All rows share one scale, which holds zero. A version measured in another unit than the first has an empty row, as
    has one without a finite number: it has no place on this scale. Rounded so that every machine writes the same.
    """
    unit = _unit(versions[0]) if versions else ""
    told = [_finite(entry.answer["headline"]) if _unit(entry) == unit else {} for entry in versions]
    ends = [0.0, *(number for row in told for number in row.values())]
    low, high = min(ends), max(ends)

    def place(number: float) -> float:
        # Divided before they are subtracted: the ends may be as far apart as numbers go.
        reach = max(abs(low), abs(high)) or 1.0
        wide = (high / reach - low / reach) or 1.0
        return round(MARGIN + (WIDTH - 2 * MARGIN) * ((number / reach - low / reach) / wide), 1)

    return [{"zero": place(0.0), **{name: place(n) for name, n in row.items()}} if row else {} for row in told]


def _unit(entry: Entry) -> str:
    return str(entry.answer["headline"].get("unit"))


def _finite(headline: Mapping[str, Any]) -> dict[str, float]:
    known = {name: headline.get(name) for name in ("value", "low", "high")}
    return {name: float(n) for name, n in known.items() if n is not None and math.isfinite(n)}
