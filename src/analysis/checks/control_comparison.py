"""A series that the policy cannot touch: did it move at the start as well?

Reference: Bernal, Cummins and Gasparrini (2018), controlled interrupted time series; Lipsitch, Tchetgen Tchetgen and
Cohen (2010), negative controls.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.checks._interrupted import ALPHA, answer_of, number, rows_of
from analysis.inference.interruption import in_place_of
from analysis.report.display import level_words, p_words
from analysis.result import AnyData, Check, Effects

FAMILIES = ("interrupted_time_series",)
ASSUMPTION = "What moved the outcome at the start was the policy, and not something that moves similar series too."


@dataclass(frozen=True)
class Moved:
    """A control series' own change at the start."""

    name: str
    value: float
    low: float
    high: float
    p_value: float


def run(data: AnyData, effects: Effects, path: Effects | None, *, control_series: list[str], level: float) -> Check:
    """The same regression on each control series; without one, that this is one series before and after."""
    if not control_series:
        finding = "One series before and after: nothing here tells the policy from whatever else changed at its start."
        advice = "Find a series that the policy cannot have touched (another place, another road) and name it under "
        return Check("control_comparison", "E110", ASSUMPTION, finding, f"{advice}`control_series`.", "warn")
    rows = rows_of(data)
    found = [Moved(name, *in_place_of(rows, effects, rows.column(name), level)) for name in control_series]
    judged = _taken_off if answer_of(effects).controlled else _beside
    finding, advice, bad = judged(found, effects, level)
    amounts = {f"{part}{k}": getattr(one, part) for k, one in enumerate(found) for part in ("value", "low", "high")}
    severity = "warn" if bad else "note"
    nearest = min(found, key=lambda one: one.p_value)
    return Check(
        "control_comparison",
        "E110",
        ASSUMPTION,
        finding,
        advice,
        severity,  # type: ignore[arg-type]
        nearest.value,
        nearest.p_value,
        nearest.low,
        nearest.high,
        amounts,
    )


def _changes(found: list[Moved], level: float) -> str:
    """Each control's own change with its interval, as a template."""
    said = []
    for k, one in enumerate(found):
        name = f"{one.name}: " if len(found) > 1 else ""
        between = f"{level_words(level)} {{low{k}_number}} to {{high{k}_number}}"
        said.append(f"{name}{{value{k}}} ({between}, p = {p_words(one.p_value)})")
    return "; ".join(said)


def _beside(found: list[Moved], effects: Effects, level: float) -> tuple[str, str, bool]:
    """The control should not move: it did, or it may have moved as much as the outcome."""
    answer = number(effects)
    moved = [one for one in found if one.p_value <= ALPHA / len(found)]
    alike = [one for one in found if one.low <= answer <= one.high and one.value / answer > 0.5]
    said = f"The same regression on what the policy should leave alone gives {_changes(found, level)}."
    if moved:
        same = any(one.value * answer > 0 for one in moved)
        way = "in the same direction" if same else "in the other direction"
        verdict = f" The control moved at the start as well, {way}."
    elif alike:
        verdict = " That may be chance, but it is over half of the answer: the data cannot tell the two apart."
    else:
        verdict = " The control did not move by more than chance explains."
    if moved or alike:
        return said + verdict, "Show `design: controlled_series` beside it, and find out what moved the control.", True
    return said + verdict, "The interval shows how large a common disturbance could have gone unnoticed.", False


def _taken_off(found: list[Moved], effects: Effects, level: float) -> tuple[str, str, bool]:
    """The answer is less the control's change: large changes of the control make it rest on the control."""
    answer = number(effects)
    moved = [one for one in found if one.p_value <= ALPHA / len(found) and abs(one.value) > 0.5 * abs(answer)]
    said = f"The control series' own change at the start, which the answer takes off: {_changes(found, level)}."
    if moved:
        said = f"{said} That is a large part of the answer: had the policy moved the control, the answer would hold it."
        return said, "Ask whether the policy could have moved the control (people or traffic changing sides).", True
    advice = "The answer rests on a control that the policy leaves alone; that cannot be checked with these data."
    return said, advice, False
