"""The catalogue: one page that lists every study with its latest answer and all its published versions."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from analysis import paths
from analysis.refusal import Refusal
from analysis.report import markup, page

FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{12}")
WIDTH, MARGIN = 240, 10
FIX = "restore the version folder from the repository, or remove it and run `make report` again"


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


def write(folder: Path | None = None) -> Path:
    """Write `index.html` in `folder` (the project's reports) in one atomic step and return its path.

    Raises Refusal R312 for a version folder that is damaged or half written; the old page then stays.
    """
    folder = folder or paths.REPORTS
    text = render(read(folder))
    target, fresh = folder / "index.html", folder / f".index-{os.getpid()}.html"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with fresh.open("w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
    return target


def read(folder: Path) -> list[Entry]:
    """Every published version under `folder`; names that start with a dot are work in progress and not looked at."""
    studies = _folders(folder) if folder.is_dir() else []
    return [_entry(version) for study in studies for version in _folders(study)]


def _folders(parent: Path) -> list[Path]:
    return sorted(child for child in parent.iterdir() if child.is_dir() and not child.name.startswith("."))


def _entry(folder: Path) -> Entry:
    if not FOLDER.fullmatch(folder.name):
        raise Refusal("R312", paths.shown(folder), "not the name of a version (date and 12 hex digits)", FIX)
    if not (folder / "report.html").is_file():
        raise Refusal("R312", paths.shown(folder / "report.html"), "the file is missing", FIX)
    results, manifest = _json(folder / "results.json"), _json(folder / "manifest.json")
    study, created = (
        _text(manifest, folder / "manifest.json", "study"),
        _text(manifest, folder / "manifest.json", "created"),
    )
    if study != folder.parent.name:
        raise Refusal("R312", paths.shown(folder / "manifest.json"), f"it names the study {study!r}", FIX)
    _checked_date(created, folder / "manifest.json")
    answer = _checked_answer(results.get("answer"), folder / "results.json")
    question = str(answer.get("question") or _text(results, folder / "results.json", "question"))
    return Entry(
        study,
        folder.name,
        created,
        question,
        answer,
        str(manifest.get("notebook") or ""),
        bool(manifest.get("synthetic")),
    )


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


def _checked_date(created: str, file: Path) -> None:
    try:
        page.day(created)
    except ValueError:
        raise Refusal("R312", f"{paths.shown(file)}:created", f"not a time: {created!r}", FIX) from None


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


def render(entries: Iterable[Entry]) -> str:
    """The catalogue of `entries` as one HTML page, studies by name, each with its versions from new to old."""
    from jinja2 import Environment, FileSystemLoader

    ordered = sorted(entries, key=lambda entry: entry.study)
    studies = [
        sorted(group, key=lambda entry: entry.order, reverse=True)
        for _, group in groupby(ordered, key=lambda entry: entry.study)
    ]
    style = page.stylesheet("catalogue.css", running="Policy evaluations")
    loader = FileSystemLoader(page.TEMPLATES / page.NAME)
    template = Environment(loader=loader, autoescape=True).get_template("catalogue.html.j2")
    return template.render(
        studies=studies,
        style=style,
        policy=markup.policy(style),
        day=page.day,
        name=page.study_name,
        interval=interval,
    )


def interval(headline: dict[str, Any]) -> dict[str, float]:
    """Where the small chart of a headline puts `zero`, `value`, `low` and `high`, on a scale of its own.

    In SVG units, zero always in the middle so that directions compare; a number that is missing or not finite has no
    place. Rounded so that every machine writes the same.
    """
    known = {name: float(headline[name]) for name in ("value", "low", "high") if headline.get(name) is not None}
    marks = {"zero": 0.0} | {name: number for name, number in known.items() if math.isfinite(number)}
    reach = max(abs(number) for number in marks.values()) or 1.0
    half = WIDTH / 2
    return {name: round(half + (half - MARGIN) * (number / reach), 1) for name, number in marks.items()}
