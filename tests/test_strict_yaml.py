"""YAML is read in one way or refused with file, line and fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import strict_yaml
from analysis.refusal import Refusal


def refusal(data: str | bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        strict_yaml.parse(data.encode() if isinstance(data, str) else data, "a.yml")
    assert caught.value.code == "R304"
    assert "\n" not in str(caught.value)
    return caught.value


def test_reads_plain_values_lists_and_mappings(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text(
        "# comment\ntext: state level # note\nquoted: 'no'\nwhole: -12\nnumber: 0.5\nsmall: 1.5e-3\nswitch: true\n"
        'nothing:\nlist: [a, 2, null]\nnested:\n  first.treat: {label: "é", values: [0, 1]}\n  y81:\n    - folded: >\n'
        "        one\n        two\n",
        encoding="utf-8",
    )
    assert strict_yaml.read(path, "a.yml") == {
        "text": "state level",
        "quoted": "no",
        "whole": -12,
        "number": 0.5,
        "small": 0.0015,
        "switch": True,
        "nothing": None,
        "list": ["a", 2, None],
        "nested": {"first.treat": {"label": "é", "values": [0, 1]}, "y81": [{"folded": "one two\n"}]},
    }


def test_byte_order_mark_and_windows_line_ends_are_harmless() -> None:
    assert strict_yaml.parse(b"\xef\xbb\xbfa: 1\r\nb: x\r\n", "a.yml") == {"a": 1, "b": "x"}


SWITCHES = ["yes", "no", "on", "off", "y", "N", "Yes", "OFF", "tRue"]
NUMBERS = ["010", "0o17", "0x1F", "0b1", "1_000", "1:30", "1e5", "1.5e3", ".inf", "-.INF", ".nan"]
DATES = ["2014-01-01", "2014-01-01 10:00:00"]


@pytest.mark.parametrize("word", [*SWITCHES, *NUMBERS, *DATES, "=", "<<"])
def test_words_that_versions_of_yaml_read_differently_are_refused_unless_quoted(word: str) -> None:
    found = refusal(f"a: 1\nb: {word}\n")
    assert found.where == "a.yml line 2"
    assert f"quote it ('{word}')" in found.fix
    assert strict_yaml.parse(f"b: '{word}'".encode(), "a.yml") == {"b": word}


def test_ambiguous_words_are_refused_in_lists_and_as_keys() -> None:
    assert refusal("a:\n  - no\n").where == "a.yml line 2"
    assert refusal("on: 1\n").problem.startswith("on is read differently")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate key 'a'"),
        ("m:\n  a: 1\n  a: 1\n", 3, "duplicate key 'a'"),
        ("a: &x 1\n", 1, "anchor &x"),
        ("a: *x\n", 1, "alias *x"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("a: !!str 1\n", 1, "tag 'tag:yaml.org,2002:str'"),
        ("a: 1\n---\nb: 1\n", 2, "a second document"),
        ("1: a\n", 1, "the key 1 is not text"),
        ("true: a\n", 1, "the key true is not text"),
        ("a: {{x}}\n", 1, "the key a mapping is not text"),
        ("- a\n", 1, "a list where `name: value` lines are expected"),
        ("just words\n", 1, "a text where `name: value` lines are expected"),
        ("a: 1.0e+999\n", 1, "1.0e+999 is not a finite number"),
        ("a: 9999999999999999999999\n", 1, "a whole number with more than 18 digits"),
        ('a: "\\e[31m"\n', 1, "control character U+001B"),
        ("a: 1\nb: \x07\n", 2, "control character U+0007"),
        ("a: x\u202ey\n", 1, "control character U+202E"),
        ("a: [1, 2\nb: 3\n", 2, "not valid YAML: did not find expected ',' or ']'"),
        ("a: b: c\n", 1, "not valid YAML: mapping values are not allowed in this context"),
        ("a: 1\nb: 'open\n\n\n", 2, "not valid YAML: found unexpected end of stream"),
        ("a: " + "[" * 5000, 1, "nested deeper than 20 levels"),
    ],
)
def test_refusals_name_line_and_problem(text: str, line: int, problem: str) -> None:
    found = refusal(text)
    assert (found.where, found.problem) == (f"a.yml line {line}", problem)
    assert found.fix


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert str(refusal(text)) == "R304 STOP a.yml — the file is empty. Fix: write `name: value` lines"


def test_bytes_that_are_not_utf8_are_refused_with_their_line() -> None:
    found = refusal("a: 1\nb: é\n".encode("latin-1"))
    assert str(found) == "R304 STOP a.yml line 2 — not UTF-8 (byte 0xe9). Fix: save the file as UTF-8"


def test_large_and_missing_files_are_refused(tmp_path: Path) -> None:
    assert refusal(b"a: " + b"x" * 1_000_000).problem == "larger than 1,000,000 bytes"
    with pytest.raises(Refusal, match="cannot be read"):
        strict_yaml.read(tmp_path / "none.yml", "none.yml")


def test_the_pure_python_parser_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    text = b"a: 1\nb: {c: [x, 'no', 0.5]}\nd: |\n  two\n  lines\n"
    fast = strict_yaml.parse(text, "a.yml")
    monkeypatch.setattr(strict_yaml, "_PARSER", yaml.SafeLoader)
    assert strict_yaml.parse(text, "a.yml") == fast
    assert refusal("a: 1\nb: no\n").where == "a.yml line 2"
