"""The checklist of a review: the questions of checklist.yml beside what one published version says about each."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import strict_yaml
from analysis.report import display, page, planned
from analysis.run import shown_tables
from analysis.run.record_text import plain
from analysis.run.reviews import Item
from analysis.study import modules

if TYPE_CHECKING:
    from analysis.disclosure.gate import Finding
    from analysis.run.versions import Version

QUESTIONS = Path(__file__).with_name("checklist.yml")
WORDS = {"stop": "Stop", "warn": "Caution", "note": "Note"}
NOT_RECORDED = "Not recorded by this version."
DIAGNOSTICS = "Diagnostics"


@dataclass(frozen=True)
class Told:
    """What is known about a version: its results and manifest, what disclosure control found and what it looked at,
    whether this machine ran it, and the tables that its page shows."""

    results: Mapping[str, Any]
    manifest: Mapping[str, Any]
    findings: tuple[Finding, ...]
    scope: tuple[str, ...]
    ran_here: bool
    tables: Mapping[str, Mapping[str, Any]]

    @property
    def headline(self) -> Mapping[str, Any]:
        """The number behind the answer: the first that is published."""
        first: Mapping[str, Any] = self.results["numbers"][0]
        return first


def items(
    version: Version, findings: Iterable[Finding], scope: Iterable[str], ran_here: bool, answers: Mapping[str, str]
) -> list[Item]:
    """The checklist of `version`, with `answers` (by item) where they are known already.

    `findings` and `scope`: what disclosure control found, and what it looked at; `ran_here`: whether it ran on this
    machine.
    """
    told = Told(version.results(), version.manifest, tuple(findings), tuple(scope), ran_here, shown_tables.of(version))
    shown, family = facts(told), _family(told)
    asked: list[Item] = []
    for part in _questions()["parts"]:
        if part["title"] == DIAGNOSTICS:
            asked += [_stop(check) for check in told.results["checks"] if check["severity"] == "stop"]
            asked += [_about_checks(question, told) for question in family]
        asked += [_item(part["title"], question, shown) for question in part["items"]]
    return [item.model_copy(update={"answer": answers.get(item.id, "")}) for item in asked]


def unanswered(checklist: Iterable[Item]) -> list[str]:
    """The ids of the questions that have no answer yet."""
    return [item.id for item in checklist if not item.answer]


def still_open(checklist: Sequence[Item]) -> str:
    """How many questions have no answer, and which is the first of them, in words."""
    missing = unanswered(checklist)
    verb = "has" if len(missing) == 1 else "have"
    return f"{len(missing)} of {len(checklist)} questions {verb} no answer, the first is {missing[0]}"


@functools.cache
def _questions() -> dict[str, Any]:
    return strict_yaml.read(QUESTIONS, "checklist.yml")


def _family(told: Told) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _questions()["families"].get(told.manifest.get("notebook"), [])
    return found


def _item(part: str, question: Mapping[str, Any], shown: Mapping[str, list[str]]) -> Item:
    lines = [line for name in question["shows"] for line in shown[name]]
    return _made(question["id"], part, question["ask"], lines)


def _made(name: str, part: str, ask: str, lines: Iterable[str], **more: Any) -> Item:
    found = [plain(line) for line in lines if line]
    return Item(id=plain(name), part=part, ask=plain(ask), found=found, **more)


def _stop(check: Mapping[str, Any]) -> Item:
    ask = "This check says stop. Why may the report be used all the same, or what has to change first?"
    return _made(f"stop-{check['name']}", DIAGNOSTICS, ask, [_finding(check)], severity="stop")


def _about_checks(question: Mapping[str, Any], told: Told) -> Item:
    found = {check["name"]: check for check in told.results["checks"]}
    lines = [_finding(found[name]) for name in question["checks"] if name in found]
    missing = [name for name in question["checks"] if name not in found]
    return _made(question["id"], DIAGNOSTICS, question["ask"], [*lines, _listed("Not reported: ", missing)])


def _finding(check: Mapping[str, Any]) -> str:
    return f"{WORDS[check['severity']]}, {_name(check['name'])}: {check['finding']} {check['advice']}"


def _name(name: str) -> str:
    return name.replace("_", " ")


def _listed(lead: str, names: Iterable[str]) -> str:
    words = ", ".join(_name(name) for name in names)
    return f"{lead}{words}." if words else ""


def facts(told: Told) -> dict[str, list[str]]:
    """The facts that a question can ask to see, as sentences, by name."""
    return {**_asked(told), **_table(told), **_estimate(told), **_checked(told), **_made_with(told)}


def _asked(told: Told) -> dict[str, list[str]]:
    answer, chosen = told.results["answer"], told.manifest["parameters"]
    strength = answer["strength"]
    return {
        "question": [f"Question: {told.results['question']}"],
        "decision": _given("Decision: {}", chosen.get("decision")),
        "intervention": _given("Policy: {}", chosen.get("intervention")),
        "worthwhile": [_worthwhile(told)],
        "sentence": [answer["sentence"]],
        "strength": [
            f"Strength of evidence: {strength['word']}, step {strength['step']} of 3: {strength['reason'].rstrip('.')}."
        ],
        "chance": [answer["chance"]],
        "recommendation": [f"Recommendation: {answer['recommendation']}"],
        "overturn": [f"What could overturn it: {answer['overturn']}"],
        "caveat": [f"Main caveat: {answer['caveat']}"],
    }


def _worthwhile(told: Told) -> str:
    """The smallest effect that matters, in the direction that is better; in logs a fall and a rise differ in size."""
    least, better = told.manifest["parameters"].get("worthwhile"), told.manifest["parameters"].get("better")
    if not least:
        return NOT_RECORDED
    unit = display.Unit(told.headline["unit"])
    fall, rise = (f"{word} of at least {unit.size(least, sign)}" for word, sign in (("fall", -1), ("rise", 1)))
    if better in ("lower", "higher"):
        return f"A {fall if better == 'lower' else rise} matters."
    return f"A {fall}, or a {rise}, matters."


def _given(words: str, value: Any) -> list[str]:
    return [words.format(value) if value else NOT_RECORDED]


def _table(told: Told) -> dict[str, list[str]]:
    chosen, tables = told.manifest["parameters"], told.manifest.get("tables") or {}
    files = [f"Data: {name}, sha256 {checksum}." for name, checksum in sorted(told.manifest.get("data", {}).items())]
    rows = [f"{name}: {table['rows']:,} rows, {len(table['columns'])} columns." for name, table in tables.items()]
    used = told.headline["n"]
    filters = chosen.get("where") or []
    window = [f"{name} {chosen[name]}" for name in ("since", "until") if chosen.get(name) is not None]
    return {
        "data": files or [NOT_RECORDED],
        "synthetic": ["These data are made up." if told.manifest.get("synthetic") else ""],
        "outcome": _given(f"Outcome: {{}}, in {told.headline['unit'] or 'its own unit'}.", chosen.get("outcome")),
        "rows": [
            *rows,
            *shown_tables.flow(told.tables),
            f"The answer rests on n = {used:,}." if used is not None else NOT_RECORDED,
        ],
        "quality": shown_tables.quality(told.tables) or [NOT_RECORDED],
        "filters": [_listed("Kept only: ", [*filters, *window]) or "No row was left out by a filter."],
        "covariates": [_listed("Control variables: ", chosen.get("covariates") or []) or "There are none."],
    }


def _estimate(told: Told) -> dict[str, list[str]]:
    number = told.headline
    numbers = told.results["numbers"]
    ends = [n for n in numbers if n["low"] is not None and n["high"] is not None]
    clear = sum(not n["low"] <= 0 <= n["high"] for n in ends)
    counted = [f"{name}: {number[key]}." for key, name in COUNTS.items() if number.get(key) is not None]
    return {
        "estimand": [f"Estimated is the {number['estimand']}."],
        "method": [f"Method: {number['method']}."],
        "assumptions": [f"Assumed: {a}" for a in dict.fromkeys(c["assumption"] for c in told.results["checks"])],
        "interval": [f"Answer: {told.results['answer']['headline']['text']}"],
        "inference": [f"Interval: {number['inference']}." if number.get("inference") else NOT_RECORDED],
        "clusters": counted or ["No clusters are named."],
        "count": [f"{len(numbers)} numbers are published; {clear} of {len(ends)} intervals leave out zero."],
    }


COUNTS = {"n": "Rows", "clusters": "Clusters", "treated_clusters": "Treated clusters"}


def _checked(told: Told) -> dict[str, list[str]]:
    placed = {name for question in _family(told) for name in question["checks"]}
    checks = [c for c in told.results["checks"] if c["severity"] != "stop"]
    run = {c["name"] for c in told.results["checks"]}
    known = modules("checks", told.manifest["notebook"]) if _family(told) else []
    missing = _listed("Not asked for: ", (name for name in known if name not in run))
    found = [f"{f.id}: {f.where}: {f.finding}. Fix: {f.fix}" for f in told.findings]
    return {
        "not_run": [missing or "Every check of this family was run."],
        "other_findings": [_finding(c) for c in checks if c["name"] not in placed] or ["There is none."],
        "disclosure": [*(found or ["The disclosure check found nothing."]), *told.scope],
    }


def _made_with(told: Told) -> dict[str, list[str]]:
    here = "This machine has run it and saw the published numbers." if told.ran_here else "Not run on this machine yet."
    lines = [f"{page.day(v['date'])}: {v['agree']} of {v['of']} numbers agree." for v in told.manifest["verified"]]
    commit = told.manifest.get("commit") or {}
    dirty = ", with changes that were not committed" if commit.get("dirty") else ""
    return {
        "plan": _plan(told.manifest.get("plan")),
        "reproduction": [here, *lines],
        "code": [f"Code: commit {commit['head']}{dirty}." if commit.get("head") else "The commit is not recorded."],
        "changes": [told.manifest["changed"]["sentence"]],
    }


def _plan(plan: Mapping[str, Any] | None) -> list[str]:
    if plan is None:
        return ["No plan was frozen for this study, so everything here is exploratory."]
    shown = "; results on this outcome were public by then" if plan.get("results_public") else ""
    lines = [f"Plan {plan['version']}, registered on {page.day(plan['registered'])}{shown}."]
    for change in plan["deviations"]:
        why = (change.get("reason") or "no reason is given").rstrip(".")
        before, after = planned.shown(change["planned"]), planned.shown(change["done"])
        lines.append(f"Deviation, {_name(change['field'])}: planned {before}, done {after}; {why}.")
    lines += [_listed(f"Not planned, {group['kind']}: ", map(str, group["items"])) for group in plan["exploratory"]]
    return lines if plan["deviations"] else [*lines, "There is no deviation from it."]
