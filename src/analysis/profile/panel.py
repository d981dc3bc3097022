"""What is doubtful once columns have roles: repeated and missing unit-periods, adoption dates, treatment, outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.profile import keys, roles
from analysis.profile.facts import Facts
from analysis.profile.fields import Table
from analysis.profile.finding import Finding, many
from analysis.profile.forms import Mask
from analysis.profile.guess import Guess
from analysis.profile.roles import Role, Roles

MARGIN = 0.1
LISTED = 4


@dataclass(frozen=True)
class Played:
    """The table with its roles."""

    table: Table
    facts: Mapping[str, Facts]
    guesses: Mapping[str, Guess]
    roles: Roles

    def role(self, name: Role) -> Facts | None:
        """The column of a role."""
        column = self.roles.column(name)
        return self.facts[column] if column else None

    def rows(self, mask: Mask) -> str:
        """The first rows of a mask over rows, in words."""
        places = [str(self.table.place.number(int(row))) for row in np.flatnonzero(mask)[:LISTED]]
        word = self.table.place(0).split()[0]
        more = ", …" if int(mask.sum()) > LISTED else ""
        return f"{word}{'s' if len(places) > 1 else ''} {', '.join(places)}{more}"


def findings(played: Played) -> Iterator[Finding]:
    """Everything doubtful about units, periods and the policy."""
    time, unit, start = played.role("time"), played.role("unit"), played.role("first_treated")
    yield from _lost_groups(played)
    if time:
        yield from _gaps(time)
    if time and unit:
        yield from _cells(played, unit, time)
        yield from _switching_off(played, unit, time)
    if start and unit:
        yield from _changing_dates(played, start, unit)
    if start and time:
        yield from _against_dates(played, start, time)
        yield from _lost_outcomes(played, start, time)
        yield from _already(start, time, played.roles.never, unit)


def _lost_groups(played: Played) -> Iterator[Finding]:
    for name, (role, _) in played.roles.given.items():
        facts = played.facts[name]
        empty = facts.codes < 0
        if role in ("unit", "cluster") and empty.any():
            problem = (
                f"{many(int(empty.sum()), 'row')} without a value, first in {played.table.place(int(empty.argmax()))}"
            )
            fix = "rows without their group are lost from every mean by group: fill the fields in the file"
            yield Finding("serious", name, problem, fix)


def _steps(periods: NDArray[np.float64]) -> NDArray[np.float64]:
    """Periods as consecutive whole numbers: months and quarters counted through the years."""
    if periods.min() >= 180_001:
        return periods // 100 * 12 + periods % 100
    if periods.min() >= 18_001 and roles.calendar(periods):
        return periods // 10 * 4 + periods % 10
    return periods


def _gaps(time: Facts) -> Iterator[Finding]:
    periods = np.unique(time.words.numbers)
    if len(periods) < 3:
        return
    between = np.diff(_steps(periods))
    usual = float(np.min(between))
    jumps = np.flatnonzero(between > usual)
    if len(jumps):
        listed = ", ".join(f"{periods[j]:.0f} to {periods[j + 1]:.0f}" for j in jumps[:LISTED])
        problem = f"periods jump: {listed}" + (", …" if len(jumps) > LISTED else "")
        yield Finding("caution", time.name, problem, "add the periods between, or say in the study why there are none")


def _cells(played: Played, unit: Facts, time: Facts) -> Iterator[Finding]:
    again = keys.repeats([unit, time]) & (unit.codes >= 0) & (time.codes >= 0)
    key = f"{unit.name}, {time.name}"
    if again.any():
        yield _repeated(played, unit, time, again)
    missing = unit.distinct * time.distinct - (int(((unit.codes >= 0) & (time.codes >= 0)).sum()) - int(again.sum()))
    if missing > 0:
        share = 100 * missing / (unit.distinct * time.distinct)
        problem = f"{missing:,} of {unit.distinct * time.distinct:,} pairs of {key} without a row ({share:.1f} %)"
        yield Finding("caution", unit.name, problem, "supply them, or choose `unbalanced` in the study")


def _repeated(played: Played, unit: Facts, time: Facts, again: Mask) -> Finding:
    """The rows that repeat the unit and period of an earlier one."""
    count, row = int(again.sum()), int(again.argmax())
    pair = f"{unit.word(int(unit.codes[row]))}, {time.word(int(time.codes[row]))}"
    words = f"repeats {pair}" if count == 1 else f"repeat earlier ones, the first {pair}"
    problem = (
        f"{unit.name} and {time.name} name {unit.rows - count:,} of {unit.rows:,} rows; {played.rows(again)} {words}"
    )
    fix = "find out which row is right and delete the other; every design that follows units refuses both together"
    return Finding("serious", unit.name, problem, fix)


def _changing_dates(played: Played, start: Facts, unit: Facts) -> Iterator[Finding]:
    if keys.constant_within(start, [unit]):
        return
    dated = _per_unit(unit, start)
    problem = f"more than one date in {many(len(dated), unit.name)}, first in {played.table.place(min(dated.values()))}"
    yield Finding("serious", start.name, problem, "give each unit one adoption date, in all of its rows")


def _per_unit(unit: Facts, start: Facts) -> dict[int, int]:
    """The units with several dates and the first row in which the date is another one than before."""
    import pandas as pd

    frame = pd.DataFrame({"unit": unit.codes, "date": start.codes}).query("unit >= 0")
    first = frame.groupby("unit")["date"].transform("first")
    other = frame[frame["date"] != first]
    first_rows = other.reset_index().drop_duplicates("unit")
    return dict(zip(first_rows["unit"].tolist(), first_rows["index"].tolist(), strict=True))


def _switching_off(played: Played, unit: Facts, time: Facts) -> Iterator[Finding]:
    """A 0/1 column with the name of a treatment that falls back from 1 to 0."""
    given = played.roles.column("treated")
    order = np.lexsort((time.values(), unit.codes))
    same = np.diff(unit.codes[order]) == 0
    for name, facts in played.facts.items():
        treatment = name == given or roles.TREATED.match(name)
        if not treatment or played.guesses[name].values != (0, 1) or keys.constant_within(facts, [time]):
            continue
        off = same & (np.diff(facts.values()[order]) < 0)
        if off.any():
            rows = np.zeros(facts.rows, dtype=bool)
            rows[order[1:][off]] = True
            units = len(np.unique(unit.codes[rows]))
            problem = f"falls from 1 to 0 in {many(units, 'unit')}: {played.rows(rows)}"
            fix = "if the policy ended there, choose a design for switching treatments; if not, correct the rows"
            yield Finding("serious", name, problem, fix)


def _against_dates(played: Played, start: Facts, time: Facts) -> Iterator[Finding]:
    treated = played.role("treated")
    if treated is None:
        return
    differs = treated.values() != roles.implied(start, time, played.roles.never)
    ever = np.isfinite(start.values()) & ~np.isin(start.values(), played.roles.never)
    if bool((treated.values() == ever).all()):
        problem = f"1 in every row of those that ever start, before {start.name} too: it names the group"
        yield Finding("note", treated.name, problem, f"the analysis goes by {start.name}")
    elif differs.any():
        problem = (
            f"{many(int(differs.sum()), 'row')} where it is not 1 exactly from {start.name} on: {played.rows(differs)}"
        )
        yield Finding("serious", treated.name, problem, "find out which of the two columns says when the policy began")


def _lost_outcomes(played: Played, start: Facts, time: Facts) -> Iterator[Finding]:
    """Columns of numbers that go missing once the policy began, more than they do elsewhere."""
    after = roles.implied(start, time, played.roles.never) == 1
    ever = np.isfinite(start.values()) & ~np.isin(start.values(), played.roles.never)
    before = ever & ~after
    late = ~ever & np.isin(time.codes, np.unique(time.codes[after]))
    if not after.any() or not before.any():
        return
    for name, facts in played.facts.items():
        if not played.guesses[name].numeric or name in played.roles.given or facts.present == facts.rows:
            continue
        gone = np.isnan(facts.values())
        elsewhere = max(float(gone[before].mean()), float(gone[late].mean()) if late.any() else 0.0)
        share = float(gone[after].mean())
        if share >= elsewhere + MARGIN:
            problem = (
                f"missing in {100 * share:.0f} % of the rows under the policy, {100 * elsewhere:.0f} % of the others"
            )
            fix = "as an outcome it says little about the policy: find out why it is missing"
            yield Finding("serious", name, problem, fix)


def _already(start: Facts, time: Facts, never: tuple[int, ...], unit: Facts | None) -> Iterator[Finding]:
    first = float(np.nanmin(time.words.numbers))
    dates = start.values()
    early = (dates <= first) & ~np.isin(dates, never)
    if early.any():
        what = many(len(np.unique(unit.codes[early])), "unit") if unit else many(int(early.sum()), "row")
        problem = f"{what} under the policy from the first period {first:.0f} on"
        yield Finding("caution", start.name, problem, "they have no time before and tell nothing about its effect")
