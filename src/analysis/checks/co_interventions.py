"""What else happened: events near the start that could have moved the same series.

Reference: Bernal, Cummins and Gasparrini (2017), on concurrent events; the distances are this project's.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import listed
from analysis.checks._interrupted import answer_of, changed, choices, error, number, rows_of
from analysis.inference import periods
from analysis.inference.interruption import words
from analysis.refusal import Refusal
from analysis.report.display import level_words
from analysis.result import AnyData, Check, Effects
from analysis.rows import Rows

FAMILIES = ("interrupted_time_series",)
OVERTURNS = (
    "Anything else at the start that changed the outcome by {least} on average would be enough to make zero plausible."
)
ASSUMPTION = "Nothing else that moves the outcome happened when the policy started."


def run(
    data: AnyData,
    effects: Effects,
    path: Effects | None,
    *,
    start: float,
    other_events: list[str],
    level: float,
) -> Check:
    """Lists other events with their distance from the start; estimates again without their steps, or with steps for
    those too near to the start to have one."""
    least = {"least": _least(effects, level)}
    if not other_events:
        finding = "No other event is named: either nothing else happened in these years, or nobody has looked."
        advice = "Make a log of what else changed (laws, prices, recording, closures) under `other_events`."
        return Check(
            "co_interventions", "E110", ASSUMPTION, finding, advice, "warn", amounts=least, overturns=OVERTURNS
        )
    rows, away = rows_of(data), _away(effects, start, other_events)
    close = [event for event, gap in away.items() if abs(gap) <= periods.near(choices(effects)["season"])]
    said = listed([f"{_named(effects, event)}, {_gap(gap)}" for event, gap in away.items()])
    without, turned, amounts = _without(rows, effects, level)
    beside, undone, further = _beside(rows, effects, close, level)
    return Check(
        "co_interventions",
        "E110",
        ASSUMPTION,
        f"Named: {said}.{without}{beside} Events that nobody named stay unseen.",
        "Look for a series that these events moved and the policy did not, and name it under `control_series`."
        if undone or turned
        else "Add to `other_events` whatever else may have moved the outcome.",
        "warn" if undone or turned else "note",
        amounts=amounts | further | least,
        overturns=OVERTURNS,
    )


def _least(effects: Effects, level: float) -> float:
    """The smallest bias that would bring no effect into the interval, with the sign of the answer."""
    answer = effects.average(level)
    return min((answer.low, answer.high), key=abs) if answer.excludes(0.0) else 0.0


def _away(effects: Effects, start: float, other_events: list[str]) -> dict[str, int]:
    """How many periods after the start each event happened."""
    labels = answer_of(effects).time
    places = periods.places(labels, "time")
    at = periods.position(start, labels, places)
    return {event: round(periods.position(float(event.split()[0]), labels, places) - at) for event in other_events}


def _without(rows: Rows, effects: Effects, level: float) -> tuple[str, bool, dict[str, float]]:
    """What the answer would be had the other events no step of their own."""
    if not any(one.role == "event" for one in answer_of(effects).coefficients):
        return "", False, {}
    bare = changed(effects, rows, other_events=[])
    found, apart = bare.average(level), abs(number(bare) - number(effects))
    turned = number(bare) * number(effects) < 0 or apart > 2 * error(effects)
    text = f" Held constant by steps; without these the estimate is {{bare}} ({level_words(level)} {{bare_low_number}} "
    amounts = {"bare": found.value, "bare_low": found.low, "bare_high": found.high}
    return f"{text}to {{bare_high_number}}).", turned, amounts


def _beside(rows: Rows, effects: Effects, close: list[str], level: float) -> tuple[str, bool, dict[str, float]]:
    """What the answer would be had the events near the start a step of their own, and whether that undoes it."""
    if not close:
        return "", False, {}
    names = listed([event.partition(" ")[2] for event in close])
    many = "is" if len(close) == 1 else "are"
    said = f" {names[:1].upper()}{names[1:]} {many} too near to the start to be told apart with any certainty"
    assert rows.time is not None
    longer, held = rows, list(choices(effects)["covariates"])
    for event in close:
        date, _, name = event.partition(" ")
        longer = longer.with_column(name, np.asarray(rows.time >= float(date), dtype=float))
        held.append(name)
    try:
        found = changed(effects, longer, covariates=held).average(level)
    except Refusal:
        return f"{said}.", True, {}
    between = f"{level_words(level)} {{own_low_number}} to {{own_high_number}}"
    amounts = {"own": found.value, "own_low": found.low, "own_high": found.high}
    before = effects.average(level)
    undone = abs(found.value - before.value) > error(effects) or (before.excludes(0.0) and not found.excludes(0.0))
    return f"{said}; with a step of its own, the estimate would be {{own}} ({between}).", undone, amounts


def _named(effects: Effects, event: str) -> str:
    date, _, name = event.partition(" ")
    return f"{name} ({words(effects, float(date))})"


def _gap(gap: int) -> str:
    if gap == 0:
        return "at the start"
    return f"{abs(gap)} period{'s' if abs(gap) > 1 else ''} {'after' if gap > 0 else 'before'} it"
