"""Data of single units, and data that nobody sees: embedded tables, notebook leftovers, files that do not belong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from analysis.disclosure.counts import whole
from analysis.disclosure.finding import Finding, made
from analysis.disclosure.pictures import passengers
from analysis.disclosure.release import FILES, Release, block, outputs
from analysis.disclosure.rules import Rules
from analysis.disclosure.subjects import Subjects

KNOWN = {
    "kind", "caption", "note", "source", "alt", "csv", "csv_name", "table_html", "numbers", "checks", "answer",
    "reading", "counts", "means", "extremes", "dominance", "saturated",
}  # fmt: skip
NOTEBOOK_METADATA = {"kernelspec", "language_info"}
MIMES = {"text/plain", "text/html", "image/png"}
LONG = 1000
FRAME = re.compile(r"\[\d+ rows x \d+ columns\]|class=\"dataframe|<th></th>")
TAKE_OUT = "take it out and publish again"


def hidden(release: Release) -> Iterator[Finding]:
    """S210: what no reader of the page sees: files, comments, scripts, picture and notebook metadata."""
    for name in release.others:
        what = f"a file that is no part of a report ({', '.join(FILES)})"
        yield made("S210", name, what, "delete it from the folder", name)
    for place, what in release.page.odd:
        yield made("S210", place, what, TAKE_OUT, what)
    for picture in release.page.pictures:
        for what in passengers(picture):
            yield made("S210", picture.label, f"the picture file carries {what}", "save it without metadata", what)
    yield from _notebook(release)


def _notebook(release: Release) -> Iterator[Finding]:
    notebook = release.notebook or {}
    for name in sorted(set(notebook.get("metadata") or {}) - NOTEBOOK_METADATA):
        yield made("S210", "report.ipynb, metadata", f"the entry {name!r}", TAKE_OUT, name)
    for number, cell in enumerate(notebook.get("cells", []), start=1):
        if cell.get("attachments"):
            yield made("S210", f"report.ipynb, cell {number}", "an attached file", TAKE_OUT, number)
    for number, output in outputs(notebook):
        place = f"report.ipynb, cell {number}"
        for what in _odd_output(output):
            fix = "show it through a function of analysis.report, or take it out"
            yield made("S210", place, what, fix, (number, what))


def _odd_output(output: Mapping[str, Any]) -> Iterator[str]:
    data = output.get("data") or {}
    for mime in sorted(set(data) - MIMES):
        yield f"an output of type {mime}, which can hold the data behind a picture"
    meta = block(output)
    if meta is None:
        shown = json.dumps([data.get("text/plain", ""), data.get("text/html", ""), output.get("text", "")])
        if FRAME.search(shown.replace('\\"', '"')) or "<table" in shown:
            yield "a data frame as the software printed it"
        return
    for name in sorted(set(meta) - KNOWN):
        size = len(json.dumps(meta[name], default=str))
        if size > LONG:
            yield f"{size:,} characters in the metadata entry {name!r}, which no report reads"


def of_units(release: Release, subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    """S210: tables and CSV files with as many lines as there are units or rows in the analysis: one line for each."""
    sizes = {int(n) for number in release.numbers for n in (number.get("n"),) if n}
    sizes |= {
        count
        for table in release.page.tables
        for row in table.rows
        if row and row[0].lower().startswith(("analysed", "in the answer"))
        for count in map(whole, row[1:])
        if count
    }
    for table in release.page.tables:
        lines = len(table.rows)
        repeats = table.download and any(t.caption == table.caption and not t.download for t in release.page.tables)
        if lines not in sizes or lines < rules.smallest_count or repeats:
            continue
        if release.said(table, "counts") is None:
            found = f"{lines:,} lines, as many as there are {subjects.noun} or rows: it may hold one line for each"
            fix = "show groups of units; where lines are not units, say so with counts={} in the block"
            yield made("S210", table.place, found, fix, lines)
