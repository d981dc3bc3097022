"""From draft to review to release or withdrawal: the only steps that are allowed, each refused in one line otherwise.

    draft      -> in review   open_review: writes the checklist
    in review  -> in review   decide: a named person approves, or requests changes
    in review  -> released    release: somebody else, once nothing is missing
    any of the three -> withdrawn   withdraw: keeps the version, marks it everywhere

The content of a version never changes. A step writes the record first, then the line of state in the page, then the
manifest, each in one step; one that was killed in between is completed by the next.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from analysis import paths
from analysis.refusal import Refusal
from analysis.report import review, status
from analysis.run import checklist, export, files, index, reviews, state, versions
from analysis.run.record_text import CONTROL
from analysis.run.reviews import Event, Record
from analysis.run.versions import Version
from analysis.study import did_you_mean

if TYPE_CHECKING:
    from analysis.disclosure.gate import Finding

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
Decision = Literal["approve", "request_changes"]
_WHAT: dict[Decision, reviews.What] = {"approve": "approved", "request_changes": "changes_requested"}
_LONGEST = {"BY": 80, "NOTE": 1000}


@dataclass(frozen=True)
class Step:
    """A step that was taken: what it came to, and the files to look at."""

    sentence: str
    files: tuple[str, ...]


def find(study: str, name: str | None = None) -> Version:
    """The version of `study` that `name` means: its folder's name, or the beginning of its key; the latest without one.

    Raises Refusal R303 when there is none, or several.
    """
    published = versions.of(study) if NAME.fullmatch(study) else []
    if not published:
        known = [version.folder.parent.name for version in versions.latest_of_all()]
        raise Refusal("R303", f"STUDY={study}", "this study has no published version", did_you_mean(study, known))
    if name is None:
        return published[-1]
    meant = [v for v in published if v.folder.name == name or (len(name) > 5 and v.manifest["key"].startswith(name))]
    if len(meant) != 1:
        fix = f"use one of {', '.join(version.folder.name for version in published)}"
        raise Refusal("R303", f"VERSION={name}", f"{len(meant)} versions of {study} have this name", fix)
    return meant[0]


def open_review(study: str, name: str | None = None) -> Step:
    """Write or refresh the checklist of a version; a draft is in review from then on. Answers are kept."""
    with state.only_run_of(study):
        version, record = _settled(find(study, name))
        now = _state(version, record)
        if now in ("released", "withdrawn"):
            raise _forbidden(version, f"it is {now}", _new(version))
        _refuse_masked(version)
        _refuse_thinned(version)
        found = _examined(version)
        record = _refreshed(version, record, found)
        if now == "draft":
            record = record.with_event("opened", version, _now(), "", "")
        return _step(version, record, found, "in review")


def decide(study: str, decision: Decision, by: str, note: str, name: str | None = None) -> Step:
    """Record that `by` approves the exact content of a version in review, or requests changes to it."""
    by, note = _said("BY", by), _said("NOTE", note)
    with state.only_run_of(study):
        version, before = _in_review(_meant(study, name))
        found = _examined(version)
        record = _refreshed(version, before, found)
        if decision == "approve":
            _refuse_unanswered(version, before, record)
        record = record.with_event(_WHAT[decision], version, _now(), by, note)
        did = f"{_WHAT[decision].replace('_', ' ')} by {by}"
        return _step(version, record, found, f"{did}; {record.events[-1].answered} questions answered")


def release(study: str, by: str, note: str, name: str | None = None) -> Step:
    """Release an approved version; `note` says what was asked for. Raises Refusal R333 naming everything missing."""
    by, note = _said("BY", by), _said("NOTE", note)
    with state.only_run_of(study):
        version, record = _in_review(_meant(study, name))
        found = _examined(version)
        record = _refreshed(version, record, found)
        missing = [*_not_approved(version, record, by), *_not_in_order(version, record, found)]
        if missing:
            problem = "it cannot be released: " + "; ".join(what for what, _ in missing)
            raise Refusal("R333", version.name, problem, "; ".join(dict.fromkeys(fix for _, fix in missing)))
        return _step(version, record.with_event("released", version, _now(), by, note), found, f"released by {by}")


def withdraw(study: str, by: str, note: str, name: str | None = None) -> Step:
    """Mark a version as withdrawn because of `note`; nothing is deleted."""
    by, note = _said("BY", by), _said("NOTE", note)
    with state.only_run_of(study):
        version, record = _settled(find(study, name))
        _refuse_masked(version)
        if _state(version, record) == "withdrawn":
            raise _forbidden(version, "it is withdrawn already", _new(version))
        record = record or Record(study, version.folder.name, (), {}, ())
        return _step(version, record.with_event("withdrawn", version, _now(), by, note), None, f"withdrawn by {by}")


def _now() -> str:
    return export.now().isoformat(timespec="seconds").replace("+00:00", "Z")


def _said(where: str, text: str) -> str:
    """What a person said on the command line, on one line."""
    if CONTROL.search(text.replace("\n", " ").replace("\t", " ")):
        raise Refusal("R330", where, "it holds a character that cannot be shown", "type it again")
    words = " ".join(text.split())
    if not words:
        fix = 'add BY="Your name"' if where == "BY" else 'add NOTE="why, or what was asked for"'
        raise Refusal("R330", where, "it is empty", fix)
    if len(words) > _LONGEST[where]:
        raise Refusal("R330", where, f"longer than {_LONGEST[where]} characters", "shorten it")
    return words


def _state(version: Version, record: Record | None) -> str:
    return reviews.state(reviews.counting(version, record))


def _new(version: Version) -> str:
    return f"publish a new version ({status.again(version.manifest)}) and review that"


def _forbidden(version: Version, why: str, fix: str) -> Refusal:
    return Refusal("R330", version.name, why, fix)


def _meant(study: str, name: str | None) -> Version:
    """The version that a decision is about: with several in review, a person has to say which."""
    version = find(study, name)
    waiting = [v.folder.name for v in versions.of(study) if _recorded(v) == "in_review"]
    if name is None and len(waiting) > 1:
        fix = f"say which: {' or '.join(f'VERSION={one}' for one in waiting)}"
        raise Refusal("R330", f"STUDY={study}", f"{len(waiting)} versions are in review", fix)
    return version


def _recorded(version: Version) -> str:
    return str((version.manifest.get("status") or {}).get("state", "draft"))


def _in_review(version: Version) -> tuple[Version, Record]:
    version, record = _settled(version)
    _refuse_masked(version)
    now = _state(version, record)
    study = version.folder.parent.name
    if record is None or now == "draft":
        lapsed = "; what was decided before was about another content" if record and record.events else ""
        raise _forbidden(version, f"no review of it is open{lapsed}", f"open one: make review STUDY={study}")
    if now != "in_review":
        raise _forbidden(version, f"it is {now}", _new(version))
    return version, record


def _refuse_masked(version: Version) -> None:
    if version.manifest["parameters"].get("masked"):
        fix = "set `masked: false`, publish, and review that version"
        raise _forbidden(version, "its outcomes are masked, so it stays a draft for good", fix)


def _refuse_thinned(version: Version) -> None:
    if not (version.folder / versions.NOTEBOOK).is_file():
        problem = "its notebook was not kept when a later version replaced it"
        raise _forbidden(version, problem, "review the latest version")


def _settled(version: Version) -> tuple[Version, Record | None]:
    """`version` and its record, after completing a step that was killed. Raises Refusal when a file was changed."""
    record = reviews.read(version)
    shown = version.manifest.get("status") or {"state": "draft"}
    due = reviews.status_from(version, record)
    if any(shown.get(name) != due.get(name) for name in ("state", "record")):
        text = reviews.stating(version, shown)
        if hashlib.sha256(text.encode()).hexdigest() == version.manifest["files"][versions.REPORT]:
            version = _showing(version, due)
    version.refuse_if_changed()
    return version, record


def _showing(version: Version, due: Mapping[str, object]) -> Version:
    """`version` with `due` as its status, in the page and in the manifest."""
    page = version.folder / versions.REPORT
    text = reviews.stating(version, due)
    digest = hashlib.sha256(text.encode()).hexdigest()
    manifest = {
        **version.manifest,
        "status": dict(due),
        "files": {**version.manifest["files"], versions.REPORT: digest},
    }
    files.replace(page, text)
    files.replace(version.folder / versions.MANIFEST, files.as_json(manifest))
    return Version(version.folder, manifest)


def _examined(version: Version) -> list[Finding]:
    """What disclosure control finds in `version`, also beside what can be read of the same study already."""
    from analysis.disclosure import gate

    return gate.examine(version.folder, gate.earlier_of(version.folder), gate.default())


def _ran_here(version: Version) -> bool:
    keys = [version.manifest["key"], *(line["key"] for line in version.manifest["verified"])]
    return any(state.verified_here(version, key) for key in keys)


def _refreshed(version: Version, record: Record | None, found: Iterable[Finding]) -> Record:
    """The record with the checklist as it reads today; answers and reasons are kept, also to what is asked no more."""
    from analysis.disclosure import gate

    if record is None:
        record = Record(version.folder.parent.name, version.folder.name, (), {}, ())
    answers = {item.id: item.answer or "" for item in record.checklist}
    fresh = checklist.items(version, found, gate.scope(version.folder), _ran_here(version), answers)
    asked = {item.id for item in fresh}
    kept = [item for item in record.checklist if item.answer and item.id not in asked]
    reasons = {finding.id: record.reasons.get(finding.id, "") for finding in found}
    reasons |= {name: why for name, why in record.reasons.items() if why and name not in reasons}
    return replace(record, checklist=(*fresh, *kept), reasons=reasons)


def _refuse_unanswered(version: Version, before: Record, record: Record) -> None:
    """Nobody approves what was not looked at: each question needs an answer, the first without one is named."""
    missing = checklist.unanswered(record.checklist)
    if not missing:
        return
    where = f"{paths.shown(reviews.path_of(version))}:{missing[0]}"
    fix = "write your answers after `answer:` in this file, between the quotes, and approve again"
    if not set(missing) <= {item.id for item in before.checklist}:
        fix = f"make review STUDY={version.folder.parent.name} (it adds the questions that are new), then {fix}"
    problem = f"{checklist.still_open(record.checklist)}; an approval answers all of them"
    raise Refusal("R330", where, problem, fix)


def _not_approved(version: Version, record: Record, by: str) -> list[tuple[str, str]]:
    study = version.folder.parent.name
    ask = f'somebody else reviews it: make review STUDY={study} DECISION=approve BY="..." NOTE="..."'
    last: list[Event] = list(reviews.decisions(reviews.counting(version, record)).values())
    against = [e.by for e in last if e.what == "changes_requested"]
    for_it = [e for e in last if e.what == "approved" and reviews.same(e.by) != reviews.same(by)]
    if against:
        who = " and ".join(against)
        return [(f"{who} requested changes", f"{_new(version)}, or {who} approves this one")]
    if not for_it:
        return [(f"nobody but {by} approved it, and a releaser cannot approve" if last else "nobody approved it", ask)]
    if all(event.answers != record.answers for event in for_it):
        return [("the answers were changed after the approval", ask)]
    return []


def _not_in_order(version: Version, record: Record, found: Sequence[Finding]) -> list[tuple[str, str]]:
    kept = paths.shown(reviews.path_of(version))
    missing = []
    if checklist.unanswered(record.checklist):
        missing.append((checklist.still_open(record.checklist), f"write your answers in {kept}"))
    if bare := [finding.id for finding in found if not record.reasons.get(finding.id)]:
        named = ", ".join(bare[:3]) + (f" and {len(bare) - 3} more" if len(bare) > 3 else "")
        missing.append((f"no reason for disclosure finding {named}", f"repair it, or write a reason in {kept}"))
    if (version.manifest.get("commit") or {}).get("dirty"):
        again = (
            f"commit them, remove {paths.shown(version.folder)}, then {status.again(version.manifest)} and review that"
        )
        missing.append(("made from files that were not committed", again))
    if not _ran_here(version):
        missing.append(("not reproduced on this machine", f"make verify STUDY={version.folder.parent.name}"))
    return missing


def _step(version: Version, record: Record, found: Sequence[Finding] | None, did: str) -> Step:
    """Write record, page, manifest and the reviewer's page, in this order, then the catalogue."""
    notes = {finding.id: f"{finding.where}: {finding.finding}. Fix: {finding.fix}" for finding in found or []}
    reviews.write(version, record, notes)
    version = _showing(version, reviews.status_from(version, record))
    written = reviews.path_of(version)
    page = written.with_suffix(".html")
    files.replace(page, review.render(record, version.manifest, version.results(), paths.shown(written), notes))
    index.write()
    return Step(f"{version.name}: {did}", (paths.shown(written), paths.shown(page), version.report))
