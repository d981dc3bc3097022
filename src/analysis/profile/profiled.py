"""A table looked at from all sides: what each column seems to be, which part it plays, and what is doubtful."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from analysis.profile import dates, facts, fields, guess, levels, panel, personal, roles, shape, spelling, traps, whole
from analysis.profile.facts import Facts
from analysis.profile.fields import Table
from analysis.profile.finding import Finding, in_order
from analysis.profile.guess import Guess
from analysis.profile.incoming import Incoming
from analysis.profile.roles import Roles


@dataclass(frozen=True)
class Profile:
    """What was found. `private` says why a column may identify people; such columns, and those of which nothing can be
    declared (`guesses[name].type` is ""), are left out of the declaration. Findings: most serious first."""

    incoming: Incoming
    table: Table
    facts: Mapping[str, Facts]
    guesses: Mapping[str, Guess]
    private: Mapping[str, str]
    roles: Roles
    findings: tuple[Finding, ...]

    def declared(self) -> list[str]:
        """The columns that are declared, in the order of the file."""
        return [name for name in self.facts if declarable(name, self.guesses[name], self.private)]


def declarable(name: str, found: Guess, private: Mapping[str, str]) -> bool:
    """Whether a column is declared: it has a name and a type, and nothing says that it identifies people."""
    return bool(found.type) and name not in private and bool(name.strip())


def of(incoming: Incoming, shown: str) -> Profile:
    """The profile of a table. Raises Refusal as `fields.read` and `shape.refuse` do."""
    table = fields.read(incoming, shown)
    columns = {name: facts.of(name, column) for name, column in table.columns.items()}
    shape.refuse(table, columns)
    private = {name: why for name, one in columns.items() if (why := personal.suspect(one))}
    guesses = _guesses(columns, incoming)
    able = _able(columns, guesses, private)
    found = roles.find(able, {name: guesses[name] for name in able})
    guesses = _with_never(guesses, columns, found)
    findings = [*incoming.findings, *_findings(table, columns, guesses, private, found)]
    return Profile(incoming, table, columns, guesses, private, found, tuple(in_order(findings)))


def _able(columns: Mapping[str, Facts], guesses: Mapping[str, Guess], private: Mapping[str, str]) -> dict[str, Facts]:
    """The declared columns; numbers that are written in several ways count as one value."""
    kept = {name: one for name, one in columns.items() if declarable(name, guesses[name], private)}
    return {name: facts.by_number(one) if guesses[name].numeric else one for name, one in kept.items()}


def _guesses(columns: Mapping[str, Facts], incoming: Incoming) -> dict[str, Guess]:
    """The guesses of all columns; points between groups of three digits are doubted beside decimal commas."""
    found = {name: guess.of(one) for name, one in columns.items()}
    commas = any(one.words.form("comma_sure").any() for one in columns.values())
    if not commas and not any("semicolons" in said for said in incoming.converted):
        return found
    reason = "points that may separate thousands: 1.234 beside decimal commas or semicolons"
    doubtful = {name for name, one in columns.items() if found[name].type == "number" and _points(one)}
    return {
        name: guess.kept_as_text(one, columns[name], reason) if name in doubtful else one for name, one in found.items()
    }


def _points(one: Facts) -> bool:
    """Whether every number with a point has three digits after each."""
    pointed = one.words.form("points")
    fractions = one.words.form("fraction")
    return bool(pointed.any()) and bool((pointed == fractions).all())


def _with_never(guesses: Mapping[str, Guess], columns: Mapping[str, Facts], found: Roles) -> dict[str, Guess]:
    """Values of the adoption date that seem to mean never are suspected codes, outside the range."""
    start = found.column("first_treated")
    if not start or not found.never:
        return dict(guesses)
    one, numbers = guesses[start], columns[start].words.numbers
    codes = tuple(dict.fromkeys((*one.codes, *found.never)))
    dates = [int(value) for value in numbers[~np.isnan(numbers)].tolist() if int(value) not in codes]
    return {
        **guesses,
        start: replace(one, codes=codes, missing=True, values=(), minimum=min(dates), maximum=max(dates)),
    }


def _findings(
    table: Table, columns: Mapping[str, Facts], guesses: Mapping[str, Guess], private: Mapping[str, str], found: Roles
) -> Iterator[Finding]:
    yield from _identifying(private)
    yield from whole.findings(table, columns, guesses, private, found)
    yield from shape.findings(table, {name: one for name, one in columns.items() if name not in private})
    for name, one in columns.items():
        if not name.strip():
            continue
        codes = tuple(code for code in guesses[name].codes if code not in found.never)
        look = traps.Look(one, replace(guesses[name], codes=codes), table.place, name in private)
        yield from traps.findings(look)
        yield from dates.findings(look)
        yield from spelling.findings(look)
    able = _able(columns, guesses, private)
    played = panel.Played(table, able, guesses, found)
    yield from panel.findings(played)
    yield from levels.findings(played)
    yield from _never(columns, found)


def _identifying(private: Mapping[str, str]) -> Iterator[Finding]:
    for name, why in private.items():
        fix = "left out of every analysis; delete it from the file before you share it"
        yield Finding("serious", name, f"may identify people: {why}", fix)


def _never(columns: Mapping[str, Facts], found: Roles) -> Iterator[Finding]:
    start = found.column("first_treated")
    for code in found.never:
        count = int(np.sum(columns[start].values() == code))
        problem = f"{count:,} values {code} seem to mean that the policy never starts"
        yield Finding("serious", start, problem, "keep it below missing_codes if so; if not, correct the rows")
