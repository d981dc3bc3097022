"""What the catalogue, the feed and the table of results know about each published version, read and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from analysis import paths
from analysis.refusal import Refusal
from analysis.report import page, status

FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{12}")
APART = {"plans", "reviews"}
FIX = "restore the version folder from the repository, or remove it and run `make report` again"


@dataclass(frozen=True)
class Standing:
    """How a study's latest version stands beside the files of today.

    `moved`: the parts of its identity that differ now; `covered`: the day on which its numbers were verified with
    exactly these files, if they were.
    """

    moved: tuple[str, ...]
    covered: str | None = None

    @property
    def line(self) -> str:
        """What a reader should know, in one line; empty for a version that is up to date."""
        if not self.moved:
            return ""
        kinds = [word for part, word in (("data", "data"), ("parameters", "choices")) if part in self.moved]
        kinds += ["code"] * bool(set(self.moved) - {"data", "parameters"})
        verified = f"; verified on {page.day(self.covered)}, every number agrees" if self.covered else ""
        return f"Inputs are newer than this version: {', '.join(kinds)}{verified}."


@dataclass(frozen=True)
class Entry:
    """One published version, as the catalogue shows it."""

    study: str
    version: str
    created: str
    question: str
    answer: dict[str, Any]
    notebook: str = ""
    synthetic: bool = False
    masked: bool = False
    topic: str = ""
    key: str = ""
    variant_of: str = ""
    recorded: Mapping[str, Any] = field(default_factory=dict)

    @property
    def order(self) -> tuple[str, str]:
        """Oldest first: by time of making, then by name."""
        return (self.created, self.version)

    @property
    def headline(self) -> str:
        """The estimate and its interval in words."""
        return str(self.answer["headline"]["text"])

    @property
    def link(self) -> str:
        """The report's address, relative to the catalogue."""
        return f"{quote(self.study)}/{quote(self.version)}/report.html"

    @property
    def review(self) -> str:
        """The address of its review, relative to the catalogue; empty without one."""
        return f"{quote(self.study)}/reviews/{quote(self.version)}.html" if self.recorded.get("record") else ""

    @property
    def base(self) -> str:
        """The study that this one is a variant of; itself where it is none."""
        return self.variant_of or self.study.partition("--")[0]

    @property
    def status(self) -> dict[str, Any]:
        """State, its word and a sentence; a version without one is a draft."""
        return status.view({"status": self.recorded})

    @property
    def state(self) -> str:
        """`draft`, `in_review`, `released` or `withdrawn`."""
        return str(self.status["state"])

    @property
    def updated(self) -> str:
        """When the version was made or its state last changed."""
        return max(self.created, str(self.recorded.get("on") or self.created), key=datetime.fromisoformat)


@dataclass(frozen=True)
class Shelf:
    """A study with its versions from new to old, and the latest version of each of its variants and sweeps."""

    versions: Sequence[Entry]
    variants: Sequence[Entry] = ()
    standing: Standing | None = None

    @property
    def latest(self) -> Entry:
        """The latest version."""
        return self.versions[0]

    @property
    def released(self) -> Entry | None:
        """The latest released version."""
        return next((entry for entry in self.versions if entry.state == "released"), None)


def shelves(entries: Sequence[Entry], standings: Mapping[str, Standing]) -> list[Shelf]:
    """Studies by name; variants (`<study>--<words>`) and sweeps stand with their study where it is published itself."""
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.order, reverse=True):
        found.setdefault(entry.study, []).append(entry)
    variants = {name: own for name, own in found.items() if own[0].base != name and own[0].base in found}
    return [
        Shelf(
            found[name],
            [variants[other][0] for other in sorted(variants) if variants[other][0].base == name],
            standings.get(name),
        )
        for name in sorted(found)
        if name not in variants
    ]


def read(folder: Path) -> list[Entry]:
    """Every published version under `folder`; names that start with a dot are work in progress and not looked at.

    Raises Refusal R312 for a version folder that is damaged or half written.
    """
    studies = _folders(folder) if folder.is_dir() else []
    return [_entry(version) for study in studies for version in _folders(study) if version.name not in APART]


def _folders(parent: Path) -> list[Path]:
    return sorted(child for child in parent.iterdir() if child.is_dir() and not child.name.startswith("."))


def _entry(folder: Path) -> Entry:
    if not FOLDER.fullmatch(folder.name):
        raise Refusal("R312", paths.shown(folder), "not the name of a version (date and 12 hex digits)", FIX)
    if not (folder / "report.html").is_file():
        raise Refusal("R312", paths.shown(folder / "report.html"), "the file is missing", FIX)
    results, manifest, file = _json(folder / "results.json"), _json(folder / "manifest.json"), folder / "manifest.json"
    study, created = _text(manifest, file, "study"), _text(manifest, file, "created")
    if study != folder.parent.name:
        raise Refusal("R312", paths.shown(file), f"it names the study {study!r}", FIX)
    _checked_date(created, file, "created")
    answer = _checked_answer(results.get("answer"), folder / "results.json")
    question = str(answer.get("question") or _text(results, folder / "results.json", "question"))
    return Entry(
        study,
        folder.name,
        created,
        question,
        answer,
        notebook=str(manifest.get("notebook") or ""),
        synthetic=bool(manifest.get("synthetic")),
        masked=bool((manifest.get("parameters") or {}).get("masked")),
        topic=str(manifest.get("topic") or ""),
        key=str(manifest.get("key") or folder.name),
        variant_of=_base(manifest),
        recorded=_checked_status(manifest.get("status") or {"state": "draft"}, file),
    )


def _base(manifest: Mapping[str, Any]) -> str:
    """The study that a variant or a sweep belongs to; empty for any other."""
    made = manifest.get("parameters") or {}
    return str((manifest.get("variant") or {}).get("base") or (made.get("study") if "sweep" in made else "") or "")


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise Refusal("R312", paths.shown(file), "the file is missing", FIX) from None
    except (ValueError, UnicodeDecodeError):
        raise Refusal("R312", paths.shown(file), "not readable as JSON", FIX) from None
    if not isinstance(found, dict):
        raise Refusal("R312", paths.shown(file), "not a JSON object", FIX)
    return found


def _text(found: dict[str, Any], file: Path, name: str) -> str:
    if not isinstance(found.get(name), str):
        raise Refusal("R312", f"{paths.shown(file)}:{name}", "missing or not text", FIX)
    return str(found[name])


def _checked_date(text: str, file: Path, name: str) -> None:
    try:
        page.day(text)
    except ValueError:
        raise Refusal("R312", f"{paths.shown(file)}:{name}", f"not a time: {text!r}", FIX) from None


def _checked_status(recorded: Any, file: Path) -> dict[str, Any]:
    if not isinstance(recorded, dict) or recorded.get("state") not in status.WORDS:
        fix = f"write one of {', '.join(status.WORDS)}, or restore the file"
        raise Refusal("R312", f"{paths.shown(file)}:status", "no known state", fix)
    if recorded.get("on"):
        _checked_date(str(recorded["on"]), file, "status.on")
    return recorded


def _checked_answer(answer: Any, file: Path) -> dict[str, Any]:
    where = f"{paths.shown(file)}:answer"
    if not isinstance(answer, dict):
        raise Refusal("R312", where, "missing", FIX)
    strength, headline = answer.get("strength"), answer.get("headline")
    if not isinstance(strength, dict) or strength.get("step") not in (1, 2, 3) or not strength.get("word"):
        raise Refusal("R312", f"{where}.strength", "no word, or no step from 1 to 3", FIX)
    if not isinstance(headline, dict) or not isinstance(headline.get("text"), str):
        raise Refusal("R312", f"{where}.headline", "no text", FIX)
    for name in ("value", "low", "high"):
        number = headline.get(name)
        if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
            raise Refusal("R312", f"{where}.headline.{name}", f"not a number: {number!r}", FIX)
    return answer
