"""Which column, or pair of columns, names every row once; rows that stand there twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from analysis.profile.facts import Facts
from analysis.profile.forms import Mask
from analysis.profile.guess import CODE_NAME, Guess

NEARLY = 0.95
PAIRS = 60
MIX = np.uint64(0x9E3779B97F4A7C15)


def together(columns: Sequence[Facts]) -> NDArray[np.uint64]:
    """(rows,) one number per combination of the columns' values; an empty field is a value of its own."""
    mixed = np.zeros(columns[0].rows, dtype="uint64")
    for facts in columns:
        mixed = (mixed ^ (facts.codes.astype("int64") + 2).astype("uint64")) * MIX
        mixed ^= mixed >> np.uint64(29)
    return mixed


def groups(columns: Sequence[Facts]) -> int:
    """How many different combinations of the columns' values there are."""
    import pandas as pd

    if len(columns) == 1:
        return columns[0].distinct + int(columns[0].present < columns[0].rows)
    return len(pd.unique(together(columns)))


def repeats(columns: Sequence[Facts]) -> Mask:
    """(rows,) the rows whose values in the columns stood in an earlier row."""
    import pandas as pd

    return np.asarray(pd.Series(together(columns)).duplicated().to_numpy())


def constant_within(inner: Facts, outer: Sequence[Facts]) -> bool:
    """Whether `inner` (missing counts as a value) never changes within a combination of the outer columns."""
    return groups([*outer, inner]) == groups(outer)


def single(columns: Sequence[Facts], guesses: Sequence[Guess]) -> list[str]:
    """The columns that name every row once; measurements that happen to differ everywhere do not."""
    return [
        facts.name
        for facts, guess in zip(columns, guesses, strict=True)
        if facts.distinct == facts.rows > 1 and _names(facts, guess) and _is_code(facts, guess, columns[0])
    ]


def pair(columns: Sequence[Facts], guesses: Sequence[Guess]) -> tuple[str, str] | None:
    """The first pair of columns that names every row once, where no single column does."""
    rows = columns[0].rows
    able = [
        facts
        for facts, guess in zip(columns, guesses, strict=True)
        if _names(facts, guess)
        and facts.present == rows
        and 1 < facts.distinct < rows
        and _placed(facts, guess, columns)
    ]
    tried = 0
    for one, other in combinations(able, 2):
        if one.distinct * other.distinct < rows or max(one.distinct, other.distinct) > 0.9 * rows:
            continue
        tried += 1
        if groups([one, other]) == rows:
            return one.name, other.name
        if tried >= PAIRS:
            return None
    return None


def _placed(facts: Facts, guess: Guess, columns: Sequence[Facts]) -> bool:
    """Whether a whole number may be half a key: keys have names of codes or stand first."""
    return guess.type != "integer" or bool(CODE_NAME.search(facts.name)) or any(facts is one for one in columns[:3])


def _is_code(facts: Facts, guess: Guess, first: Facts) -> bool:
    """Whether a column that differs in every row was made to name rows, not a measurement that happens to differ."""
    return guess.type == "text" or facts is first or bool(CODE_NAME.search(facts.name))


def _names(facts: Facts, guess: Guess) -> bool:
    """Whether the column can name rows: words, days or whole numbers that are no measurements."""
    if guess.type in ("text", "date"):
        return True
    return guess.type == "integer" and (guess.minimum is None or guess.minimum >= 0)
