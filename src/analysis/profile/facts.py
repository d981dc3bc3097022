"""One column in numbers: its distinct words, how often each stands there and where first."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.profile.forms import Mask, Words

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Facts:
    """A column: `words` are distinct and in order of appearance; `codes` (rows,) is the place of each row's word, -1
    where the field is empty; `held` is the Arrow type of the file."""

    name: str
    words: Words
    codes: Codes
    held: pa.DataType

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return len(self.codes)

    @property
    def distinct(self) -> int:
        """Distinct words."""
        return len(self.words)

    @functools.cached_property
    def counts(self) -> NDArray[np.int64]:
        """(distinct,) how often each word stands there."""
        return np.bincount(self.codes[self.codes >= 0], minlength=self.distinct).astype("int64")

    @functools.cached_property
    def present(self) -> int:
        """Rows with a word."""
        return int(self.counts.sum())

    def count(self, mask: Mask) -> int:
        """Rows whose word is in `mask` (distinct,)."""
        return int(self.counts[mask].sum())

    def first(self, mask: Mask) -> int:
        """The first row whose word is in `mask`."""
        return int(np.argmax(self.where(mask)))

    def where(self, mask: Mask) -> Mask:
        """(rows,) the rows whose word is in `mask`."""
        return np.append(mask, False)[self.codes]

    def values(self) -> NDArray[np.float64]:
        """(rows,) the column as numbers, NaN where it holds none."""
        return np.append(self.words.numbers, np.nan)[self.codes]

    def word(self, place: int) -> str:
        """The distinct word at `place`, as text."""
        return str(self.words.words[place].as_py())

    def is_text(self) -> bool:
        """Whether the file holds text, so that the type is a guess."""
        import pyarrow as pa

        return bool(pa.types.is_string(self.held))


def by_number(facts: Facts) -> Facts:
    """The same column of numbers with one word per number: `2010` and `2010.0` are one period."""
    import pandas as pd
    import pyarrow as pa

    codes, numbers = pd.factorize(facts.words.numbers)
    if len(numbers) == facts.distinct:
        return facts
    return Facts(facts.name, Words(pa.array(numbers)), np.append(codes, -1)[facts.codes].astype("int32"), facts.held)


def of(name: str, column: pa.ChunkedArray) -> Facts:
    """The facts of one Arrow column."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return Facts(name, Words(pa.array([], pa.string())), np.full(len(column), -1, dtype="int32"), kind)
    whole = column.combine_chunks().dictionary_encode()
    whole = whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
    codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype("int32", copy=False)
    return Facts(name, Words(whole.dictionary), codes, kind)
