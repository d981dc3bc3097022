"""The glossary: what each technical term means, and a link at the place where a page first uses it."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from bs4 import BeautifulSoup
    from bs4.element import NavigableString

FILE = Path(__file__).with_name("glossary.yml")
QUIET = ["a", "code", "pre", "h1", "h2", "h3", "h4", "h5", "h6"]


class Entry(TypedDict):
    """One term, its other spellings, its meaning in plain words, and the id of its entry on the page."""

    term: str
    also: list[str]
    means: str
    id: str


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All entries, by term."""
    import yaml

    found = yaml.safe_load(FILE.read_text("utf-8"))
    named = [Entry(term=e["term"], also=e["also"], means=e["means"], id=_id(e["term"])) for e in found]
    return tuple(sorted(named, key=lambda entry: entry["term"]))


@functools.cache
def ordinary_words() -> frozenset[str]:
    """The words that the glossary's own sentences use: a column of such a name cannot be told from prose."""
    text = " ".join(f"{entry['term']} {' '.join(entry['also'])} {entry['means']}" for entry in entries())
    return frozenset(re.findall(r"[a-z]+", text.lower()))


def _id(term: str) -> str:
    return "term-" + re.sub(r"[^a-z0-9]+", "-", term.lower())


class Linker:
    """Links the first use of each term on one page. Keep one for the whole page and give it the text in order."""

    def __init__(self) -> None:
        self._left = {spelling: e["id"] for e in entries() for spelling in (e["term"], *e["also"])}

    @property
    def used(self) -> list[Entry]:
        """The entries of the terms linked so far."""
        waiting = set(self._left.values())
        return [entry for entry in entries() if entry["id"] not in waiting]

    def link(self, soup: BeautifulSoup) -> BeautifulSoup:
        """`soup`, changed in place: only text outside links, code and headings is looked at."""
        for text in list(soup.find_all(string=True)):
            if text.find_parent(QUIET) is None:
                self._split(soup, text)
        return soup

    def _split(self, soup: BeautifulSoup, text: NavigableString) -> None:
        match = self._pattern().search(text) if self._left else None
        if match is None:
            return
        target = self._left[match.group(0).lower()]
        self._left = {spelling: entry for spelling, entry in self._left.items() if entry != target}
        anchor = soup.new_tag("a", attrs={"class": "term", "href": f"#{target}"})
        anchor.string = match.group(0)
        rest = soup.new_string(text[match.end() :])
        text.replace_with(soup.new_string(text[: match.start()]), anchor, rest)
        self._split(soup, rest)

    def _pattern(self) -> re.Pattern[str]:
        words = sorted(self._left, key=len, reverse=True)
        return re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, words)) + r")(?![\w-])", re.IGNORECASE)
