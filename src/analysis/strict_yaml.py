"""YAML that means one thing: every doubtful construct is refused, with its line and the way to write it.

YAML 1.1 and 1.2 read some plain words differently (`no`, `010`, `1e5`, `2014-01-01`), and parsers keep the last of two
equal keys without a word. A parameter file or a data declaration decides what is published, so neither may pass.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from analysis.refusal import Refusal

LARGEST = 1_000_000
DEEPEST = 20
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?")
_AMBIGUOUS = re.compile(
    r"""(?ix)
      y | n | yes | no | on | off | true | false | null | = | <<       # switched on by one version of YAML only
    | [-+]?0[0-9_]+ | [-+]?0[box][0-9a-f_]+                            # octal, binary, hexadecimal
    | [-+]?[0-9][0-9_]*_[0-9_.]*                                       # 1_000
    | [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?                     # 1:30 read as 90
    | [-+]?([0-9]+\.?[0-9]*|\.[0-9]+)e[-+]?[0-9]+                      # 1e5
    | [-+]?\.(inf|nan)
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t\s].*)?                         # dates and times
    """
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def read(path: Path, shown: str) -> dict[str, Any]:
    """The mapping in the YAML file `path`: text, numbers, true/false, null, lists and mappings with text keys.

    `shown` is the file's name in messages. Raises Refusal R304 naming file and line for anything else: tags,
    anchors and aliases, equal keys, more than one document, control characters, plain scalars that versions of YAML
    read differently, text that is not UTF-8, syntax errors, an empty file, a list at the top, more than 1 MB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise Refusal(
            "R304", shown, f"the file cannot be read ({error.strerror})", "check its name and rights"
        ) from None
    return parse(data, shown)


def parse(data: bytes, shown: str) -> dict[str, Any]:
    """`read` for the bytes of a file."""
    if len(data) > LARGEST:
        _stop(shown, None, f"larger than {LARGEST:,} bytes", "keep data out of this file")
    text = _decoded(data, shown)
    try:
        return _Reader(shown, yaml.parse(text, Loader=_PARSER)).document()
    except yaml.MarkedYAMLError as error:
        unclosed = error.problem == "found unexpected end of stream"
        mark = (error.context_mark if unclosed else error.problem_mark) or error.context_mark
        line = mark.line if mark is not None else None
        _stop(shown, line, f"not valid YAML: {error.problem or error.context}", "check indentation, colons and quotes")
    except yaml.YAMLError as error:
        _stop(shown, None, f"not valid YAML: {' '.join(str(error).split())[:120]}", "check the file's characters")


def _decoded(data: bytes, shown: str) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start)
        _stop(shown, line, f"not UTF-8 (byte 0x{data[error.start]:02x})", "save the file as UTF-8")
    found = _CONTROL.search(text)
    if found:
        line = text.count("\n", 0, found.start())
        _stop(shown, line, f"control character U+{ord(found.group()):04X}", "delete it")
    return text


def _stop(shown: str, line: int | None, problem: str, fix: str) -> NoReturn:
    raise Refusal("R304", shown if line is None else f"{shown} line {line + 1}", problem, fix)


class _Reader:
    """Builds the value of one document from the parser's events."""

    def __init__(self, shown: str, events: Iterator[Any]) -> None:
        self._shown, self._events = shown, events

    def document(self) -> dict[str, Any]:
        started = False
        value: Any = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if started:
                    self._stop(event, "a second document", "keep one document, delete the line `---`")
                started = True
                value = self._value(next(self._events), 0)
        if value is None:
            _stop(self._shown, None, "the file is empty", "write `name: value` lines")
        if not isinstance(value, dict):
            _stop(
                self._shown, 0, f"a {_kind(value)} where `name: value` lines are expected", "write `name: value` lines"
            )
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            self._stop(event, f"alias *{event.anchor}", "write the value out")
        if event.anchor is not None:
            self._stop(event, f"anchor &{event.anchor}", "delete it and write values out")
        if event.tag is not None:
            self._stop(event, f"tag {event.tag!r}", "delete the tag")
        if depth > DEEPEST:
            self._stop(event, f"nested deeper than {DEEPEST} levels", "write it flatter")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        return self._list(depth) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(depth)

    def _list(self, depth: int) -> list[Any]:
        values = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            values.append(self._value(event, depth + 1))
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            if not isinstance(key, str):
                shown = event.value if isinstance(event, yaml.ScalarEvent) else f"a {_kind(key)}"
                self._stop(event, f"the key {shown} is not text", "quote it")
            if key in values:
                self._stop(event, f"duplicate key {key!r}", "keep one of the two")
            values[key] = self._value(next(self._events), depth + 1)
        return values

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.style:  # quoted or block text
            if found := _CONTROL.search(text):
                self._stop(event, f"control character U+{ord(found.group()):04X}", "delete it")
            return text
        if text in _NULL:
            return None
        if text in _BOOLEAN:
            return _BOOLEAN[text]
        if _INTEGER.fullmatch(text):
            return self._integer(event)
        if _NUMBER.fullmatch(text):
            return self._number(event)
        if _AMBIGUOUS.fullmatch(text):
            self._stop(event, f"{text} is read differently by different versions of YAML", _advice(text))
        return text

    def _integer(self, event: Any) -> int:
        if len(event.value) > 19:
            self._stop(event, "a whole number with more than 18 digits", "quote it")
        return int(event.value)

    def _number(self, event: Any) -> float:
        value = float(event.value)
        if not math.isfinite(value):
            self._stop(event, f"{event.value} is not a finite number", "write a smaller number, or quote it")
        return value

    def _stop(self, event: Any, problem: str, fix: str) -> NoReturn:
        _stop(self._shown, event.start_mark.line, problem, fix)


def _advice(text: str) -> str:
    word = text.lower()
    if word in {"y", "yes", "on", "true", "n", "no", "off", "false"}:
        plain = "true" if word in {"y", "yes", "on", "true"} else "false"
        return f"quote it ('{text}') if it is text, write {plain} if it is a switch"
    if re.fullmatch(r"[-+.\de]+", word) and "e" in word:
        return f"quote it ('{text}') if it is text, write {float(text)!r} out with a decimal point if it is a number"
    return f"quote it ('{text}')"


def _kind(value: Any) -> str:
    names = {dict: "mapping", list: "list", str: "text", bool: "switch", int: "number", float: "number"}
    return names.get(type(value), "null")
