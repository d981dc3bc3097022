"""What the columns of a table count, and the counts in them.

A report says it in a block's metadata: `counts={"Rows": "subjects", "Clusters": "groups"}`, by header as printed or as
in the CSV file; `{}` says that no column counts anything. Kinds: subjects (people, households, organisations, or rows
about them), groups (clusters, places), periods, none. Without a note the header decides, on the safe side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analysis.disclosure.page import Table
from analysis.disclosure.release import Release

_THING = (
    r"(?:units?|rows?|people|persons?|individuals?|adults?|men|women|children|participants?|patients?|pupils?|students?|"
    r"respondents?|recipients?|workers?|employees?|households?|families|firms?|compan(?:y|ies)|organisations?|"
    r"businesses|establishments?|observations?|obs\.?|records?|cases|members?)"
)
COUNTS = re.compile(
    rf"(?i)^(?:n|n ?obs|counts?|frequency|freq\.?|assigned|with an outcome|analysed|included|excluded|"
    rf"(?:number of |treated |control |comparison |missing )?{_THING})"
    r"(?= that count$| \(unweighted\)$| \([^%]*\)$| in | with | without | before$| after$| missing$|_before$|_after$|$)"
)
MISSING = re.compile(r"(?i)^missing$|(?:outcome|value|key) missing$|^(?:un)?matched$")
NOT_COUNTS = re.compile(r"(?i)%|share|per cent|mean|worth|weight|effect|rate\b|per \d")
HIDDEN = re.compile(
    r"(?i)^(?:(?:fewer|less) than \d+|[<≤] ?=? ?\d+|not shown|hidden|suppressed|\[?redacted\]?|\[[a-z]\]|"
    r"\*+|\.\.+|…)$"
)
WHOLE = re.compile(r"[-+−]?\d[\d,\u202f\u00a0 ]*(?:\.0+)?")
PART = re.compile(r"^(\d[\d,]*)(?: of \d[\d,]*)?(?: \([^()]*\))?$")
NUMBER_OF = re.compile(r"(?i)fewer than (\d+)|less than (\d+)|[<≤] ?=? ?(\d+)")
TOTAL = re.compile(r"(?i)^(?:total|all|overall|sum|everyone|both|all together)\b")


@dataclass(frozen=True)
class Cell:
    """A count in a table: its row's label, and the number; None where it is hidden. text: as printed."""

    row: str
    count: int | None
    text: str


@dataclass(frozen=True)
class Column:
    """The counts of one column of one table. sure: the report itself said what it counts."""

    table: Table
    header: str
    sure: bool
    cells: tuple[Cell, ...]

    @property
    def place(self) -> str:
        """How a person finds it."""
        return f"{self.table.place}, column {self.header}"


def columns(release: Release) -> list[Column]:
    """Every column that counts subjects. Where the CSV file repeats a printed column, the printed one only."""
    found: list[Column] = []
    for table in sorted(release.page.tables, key=lambda t: t.download):
        crossed = _crossed(table)
        for header in dict.fromkeys(table.header):
            sure = _said(release, table, header)
            if sure is False or (sure is None and not (looks_like_counts(header) or header in crossed)):
                continue
            cells = tuple(_cells(table, header))
            repeats = any(
                c.table.caption == table.caption and [x.count for x in c.cells] == [x.count for x in cells]
                for c in found
            )
            if cells and not (table.download and repeats):
                found.append(Column(table, header, sure is True, cells))
    return found


def _said(release: Release, table: Table, header: str) -> bool | None:
    """Whether the report says that the column counts subjects; None where it says nothing."""
    said = release.said(table, "counts")
    if not isinstance(said, dict):
        return None
    return said.get(header) == "subjects"


def _crossed(table: Table) -> tuple[str, ...]:
    """The columns of a cross table: whole or hidden numbers throughout, with a row and a column of totals."""
    if len(table.header) < 3 or not any(TOTAL.match(name) for name in table.header[1:]):
        return ()
    cells = [text.strip() for row in table.rows for text in row[1:]]
    totals = any(TOTAL.match(row[0]) for row in table.rows if row)
    return table.header[1:] if totals and all(WHOLE.fullmatch(t) or HIDDEN.match(t) for t in cells) else ()


def looks_like_counts(header: str) -> bool:
    """Whether a header without a note is taken to count units."""
    words = header.strip()
    return bool(COUNTS.match(words) or MISSING.search(words)) and not NOT_COUNTS.search(words)


def _cells(table: Table, header: str) -> Iterator[Cell]:
    place = table.header.index(header)
    for row in table.rows:
        if place >= len(row):
            continue
        text = row[place].strip()
        if HIDDEN.match(text):
            yield Cell(_label(table, row), None, text)
        elif (count := whole(text)) is not None:
            yield Cell(_label(table, row), count, text)


def _label(table: Table, row: tuple[str, ...]) -> str:
    """The words that name a row: its first cell, and the second of a class from ... to ..."""
    if len(row) > 2 and [name.lower() for name in table.header[:2]] == ["from", "to"]:
        return f"{row[0]} to {row[1]}"
    return row[0]


def whole(text: str) -> int | None:
    """The whole number printed as `text`, without its sign; None for anything else.

    "4 of 120 (3.3 %)" and "4 (3.3 %)" are 4.
    """
    text = PART.sub(r"\1", text.strip())
    if not WHOLE.fullmatch(text):
        return None
    return int(re.sub(r"\D", "", text.partition(".")[0]))


def stated_threshold(text: str) -> int | None:
    """The 10 of "fewer than 10"."""
    found = NUMBER_OF.search(text)
    return int(next(group for group in found.groups() if group)) if found else None


def sizes(release: Release, found: list[Column]) -> set[int]:
    """The group sizes that a reader of the version knows."""
    known = {cell.count for column in found for cell in column.cells if cell.count}
    known |= {int(n) for number in release.numbers for n in (number.get("n"),) if n}
    known |= {int(n) for number in release.numbers for n in (number.get("treated_clusters"),) if n and _rows(number)}
    return known


def _rows(number: object) -> bool:
    """Whether the clusters of a number are its rows."""
    return isinstance(number, dict) and number.get("clusters") == number.get("n")
