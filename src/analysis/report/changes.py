"""What changed since the version before, in words: causes first, then what turned, then the numbers that moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report import changes_numbers, markup
from analysis.report.changes_numbers import capital

MOST = 12
LISTED = 8
SEVERITIES = {None: "not made", "note": "note", "warn": "caution", "stop": "stop"}
ANSWER = {
    "question": "Question",
    "sentence": "Answer",
    "strength": "Strength of evidence",
    "chance": "Large enough to matter?",
    "overturn": "What could overturn it",
    "recommendation": "Recommendation",
    "caveat": "Main caveat",
}
_KINDS = {"added": "new", "removed": "gone", "changed": "changed"}


def view(context: Mapping[str, Any]) -> dict[str, Any] | None:
    """The comparison with the version before as the page shows it; None for a first version.

    `context` is the manifest as the page sees it. Versions made before details were recorded have the sentence alone.
    """
    if not context.get("supersedes"):
        return None
    found = context.get("changes") or {}
    return {**told(found, f"{context.get('study', 'study')}-changes"), "before": context["supersedes"]}


def told(found: Mapping[str, Any], name: str, most: int = MOST) -> dict[str, Any]:
    """A comparison (`run.differences.between`) ready to be shown: lists of sentences, and tables of text.

    `name` is the stem of the CSV file with every number; `most` how many rows the table shows.
    """
    numbers = found.get("numbers", [])
    rows = [changes_numbers.row(entry) for entry in numbers[:most]]
    return {
        "sentence": found.get("sentence", ""),
        "detailed": "numbers" in found,
        "not_comparable": found.get("not_comparable"),
        "causes": causes(found),
        "flips": [changes_numbers.flip(e) for e in numbers if e["sign_flip"] or e["significance_flip"]],
        "answer": [(ANSWER[e["what"]], e["before"] or "none", e["after"] or "none") for e in found.get("answer", [])],
        "described": [changes_numbers.described(field) for field in found.get("described", [])],
        "checks": [_check(entry) for entry in found.get("checks", [])],
        "header": changes_numbers.HEADER,
        "rows": rows,
        "left": max(0, len(numbers) - most),
        "csv": markup.csv_address(changes_numbers.as_csv(numbers)) if numbers else "",
        "csv_name": f"{markup.file_stem(name, 'changes')}.csv",
    }


def causes(found: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """What may have moved the numbers, as (heading, sentences); only what changed is there."""
    parts = found.get("parts_changed", [])
    listed = [
        ("Parameters", _parameters(found.get("parameters", []), "parameters" in parts)),
        ("Data", _data(found, "data" in parts)),
        ("Code", _code(found, "code" in parts)),
        ("Notebook", ["Its text, its code or the defaults of its parameters were edited."]),
        ("Page", ["Its template, the glossary or another text of the project was edited."]),
        ("Packages", _packages(found.get("packages", []), "lock" in parts)),
    ]
    shown = {"Notebook": "notebook" in parts, "Page": "template" in parts}
    return [(heading, lines) for heading, lines in listed if lines and shown.get(heading, True)]


def value(given: Any) -> str:
    """A parameter's value in words."""
    if given is None or given == [] or given == "":
        return "none"
    if isinstance(given, bool):
        return "yes" if given else "no"
    return ", ".join(map(value, given)) if isinstance(given, list | tuple) else str(given)


def _parameters(entries: Sequence[Mapping[str, Any]], moved: bool) -> list[str]:
    edited = [e for e in entries if not e["added"] and not e["removed"]]
    lines = [_edited(entry) for entry in edited]
    for kind, word in (("added", "new in the notebook"), ("removed", "no longer in the notebook")):
        side = "after" if kind == "added" else "before"
        named = [f"{entry['name']} ({value(entry[side])})" for entry in entries if entry[kind]]
        lines += [f"{capital(word)}: {_listing(named)}."] if named else []
    return lines or (["Which one changed is not recorded."] if moved else [])


def _edited(entry: Mapping[str, Any]) -> str:
    before, after = entry["before"], entry["after"]
    if isinstance(before, list) and isinstance(after, list) and before and after:
        fresh = [value(item) for item in after if item not in before]
        gone = [value(item) for item in before if item not in after]
        told = [f"gained {', '.join(fresh)}"] * bool(fresh) + [f"lost {', '.join(gone)}"] * bool(gone)
        return f"{entry['name']} {' and '.join(told) or 'has another order'}."
    return f"{entry['name']} went from {value(before)} to {value(after)}."


def _data(found: Mapping[str, Any], moved: bool) -> list[str]:
    silent = "tables" in found.get("not_recorded", [])
    unknown = " Rows and columns of the earlier file are not recorded." if silent else ""
    lines = [f"{_dataset(entry)}{unknown}" for entry in found.get("data", [])]
    other = "A source.yml was edited; the table itself is the same."
    return lines or ([other] if moved else [])


def _dataset(entry: Mapping[str, Any]) -> str:
    name, sums = entry["dataset"], (entry["sha256_before"], entry["sha256_after"])
    if None in sums:
        rows = entry["rows_after" if sums[0] is None else "rows_before"]
        size = "" if rows is None else f" ({rows:,} rows)"
        return f"{name}{size} {'is new' if sums[0] is None else 'is no longer used'}."
    redeclared = f"{name}: its source.yml changed (labels, units, ranges or notes)"
    if sums[0] == sums[1]:
        return f"{redeclared}; the table did not."
    facts = [_rows(entry)]
    facts += [f"columns added: {', '.join(entry['columns_added'])}"] * bool(entry["columns_added"])
    facts += [f"columns removed: {', '.join(entry['columns_removed'])}"] * bool(entry["columns_removed"])
    known = "; ".join(fact for fact in facts if fact)
    return f"{name}: {known + '; ' if known else ''}checksum {sums[0][:12]} became {sums[1][:12]}."


def _rows(entry: Mapping[str, Any]) -> str:
    before, after = entry["rows_before"], entry["rows_after"]
    if before is None or after is None:
        return ""
    if before == after:
        same = not entry["columns_added"] and not entry["columns_removed"]
        return f"the same {after:,} rows{' and columns' if same else ''}, other values"
    step = abs(after - before)
    return f"{step:,} row{'s' * (step != 1)} {'more' if after > before else 'fewer'} ({before:,} before, {after:,} now)"


def _code(found: Mapping[str, Any], moved: bool) -> list[str]:
    if "modules" in found.get("not_recorded", []):
        return ["Which modules changed is not recorded for the earlier version."]
    modules = found.get("modules", {})
    lines = [f"{capital(word)}: {_listing(modules[kind])}." for kind, word in _KINDS.items() if modules.get(kind)]
    return lines or (["Which modules changed is not recorded."] if moved else [])


def _packages(entries: Sequence[Mapping[str, Any]], moved: bool) -> list[str]:
    lines = [f"{entry['name']} {entry['before']} became {entry['after']}." for entry in entries]
    other = "The lock file changed; every package that the manifest names kept its version."
    return lines or ([other] if moved else [])


def _check(entry: Mapping[str, Any]) -> str:
    name = capital(str(entry["name"]).replace("_", " ").replace("-", " "))
    before, after = (SEVERITIES.get(entry[side], str(entry[side])) for side in ("before", "after"))
    if entry["before"] is None:
        return f"{name}: new, {after}."
    return f"{name}: was {before}, no longer made." if entry["after"] is None else f"{name}: was {before}, is {after}."


def _listing(names: Sequence[str]) -> str:
    left = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {left} more" if left > 0 else "")
