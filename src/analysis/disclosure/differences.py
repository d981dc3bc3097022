"""Pairs of counts whose difference isolates few units: between versions, and within one version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from analysis.disclosure.counts import Column
from analysis.disclosure.finding import Finding, listed, made
from analysis.disclosure.release import Release
from analysis.disclosure.rules import Rules
from analysis.disclosure.subjects import Subjects

SAMPLE = ("where", "since", "until", "dataset")
FIX = "keep the sample of the earlier version, wait until more units differ, or give counts rounded in both"


def between(
    release: Release,
    columns: Sequence[Column],
    earlier: Sequence[tuple[Release, Sequence[Column]]],
    subjects: Subjects,
    rules: Rules,
) -> Iterator[Finding]:
    """S208: counts of tables and numbers that moved by less than the threshold since an earlier version."""
    here, numbers = counts(columns), _numbers(release)
    for before, old_columns in earlier:
        why = _why(before.manifest, release.manifest)
        old = counts(old_columns)
        for table in dict.fromkeys(key[0] for key in here):
            moved = [
                f"{key[2]}, {key[1]}: {old[key]:,} and {count:,}"
                for key, count in here.items()
                if key[0] == table and key in old and rules.small(abs(count - old[key]))
            ]
            if moved:
                found = f"with version {before.name} the difference isolates few {subjects.noun} ({listed(moved)}){why}"
                place = next(column.table.place for column in columns if table_key(column) == table)
                yield made("S208", place, found, FIX, (before.name, moved))
        then = _numbers(before)
        moved = [
            f"{name}: n = {then[name]:,} and {n:,}"
            for name, n in numbers.items()
            if name in then and rules.small(abs(n - then[name]))
        ]
        if moved:
            found = f"with version {before.name} the difference isolates few {subjects.noun} ({listed(moved)}){why}"
            yield made("S208", "results.json, numbers", found, FIX, (before.name, moved))


def within(release: Release, columns: Sequence[Column], subjects: Subjects, rules: Rules) -> Iterator[Finding]:
    """S208: two numbers of one version whose samples differ by few units, and tables that print before and after."""
    by_size: dict[int, str] = {}
    for name, n in _numbers(release).items():
        by_size.setdefault(n, name)
    close = [
        f"{by_size[a]}: n = {a:,}, {by_size[b]}: n = {b:,}" for a, b in pairwise(sorted(by_size)) if rules.small(b - a)
    ]
    if close:
        found = f"two numbers rest on samples that differ by few {subjects.noun} ({listed(close)})"
        fix = "compute both on the same sample, or leave one out"
        yield made("S208", "results.json, numbers", found, fix, close)
    for column in columns:
        twin = _twin(column, columns)
        if twin is None:
            continue
        moved = [
            f"{a.row}: {a.count:,} and {b.count:,}"
            for a, b in zip(column.cells, twin.cells, strict=False)
            if a.count is not None and b.count is not None and a.row == b.row and rules.small(abs(a.count - b.count))
        ]
        if moved:
            found = f"before and after differ by few {subjects.noun} ({listed(moved)})"
            yield made("S208", column.place, found, FIX, moved)


def _twin(column: Column, columns: Sequence[Column]) -> Column | None:
    words = column.header.lower()
    if "before" not in words:
        return None
    wanted = words.replace("before", "after")
    return next((c for c in columns if c.table is column.table and c.header.lower() == wanted), None)


def table_key(column: Column) -> str:
    """What a table is called in every version."""
    return column.table.name or column.table.caption or column.table.label


def counts(columns: Sequence[Column]) -> dict[tuple[str, str, str, int], int]:
    """(table, column, row, how often that row came before) -> count; tables keep their name between versions."""
    found: dict[tuple[str, str, str, int], int] = {}
    for column in columns:
        for cell in column.cells:
            again = 0
            while (key := (table_key(column), column.header, cell.row, again)) in found:
                again += 1
            if cell.count is not None:
                found[key] = cell.count
    return found


def _numbers(release: Release) -> dict[str, int]:
    return {str(number["id"]): int(number["n"]) for number in release.numbers if number.get("n")}


def _why(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """How the two samples were chosen, where that differs."""
    old, new = before.get("parameters") or {}, now.get("parameters") or {}
    moved = [f"{name}: {old.get(name)} and {new.get(name)}" for name in SAMPLE if old.get(name) != new.get(name)]
    if moved:
        return f"; the samples differ by {', '.join(moved)}"
    return "; the data changed" if before.get("data") != now.get("data") else ""
