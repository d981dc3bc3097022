"""YAML as a person would write it, in the part of the language that all readers read alike (`strict_yaml`)."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable

WIDTH = 118
_PLAIN = re.compile(r"[A-Za-z_](?:[\w ()/.'+&-]*[\w)])?", re.ASCII)
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"}
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]+")


def scalar(value: bool | int | float | str) -> str:
    """One value: words plain where that is safe, else in double quotes; numbers with a point before an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        whole, _, power = repr(value).partition("e")
        return whole + ("" if "." in whole else ".0") + (f"e{power}" if power else "")
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS and "  " not in value:
        return value
    return json.dumps(visible(value), ensure_ascii=False)


def visible(text: str) -> str:
    """`text` in one line, control characters as blanks: a declaration may not hold any."""
    return _HIDDEN.sub(" ", text)


def listed(key: str, values: Iterable[int | float | str], indent: str) -> list[str]:
    """`key: [a, b]`, or one value per line where that is too long."""
    words = [scalar(value) for value in values]
    line = f"{indent}{key}: [{', '.join(words)}]"
    if len(line) <= WIDTH:
        return [line]
    return [f"{indent}{key}:", *(f"{indent}  - {word}" for word in words)]


def comment(text: str, indent: str = "") -> list[str]:
    """`text` as lines of comment; from the second line on it is set in."""
    lines = textwrap.wrap(visible(text), WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False)
    return [f"{indent}# {'' if number == 0 else '  '}{line}" for number, line in enumerate(lines)]
