"""What is doubtful in one column: each trap that would turn up as a wrong number, with its count and first line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from analysis.profile.facts import Facts
from analysis.profile.fields import Lines
from analysis.profile.finding import Finding, Severity, many
from analysis.profile.forms import Mask
from analysis.profile.guess import CODE_NAME, EXACT, Guess, disguised

SHOWN = 20
WITH_POINTS = "write numbers with a point before decimals and nothing else, then bring the file again"


@dataclass(frozen=True)
class Look:
    """A column with its guess; `private` columns are described without their values."""

    facts: Facts
    guess: Guess
    place: Lines
    private: bool

    def form(self, name: str) -> Mask:
        """(distinct,) the words of this form."""
        return self.facts.words.form(name)

    def at(self, mask: Mask) -> str:
        """`first in line 12`, with the value where it may be shown and is short."""
        row = self.facts.first(mask)
        word = self.facts.word(int(self.facts.codes[row]))
        value = "" if self.private or len(word) > SHOWN or not word.isprintable() else f" ({word!r})"
        return f"{self.place(row)}{value}"

    def found(self, severity: Severity, problem: str, fix: str, *, unread: bool = False) -> Finding:
        """A finding about this column."""
        return Finding(severity, self.facts.name, problem, fix, unread)


def findings(look: Look) -> list[Finding]:
    """Every trap in the column, in no particular order."""
    if not look.facts.present:
        return [look.found("note", look.guess.reason, "")]
    if not look.guess.type:
        return [look.found("caution", look.guess.reason, "it is left out; write the file again to use it")]
    return [finding for trap in (*ANYWHERE, *IN_NUMBERS, *IN_TEXT) for finding in trap(look)]


def _constant(look: Look) -> Iterator[Finding]:
    if look.facts.distinct == 1 and look.facts.present == look.facts.rows > 1:
        yield look.found("note", "the same value in every row", "it explains nothing in an analysis")


def _padded(look: Look) -> Iterator[Finding]:
    mask = look.form("padded")
    if mask.any():
        problem = f"{many(look.facts.count(mask), 'value')} with blanks around, first in {look.at(mask)}"
        fix = "as text ' a' and 'a' are two values; delete the blanks in the file" if look.guess.type == "text" else ""
        yield look.found("caution" if fix else "note", problem, fix)


def _broken(look: Look) -> Iterator[Finding]:
    mask = look.form("broken")
    if mask.any():
        problem = f"{many(look.facts.count(mask), 'value')} with broken letters, first in {look.at(mask)}"
        yield look.found("caution", problem, "the file was saved in a wrong encoding once; export it again as UTF-8")


def _control(look: Look) -> Iterator[Finding]:
    mask = look.form("control")
    if mask.any():
        problem = f"{many(look.facts.count(mask), 'value')} with control characters, first in {look.at(mask)}"
        yield look.found("caution", problem, "delete them in the file")


def _errors(look: Look) -> Iterator[Finding]:
    mask = look.form("error")
    if mask.any():
        problem = f"{many(look.facts.count(mask), 'error cell')} of a spreadsheet, first in {look.at(mask)}"
        fix = "correct the formula in the workbook, or empty the cell, and bring the file again"
        yield look.found("serious", problem, fix)


def _formulas(look: Look) -> Iterator[Finding]:
    mask = look.form("formula")
    if mask.any():
        problem = f"{many(look.facts.count(mask), 'formula')} instead of a value, first in {look.at(mask)}"
        yield look.found("serious", problem, "store the results: in Excel copy, Paste Special, Values; export again")


def _codes(look: Look) -> Iterator[Finding]:
    """Values that seem to stand for missing in a column of numbers or dates."""
    numbers = look.facts.words.numbers
    for code in look.guess.codes:
        if isinstance(code, str):
            mask = _equal(look, code)
            number, row = look.facts.count(mask), look.place(look.facts.first(mask))
            seems = "seems" if number == 1 else "seem"
            problem = f"{many(number, 'field')} {code!r}, first in {row}, {seems} to mean missing"
            yield look.found("caution", problem, "keep it below missing_codes, or correct the fields")
        else:
            mask = numbers == code
            problem = f"{many(look.facts.count(mask), 'value')} {code}, first in {look.place(look.facts.first(mask))}, "
            fix = "keep it below missing_codes if it means missing; if it is a value, delete it there"
            yield look.found("serious", f"{problem}far outside all others: it seems to mean missing", fix)


def _equal(look: Look, code: str) -> Mask:
    """The words that are `code`, blanks around it aside."""
    found = look.form("missing").copy()
    for place in np.flatnonzero(found):
        found[place] = look.facts.word(int(place)).strip(" \t") == code
    return found


def _shortened(look: Look) -> Iterator[Finding]:
    """Numbers that a spreadsheet has cut: 1.2E+05, or sixteen digits that end in zeros."""
    facts, mask = look.facts, look.form("positive_power")
    if mask.any() and (look.guess.type != "number" or CODE_NAME.search(facts.name)):
        problem = (
            f"{many(facts.count(mask), 'number')} in scientific notation, first in {look.at(mask)}: digits may be lost"
        )
        yield look.found("serious", problem, "format the column as text in the spreadsheet and export it again")
    long = look.form("long")
    if long.any():
        ending = np.array([facts.word(int(place)).endswith("0") for place in np.flatnonzero(long)])
        if ending.all() and len(ending) > 2:
            problem = (
                f"{many(facts.count(long), 'number')} of 16 digits or more, all ending in 0: a spreadsheet rounded them"
            )
            yield look.found("serious", problem, "export the column as text from where the numbers come from")


def _kept_as_text(look: Look) -> Iterator[Finding]:
    mask = look.form("zeros")
    if mask.any() and look.guess.type == "text":
        problem = f"{many(look.facts.count(mask), 'value')} with leading zeros, first in {look.at(mask)}"
        yield look.found("caution", problem, "kept as text, so that 001 and 1 stay two values")
    elif look.guess.type == "text" and look.form("number").all() and np.abs(look.facts.words.numbers).max() >= EXACT:
        yield look.found("caution", "whole numbers of more than 15 digits", "kept as text, so that no digit is lost")


def _mixed(look: Look) -> Iterator[Finding]:
    """Numbers and words in one column."""
    facts = look.facts
    if look.guess.type != "text":
        return
    number = ~np.isnan(facts.words.numbers)
    other = ~(number | look.form("missing") | look.form("blank") | look.form("error") | look.form("formula"))
    words = other & ~disguised(facts)
    numbers = facts.count(number)
    if not words.any() or numbers < max(2, facts.present / 20):
        return
    severity: Severity = "serious" if numbers >= facts.present / 2 else "caution"
    problem = f"{many(numbers, 'number')} and {many(facts.count(words), 'word')}, first word in {look.at(words)}"
    fix = "if these are codes, keep `type: text`; if these are measurements, correct the words in the file"
    yield look.found(severity, problem, fix)


def _commas(look: Look) -> Iterator[Finding]:
    comma, sure = look.form("comma"), look.form("comma_sure")
    thousands = look.form("thousands") & ~sure
    numbers = look.facts.count(comma | thousands | ~np.isnan(look.facts.words.numbers))
    few = look.facts.count(comma | thousands) < look.facts.present / 10
    if look.guess.type != "text" or (few and numbers < look.facts.present / 2):
        return
    if sure.any():
        problem = f"{many(look.facts.count(comma), 'number')} with a decimal comma, first in {look.at(comma)}"
        yield look.found("serious", problem, WITH_POINTS, unread=True)
    elif thousands.any():
        unsure = "; 1,234 could also be 1.234" if (comma & thousands).any() else ""
        problem = f"{many(look.facts.count(thousands), 'number')} with a separator of thousands, first in "
        yield look.found("serious", f"{problem}{look.at(thousands)}{unsure}", WITH_POINTS, unread=True)


def _dressed(look: Look) -> Iterator[Finding]:
    kinds = {
        "percent": ("a percent sign", "write 12 or 0.12 and say which under `unit`, then bring the file again"),
        "money": ("a currency", "write the number alone, name the currency under `unit`, then bring the file again"),
        "dressed": ("marks around them (brackets, <, *)", "write plain numbers; put the marks into another column"),
    }
    for form, (words, fix) in kinds.items():
        mask = look.form(form)
        if look.guess.type == "text" and mask.any() and look.facts.count(mask) >= look.facts.present / 20:
            problem = f"{many(look.facts.count(mask), 'number')} with {words}, first in {look.at(mask)}"
            yield look.found("serious", problem, fix, unread=True)


def _null_words(look: Look) -> Iterator[Finding]:
    """NA and null in text may be Namibia and a surname."""
    mask = look.form("null_word")
    if look.guess.type == "text" and mask.any():
        words = sorted({look.facts.word(int(place)) for place in np.flatnonzero(mask)})[:4]
        listed = " and ".join(repr(word) for word in words)
        problem = f"{many(look.facts.count(mask), 'value')} {listed}, first in {look.place(look.facts.first(mask))}: "
        fix = "kept as values; if missing is meant, write `missing: allow` and list them below missing_codes"
        yield look.found("caution", f"{problem}a value (NA: Namibia; Null: a name), or missing?", fix)


def _switches(look: Look) -> Iterator[Finding]:
    words = {look.facts.word(place).strip().lower() for place in range(min(look.facts.distinct, 9))}
    if look.guess.type == "text" and look.facts.distinct < 9 and look.form("yes_no").all() and words - {"0", "1"}:
        listed = ", ".join(sorted(repr(look.facts.word(place)) for place in range(look.facts.distinct)))
        severity: Severity = "serious" if len(words) > 2 else "note"
        problem = f"yes and no written as {listed}"
        yield look.found(severity, problem, "to calculate with it, write 1 and 0 in the file")


def _doubtful_points(look: Look) -> Iterator[Finding]:
    if look.guess.type == "text" and "points" in look.guess.reason:
        yield look.found("serious", look.guess.reason, WITH_POINTS, unread=True)


def _sheet_days(look: Look) -> Iterator[Finding]:
    """Whole numbers that are days: of a spreadsheet's calendar, or digits of a date."""
    name, numbers = look.facts.name.lower(), look.facts.words.numbers
    if look.guess.type != "integer" or not any(word in name for word in ("date", "datum", "fecha", "day_of", "dob")):
        return
    known = numbers[~np.isnan(numbers) & ~np.isin(numbers, [c for c in look.guess.codes if not isinstance(c, str)])]
    fix = "write days as year-month-day (2014-01-31), periods as numbers (2014, 201401)"
    if len(known) and bool(((known >= 20_000) & (known <= 60_000)).all()):
        yield look.found("caution", "numbers from 20,000 to 60,000: days counted by a spreadsheet", fix)
    elif len(known) and all(_digits_of_a_day(int(value)) for value in known):
        yield look.found("caution", "numbers that are dates without separators", fix)


def _digits_of_a_day(value: int) -> bool:
    def day(year: int, month: int, day: int) -> bool:
        return 1800 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= 31

    if value >= 10**7:
        as_year_first = day(value // 10_000, value // 100 % 100, value % 100)
        return as_year_first or day(value % 10_000, value // 10**6, value // 10_000 % 100)
    high, middle, low = value // 10_000, value // 100 % 100, value % 100
    return value >= 10_100 and (
        day(1900 + low, high, middle) or day(1900 + low, middle, high) or day(2000, middle, low)
    )


Trap = Callable[[Look], Iterator[Finding]]
ANYWHERE: tuple[Trap, ...] = (_errors, _formulas, _codes, _shortened, _broken, _control, _padded, _constant)
IN_NUMBERS: tuple[Trap, ...] = (_sheet_days,)
IN_TEXT: tuple[Trap, ...] = (
    _mixed, _commas, _dressed, _doubtful_points, _kept_as_text, _null_words, _switches
)  # fmt: skip
