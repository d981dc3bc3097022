"""What a column is taken for: its type, its range or its words, and the values that seem to stand for missing.

Text stays text wherever reading it as numbers would lose or change anything: leading zeros, long numbers, commas.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.profile.facts import Facts
from analysis.profile.forms import Mask

Type = Literal["integer", "number", "text", "boolean", "date", ""]
Value = int | float | str
EXACT = 2**53
FEW, REPEATED, LONGEST = 20, 3, 60
NEGATIVE = (-7, -8, -9, -77, -88, -97, -98, -99, -777, -888, -997, -998, -999, -7777, -8888, -9999, -99999, -999999)
POSITIVE = (77, 88, 97, 98, 99, 777, 888, 997, 998, 999, 7777, 8888, 9999, 99999, 999999, 9999999)
CODE_NAME = re.compile(
    r"(?i)(^|[_. -])(id|ids|code|key|nr|no|num|number|fips|geoid|zip|plz|account|acct|permit|case|ref|isbn|ean|"
    r"sku|serial|barcode)($|[_. -])|[a-z](ID|Id|Code|Key)$|^[a-z]{0,4}id$"
)


@dataclass(frozen=True)
class Guess:
    """The declaration that a column would get. `reason` is set where a person must confirm the type; `type` "" means
    that nothing can be declared, for the reason given."""

    type: Type
    reason: str = ""
    missing: bool = False
    codes: tuple[Value, ...] = ()
    values: tuple[Value, ...] = ()
    minimum: int | float | None = None
    maximum: int | float | None = None

    @property
    def numeric(self) -> bool:
        """Whether it is declared as numbers."""
        return self.type in ("integer", "number")


def of(facts: Facts) -> Guess:
    """The guess for one column, from its words alone."""
    if not facts.is_text():
        return _typed(facts)
    if not facts.present:
        return Guess("", "every field is empty", missing=True)
    form, words = facts.words.form, facts.words
    gaps = facts.present < facts.rows
    blank, stands_in = form("blank"), form("missing")
    number = ~np.isnan(words.numbers)
    finite = not np.isinf(words.numbers).any()
    if number.any() and finite and (number | stands_in | blank).all():
        return _numbers(facts, number, _listed(facts, stands_in & ~number), gaps or bool(blank.any()))
    if (form("true") | form("false") | stands_in | blank).all() and (form("true") | form("false")).any():
        return Guess("boolean", "", gaps or bool((stands_in | blank).any()), _listed(facts, stands_in))
    dates = _days(facts)
    if dates.any() and (dates | stands_in).all():
        return Guess("date", "", gaps or bool(stands_in.any()), _listed(facts, stands_in))
    return Guess("text", _disguise(facts, number), gaps, values=_few(facts))


def kept_as_text(guess: Guess, facts: Facts, reason: str) -> Guess:
    """The guess where reading the column as numbers would change them."""
    return replace(guess, type="text", reason=reason, codes=(), values=_few(facts), minimum=None, maximum=None)


def _typed(facts: Facts) -> Guess:
    """A column whose type the file holds already."""
    import pyarrow as pa  # type: ignore[import-untyped]

    kind, gaps = facts.held, facts.present < facts.rows
    if pa.types.is_null(kind) or (not facts.present and not pa.types.is_nested(kind)):
        return Guess("", "every field is empty", missing=True)
    if pa.types.is_boolean(kind):
        return Guess("boolean", missing=gaps)
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and _whole_days(facts)):
        return Guess("date", missing=gaps)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = facts.words.numbers
        if np.isinf(numbers).any():
            return Guess("", "it holds infinite values", missing=gaps)
        if pa.types.is_integer(kind) and np.abs(numbers).max() >= EXACT:
            return Guess("", "its whole numbers are too long to be exact; write them as text", missing=gaps)
        return _ranged(facts, np.ones(len(numbers), dtype=bool), (), gaps, pa.types.is_decimal(kind))
    return Guess("", f"the file holds {kind}, which is not text, a number, a date or true/false", missing=gaps)


def _whole_days(facts: Facts) -> bool:
    import pyarrow as pa
    from pyarrow import compute

    days = compute.cast(compute.cast(facts.words.words, pa.date32(), safe=False), facts.held)
    return bool(compute.all(compute.equal(days, facts.words.words)).as_py())


def _numbers(facts: Facts, number: Mask, codes: tuple[Value, ...], gaps: bool) -> Guess:
    form, values = facts.words.form, facts.words.numbers[number]
    found = _ranged(facts, number, codes, gaps or bool(codes))
    if form("zeros").any():
        reason = "numbers with leading zeros are codes; as numbers they would lose the zeros"
    elif np.abs(values).max() >= EXACT:
        reason = "whole numbers of this length are rounded when they are read as numbers"
    elif form("positive_power").any() and CODE_NAME.search(facts.name):
        reason = "codes in scientific notation have lost digits"
    else:
        return found
    return replace(kept_as_text(found, facts, reason), missing=facts.present < facts.rows)


def _ranged(facts: Facts, number: Mask, codes: tuple[Value, ...], gaps: bool, fractions: bool = False) -> Guess:
    values = facts.words.numbers[number]
    coded = stand_ins(values, facts.counts[number])
    kept = values[~np.isin(values, coded)]
    whole = bool((values % 1 == 0).all()) and not fractions
    low, high = _plain(kept.min(), whole), _plain(kept.max(), whole)
    codes = (*codes, *(_plain(code, whole) for code in coded))
    kind: Type = "integer" if whole else "number"
    if whole and not set(kept.tolist()) - {0.0, 1.0} and len(set(kept.tolist())) == 2:
        return Guess(kind, "", gaps or bool(codes), codes, values=(0, 1))
    return Guess(kind, "", gaps or bool(codes), codes, (), low, high)


def stand_ins(values: NDArray[np.float64], counts: NDArray[np.int64]) -> list[float]:
    """Numbers such as -999 or 9999 that lie far outside all others: they seem to stand for missing.

    values, counts: (distinct,). Codes of two digits count only where they are repeated.
    """
    suspected = np.isin(values, (0, *NEGATIVE, *POSITIVE))
    rest, found = values[~suspected], np.unique(values[suspected]).tolist()
    if not found or not len(rest) or rest.min() == rest.max():
        return []
    low, high = float(rest.min()), float(rest.max())
    often = {value: int(counts[values == value].sum()) for value in found}
    return [value for value in found if _outlying(value, low, high) and (often[value] > 1 or not 9 < value < 100)]


def _outlying(value: float, low: float, high: float) -> bool:
    """Whether a suspected code lies far from all other values. Zero is one only among years, postcodes and the like."""
    spread = high - low
    if value == 0:
        return low >= 1000 and low > 5 * spread
    return (value < low and (low >= 0 or low - value > spread)) or (value > high and value - high > spread)


def _plain(value: float, whole: bool) -> int | float:
    return int(value) if whole or (float(value).is_integer() and abs(value) < EXACT) else float(value)


def _listed(facts: Facts, mask: Mask) -> tuple[str, ...]:
    return tuple(facts.word(int(place)).strip(" \t") for place in np.flatnonzero(mask))[:FEW]


def _days(facts: Facts) -> Mask:
    """The words that are days of the calendar, written year-month-day."""
    return facts.words.form("iso") & ~impossible(facts)


def impossible(facts: Facts) -> Mask:
    """The words written year-month-day that the calendar does not have, such as 2015-02-30."""
    import pyarrow as pa
    from pyarrow import compute

    iso = facts.words.form("iso")
    found = np.zeros(facts.distinct, dtype=bool)
    try:
        compute.cast(facts.words.words.filter(pa.array(iso)), pa.date32())
    except pa.ArrowInvalid:
        for place in np.flatnonzero(iso):
            found[place] = not _is_day(facts.word(int(place)))
    return found


def _is_day(word: str) -> bool:
    try:
        datetime.date.fromisoformat(word)
    except ValueError:
        return False
    return True


def _few(facts: Facts) -> tuple[str, ...]:
    """The words of a category; none where they are many, long, or hardly ever repeated."""
    if facts.distinct > FEW or facts.present < REPEATED * facts.distinct or facts.words.form("hidden").any():
        return ()
    words = sorted(facts.word(place) for place in range(facts.distinct))
    return tuple(words) if all(len(word) <= LONGEST for word in words) else ()


def disguised(facts: Facts) -> Mask:
    """The words that are numbers for people only: 1,5 or 12 % or $5."""
    found = np.zeros(facts.distinct, dtype=bool)
    for name in ("comma", "thousands", "percent", "money", "dressed"):
        found |= facts.words.form(name)
    return found


def _disguise(facts: Facts, number: Mask) -> str:
    """Why text that is mostly numbers is text."""
    meant = facts.count(number)
    dressed = facts.count(disguised(facts) & ~number)
    if meant + dressed >= facts.present / 2 and meant + dressed:
        return "mostly numbers, but not all are written as numbers"
    return ""
