"""Dates and periods that are not written year-month-day: which way round, one way or several, possible days."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analysis.profile.finding import Finding, Severity, many
from analysis.profile.forms import Mask
from analysis.profile.guess import impossible
from analysis.profile.traps import Look

FIX = "write days as year-month-day (2014-01-31) and bring the file again"
PERIOD_FIX = "write years as 2017, months as 201704, quarters as 20174, and bring the file again"
WAYS = {
    "iso": "2014-01-31",
    "iso_time": "2014-01-31 10:00",
    "slashed": "31/01/2014",
    "year_first": "2014/1/31",
    "month_word": "31 Jan 2014",
}


def findings(look: Look) -> Iterator[Finding]:
    """What is doubtful about the dates in a column; nothing where it is not mostly dates."""
    facts = look.facts
    if not facts.is_text() or not facts.present or look.guess.type in ("integer", "number", "boolean"):
        return
    ways = {name: look.form(name) for name in WAYS if look.form(name).any()}
    dated: Mask = np.any([*ways.values(), np.zeros(facts.distinct, dtype=bool)], axis=0)
    if facts.count(dated) < facts.present / 2:
        yield from _periods(look)
        return
    if len(ways) > 1:
        listed = ", ".join(f"{facts.count(mask)} like {WAYS[name]}" for name, mask in ways.items())
        second = list(ways.values())[1]
        yield look.found("serious", f"dates written in {len(ways)} ways ({listed}), {_at(look, second)}", FIX)
    if "slashed" in ways:
        yield _order(look, ways["slashed"])
    elif look.guess.type == "text" and len(ways) == 1 and not {"iso", "iso_time"} & set(ways):
        yield look.found("caution", f"{many(facts.count(dated), 'date')} not written year-month-day", FIX)
    yield from _impossible(look)
    yield from _times(look)


def _at(look: Look, mask: Mask) -> str:
    return f"the second way first in {look.place(look.facts.first(mask))}"


def _order(look: Look, slashed: Mask) -> Finding:
    """Day before month or month before day, by the numbers above 12."""
    from pyarrow import compute  # type: ignore[import-untyped]

    pattern = r"^\s*(?P<a>[0-9]{1,2})[/.\-](?P<b>[0-9]{1,2})[/.\-]"
    parts = compute.extract_regex(look.facts.words.words, pattern)
    first, second = (
        np.array([int(part) if part else 0 for part in compute.struct_field(parts, name).to_pylist()]) for name in "ab"
    )
    day_first, month_first = slashed & (first > 12), slashed & (second > 12)
    either = slashed & ~day_first & ~month_first
    total, open_ones = look.facts.count(slashed), look.facts.count(either)
    if day_first.any() and month_first.any():
        rows = look.place(look.facts.first(day_first)), look.place(look.facts.first(month_first))
        problem = f"day before month in {rows[0]}, month before day in {rows[1]}: {open_ones} of {total} fit both"
        return look.found("serious", problem, FIX)
    if not day_first.any() and not month_first.any():
        problem = f"{many(total, 'date')} like 03/04/2024 that could be day/month or month/day"
        return look.found("serious", problem, "find out which comes first; " + FIX)
    way = "day before month" if day_first.any() else "month before day"
    severity: Severity = "caution"
    problem = f"{many(total, 'date')} written {way}; {open_ones} of them could be read the other way round"
    return look.found(severity, problem, FIX)


def _impossible(look: Look) -> Iterator[Finding]:
    missed = impossible(look.facts)
    if missed.any():
        problem = (
            f"{many(look.facts.count(missed), 'date')} that the calendar does not have, first in {look.at(missed)}"
        )
        yield look.found("serious", problem, "correct them in the file")


def _times(look: Look) -> Iterator[Finding]:
    timed = look.form("iso_time")
    if not timed.any():
        return
    zoned = timed & look.form("zone")
    if zoned.any() and look.facts.count(zoned) < look.facts.count(timed):
        problem = f"times with a time zone ({look.facts.count(zoned)}) and without one"
        yield look.found("serious", problem, "write all times in one zone")
    yield look.found("caution", "dates with a time of day are kept as text", "write the day alone if the day is enough")


def _periods(look: Look) -> Iterator[Finding]:
    periods = look.form("period")
    if look.guess.type == "text" and look.facts.count(periods) > look.facts.present / 2:
        yield look.found(
            "caution", f"periods as text, first in {look.at(periods)}: no analysis can order them", PERIOD_FIX
        )
