"""The record of a version's review: a checklist to answer, and a chain of events that nobody can edit unnoticed.

`reports/<study>/reviews/<version>.yml` holds the checklist with its answers, a reason for every disclosure finding
(both written by people), and the events. An event names who, when (UTC), what, the content it is about and a note; its
hash covers these and the hash of the event before. The manifest of the version repeats the last hash, so that events
that were taken away are noticed as well. Events about another content than the version now has do not count: a
decision lapses when the key or a published file changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis import paths, strict_yaml
from analysis.refusal import Refusal
from analysis.report import page, status
from analysis.run import files, record_text, versions
from analysis.run.identity import canonical
from analysis.run.versions import Version

What = Literal["opened", "changes_requested", "approved", "released", "withdrawn"]
FOLDER = "reviews"
FIRST = "0" * 64
NO_COMMIT = "Which commit it was made from is not recorded."


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Item(_Strict):
    """One question of the checklist: what the report says about it, and the reviewer's answer.

    `severity` is that of the check it is about, if it is about one. Every question needs an answer before approval.
    """

    id: str
    part: str
    ask: str
    found: list[str]
    severity: Literal["", "stop"] = ""
    answer: str | None = ""


class Event(_Strict):
    """What somebody did: `content` says to which content, `answers` and `reasons` what was written by then.

    `answered` is how much of the checklist had an answer, in words.
    """

    what: What
    when: str
    by: str
    note: str
    key: str
    content: str
    answered: str
    answers: str
    reasons: str
    hash: str = ""


class _Written(_Strict):
    study: str
    version: str
    checklist: list[Item]
    reasons: dict[str, str | None]
    events: list[Event]


@dataclass(frozen=True)
class Record:
    """A read and verified record."""

    study: str
    version: str
    checklist: tuple[Item, ...]
    reasons: Mapping[str, str]
    events: tuple[Event, ...]

    @property
    def answers(self) -> str:
        """The checksum of the questions with their answers, whatever stands beside them."""
        return _digest([[item.id, item.ask, item.answer] for item in self.checklist])

    @property
    def why(self) -> str:
        """The checksum of the reasons."""
        return _digest(dict(self.reasons))

    def with_event(self, what: What, version: Version, on: str, by: str, note: str) -> Record:
        """This record with one event more, about the content that `version` has now."""
        event = Event(
            what=what,
            when=on,
            by=by,
            note=note,
            key=version.manifest["key"],
            content=content(version),
            answered=f"{sum(bool(item.answer) for item in self.checklist)} of {len(self.checklist)}",
            answers=self.answers,
            reasons=self.why,
        )
        before = self.events[-1].hash if self.events else FIRST
        return replace(self, events=(*self.events, event.model_copy(update={"hash": self._hash(event, before)})))

    def _hash(self, event: Event, before: str) -> str:
        told = event.model_dump(exclude={"hash"})
        return _digest({"study": self.study, "version": self.version, "before": before, "event": told})

    def broken(self) -> int | None:
        """The number (from 1) of the first event that is not the one that was written; None when all are."""
        before = FIRST
        for number, event in enumerate(self.events, start=1):
            if event.hash != self._hash(event, before):
                return number
            before = event.hash
        return None


def path_of(version: Version) -> Path:
    """Where the record of `version` is kept."""
    return version.folder.parent / FOLDER / f"{version.folder.name}.yml"


def content(version: Version) -> str:
    """The checksum of what a decision is about: key, results, notebook, and the page apart from its state."""
    held = {name: version.manifest["files"].get(name, "") for name in (versions.RESULTS, versions.NOTEBOOK)}
    neutral = stating(version, {"state": "draft"})
    return _digest({"key": version.manifest["key"], **held, "page": hashlib.sha256(neutral.encode()).hexdigest()})


def stating(version: Version, told: Mapping[str, Any]) -> str:
    """The page of `version` with `told` as its state. Raises Refusal R332 for a page without a line for it."""
    page_now = (version.folder / versions.REPORT).read_text(encoding="utf-8")
    return status.replaced(page_now, told, version.report, status.again(version.manifest))


def read(version: Version) -> Record | None:
    """The verified record of `version`; None when no review was ever opened.

    Raises Refusal: R304 for what is not YAML, R331 for a record that was edited where nobody may, or lost.
    """
    path, known = path_of(version), (version.manifest.get("status") or {}).get("record")
    if not path.is_file():
        if known:
            raise _tampered(path, "the record is gone although the version is past draft")
        return None
    record = _parsed(path)
    if (record.study, record.version) != (version.folder.parent.name, version.folder.name):
        raise _tampered(path, f"the record is about {record.study}/{record.version}")
    broken = record.broken()
    if broken is not None:
        raise _tampered(path, f"event {broken} is not the one that was written")
    if known and known not in {event.hash for event in record.events}:
        raise _tampered(path, "events that the version's manifest knows are gone")
    return record


def _parsed(path: Path) -> Record:
    shown = paths.shown(path)
    try:
        found = _Written.model_validate(strict_yaml.read(path, shown))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        fix = "write text between the quotes and leave everything else as it was"
        raise Refusal("R331", f"{shown}:{where}", first["msg"][:1].lower() + first["msg"][1:], fix) from None
    reasons = {name: (text or "").strip() for name, text in found.reasons.items()}
    items = tuple(item.model_copy(update={"answer": (item.answer or "").strip()}) for item in found.checklist)
    return Record(found.study, found.version, items, reasons, tuple(found.events))


def _tampered(path: Path, problem: str) -> Refusal:
    shown = paths.shown(path)
    return Refusal("R331", shown, problem, f"restore it: git checkout -- {shown}")


def write(version: Version, record: Record, notes: Mapping[str, str]) -> None:
    """Write `record` in one step; `notes` says above each reason which finding it is about."""
    told = {
        "study": record.study,
        "version": record.version,
        "checklist": [item.model_dump() for item in record.checklist],
        "reasons": dict(record.reasons),
        "events": [event.model_dump() for event in record.events],
    }
    files.replace(path_of(version), record_text.text(told, notes))


def counting(version: Version, record: Record | None) -> list[Event]:
    """The events that are about the content that `version` has now, oldest first."""
    if record is None or not record.events:
        return []
    key, now = version.manifest["key"], content(version)
    return [event for event in record.events if (event.key, event.content) == (key, now)]


def state(events: Sequence[Event]) -> str:
    """`draft`, `in_review`, `released` or `withdrawn` after these events."""
    done = {event.what for event in events}
    return next((name for name in ("withdrawn", "released") if name in done), "in_review" if events else "draft")


def decisions(events: Sequence[Event]) -> dict[str, Event]:
    """The last decision of every reviewer, by the name without regard to capitals and spaces."""
    return {same(e.by): e for e in events if e.what in ("approved", "changes_requested")}


def same(name: str) -> str:
    """What two spellings of one person's name have in common."""
    return "".join(name.casefold().split())


def status_of(version: Version) -> dict[str, Any]:
    """What the manifest of `version` says under `status`, from its record: state, sentence, by, on, note, key, record.

    Raises Refusal as `read` does.
    """
    record = read(version)
    return status_from(version, record)


def status_from(version: Version, record: Record | None) -> dict[str, Any]:
    """`status_of` with the `record` in hand."""
    events = counting(version, record)
    pointer = {"record": record.events[-1].hash} if record is not None and record.events else {}
    if not events:
        return {"state": "draft", **pointer}
    last = events[-1]
    return {
        "state": state(events),
        "sentence": _sentence(events, version.manifest),
        "by": last.by,
        "on": last.when,
        "note": last.note,
        "key": last.key,
        **pointer,
    }


def _sentence(events: Sequence[Event], manifest: Mapping[str, Any]) -> str:
    last = events[-1]
    if last.what == "withdrawn":
        return f"{_said('By', last)} Do not use its numbers."
    approved = [_approved(event) for event in decisions(events).values() if event.what == "approved"]
    if last.what == "released":
        asked = f"By {last.by} on {page.day(last.when)}. What was asked for: {_stopped(last.note)}"
        unknown = [NO_COMMIT] * ((manifest.get("commit") or {}).get("head") is None)
        return " ".join([asked, *approved, *unknown])
    asked_for = [_said("Changes requested by", e) for e in decisions(events).values() if e.what == "changes_requested"]
    if asked_for:
        return " ".join(asked_for)
    if approved:
        return " ".join([*approved, "Not released yet."])
    return f"Opened for review on {page.day(last.when)}; nobody has decided yet."


def _said(what: str, event: Event) -> str:
    return f"{what} {event.by} on {page.day(event.when)}: {_stopped(event.note)}"


def _approved(event: Event) -> str:
    return f"{_said('Approved by', event)} Questions of the checklist answered: {event.answered}."


def _stopped(text: str) -> str:
    return text if text[-1:] in (".", "!", "?") else f"{text}."


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical({"value": value})).hexdigest()
