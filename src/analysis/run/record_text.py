"""A review record as a text that people edit: comments, folded questions, answers between quotes."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping
from typing import Any

WIDTH = 112
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_HEAD = """\
# Review of {study}, version {version}.
# Write your answers after `answer:`, between the quotes. Everything else is written by `make review`.
# Then decide: make review STUDY={study} DECISION=approve BY="Your name" NOTE="why" (every question is answered)
#          or: make review STUDY={study} DECISION=request_changes BY="Your name" NOTE="what to change" (at once)
# Events are never edited: their hashes would no longer fit.
"""
_REASONS = """\
# What the disclosure check found. A version is released when this list is empty or every finding has a reason.
"""


def plain(text: str) -> str:
    """`text` on one line, without characters that a YAML file may not hold."""
    return re.sub(r"[ \t\r\n\f\v]+", " ", CONTROL.sub(" ", text)).strip(" ")


def text(record: Mapping[str, Any], notes: Mapping[str, str]) -> str:
    """`record` (study, version, checklist, reasons, events) as YAML; `notes` stand above the reasons they belong to."""
    lines = [_HEAD.format(**record), f"study: {_quoted(record['study'])}", f"version: {_quoted(record['version'])}"]
    lines += _checklist(record["checklist"])
    lines += _reasons(record["reasons"], notes)
    lines += ["", "events:" if record["events"] else "events: []"]
    for event in record["events"]:
        lines += _entry(event.items())
    return "\n".join(lines) + "\n"


def _checklist(items: list[dict[str, Any]]) -> list[str]:
    lines = ["", "checklist:" if items else "checklist: []"]
    for item in items:
        lines += [f"  - id: {_quoted(item['id'])}", f"    part: {_quoted(item['part'])}"]
        lines += ["    ask: >-", *_folded(item["ask"], 6)]
        lines += ["    found:" if item["found"] else "    found: []"]
        for said in item["found"]:
            lines += ["      - >-", *_folded(said, 10)]
        lines += [f"    severity: {_quoted(item['severity'])}"] if item["severity"] else []
        lines += [f"    answer: {_quoted(item['answer'])}", ""]
    return lines[:-1] if items else lines


def _reasons(reasons: Mapping[str, str], notes: Mapping[str, str]) -> list[str]:
    lines = ["", _REASONS + ("reasons:" if reasons else "reasons: {}")]
    for name, why in reasons.items():
        lines += textwrap.wrap(
            plain(notes.get(name, "")), WIDTH, initial_indent="  # ", subsequent_indent="  # ", break_long_words=False
        )
        lines += [f"  {_quoted(name)}: {_quoted(why)}"]
    return lines


def _entry(pairs: Any) -> list[str]:
    lines = [f"    {name}: {_quoted(value)}" for name, value in pairs]
    return [f"  - {lines[0].lstrip()}", *lines[1:]]


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _folded(text: str, indent: int) -> list[str]:
    wrapped = textwrap.wrap(text, WIDTH - indent, break_long_words=False, break_on_hyphens=False) or [""]
    return [" " * indent + line for line in wrapped]
