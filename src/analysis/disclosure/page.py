"""What a report page shows and what it carries unseen: tables, texts, pictures, downloads, everything else."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

ALLOWED_COMMENTS = {"status", "/status"}
BLOCKS = ["p", "li", "h1", "h2", "h3", "h4", "dt", "dd", "pre", "blockquote", "title"]
NUMBERS_IN_A_ROW = re.compile(r"\[(\s*[-\"']?[\w.]+[\"']?\s*,){40,}")
LONG = 300


@dataclass(frozen=True)
class Table:
    """A table of a report: `caption` without its number, `label` ("Table 2"), `name` of its CSV file; from the page or
    from the CSV file (`download`)."""

    label: str
    caption: str
    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    download: bool = False

    @property
    def place(self) -> str:
        """How a person finds it."""
        words = self.caption if len(self.caption) <= 70 else f"{self.caption[:69].rstrip()}…"
        where = f"{self.label} ({words})" if words else self.label
        return f"{where}, CSV file" if self.download else where

    def column(self, name: str) -> list[str]:
        """The cells of the column `name`."""
        place = self.header.index(name)
        return [row[place] for row in self.rows if place < len(row)]


@dataclass(frozen=True)
class Picture:
    """A picture in the page: its bytes and words."""

    label: str
    kind: str
    data: bytes
    alt: str


@dataclass
class Page:
    """All that stands in one page. texts: (section, text); odd: (place, what) that no report is made with."""

    tables: list[Table] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    odd: list[tuple[str, str]] = field(default_factory=list)


def read(html: str) -> Page:
    """The page `html`, taken apart."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    found = Page()
    found.odd += list(_unseen(soup))
    for tag in soup.find_all(["script", "style"]):
        tag.decompose()
    _tables(soup, found)
    for tag in soup.find_all("img"):
        _picture(tag, found)
    found.texts += list(_texts(soup))
    return found


def _tables(soup: BeautifulSoup, found: Page) -> None:
    for box in soup.find_all(["figure", "div"]):
        if box.name == "div" and "tabular" not in (box.get("class") or []):
            continue
        label, caption = _caption(box)
        inside = [t for t in box.find_all("table") if "facts" not in (t.get("class") or [])]
        links = [a for a in box.find_all("a") if str(a.get("href", "")).startswith("data:text/csv")]
        name = str(links[0].get("download", "")).removesuffix(".csv") if links else ""
        for table in inside:
            found.tables.append(_table(table, label, caption, name))
        for link in links:
            rows = _csv(str(link["href"]))
            if rows:
                body = tuple(tuple(row) for row in rows[1:])
                found.tables.append(Table(label, caption, name, tuple(rows[0]), body, download=True))
    known = {id(t) for box in soup.find_all(["figure", "div"]) if _is_box(box) for t in box.find_all("table")}
    for number, table in enumerate(soup.find_all("table"), start=1):
        if id(table) not in known:
            words = table.find("caption")
            caption = words.get_text(" ", strip=True) if words else ""
            found.tables.append(_table(table, f"table {number} of the page", caption, ""))


def _is_box(tag: Tag) -> bool:
    return tag.name == "figure" or "tabular" in (tag.get("class") or [])


def _caption(box: Tag) -> tuple[str, str]:
    words = box.find("figcaption") if box.name == "figure" else box.find("caption")
    first = words.find("p") if words is not None and box.name == "figure" else words
    text = " ".join(first.get_text(" ", strip=True).split()) if first is not None else ""
    numbered = re.match(r"((?:Table|Figure) \d+) ?\. ?(.*)", text, re.DOTALL)
    return (numbered[1], numbered[2]) if numbered else (box.name.replace("div", "table"), text)


def _table(table: Tag, label: str, caption: str, name: str) -> Table:
    lines = [
        tuple(cell.get_text(" ", strip=True) for cell in row.find_all(["th", "td"])) for row in table.find_all("tr")
    ]
    return Table(label, caption, name, lines[0] if lines else (), tuple(lines[1:]))


def _csv(address: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(decoded(address).decode("utf-8", "replace"), newline="")))


def decoded(address: str) -> bytes:
    """The bytes of a data address."""
    head, _, body = address.partition(",")
    if head.endswith(";base64"):
        try:
            return base64.b64decode(re.sub(r"\s", "", body))
        except binascii.Error:
            return b""
    return unquote_to_bytes(body)


def _picture(tag: Tag, found: Page) -> None:
    address, alt = str(tag.get("src", "")), str(tag.get("alt", ""))
    box = tag.find_parent("figure")
    label = _caption(box)[0] if box is not None else "picture"
    found.texts.append((f"{label}, alternative text", alt))
    kind = address[5:].partition(",")[0].partition(";")[0]
    found.pictures.append(Picture(label, kind, decoded(address), alt))


def _unseen(soup: BeautifulSoup) -> Iterator[tuple[str, str]]:
    """What a reader of the page does not see and no report is made with."""
    from bs4 import Comment

    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        if str(comment).strip() not in ALLOWED_COMMENTS:
            yield "page", f"a comment in the source ({str(comment).strip()[:40]!r})"
    for script in soup.find_all("script"):
        kind = str(script.get("type", ""))
        if kind not in ("", "text/javascript", "module") or NUMBERS_IN_A_ROW.search(script.get_text()):
            yield "page", f"data in a script{f' of type {kind}' if kind else ''}"
    for tag in soup.find_all(["iframe", "object", "embed", "template", "canvas", "video", "audio"]):
        yield "page", f"a <{tag.name}>, which can hold data that nobody sees"
    for tag in soup.find_all(True):
        yield from _odd_attributes(tag)
    for svg in soup.find_all("svg"):
        marks = len(svg.find_all(["circle", "use", "ellipse"]))
        if svg.find("metadata") or marks >= 10:
            what = f"{marks} marks" if marks >= 10 else "metadata"
            yield "page", f"a drawing (SVG) with {what}: each may be one unit"


def _odd_attributes(tag: Tag) -> Iterator[tuple[str, str]]:
    for name, value in tag.attrs.items():
        text = " ".join(value) if isinstance(value, list) else str(value)
        if name in ("src", "href") and text.startswith("data:"):
            kind = text[5:].partition(",")[0].partition(";")[0]
            if kind not in ("", "text/csv", "image/png") and not (kind == "image/jpeg" and tag.name == "img"):
                yield "page", f"embedded data of type {kind}"
        elif name.startswith("data-") and len(text) > LONG:
            yield "page", f"{len(text):,} characters in the attribute {name}"
    if tag.name == "input" and tag.get("type") == "hidden":
        yield "page", "a hidden field"
    unseen = "hidden" in tag.attrs or "display:none" in str(tag.get("style", "")).replace(" ", "")
    if unseen and tag.name != "button" and tag.get_text(strip=True):
        yield "page", f"hidden text in a <{tag.name}>"
    if "dataframe" in (tag.get("class") or []):
        yield "page", "a data frame as the software printed it"


def _texts(soup: BeautifulSoup) -> Iterator[tuple[str, str]]:
    section = "first screen"
    for tag in soup.find_all(BLOCKS):
        if tag.name == "h2":
            section = tag.get_text(" ", strip=True)
        if tag.find(BLOCKS) is None:
            text = " ".join(tag.get_text(" ", strip=True).split())
            if text:
                yield f"section {section!r}", text
    for tag in soup.select("table.facts tr, svg title, svg desc, svg text, summary"):
        yield "page", " ".join(tag.get_text(" ", strip=True).split())
    for tag in soup.find_all("meta"):
        yield "page head", str(tag.get("content", ""))


def all_texts(page: Page) -> list[tuple[str, str]]:
    """Every text of the page with its place: running text and the cells of tables and downloads."""
    cells = [(table.place, "\n".join("\t".join(row) for row in (table.header, *table.rows))) for table in page.tables]
    return [*page.texts, *cells]
