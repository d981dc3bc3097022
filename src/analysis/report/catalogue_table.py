"""The published numbers of every study in one CSV file, for meta-analysis."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from analysis.report import markup
from analysis.report.catalogue_entries import Entry, shelves

ABOUT = (
    "study", "variant_of", "version", "created", "state", "latest", "topic", "family", "design", "dataset", "outcome",
    "better", "synthetic", "exploratory", "question",
)  # fmt: skip
NUMBER = (
    "id", "label", "headline", "estimate", "std_error", "low", "high", "level", "p_value", "n", "clusters",
    "treated_clusters", "unit", "baseline", "method", "inference", "estimand",
)  # fmt: skip
OTHER = re.compile(r"alternative_\d+_(.+)")


def text(entries: Iterable[Entry], folder: Path) -> str:
    """One row a published number, of the latest version of every study and of its latest released one, as CSV text.

    Withdrawn versions and masked outcomes are left out. An empty cell is a number that was not published; `exploratory`
    is `no plan` for a study without one. Numbers at full precision; no cell is run as a formula by a spreadsheet.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*ABOUT, *NUMBER])
    for entry, latest in chosen(entries):
        own = folder / entry.study / entry.version
        results, manifest = _json(own / "results.json"), _json(own / "manifest.json")
        about = _about(entry, latest, manifest)
        for place, number in enumerate(results.get("numbers", [])):
            told = {**number, "headline": _word(place == 0)}
            told["exploratory"] = exploratory(manifest.get("plan"), str(number["id"]))
            writer.writerow([_cell({**about, **told}.get(name)) for name in (*ABOUT, *NUMBER)])
    return markup.safe_csv(out.getvalue())


def chosen(entries: Iterable[Entry]) -> list[tuple[Entry, bool]]:
    """The versions in the table, and whether each is the latest of its study."""
    usable = [entry for entry in entries if entry.state != "withdrawn" and not entry.masked]
    found = []
    for study in sorted({entry.study for entry in usable}):
        (shelf,) = shelves([entry for entry in usable if entry.study == study], {})
        found.append((shelf.latest, True))
        if shelf.released is not None and shelf.released != shelf.latest:
            found.append((shelf.released, False))
    return found


def _about(entry: Entry, latest: bool, manifest: Mapping[str, Any]) -> dict[str, Any]:
    made = manifest.get("parameters") or {}
    return {
        "study": entry.study,
        "variant_of": entry.base if entry.base != entry.study else None,
        "version": entry.version,
        "created": entry.created,
        "state": entry.state,
        "latest": _word(latest),
        "topic": entry.topic,
        "family": entry.notebook,
        "synthetic": _word(entry.synthetic),
        "question": entry.question,
        **{name: made.get(name) for name in ("design", "dataset", "outcome", "better")},
    }


def exploratory(plan: Mapping[str, Any] | None, number: str) -> str:
    """Whether the number with the id `number` was not planned: `yes`, `no`, or `no plan`.

    A headline that departs from the plan makes every number exploratory; so is that of an estimator nobody planned.
    """
    if plan is None:
        return "no plan"
    if plan.get("badge") == "exploratory":
        return "yes"
    kinds = {kind["kind"]: kind["items"] for kind in plan.get("exploratory") or []}
    own = OTHER.match(number)
    return _word(own is not None and any(own[1].startswith(str(name)) for name in kinds.get("estimators", [])))


def _word(yes: bool) -> str:
    return "yes" if yes else "no"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _json(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found
