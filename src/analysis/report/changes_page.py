"""Two versions of a study on one page: what changed, the numbers before and now, the figures side by side."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from analysis.report import changes, markup, page

if TYPE_CHECKING:
    from bs4 import Tag

ALL = 1_000_000  # rows: the page shows every number that moved


@dataclass(frozen=True)
class Side:
    """One of the two versions: its manifest and its published page."""

    manifest: Mapping[str, Any]
    page: str

    def shown(self) -> dict[str, str]:
        """What the head of the comparison says about it; the address leads from reports/.compare/<study>/."""
        study, version = self.manifest["study"], self.manifest["version"]
        address = f"../../{quote(study)}/{quote(version)}/report.html"
        return {"version": version, "address": address, "made": page.day(self.manifest["created"])}


@dataclass(frozen=True)
class Figure:
    """A figure of a published page: its picture (a data address), its words, the name of its CSV."""

    image: str
    alt: str
    caption: str
    name: str

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels."""
        return markup.picture_size(self.image.partition(",")[2])


def render(earlier: Side, later: Side, found: Mapping[str, Any]) -> str:
    """The comparison `found` (`run.differences.between`) as one self-contained HTML page. Same input, same bytes."""
    from jinja2 import Environment, FileSystemLoader

    study = str(later.manifest["study"])
    versions = f"{earlier.manifest['version']} and {later.manifest['version']}"
    style = page.stylesheet("report.css", running=f"{page.study_name(study)}, {versions}") + page.asset(
        "comparison.css"
    )
    pairs = matched(figures(earlier.page), figures(later.page))
    loader = FileSystemLoader(page.TEMPLATES / page.NAME)
    template = Environment(loader=loader, autoescape=True).get_template("comparison.html.j2")
    text = template.render(
        name=page.study_name(study),
        study=study,
        sides=[earlier.shown(), later.shown()],
        told=changes.told(found, f"{study}-changes", most=ALL),
        figures=[pair for pair in pairs if not alike(*pair)],
        same=sum(alike(*pair) for pair in pairs),
        style=style,
        policy=markup.policy(style),
    )
    return text + "\n"


def figures(html: str) -> list[Figure]:
    """The figures of a published page, in its order; only pictures that are in the page itself."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    return [figure for tag in soup.find_all("figure") if (figure := _figure(tag)) is not None]


def _figure(tag: Tag) -> Figure | None:
    image = tag.find("img")
    if image is None or not markup.PICTURE.fullmatch(str(image.get("src", ""))):
        return None
    first = tag.select_one("figcaption > p")
    label = first.find("b") if first else None
    words = first.get_text(" ", strip=True) if first else ""
    if label is not None:
        words = words.removeprefix(label.get_text(" ", strip=True)).strip()
    link = tag.select_one("a[download]")
    return Figure(str(image["src"]), str(image.get("alt", "")), words, str(link["download"]) if link else "")


def matched(old: Sequence[Figure], new: Sequence[Figure]) -> list[tuple[Figure | None, Figure | None]]:
    """The figures of both pages that show the same, by caption, else by the name of the CSV, else by a similar caption.

    In the order of the later page; those that are gone come last.
    """
    partner: dict[int, int] = {}
    for key in ("caption", "name"):
        left = {i: getattr(f, key) for i, f in enumerate(old) if i not in partner.values()}
        right = {j: getattr(f, key) for j, f in enumerate(new) if j not in partner}
        counts = [Counter(left.values()), Counter(right.values())]
        once = {text: i for i, text in left.items() if text and all(count[text] == 1 for count in counts)}
        partner |= {j: once[text] for j, text in right.items() if text in once}
    for j, figure in enumerate(new):
        left = {i: f.caption for i, f in enumerate(old) if i not in partner.values()}
        close = difflib.get_close_matches(figure.caption, left.values(), n=1, cutoff=0.8)
        if j not in partner and close:
            partner[j] = next(i for i, caption in left.items() if caption == close[0])
    pairs: list[tuple[Figure | None, Figure | None]] = [
        (old[partner[j]] if j in partner else None, figure) for j, figure in enumerate(new)
    ]
    return pairs + [(figure, None) for i, figure in enumerate(old) if i not in partner.values()]


def alike(before: Figure | None, after: Figure | None) -> bool:
    """Whether a reader sees the same figure on both pages."""
    return before is not None and after is not None and (before.image, before.alt) == (after.image, after.alt)
