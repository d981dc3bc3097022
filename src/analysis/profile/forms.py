"""How the words of a column are written: one mask over its distinct words per form.

The patterns look at text alone. Which of several forms a column is taken for is decided in `guess`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

Mask = NDArray[np.bool_]

_CORE = r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
_SPACE = r"[ \t\x{A0}\x{202F}]"
PATTERNS = {
    "number": rf"^[ \t]*[-+]?{_CORE}[ \t]*$",
    "blank": r"^\s+$",
    "padded": r"^\s|\s$|^\x{A0}|\x{A0}$",
    "zeros": r"^0[0-9]+$",
    "scientific": r"^[ \t]*[-+]?[0-9.]+[eE][-+]?[0-9]+[ \t]*$",
    "positive_power": r"^[ \t]*[-+]?[0-9.]+[eE]\+?[0-9]+[ \t]*$",
    "long": r"^[-+]?[0-9]{16,}$",
    "missing": r"(?i)^\s*(na|n/a|n\.a\.|nan|null|none|nil|\.[a-z]?|\.\.|-|--|—|–|\?|missing|unknown|not available|"
               r"not applicable|k\.? ?a\.?|s/d|#n/a)\s*$",
    "null_word": r"(?i)^(na|n/a|nan|null|none|nil)$",
    "error": r"^#(N/A|REF!|DIV/0!|VALUE!|NAME\?|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA)$|^(Err|#ERR):?[0-9]*!?$",
    "formula": r"^[=@][A-Za-z0-9(+\-]",
    "comma": r"^[ \t]*[-+]?([0-9]{1,3}([. ’'][0-9]{3})*|[0-9]+),[0-9]+[ \t]*$",
    "comma_sure": r"^[ \t]*[-+]?([0-9]{1,3}([. ’'][0-9]{3})+,[0-9]+|[0-9]+,([0-9]{1,2}|[0-9]{4,})|0,[0-9]+)[ \t]*$",
    "thousands": rf"^[ \t]*[-+]?[0-9]{{1,3}}([,’']|{_SPACE})[0-9]{{3}}(([,’']|{_SPACE})[0-9]{{3}})*(\.[0-9]+)?[ \t]*$",
    "percent": rf"^{_SPACE}*[-+]?[0-9][0-9.,]*{_SPACE}*%{_SPACE}*$",
    "money": rf"^\s*[-+(]?{_SPACE}*(US)?[$€£¥₹₽]{_SPACE}*[-+]?[0-9][0-9., ]*\)?\s*$|^\s*[-+]?[0-9][0-9., ]*{_SPACE}*"
             r"([$€£¥₹₽]|EUR|USD|GBP|CHF|Kč|zł|kr)\s*$|^\s*(EUR|USD|GBP|CHF|R\$)\s*[-+]?[0-9][0-9., ]*\s*$",
    "dressed": r"^[-+]?[0-9]{1,3}(\.[0-9]{3}){2,}$|^\s*\([0-9][0-9.,]*\)\s*$|"
    r"^\s*−[0-9][0-9.,]*\s*$|^\s*[<>≤≥~≈]\s*[0-9][0-9.,]*\s*$|"
               r"^\s*[0-9][0-9.,]*\s*(\*+|†|‡|\([a-z]\)|[a-z]\))\s*$",
    "points": r"^[-+]?[1-9][0-9]{0,2}\.[0-9]{3}$",
    "fraction": r"^[-+]?[0-9]*\.[0-9]+$",
    "iso": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "iso_time": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}",
    "zone": r"(Z|[-+][0-9]{2}:?[0-9]{2})$",
    "slashed": r"^\s*[0-9]{1,2}[/.\-][0-9]{1,2}[/.\-]([0-9]{4}|[0-9]{2})(\s+[0-9]{1,2}:[0-9]{2}.*)?\s*$",
    "year_first": r"^\s*[0-9]{4}[/.][0-9]{1,2}[/.][0-9]{1,2}\s*$|^[0-9]{4}-[0-9]-[0-9]{1,2}$|^[0-9]{4}-[0-9]{2}-[0-9]$",
    "month_word": r"(?i)^\s*([0-9]{1,2}[ \-./]*)?(jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zä]*"
                  r"[ \-./,]*([0-9]{1,2},?[ \-./]+)?('?[0-9]{2}|[0-9]{4})\s*$",
    "period": r"(?i)^\s*[0-9]{4}[ \-/]?[mqts][ \-]?[0-9]{1,2}\s*$|^\s*[qt][1-4][ \-/]?[0-9]{4}\s*$|"
              r"^\s*[0-9]{4}[-/](0[1-9]|1[0-2])\s*$|^\s*[0-9]{4}[-/][0-9]{2}\s*$",
    "true": r"^(true|True|TRUE|1)$",
    "false": r"^(false|False|FALSE|0)$",
    "yes_no": r"(?i)^\s*(y|n|yes|no|t|f|true|false|ja|nein|oui|non|si|sí|sim|não|x|0|1)\s*$",
    "total": r"(?i)^\s*(grand total|sub-?totals?|totals?|sum|overall|gesamt|insgesamt|summe|total général|totale|"
             r"total general|suma|samt(lige)?|all units)\s*:?\s*$",
    "note": r"(?i)^\s*([*†‡¹²³]|\(?[a-z0-9]\)|\[[0-9]+\]|notes?\b|sources?\b|quelle|fuente|fonte|anmerkung|footnote|©)",
    "broken": r"Ã[\x{80}-\x{BF}©¨±³¼¶¤]|â€|Â[\x{A0}-\x{BF}]|\x{FFFD}",
    "hidden": r"[\x00-\x1f\x7f-\x{9f}\x{2028}-\x{202e}\x{2066}-\x{2069}\x{feff}\x{fffe}\x{ffff}]",
    "control": r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]",
}  # fmt: skip

# The forms that a plain number can have as well.
OF_NUMBERS = {"zeros", "scientific", "positive_power", "long", "points", "fraction", "true", "false", "yes_no"}


class Words:
    """The distinct words of a column and, on demand, which of them have which form."""

    def __init__(self, words: pa.Array) -> None:
        self.words = words
        self._masks: dict[str, Mask] = {}

    def __len__(self) -> int:
        return len(self.words)

    def form(self, name: str) -> Mask:
        """(distinct,) which words have the form `name`; none of them where the words are not text."""
        if name not in self._masks:
            self._masks[name] = self._form(name)
        return self._masks[name]

    def _form(self, name: str) -> Mask:
        if self.plain is not None and (name == "number" or name not in OF_NUMBERS):
            return np.full(len(self.words), name == "number")
        if self.plain is not None and not self._worth_a_look(name, self.plain):
            return np.zeros(len(self.words), dtype=bool)
        return matches(self.words, PATTERNS[name])

    def _worth_a_look(self, name: str, numbers: NDArray[np.float64]) -> bool:
        """Whether any of the numbers can have the form: a cheap question before a million patterns are tried."""
        from pyarrow import compute

        if name == "long":
            return bool(np.abs(numbers).max() >= 10**15)
        if name in ("scientific", "positive_power"):
            return bool(compute.any(compute.match_substring(self.words, "e", ignore_case=True)).as_py())
        return True

    @functools.cached_property
    def plain(self) -> NDArray[np.float64] | None:
        """(distinct,) the words as numbers where every word is one, without blanks around; None elsewhere."""
        import pyarrow as pa
        from pyarrow import compute

        if not pa.types.is_string(self.words.type) or not len(self.words):
            return None
        try:
            found = np.asarray(compute.cast(self.words, pa.float64()).to_numpy(zero_copy_only=False))
        except pa.ArrowInvalid:
            return None
        return found if np.isfinite(found).all() else None

    @functools.cached_property
    def numbers(self) -> NDArray[np.float64]:
        """(distinct,) the words as numbers, NaN where they are none."""
        import pyarrow as pa
        from pyarrow import compute

        if self.plain is not None:
            return self.plain
        kind = self.words.type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return np.asarray(compute.cast(self.words, pa.float64(), safe=False).to_numpy(zero_copy_only=False))
        if pa.types.is_boolean(kind):
            return np.asarray(compute.cast(self.words, pa.int8()).to_numpy(zero_copy_only=False), dtype="float64")
        found = np.full(len(self.words), np.nan)
        number = self.form("number")
        if number.any():
            bare = compute.utf8_trim(self.words.filter(pa.array(number)), " \t")
            found[number] = compute.cast(bare, pa.float64()).to_numpy(zero_copy_only=False)
        return found


def matches(words: pa.Array, pattern: str) -> Mask:
    """(distinct,) the words in which `pattern` is found; none where they are not text."""
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_string(words.type):
        return np.zeros(len(words), dtype=bool)
    return np.asarray(compute.match_substring_regex(words, pattern).to_numpy(zero_copy_only=False), dtype=bool)
