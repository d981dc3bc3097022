"""The decision summary: the answer in one sentence, and the four facts beside it."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analysis.decide.decision import SURE
from analysis.inference import honest
from analysis.report import display
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column
    from analysis.decide import Decision
    from analysis.result import Check, Effects, Estimate
    from analysis.study import Study

LIKELY = f"{100 * SURE:.0f}\u202f%"
ACTIONS = {
    "extend": f"On this outcome the result counts in favour: a benefit that matters is at least {LIKELY} likely, and "
    "the evidence is not weak.",
    "stop": f"On this outcome the result counts against: harm that matters is at least {LIKELY} likely. Prevent it, or "
    "have good reasons to accept it.",
    "immaterial": "Choose on other grounds: the whole interval lies below an effect that matters.",
    "collect": "Collect more evidence before deciding: neither benefit nor harm that matters is likely enough.",
    "confirm": "Collect more evidence before deciding: an effect that matters is likely, but no effect at all cannot "
    "be excluded.",
    "not_on_this": "Do not decide on this estimate alone: the evidence is too weak to carry a decision.",
    "withhold": "No recommendation: a check stops the answer from being used.",
}


def summary(
    study: Study,
    outcome: Column,
    effects: Effects,
    estimate: Estimate,
    decision: Decision,
    checks: Sequence[Check],
) -> Block:
    """The answer block: sentence, strength, chance, what could overturn it, recommendation and main caveat."""
    unit = Unit(outcome.unit)
    said = {
        "question": study.question,
        "sentence": sentence(study, outcome, effects, estimate, decision),
        "strength": {"word": decision.strength, "step": max(decision.step, 1), "reason": decision.reason},
        "chance": chance(study, unit, estimate, decision),
        "overturn": overturn(unit, estimate, decision),
        "recommendation": f"{ACTIONS[_action(decision)]} This bears on {display.lower_first(study.decision)}",
        "caveat": caveat(unit, checks),
        "headline": headline(unit, estimate),
    }
    shown = ("sentence", "chance", "overturn", "recommendation", "caveat")
    lines = [said["sentence"], f"Strength of evidence: {decision.strength} ({decision.reason})."]
    lines += [str(said[key]) for key in shown[1:]]
    body = "".join(f"<p>{html.escape(str(line))}</p>" for line in lines)
    numbers = [display.number("headline", "Headline effect", estimate, outcome.unit)]
    numbers[0]["baseline"] = effects.baseline
    return Block("answer", "\n".join(str(line) for line in lines), body, meta={"answer": said, "numbers": numbers})


def _action(decision: Decision) -> str:
    """What is recommended; why evidence is to be collected depends on whether an effect that matters is likely."""
    likely = max(decision.gain or 0.0, decision.harm or 0.0) >= SURE
    return "confirm" if decision.action == "collect" and likely else decision.action


def sentence(study: Study, outcome: Column, effects: Effects, estimate: Estimate, decision: Decision) -> str:
    """The answer with its interval, in words that the evidence carries."""
    unit, label = Unit(outcome.unit), display.lower_first(outcome.label)
    value, low, high = display.interval_numbers(estimate, unit)
    who = study.intervention[0].upper() + study.intervention[1:]
    between = f"{display.level_words(estimate.level)} {low} to {high}"
    if not estimate.excludes(0.0):
        few = (
            f", with {estimate.treated_clusters} of {estimate.clusters} clusters treated"
            if estimate.std_error is None and not estimate.unstated
            else ""
        )
        return (
            f"{who}: the effect on the {label} is {verdict(decision)}{few}. Estimate {_with_unit(value, unit)} "
            f"({between}{_from(unit, effects)})."
        )
    size = _with_unit(value.lstrip(display.MINUS), unit)
    if decision.step == 3:
        verb = "raised" if estimate.value > 0 else "lowered"
        return f"{who} {verb} the {label} by {size} ({between}{_from(unit, effects)})."
    turn = "higher" if estimate.value > 0 else "lower"
    after = f"After {study.intervention}, the {label} stood {size} {turn} than {decision.against}"
    return f"{after} ({between}{_from(unit, effects)})."


def verdict(decision: Decision) -> str:
    """What an interval that contains zero amounts to: inconclusive, or too small to matter."""
    return "too small to matter" if decision.action == "immaterial" else "inconclusive"


def chance(study: Study, unit: Unit, estimate: Estimate, decision: Decision) -> str:
    """How likely an effect is that matters, in the direction of the estimate."""
    matters = unit.size(study.worthwhile, estimate.value)
    if (decision.gain is None or decision.harm is None) and estimate.unstated:
        return f"Cannot be stated: {estimate.unstated}. An effect matters from {matters} on."
    if decision.gain is None or decision.harm is None:
        return (
            f"Cannot be stated: {estimate.treated_clusters} of {estimate.clusters} clusters are treated, too few (or "
            f"too few to compare with) for a chance. An effect matters from {matters} on."
        )
    good = estimate.value * study.direction >= 0
    p = decision.gain if good else decision.harm
    change = f"{'beneficial' if good else 'harmful'} {'rise' if estimate.value > 0 else 'fall'}"
    return f"If the assumptions hold, a {change} of at least {matters} is {display.likely(p)}: {display.percent(p)}."


def overturn(unit: Unit, estimate: Estimate, decision: Decision) -> str:
    """The smallest departure from parallel trends that would undo the finding."""
    if decision.drift == 0:
        if decision.detectable is None:
            return "The interval already includes no effect."
        return (
            "The interval already includes no effect; with these data an effect is found four times in five only from "
            f"{unit.size(decision.detectable, estimate.value)} on."
        )
    if decision.overturning is not None:
        return written(unit, decision.overturning.overturns, decision.overturning)
    if not decision.trends:
        size = unit.size(decision.drift, estimate.value)
        return f"A bias of {size}, for any reason other than the policy, would be enough to make zero plausible."
    if decision.breakdown:
        return (
            "Zero becomes plausible if the difference in trends changes after adoption by more than "
            f"{honest.multiple(decision.breakdown)} its largest change before, for reasons other than the policy."
        )
    size = unit.size(decision.drift, estimate.value)
    if decision.shock:
        return f"A change of {size} in one group alone, for any other reason, would make zero plausible."
    if decision.single:
        return (
            f"A change of {size} in the difference between the groups, from the period before the policy to those "
            "under it and for any other reason, would be enough to make zero plausible."
        )
    return (
        f"A steady difference in trends of {size} a period between the groups, unrelated to the policy, would be "
        "enough to make zero plausible."
    )


def caveat(unit: Unit, checks: Sequence[Check]) -> str:
    """The most serious finding."""
    if not checks:
        return "No check was made."
    return finding(unit, checks[0])


def finding(unit: Unit, check: Check) -> str:
    """A check's finding with its amounts in natural units."""
    return written(unit, check.finding, check)


def written(unit: Unit, template: str, check: Check) -> str:
    """A check's `template` with its amounts: {name} with their unit, {name_number} without.

    Amounts called gap are differences between two effects; of effects in per cent, which are ratios, a factor.
    """
    words = {name: unit.amount(x) for name, x in check.amounts.items()}
    bare = {f"{name}_number": display.significant(unit.shown(x), 2) for name, x in check.amounts.items()}
    if unit.name == "log":
        factors = {name: _factor(x) for name, x in check.amounts.items() if name.partition("_")[0] == "gap"}
        words |= {name: f"a factor of {x}" if name == "gap" else x for name, x in factors.items()}
        bare |= {f"{name}_number": x for name, x in factors.items()}
    return template.format(**words, **bare)


def _factor(x: float) -> str:
    """How many times as large a difference `x` of logarithms leaves one of two levels."""
    times = math.exp(min(x, 700.0))
    return display.fixed(times, 2) if 0.1 <= times < 10 else display.significant(times, 2)


def headline(unit: Unit, estimate: Estimate) -> dict[str, Any]:
    """The headline for lists: numbers as shown, and as text."""
    value, low, high = display.interval_numbers(estimate, unit)
    shown = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    natural = {name: unit.shown(x) if math.isfinite(x) else None for name, x in shown.items()}
    text = f"{_with_unit(value, unit)} ({display.level_words(estimate.level)} {low} to {high})"
    return {**natural, "unit": unit.words, "text": text}


def _with_unit(value: str, unit: Unit) -> str:
    space = display.THIN if unit.words == "%" else " "
    return f"{value}{space}{unit.words}".strip()


def _from(unit: Unit, effects: Effects) -> str:
    level = unit.level(effects.baseline) if math.isfinite(effects.baseline) else None
    if effects.compared:
        return f"; {level} {effects.compared}" if level else ""
    return f"; from {level} before" if level else ""
