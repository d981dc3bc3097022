"""The answer of a sweep: the study's own decision, with evidence never called stronger than the study's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis import checks, decide, designs
from analysis.data import catalog
from analysis.decide.decision import WORDS, Decision, recommend
from analysis.result import AnyData, Check, Effects, Estimate
from analysis.studies.difference_in_differences import Study as Differences
from analysis.sweep import fit
from analysis.sweep.joint import Verdict
from analysis.sweep.plan import Sweep
from analysis.sweep.summary import Summary

# The project's own thresholds: from which share of specifications with the study's sign on a caution is due, and
# from which chance on a curve could have come about without any effect.
AGREE = 0.9
CHANCE = 0.05


@dataclass(frozen=True, eq=False)
class Own:
    """The study's own answer: what its report would decide on, and the decision."""

    outcome: catalog.Column
    source: catalog.Source
    effects: Effects
    estimate: Estimate
    decision: Decision
    checks: Sequence[Check]


def own(sweep: Sweep) -> Own:
    """The answer of the study's own specification, made as its report makes it."""
    study = sweep.study
    table = fit.load(study)
    effects = designs.estimate(study, table)
    path = _path(sweep, table, effects)
    found = checks.run(study, table, effects, path, designs.gaps(designs.alternatives(study, table, effects)))
    estimate = designs.headline(study, table, effects)
    decision = decide.decide(study, table, effects, path, estimate, found)
    source = catalog.read(study.dataset)
    return Own(source.columns[study.outcome], source, effects, estimate, decision, found)


def _path(sweep: Sweep, table: AnyData, effects: Effects) -> Effects | None:
    study = sweep.study
    return designs.path(study, table, effects) if isinstance(study, Differences) else None  # type: ignore[arg-type]


def graded(answer: Own, summary: Summary, joint: Verdict) -> Decision:
    """The study's decision after the sweep: a step weaker for each way in which the specifications do not carry it, and
    the recommendation that the study's own rule gives at that step."""
    cautions = _cautions(answer, summary, joint)
    decision = answer.decision
    if not cautions or decision.step == 0:
        return replace(decision, reason=f"as in the study's own report: {decision.reason}")
    step = max(1, decision.step - len(cautions))
    small = max(abs(answer.estimate.low), abs(answer.estimate.high)) < summary.sweep.study.worthwhile
    found = answer.estimate.excludes(0.0) and answer.estimate.p_value <= 0.05
    action = recommend(decision.gain, decision.harm, step, found=found, small=small)
    before = WORDS[decision.step] if step < decision.step else decision.reason
    said = f"{' and '.join(cautions)} (the study's own report: {before})"
    return replace(decision, step=step, action=action, reason=said)


def _cautions(answer: Own, summary: Summary, joint: Verdict) -> list[str]:
    count = len(summary.compared)
    found = []
    if summary.same_sign < AGREE * count:
        found.append(f"{count - summary.same_sign} of {count} specifications have the other sign")
    if not answer.estimate.excludes(0.0):
        return found
    if summary.excluding < count / 2:
        found.append(f"only {summary.excluding} of {count} intervals exclude zero")
    elif joint.joint is not None and joint.joint.significant.p_value > CHANCE:
        found.append("a curve like this is not rare without any effect")
    return found
