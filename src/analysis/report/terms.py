"""A technical term explained where it stands: a button that opens its meaning in place, without any script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.glossary import entries

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag


def in_place(soup: BeautifulSoup) -> BeautifulSoup:
    """`soup`, changed in place: every link to the glossary becomes a button followed by what it opens.

    Both are phrasing content, so that they may stand inside a sentence, and the browser itself opens and closes the
    meaning (popover); print leaves it out and keeps the word.
    """
    known = {f"#{entry['id']}": entry for entry in entries()}
    for link in soup.select("a.term"):
        entry = known[str(link["href"])]
        own = f"here-{entry['id']}"
        link.insert_after(_meaning(soup, own, entry["term"], entry["means"]))
        button = soup.new_tag("button", attrs={"type": "button", "class": "term", "popovertarget": own})
        button["popovertargetaction"] = "show"
        button.string = link.get_text()
        link.replace_with(button)
    return soup


def _meaning(soup: BeautifulSoup, own: str, term: str, means: str) -> Tag:
    opened = soup.new_tag("span", attrs={"class": "means", "id": own, "popover": "auto", "role": "note"})
    name = soup.new_tag("b")
    name.string = term
    more = soup.new_tag("a", attrs={"href": "#s-glossary"})
    more.string = "All terms of this page"
    opened.extend([name, soup.new_string(f" {means} "), more])
    return opened
