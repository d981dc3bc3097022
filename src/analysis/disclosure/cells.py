"""Counts that are too small, not rounded, or that tell something of a whole group."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from analysis.disclosure.counts import Cell, Column, looks_like_counts, stated_threshold
from analysis.disclosure.finding import Finding, listed, made
from analysis.disclosure.page import Table
from analysis.disclosure.release import Release
from analysis.disclosure.rules import Rules
from analysis.disclosure.subjects import Subjects

MERGE = (
    "merge categories or leave the column out; a count that is hidden needs a second one hidden with it "
    "(analysis.disclosure.suppression.protect chooses it)"
)
SPOKEN = re.compile(
    r"(?i)(?<![\w.,:/-])(\d{1,3})\s+(?:[a-z]+\s+)?"
    r"(people|persons?|individuals|men|women|children|participants?|patients?|pupils?|students?|respondents?|"
    r"households?|families|firms?|companies|organisations?|units?|rows?|observations?|records?)\b"
)
OF_MANY = re.compile(
    r"(?i)(?<![\w.,:/-])(\d{1,3}) of (\d[\d,]*)(?= (?:people|persons|rows|units|observations|records|values|households|"
    r"participants|patients|pupils|students|respondents|firms)\b|$)"
)
VAGUE = re.compile(r"(?i)(fewer than|less than|more than|at least|at most|under|below|up to|every|per|within)\s*$")
N_EQUALS = re.compile(r"(?i)\bn\s*=\s*(\d[\d,]*)")
COUNT = re.compile(r"\d[\d,]*")
ALL_OR_NONE = re.compile(r"(?i)%|share|proportion|rate$")
NOT_ALL_OR_NONE = re.compile(
    r"(?i)missing|effect|^low|^high|weight|largest|read|level|estimate|worth|of rows|change|left over"
)


def small(release: Release, columns: list[Column], subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    """S201: counts below the threshold in tables, numbers and sentences."""
    for column in columns:
        few = [cell for cell in column.cells if cell.count is not None and rules.small(cell.count)]
        if few:
            yield _few(column.place, few, subjects, rules)
    yield from _in_numbers(release, subjects, rules)
    yield from _in_sentences(release, subjects, rules)


def _few(place: str, few: list[Cell], subjects: Subjects, rules: Rules) -> Finding:
    rows = listed([f"{cell.row}: {rules.masked}" for cell in few])
    found = f"fewer than {rules.smallest_count} {subjects.noun} in {len(few)} of its rows ({rows})"
    return made("S201", place, found, MERGE, [(cell.row, cell.count) for cell in few])


def _in_numbers(release: Release, subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    few = []
    for number in release.numbers:
        behind = [("n", number.get("n"))]
        if _units_are_clusters(release, number):
            behind += [("treated units", number.get("treated_clusters")), ("units", number.get("clusters"))]
        least = min(((count, what) for what, count in behind if count and rules.small(count)), default=None)
        if least:
            few.append((str(number["id"]), *least))
    if few:
        names = listed([f"{name}: {what} = {rules.masked}" for name, _, what in few])
        found = f"{len(few)} published numbers rest on fewer than {rules.smallest_count} {subjects.noun} ({names})"
        yield made("S201", "results.json, numbers", found, "leave these numbers out, or average over more units", few)


def _units_are_clusters(release: Release, number: object) -> bool:
    """Whether the clusters of a number are the units themselves: as many as rows, or as units in a table of counts."""
    if not isinstance(number, dict) or not number.get("clusters"):
        return False
    if number["clusters"] == number.get("n"):
        return True
    units = {
        row[table.header.index(header)].replace(",", "")
        for table in release.page.tables
        for header in table.header
        if header.lower().startswith("units")
        for row in table.rows
        if len(row) == len(table.header)
    }
    return release.manifest.get("parameters", {}).get("cluster") is None and str(number["clusters"]) in units


def _in_sentences(release: Release, subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    texts = [*release.page.texts]
    texts += [
        (f"{table.place}, row {row[0]!r}", text)
        for table in release.page.tables
        if not table.download
        for row in table.rows
        for name, text in zip(table.header, row, strict=False)
        if not looks_like_counts(name)
    ]
    for place, text in texts:
        said = [
            match[0]
            for match in SPOKEN.finditer(text)
            if rules.small(int(match[1])) and not VAGUE.search(text[: match.start()])
        ]
        said += [
            match[0]
            for match in OF_MANY.finditer(text)
            if rules.small(int(match[1])) and int(match[2].replace(",", "")) >= 2 * rules.smallest_count
        ]
        said += [match[0] for match in N_EQUALS.finditer(text) if rules.small(int(match[1].replace(",", "")))]
        if said:
            hidden = [COUNT.sub(rules.masked, words, count=1) for words in said]
            found = f"the text names fewer than {rules.smallest_count} {subjects.noun} ({listed(hidden)})"
            yield made("S201", place, found, f"write “fewer than {rules.smallest_count}”, or leave the count out", said)


def zeros(release: Release, columns: list[Column], subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    """S204: cells that say none or all of a group has a property."""
    if not rules.zeros:
        return
    tables: dict[int, list[Column]] = {}
    for column in columns:
        if not column.table.download:
            tables.setdefault(id(column.table), []).append(column)
    fix = "merge categories, or say why the property is not sensitive"
    for group in tables.values():
        empty = [f"{cell.row}, {column.header}" for column in group for cell in column.cells if cell.count == 0]
        flow = any(cell.row.lower().startswith("rows in the source") for column in group for cell in column.cells)
        if len(group) > 1 and empty and not flow:
            found = f"{len(empty)} cells hold nobody ({listed(empty)}): all of a group are known not to be there"
            yield made("S204", group[0].table.place, found, fix, empty)
        yield from _all_or_none(group[0].table, subjects, fix)


def _all_or_none(table: Table, subjects: Subjects, fix: str) -> Iterator[Finding]:
    """Shares of exactly none or all in a table that counts subjects."""
    for place, header in enumerate(table.header):
        if not ALL_OR_NONE.search(header) or NOT_ALL_OR_NONE.search(header):
            continue
        full = [
            f"{row[0]}: {row[place]}"
            for row in table.rows
            if place < len(row) and re.fullmatch(r"(0|100)(\.0+)?[\u202f\u00a0 ]?%?", row[place])
        ]
        if full:
            found = f"none or all {subjects.noun} of a group have the property ({listed(full)})"
            yield made("S204", f"{table.place}, column {header}", found, fix, full)


def unrounded(release: Release, columns: list[Column], rules: Rules) -> Iterator[Finding]:
    """S207: counts that are not multiples of the rounding base, where the rules ask for rounding."""
    base = rules.round_to
    if base is None:
        return
    fix = f"round counts to the nearest {base} wherever they are shown, in texts and results.json too"
    for column in columns:
        odd = [cell for cell in column.cells if cell.count and cell.count % base]
        exact = [f"{cell.row}: {cell.text}" for cell in odd]
        if exact:
            told = [f"{cell.row}: {rules.masked if rules.small(cell.count or 0) else cell.text}" for cell in odd]
            found = f"{len(exact)} counts are not rounded to {base} ({listed(told)})"
            yield made("S207", column.place, found, fix, exact)
    plain = [f"{number['id']}: {number['n']}" for number in release.numbers if (number.get("n") or 0) % base]
    if plain:
        found = f"n of {len(plain)} numbers is not rounded to {base} ({listed(plain)})"
        yield made("S207", "results.json, numbers", found, fix, plain)
    said = sorted({m[0] for _, text in release.page.texts for m in N_EQUALS.finditer(text) if _exact(m[1], base)})
    if said:
        yield made("S207", "report.html, texts", f"counts are not rounded to {base} ({listed(said)})", fix, said)


def _exact(text: str, base: int) -> bool:
    return math.fmod(int(text.replace(",", "") or 0), base) != 0


def wrong_label(columns: list[Column], rules: Rules) -> Iterator[Finding]:
    """S201: "fewer than 5" tells more than the threshold allows."""
    for column in columns:
        tight = [
            f"{cell.row}: {cell.text}"
            for cell in column.cells
            if cell.count is None and 0 < (stated_threshold(cell.text) or 0) < rules.smallest_count
        ]
        if tight:
            found = f"a hidden count is described more closely than the threshold allows ({listed(tight)})"
            yield made("S201", column.place, found, f"write “fewer than {rules.smallest_count}”", tight)
