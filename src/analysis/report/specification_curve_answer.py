"""The answer of a specification curve: what all specifications add up to, and the numbers of each one."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from analysis.report import answer as answers
from analysis.report import display
from analysis.report import specification_curve_words as words
from analysis.report.display import Block, Unit
from analysis.report.specification_curve_words import bare

if TYPE_CHECKING:
    from analysis.decide import Decision
    from analysis.sweep.joint import Verdict
    from analysis.sweep.summary import Summary
    from analysis.sweep.verdict import Own

SHARED = (
    "Specifications share the same data: that they agree is no independent evidence, and a share is no probability."
)


def block(summary: Summary, own: Own, decision: Decision, joint: Verdict) -> Block:
    """The answer block: what the specifications add up to, with the study's own strength and recommendation at most."""
    study, unit = summary.sweep.study, Unit(summary.unit)
    base = answers.summary(study, own.outcome, own.effects, own.estimate, decision, own.checks).meta["answer"]
    said = {
        "question": summary.sweep.question,
        "sentence": sentence(summary, unit),
        "strength": {"word": decision.strength, "step": max(decision.step, 1), "reason": decision.reason},
        "chance": _chance(summary, unit),
        "overturn": _overturn(summary, unit),
        "recommendation": base["recommendation"],
        "caveat": f"{base['caveat']} {SHARED}",
        "headline": _headline(summary, unit),
    }
    shown = ("sentence", "chance", "overturn", "recommendation", "caveat")
    lines = [said["sentence"], f"Strength of evidence: {decision.strength} ({decision.reason})."]
    lines += [str(said[key]) for key in shown[1:]]
    body = "".join(f"<p>{html.escape(str(line))}</p>" for line in lines)
    meta = {"answer": said, "numbers": [_median(summary), *_joint_numbers(joint, summary.unit), *_numbers(summary)]}
    return Block("answer", "\n".join(str(line) for line in lines), body, meta=meta)


def sentence(summary: Summary, unit: Unit) -> str:
    """What the specifications that count say together."""
    study, count = summary.sweep.study, len(summary.compared)
    label = display.lower_first(summary.sweep.base.source.columns[study.outcome].label)
    own, low, high = display.interval_numbers(summary.own.estimate, unit)
    own += (display.THIN if unit.words == "%" else " ") + unit.words
    kind = words.own(summary.sweep)
    return (
        f"Over {count} comparable ways to put the question to the data, the median estimate for {study.intervention} "
        f"and the {label} is {unit.amount(summary.median)} (lowest {bare(unit, summary.low)}, highest "
        f"{bare(unit, summary.high)}); the {kind} one is {own} ({display.level_words(study.level)} {low} to "
        f"{high}). {summary.same_sign} of {count} have its sign, and {summary.excluding} intervals exclude zero."
    )


def _chance(summary: Summary, unit: Unit) -> str:
    study, value, count = summary.sweep.study, summary.own.estimate.value, len(summary.compared)
    kind = "beneficial" if value * study.direction >= 0 else "harmful"
    change = "rise" if value > 0 else "fall"
    matters = unit.size(summary.worthwhile, value)
    return f"{summary.worth} of {count} comparable estimates are a {kind} {change} of at least {matters}."


def _overturn(summary: Summary, unit: Unit) -> str:
    lever, sweep = summary.levers[0], summary.sweep
    one = lever.strongest
    if one.change is None or not lever.reach:
        return "No choice moves the estimate."
    own = words.value(sweep, lever.name, sweep.planned[lever.name])
    other = words.value(sweep, lever.name, one.value)
    against = sum(entry.estimate.value * summary.own.estimate.value <= 0 for entry in summary.compared)
    turned = f"{against} of {len(summary.compared)} comparable estimates have the other sign."
    return (
        f"{turned if against else 'None of these choices turns the sign.'} Most hangs on the choice of "
        f"{words.parameter(lever.name)}: {other} instead of {own} changes the estimate by {unit.amount(one.change)} "
        f"(median over {one.pairs} pairs that differ in nothing else)."
    )


def _headline(summary: Summary, unit: Unit) -> dict[str, Any]:
    count = len(summary.compared)
    text = (
        f"median {unit.amount(summary.median)} over {count} specifications ({bare(unit, summary.low)} to "
        f"{bare(unit, summary.high)})"
    )
    shown = {"value": summary.median, "low": summary.low, "high": summary.high}
    return {**{name: unit.shown(x) for name, x in shown.items()}, "unit": unit.words, "text": text}


def _median(summary: Summary) -> dict[str, Any]:
    """The median as a published number; its bounds are the lowest and the highest estimate."""
    count = len(summary.compared)
    return {
        "id": "headline",
        "label": f"Median of {count} comparable specifications",
        "estimate": summary.median,
        "low": summary.low,
        "high": summary.high,
        "n": count,
        "unit": summary.unit,
        "method": "median over specifications",
        "inference": "none: the bounds are the lowest and the highest estimate",
        "estimand": summary.own.estimate.estimand,
    }


def _joint_numbers(verdict: Verdict, unit: str) -> list[dict[str, Any]]:
    if verdict.joint is None:
        return []
    named = {"median": "Size of the median", "sign": "Share with the sign of most", "significant": "Share with it that"}
    named["significant"] += " exclude zero"
    return [
        {
            "id": f"joint_{name}",
            "label": f"{label}, against draws without any effect",
            "estimate": getattr(verdict.joint, name).value,
            "p_value": getattr(verdict.joint, name).p_value,
            "n": verdict.joint.specifications,
            "unit": unit if name == "median" else "share",
            "method": "joint test of all specifications",
            "inference": f"{verdict.joint.draws} draws under no effect ({verdict.joint.way})",
            "estimand": "the curve as a whole",
        }
        for name, label in named.items()
    ]


def _numbers(summary: Summary) -> list[dict[str, Any]]:
    return [
        display.number(
            f"specification_{one.id}",
            f"Specification: {words.choices(summary.sweep, one.specification.choices)}",
            one.estimate,
            summary.unit,
        )
        for one in summary.entries
    ]
