"""Text and tables from data and notebooks, turned into HTML that cannot act: allow-listed, escaped, accessible."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import struct
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

DROPPED = {"script", "style", "iframe", "object", "embed", "template", "noscript", "svg", "math", "form", "title"}
DROPPED |= {"head", "xmp", "plaintext", "textarea", "select", "button", "input", "video", "audio", "canvas", "frame"}
KEPT = {"a", "p", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6"}
KEPT |= {"strong", "em", "b", "i", "code", "pre", "sub", "sup", "del", "abbr", "small", "mark", "span", "div", "img"}
KEPT |= {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "figure", "figcaption", "section"}
KEPT |= {"details", "summary"}
ATTRIBUTES = {
    "a": {"href"},
    "abbr": {"title"},
    "img": {"src", "alt"},
    "ol": {"start"},
    "th": {"scope", "colspan", "rowspan", "abbr"},
    "td": {"colspan", "rowspan"},
}
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
ADDRESS = re.compile(r"(https?://|mailto:|#(?!harmful-link))", re.IGNORECASE)
NUMBER = re.compile(
    r"(?:[<>≤≥~]|below|above|about)?\s*[+\-−–]?(\d[\d,\u202f\u00a0 ]*(\.\d+)?|\.\d+)([eE][+-]?\d+)?\s*%?"
)
PLAIN_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
SHORT = 14  # rows of a table that paper keeps together
EMPTY = {"", "–", "—", "-", "n/a", "not available"}


def parsed(html: str) -> BeautifulSoup:
    """`html` with every tag, attribute and address that is not on the allow-list taken out."""
    from bs4 import BeautifulSoup, Comment, Declaration, Doctype, ProcessingInstruction

    soup = BeautifulSoup(html, "html.parser")
    for text in soup.find_all(string=lambda s: isinstance(s, Comment | Declaration | Doctype | ProcessingInstruction)):
        text.extract()
    for tag in soup.find_all(True):
        if tag.decomposed:
            continue
        if tag.name in DROPPED:
            tag.decompose()
        elif tag.name not in KEPT:
            tag.unwrap()
        else:
            _tame(tag)
    return soup


def _tame(tag: Tag) -> None:
    allowed = ATTRIBUTES.get(tag.name, set()) | {"class"}
    tag.attrs = {name: value for name, value in tag.attrs.items() if name in allowed}
    if tag.name == "img":
        if not PICTURE.fullmatch(str(tag.get("src", ""))):
            tag.decompose()
        else:
            tag["alt"] = str(tag.get("alt", ""))
    elif tag.name == "a":
        if not ADDRESS.match(str(tag.get("href", "")).strip()):
            tag.unwrap()
        elif not str(tag["href"]).startswith("#"):
            tag["rel"] = "noopener noreferrer"


def prose(markdown: str) -> BeautifulSoup:
    """A markdown cell as HTML. Raw HTML in it becomes visible text; dollar signs stay money, not formulas."""
    import mistune

    return parsed(str(mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])(markdown)))


def unbroken(text: str) -> str:
    """`text` that no line end can part between a number and its per cent sign, or around `n = 552`."""
    return re.sub(r"(?<=\d) %", "\u00a0%", re.sub(r"(?<=\b\w) = (?=[\d.\u2212-])", "\u00a0=\u00a0", text))


def plain(text: str) -> BeautifulSoup:
    """`text` as HTML in which every character means itself."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup("", "html.parser")
    soup.append(soup.new_string(text))
    return soup


def table(html: str, caption: str, label: str) -> str:
    """The tables in `html`, each with a caption, scopes, right-aligned numbers and its own scrolling region.

    `label` ("Table 2") goes before the caption in bold; `caption` is used where a table brings none of its own.
    """
    soup = parsed(html)
    for found in soup.find_all("table"):
        name = f"{label}: {_caption(soup, found, caption, label)}"[:160]
        _scopes(found)
        _align(found)
        short = " short" if len(found.find_all("tr")) <= SHORT else ""
        attrs = {"class": f"scroll{short}", "role": "region", "tabindex": "0", "aria-label": name}
        found.wrap(soup.new_tag("div", attrs=attrs))
    return str(soup)


def _caption(soup: BeautifulSoup, found: Tag, caption: str, label: str) -> str:
    own = found.find("caption")
    words = own.get_text(" ", strip=True) if own else caption
    if own:
        own.decompose()
    outer, inner, strong = soup.new_tag("caption"), soup.new_tag("span"), soup.new_tag("b")
    strong.string = f"{label}."
    inner.append(strong)
    inner.append(f" {words}" if words else "")
    outer.append(inner)
    found.insert(0, outer)
    return words


def _scopes(found: Tag) -> None:
    for cell in found.find_all("th"):
        in_head = cell.find_parent("thead") is not None
        cell["scope"] = str(cell.get("scope") or ("col" if in_head or not cell.find_parent("tbody") else "row"))


def _align(found: Tag) -> None:
    rows = [row.find_all(["th", "td"], recursive=False) for row in found.find_all("tr")]
    body = [row for row in rows if row and any(cell.name == "td" for cell in row)]
    width = max((len(row) for row in body), default=0)
    for column in range(width):
        cells = [row[column] for row in body if len(row) == width]
        texts = [cell.get_text(" ", strip=True) for cell in cells if cell.name == "td"]
        told = [text for text in texts if text.lower() not in EMPTY]
        if told and all(NUMBER.fullmatch(text) for text in told):
            heads = [row[column] for row in rows if row not in body and len(row) == width]
            for cell in [*heads, *cells]:
                cell["class"] = "num"


def safe_csv(text: str) -> str:
    """CSV text that no spreadsheet runs as a formula: text (never a number) that would start one gets a quote first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for row in csv.reader(io.StringIO(text, newline="")):
        writer.writerow([_defused(cell) for cell in row])
    return out.getvalue()


def _defused(cell: str) -> str:
    risky = cell[:1] in {"\t", "\r", "\n"} or cell.strip()[:1] in {"=", "+", "-", "@", "＝", "＋", "－", "＠"}
    return "'" + cell if risky and not PLAIN_NUMBER.fullmatch(cell.strip()) else cell


def csv_address(text: str) -> str:
    """A data address that downloads `text` as a CSV file, formulas defused."""
    return "data:text/csv;charset=utf-8," + quote(safe_csv(text), safe=",")


def file_stem(name: str, otherwise: str) -> str:
    """`name` as a file name that every system accepts."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80] or otherwise


def slug(text: str, taken: set[str]) -> str:
    """An id for a heading, not in `taken`, which gains it."""
    stem = "s-" + (re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60] or "section")
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}-{count}"
    taken.add(name)
    return name


def picture_size(encoded: str) -> tuple[int, int] | None:
    """Width and height in pixels from the header of a base64 PNG; None if it is not one."""
    head = base64.b64decode(re.sub(r"\s", "", encoded)[:64])
    if len(head) < 24 or head[:8] != b"\x89PNG\r\n\x1a\n":
        return None
    width, height = struct.unpack(">II", head[16:24])
    return int(width), int(height)


def css_string(text: str) -> str:
    """`text` as a CSS string that cannot end early: everything but letters and digits is a hex escape."""
    return '"' + "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):06x}" for c in text) + '"'


def policy(style: str, script: str = "") -> str:
    """The content security policy of a page that holds exactly this style and this script and asks for nothing."""
    scripts = f"'{_digest(script)}'" if script else "'none'"
    return (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src {scripts}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
