"""What is doubtful about the table as a whole: names of columns, rows twice, keys that nearly hold, a wide table."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from analysis.profile import keys
from analysis.profile.facts import Facts
from analysis.profile.fields import Table
from analysis.profile.finding import Finding, many
from analysis.profile.guess import CODE_NAME, Guess
from analysis.profile.roles import Roles

USABLE = re.compile(r"[A-Za-z_][\w. -]*")
YEAR = re.compile(r"(18|19|20)[0-9]{2}")
WAVES = 4
LISTED = 6
LONG = (
    "one row per unit and wave: copy the columns of the second wave ({two}, ...) below those of the first ({one}, ...) "
    "with a column `wave` (1 and 2), and bring the file again"
)


def findings(
    table: Table, facts: Mapping[str, Facts], guesses: Mapping[str, Guess], private: Mapping[str, str], roles: Roles
) -> Iterator[Finding]:
    """Everything doubtful that no single column shows."""
    yield from _names(facts)
    yield from _twice(table, facts)
    yield from _nearly_keys(table, facts, guesses, private, roles)
    if not roles.column("time"):
        yield from _wide(facts, guesses)
    yield from _calendar_parts(facts, guesses, roles)


def _names(facts: Mapping[str, Facts]) -> Iterator[Finding]:
    if "" in facts or any(not name.strip() for name in facts):
        yield Finding("caution", "", "one column has no name; it is left out", "name it in the file if it is needed")
    alike: dict[str, list[str]] = defaultdict(list)
    for name in facts:
        alike[name.strip().lower()].append(name)
        if name.strip() and name != name.strip():
            yield Finding("caution", name, "blanks around the name of the column", "delete them in the file")
        elif name.strip() and not USABLE.fullmatch(name):
            problem = "conditions under `where` need names that begin with a letter, of letters, digits, _ and -"
            yield Finding("note", name, problem, "rename the column in the file if a condition needs it")
    for names in alike.values():
        if len(names) > 1:
            listed = " and ".join(repr(name) for name in names)
            yield Finding("caution", names[0], f"columns with names that are nearly equal: {listed}", "rename one")


def _twice(table: Table, facts: Mapping[str, Facts]) -> Iterator[Finding]:
    again = keys.repeats(list(facts.values()))
    if again.any():
        problem = f"{many(int(again.sum()), 'row')} equal to an earlier row in every column, first in "
        fix = "delete them if they were entered twice; people with equal answers may stay"
        yield Finding("caution", "", f"{problem}{table.place(int(again.argmax()))}", fix)


def _nearly_keys(
    table: Table, facts: Mapping[str, Facts], guesses: Mapping[str, Guess], private: Mapping[str, str], roles: Roles
) -> Iterator[Finding]:
    """A code that names nearly every row: its repeated values are mistakes or rows entered twice."""
    for name, one in facts.items():
        coded = name not in roles.given and (CODE_NAME.search(name) or name == next(iter(facts)))
        text = guesses[name].type in ("integer", "text") or name in private
        if not coded or not text or one.distinct == one.rows or one.distinct < keys.NEARLY * one.present:
            continue
        again = keys.repeats([one]) & (one.codes >= 0)
        if again.any():
            problem = f"nearly every code stands once; {many(int(again.sum()), 'row')} with one seen before, first in "
            fix = "if the column names rows, find out which of the two is right"
            yield Finding("caution", name, f"{problem}{table.place(int(again.argmax()))}", fix)


def _wide(facts: Mapping[str, Facts], guesses: Mapping[str, Guess]) -> Iterator[Finding]:
    """Periods side by side instead of one below the other."""
    years = [name for name in facts if YEAR.fullmatch(name.strip())]
    if len(years) > 2:
        problem = f"{len(years)} columns are named by years: a wide table"
        fix = "designs that follow units need one row per unit and year: make it long before bringing it"
        yield Finding("caution", "", problem, fix)
    numeric = {name for name in facts if guesses[name].numeric}
    waves = [(name, f"{name}{end}") for name in sorted(numeric) for end in ("2", "_2", "_post", "_after", "_end")
             if f"{name}{end}" in numeric and not name[-1].isdigit()]  # fmt: skip
    if len(waves) >= WAVES:
        listed = ", ".join(f"{one} and {two}" for one, two in waves[:3])
        problem = f"{len(waves)} pairs of columns look like two surveys side by side ({listed}, …)"
        fix = "to follow units over time, write " + LONG.format(one=waves[0][0], two=waves[0][1])
        fix += "; designs for one row per unit can use both as they are"
        yield Finding("caution", "", problem, fix)


def _calendar_parts(facts: Mapping[str, Facts], guesses: Mapping[str, Guess], roles: Roles) -> Iterator[Finding]:
    """A month or quarter of its own beside the year."""
    time = roles.column("time")
    if not time or not re.search("(?i)year|jahr|ann|a[nñ]o", time):
        return
    for name, most, form in (("month", 12, "201704"), ("quarter", 4, "20174"), ("qtr", 4, "20174")):
        part = next((other for other in facts if other.lower() == name), "")
        if part and guesses[part].type == "integer":
            values = facts[part].words.numbers
            if bool(((values >= 1) & (values <= most)).all()) and len(np.unique(values)) > 1:
                problem = f"year and {name} stand in two columns; periods need one number such as {form}"
                yield Finding("caution", part, problem, "add a column that joins them, or study whole years")
