"""Rows that are no observations: a second header, the header again, empty rows, totals and footnotes below the table.

Each would enter every mean, so the table is refused until it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from analysis.profile.facts import Facts
from analysis.profile.fields import Table
from analysis.profile.finding import Finding, many
from analysis.refusal import Refusal

BOTTOM = 15
MOSTLY = 0.95

Columns = Mapping[str, Facts]


def refuse(table: Table, columns: Columns) -> None:
    """Raises Refusal D422 naming the first line that is no observation."""
    if not any(facts.is_text() for facts in columns.values()):
        return
    _empty_rows(table, columns)
    _second_header(table, columns)
    _header_again(table, columns)
    _below(table, columns)


def findings(table: Table, columns: Columns) -> Iterator[Finding]:
    """Totals that stand among the observations as a category of their own."""
    for name, facts in columns.items():
        mask = facts.words.form("total")
        if mask.any() and facts.distinct > 1:
            problem = f"{many(facts.count(mask), 'row')} of totals, first in {table.place(facts.first(mask))}"
            fix = "they would count twice: leave them out with a condition under `where`, or delete them"
            yield Finding("serious", name, problem, fix)


def _stop(where: str, problem: str, fix: str) -> Refusal:
    return Refusal("D422", where, problem, fix)


def _empty_rows(table: Table, columns: Columns) -> None:
    filled = np.zeros(table.rows, dtype=bool)
    for facts in columns.values():
        filled |= facts.codes >= 0
    empty = np.flatnonzero(~filled)
    if len(empty):
        count = f" ({len(empty)} such rows)" if len(empty) > 1 else ""
        problem = f"{table.place(int(empty[0]))}: every field is empty{count}"
        raise _stop(table.shown, problem, "delete the empty rows; they are no observations")


def _second_header(table: Table, columns: Columns) -> None:
    """Words in the first row of columns that hold numbers everywhere else."""
    if table.rows < 3:
        return
    numeric, words = 0, []
    for name, facts in columns.items():
        number = ~np.isnan(facts.words.numbers)
        if not facts.present or facts.count(number) < max(2, MOSTLY * (facts.present - 1)):
            continue
        numeric += 1
        first = facts.codes[0]
        if first >= 0 and not number[first] and not facts.words.form("missing")[first] and facts.counts[first] == 1:
            words.append(name)
    if len(words) >= 2 and len(words) >= numeric / 2:
        problem = f"{table.place(0)}: words in {len(words)} columns that hold numbers below: a second header line"
        raise _stop(table.shown, problem, "keep one header line; put units into labels")


def _header_again(table: Table, columns: Columns) -> None:
    again = np.ones(table.rows, dtype=bool)
    for name, facts in columns.items():
        if facts.is_text() and again.any():
            places = facts.words.words.index(name).as_py()
            again &= (facts.codes == places) if places >= 0 else False
        elif not facts.is_text():
            return
    rows = np.flatnonzero(again)
    if len(rows):
        count = f" ({len(rows)} such rows)" if len(rows) > 1 else ""
        problem = f"{table.place(int(rows[0]))}: the header stands there again{count}"
        raise _stop(table.shown, problem, "delete it; files put below one another need one header")


def _below(table: Table, columns: Columns) -> None:
    """Footnotes and a line of totals among the last rows."""
    lowest = range(max(1, table.rows - BOTTOM), table.rows)
    filled = {row: [name for name, facts in columns.items() if facts.codes[row] >= 0] for row in lowest}
    usual = float(np.median([facts.present for facts in columns.values()])) / table.rows * len(columns)
    for row in lowest:
        if len(filled[row]) == 1 and _is_note(columns[filled[row][0]], row, usual):
            problem = f"{table.place(row)}: a single filled field, in column {filled[row][0]!r}: a footnote"
            raise _stop(table.shown, problem, "delete the lines below the table")
    for row in lowest[-3:]:
        if problem := _totals(table, columns, row):
            raise _stop(table.shown, f"{table.place(row)}: {problem}", "delete the line; totals are no observations")


def _is_note(facts: Facts, row: int, usual: float) -> bool:
    place = int(facts.codes[row])
    if not facts.is_text() or facts.counts[place] > 1 or not np.isnan(facts.words.numbers[place]):
        return False
    return usual >= 2.5 or (usual >= 1.5 and bool(facts.words.form("note")[place]))


def _totals(table: Table, columns: Columns, row: int) -> str:
    """Why the row is a line of totals: its word, and numbers that add up or keys that are empty."""
    labelled = [
        name
        for name, facts in columns.items()
        if facts.codes[row] >= 0 and facts.words.form("total")[facts.codes[row]] and facts.counts[facts.codes[row]] == 1
    ]
    if not labelled:
        return ""
    name = labelled[0]
    if not np.isnan(columns[name].words.numbers).all():
        return f"a total stands in column {name!r} among numbers"
    for other, facts in columns.items():
        if facts.present == table.rows - 1 and facts.codes[row] < 0:
            return f"a total in column {name!r}, with column {other!r} empty in this line alone"
        values = facts.values()
        above = values[:row]
        if np.isfinite(values[row]) and np.isfinite(above).sum() >= 2:
            total = float(np.nansum(above))
            if total != 0 and abs(values[row] - total) <= max(1e-6 * abs(total), 0.51 * float(total % 1 == 0)):
                return f"a total in column {name!r}: column {other!r} is the sum of the lines above"
    return ""
