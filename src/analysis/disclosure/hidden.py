"""Hidden counts that can be worked out after all: from sums, printed shares, the CSV file, or an earlier version."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from analysis.disclosure import attack, differences
from analysis.disclosure.attack import Knowledge, Ratio
from analysis.disclosure.counts import HIDDEN, TOTAL, Column, stated_threshold, whole
from analysis.disclosure.finding import Finding, listed, made
from analysis.disclosure.page import Table
from analysis.disclosure.release import Release
from analysis.disclosure.rules import Rules

Key = tuple[str, str, str, int]
SOURCE, LEFT_OUT, ANALYSED = "rows in the source", "left out", "analysed"
FIX = "hide a second count in each of its sums (analysis.disclosure.suppression.protect chooses which)"


def recovered(
    release: Release,
    columns: Sequence[Column],
    earlier: Sequence[tuple[Release, Sequence[Column]]],
    rules: Rules,
) -> Iterator[Finding]:
    """S202: hidden counts whose bounds, from all that is published, are closer than the protection interval."""
    yield from _in_download(release, columns)
    targets = {key: column for column in columns for key, cell in _keyed(column) if cell[0] != cell[1]}
    if not targets:
        return
    known = _knowledge(columns)
    for before, old in earlier:
        if _same_sample(before, release):
            known = _joined(known, _knowledge(old))
    try:
        bounds = attack.bounds(known, targets)
    except ValueError:
        said = "the published counts contradict one another, or an earlier version of the same data"
        yield made("S202", "report.html, tables", said, "publish counts that add up", sorted(map(str, targets)))
        return
    found = {key: bound for key, bound in bounds.items() if bound != known.cells[key]}  # more than its label tells
    close = attack.recovered(found, float(rules.largest_hidden - 1))
    for column in columns:
        told = [
            f"{key[2]}: {_range(*close[key])}"
            for key, _ in _keyed(column)
            if key in close and close[key][0] < rules.smallest_count
        ]
        if told:
            yield made("S202", column.place, f"hidden counts can be worked out ({listed(_rows(told))})", FIX, told)


def _rows(told: Sequence[str]) -> list[str]:
    """The rows without their counts: a message must not tell what the page hides."""
    return [one.rpartition(": ")[0] for one in told]


def _range(low: float, high: float) -> str:
    low, high = math.ceil(low - attack.TOLERANCE), math.floor(high + attack.TOLERANCE)
    return f"{low}" if low == high else f"{low} to {high}"


def _keyed(column: Column) -> list[tuple[Key, tuple[float, float]]]:
    """Every cell with what is known of it alone."""
    found: list[tuple[Key, tuple[float, float]]] = []
    seen: dict[str, int] = {}
    for cell in column.cells:
        again = seen.get(cell.row, 0)
        seen[cell.row] = again + 1
        threshold = stated_threshold(cell.text) if cell.count is None else None
        high = math.inf if threshold is None else float(threshold - 1)
        known = (0.0, high) if cell.count is None else (float(cell.count), float(cell.count))
        found.append(((differences.table_key(column), column.header, cell.row, again), known))
    return found


def _knowledge(columns: Sequence[Column]) -> Knowledge:
    cells: dict[Key, tuple[float, float]] = {}
    sums: list[tuple[Key, list[Key]]] = []
    ratios: list[Ratio] = []
    printed = [column for column in columns if not column.table.download]
    for column in printed:
        keyed = _keyed(column)
        cells.update(keyed)
        sums += _down([key for key, _ in keyed])
    for table in {id(column.table): column.table for column in printed}.values():
        own = [column for column in printed if column.table is table]
        sums += _across(own)
        ratios += _shares(table, own)
    return Knowledge(cells, [line for line in sums if _adds_up(line, cells)], ratios)


def _down(keys: list[Key]) -> list[tuple[Key, list[Key]]]:
    """The sums in one column: a row of totals, or the flow from the source to the rows analysed."""
    rows = [key[2].lower() for key in keys]
    if rows and rows[0].startswith(SOURCE):
        parts = [key for key, row in zip(keys, rows, strict=True) if row.startswith((LEFT_OUT, ANALYSED))]
        return [(keys[0], parts)] if parts else []
    totals = [place for place, row in enumerate(rows) if TOTAL.match(row)]
    if len(totals) != 1 or len(keys) < 3:
        return []
    return [(keys[totals[0]], [key for place, key in enumerate(keys) if place != totals[0]])]


def _across(own: list[Column]) -> list[tuple[Key, list[Key]]]:
    """The sums along the rows of a table with a column of totals."""
    totals = [column for column in own if TOTAL.match(column.header)]
    if len(totals) != 1 or len(own) < 3:
        return []
    lines = []
    for key, _ in _keyed(totals[0]):
        parts = [other for c in own if c is not totals[0] for other, _ in _keyed(c) if other[2:] == key[2:]]
        if len(parts) == len(own) - 1:
            lines.append((key, parts))
    return lines


def _adds_up(line: tuple[Key, list[Key]], cells: dict[Key, tuple[float, float]]) -> bool:
    """Whether a supposed sum can be one: what is shown does not contradict it."""
    total, parts = cells[line[0]], [cells[part] for part in line[1]]
    return sum(low for low, _ in parts) <= total[1] and sum(high for _, high in parts) >= total[0]


def _shares(table: Table, own: list[Column]) -> Iterator[Ratio]:
    """Printed shares of one count in another, or of what is missing to it: "Missing (%)" beside two counts."""
    if len(own) != 2:
        return
    for place, header in enumerate(table.header):
        if "%" not in header:
            continue
        for (key, known), (other, _) in zip(_keyed(own[1]), _keyed(own[0]), strict=False):
            row = next((row for row in table.rows if row[0] == key[2]), ())
            text = row[place].replace("%", "").strip() if place < len(row) else ""
            if known[0] != known[1] and re.fullmatch(r"\d+(\.\d+)?", text) and key[2] == other[2]:
                low, high = attack.printed_share(text)
                if "missing" in header.lower():
                    low, high = 1 - high, 1 - low
                yield Ratio(key, other, max(low, 0.0), min(high, 1.0))


def _same_sample(before: Release, now: Release) -> bool:
    """Whether two versions count the same units."""
    old, new = before.manifest.get("parameters") or {}, now.manifest.get("parameters") or {}
    same = all(old.get(name) == new.get(name) for name in differences.SAMPLE)
    return same and before.manifest.get("data") == now.manifest.get("data")


def _joined(known: Knowledge, old: Knowledge) -> Knowledge:
    """Both together; a cell that the earlier version gives otherwise is another cell, and is left out."""
    fits = {
        key: (low, high)
        for key, (low, high) in old.cells.items()
        if low <= known.cells.get(key, (low, high))[1] and high >= known.cells.get(key, (low, high))[0]
    }
    lines = [line for line in old.sums if line[0] in fits and all(part in fits for part in line[1])]
    return known.joined(Knowledge(fits, lines))


def _in_download(release: Release, columns: Sequence[Column]) -> Iterator[Finding]:
    """Counts hidden on the page that the CSV file beside it holds."""
    for column in columns:
        if column.table.download or all(cell.count is not None for cell in column.cells):
            continue
        twins = [t for t in release.page.tables if t.download and t.caption == column.table.caption]
        place = column.table.header.index(column.header)
        for twin in twins:
            told = [
                f"{row[0]}: {other[place]}"
                for row, other in zip(column.table.rows, twin.rows, strict=False)
                if place < min(len(row), len(other)) and HIDDEN.match(row[place]) and whole(other[place]) is not None
            ]
            if told:
                found = f"counts that the page hides are in the CSV file ({listed(_rows(told))})"
                yield made("S202", twin.place, found, "write the CSV file from the protected table", told)
