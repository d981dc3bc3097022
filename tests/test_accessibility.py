"""Every published page and the catalogue by WCAG 2.2 AA: axe-core in Chromium, and what axe cannot see.

A published page is tested itself where it carries the style and script of today; an older one is immutable and is
rendered again from its notebook.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import browser
import nbformat
import pytest
import sample_notebook
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

from analysis import paths
from analysis.report import catalogue, markup, page
from analysis.run import export, rules, versions

STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
# Rules that axe leaves out unless asked: what tables and names must be. The size of targets is measured on a phone.
ASKED = ["td-has-header", "table-fake-caption", "p-as-heading", "label-content-name-mismatch"]
LAYOUT = ["target-size", "scrollable-region-focusable"]
SPACING = (
    "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }"
    " p { margin-bottom: 2em !important }"
)
CUT = """() => [...document.querySelectorAll('body *')].filter((node) => {
  const style = getComputedStyle(node);
  const hides = ['hidden', 'clip'].includes(style.overflowX) || ['hidden', 'clip'].includes(style.overflowY);
  return hides && style.clipPath === 'none' && node.textContent.trim() && !node.closest('[popover]') &&
    (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1);
}).map((node) => node.outerHTML.slice(0, 80))"""
# Contrast is slow to measure and needs to be seen once for each kind: of neighbours of one kind the first and the last
# stay, of blocks of code, of folded numbers and of short tables two.
ABRIDGED = """() => {
  for (const kind of ['.code', '.data', '.scroll.short']) {
    for (const block of [...document.querySelectorAll(kind)].slice(2)) block.remove();
  }
  for (const parent of document.querySelectorAll('body *')) {
    const kinds = new Map();
    for (const child of parent.children) {
      const kind = `${child.tagName} ${child.className.baseVal ?? child.className}`;
      kinds.set(kind, [...(kinds.get(kind) || []), child]);
    }
    for (const alike of kinds.values()) {
      for (const child of alike.slice(1, -1)) if (!child.querySelector('img, h2')) child.remove();
    }
  }
}"""
CONTRAST = ["color-contrast", "link-in-text-block"]
STYLE = [page.asset(name) for name in ("base.css", "report.css", "report.js")]
LATEST = {version.folder.parent.name: version for version in versions.latest_of_all()}
NAMES = ["catalogue", "sample", *LATEST]


def html(name: str) -> str:
    """A page as it is published today."""
    if name == "catalogue":
        return catalogue.render(catalogue.read(paths.REPORTS))
    if name == "sample":
        return page.render(sample_notebook.build(), {**sample_notebook.context(), "synthetic": True})
    published = (LATEST[name].folder / versions.REPORT).read_text("utf-8")
    if all(part in published for part in STYLE):
        return published
    notebook = nbformat.read(LATEST[name].folder / versions.NOTEBOOK, as_version=4)
    return page.render(notebook, export.page_context(LATEST[name].manifest))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pages")
    made = {name: root / f"{name}.html" for name in NAMES}
    for name, path in made.items():
        path.write_text(html(name), "utf-8")
    return made


@pytest.fixture(scope="module")
def soups(files: dict[str, Path]) -> dict[str, BeautifulSoup]:
    return {name: BeautifulSoup(path.read_text("utf-8"), "html.parser") for name, path in files.items()}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser.chromium() as running:
        yield running


@pytest.fixture(scope="module")
def tab(chromium: Any) -> Iterator[Any]:
    """One page for all tests. The policy of the pages is bypassed here alone, because axe is injected into them."""
    context = chromium.new_context(viewport=browser.WIDE, bypass_csp=True, reduced_motion="reduce", offline=True)
    yield context.new_page()
    context.close()


def broken(tab: Any, **chosen: Any) -> list[str]:
    """What axe finds on the page that is open: rule, element and reason, violations and what it cannot decide."""
    told = Axe().run(tab, options={"resultTypes": ["violations", "incomplete"], **chosen}).response
    undecided = [found for found in told["incomplete"] if found["id"] != "color-contrast"]
    return [
        f"{found['id']}: {node['target']} {node['html'][:120]}"
        for found in [*told["violations"], *undecided]
        for node in found["nodes"]
    ]


def every_rule() -> dict[str, Any]:
    """All rules but those of contrast, which are measured apart."""
    return {
        "runOnly": {"type": "tag", "values": STANDARD},
        "rules": {**{name: {"enabled": True} for name in ASKED}, **{name: {"enabled": False} for name in CONTRAST}},
    }


def only(*names: str) -> dict[str, Any]:
    return {"runOnly": {"type": "rule", "values": list(names)}}


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(tab: Any, files: dict[str, Path], name: str) -> None:
    tab.set_viewport_size(browser.WIDE)
    tab.emulate_media(color_scheme="light", forced_colors="none")
    tab.goto(files[name].as_uri())
    browser.unfold(tab)
    assert broken(tab, **every_rule()) == []
    tab.evaluate(ABRIDGED)
    assert broken(tab, **only(*CONTRAST)) == []
    tab.emulate_media(color_scheme="dark")
    assert broken(tab, **only("color-contrast")) == []


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_a_phone_shows_everything_and_every_target_can_be_hit(tab: Any, files: dict[str, Path], name: str) -> None:
    tab.emulate_media(color_scheme="light", forced_colors="none")
    tab.set_viewport_size(browser.PHONE)
    tab.goto(files[name].as_uri())
    browser.unfold(tab)
    assert broken(tab, **only(*LAYOUT)) == []
    tab.set_viewport_size(browser.NARROW)  # 1280 pixels at 400 %
    assert tab.evaluate("document.documentElement.scrollWidth") == browser.NARROW["width"]
    tab.add_style_tag(content=SPACING)
    assert tab.evaluate("document.documentElement.scrollWidth") == browser.NARROW["width"]
    assert tab.evaluate(CUT) == []


@pytest.mark.browser
@pytest.mark.parametrize("name", ["catalogue", "sample"])
def test_forced_colours_show_every_mark(tab: Any, files: dict[str, Path], name: str) -> None:
    tab.set_viewport_size(browser.WIDE)
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme, forced_colors="active")
        tab.goto(files[name].as_uri())
        browser.unfold(tab)
        assert broken(tab, **only(*CONTRAST)) == []
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        marks = tab.evaluate(
            "[...document.querySelectorAll('.scale .on, .mark .solid')].map((n) => getComputedStyle(n).fill)"
        )
        assert marks and ground not in marks


@pytest.mark.browser
def test_axe_would_have_found_something(tab: Any, tmp_path: Path) -> None:
    """The tool is really there: a planted fault of each kind is reported."""
    page_ = tmp_path / "bad.html"
    page_.write_text(
        "<!DOCTYPE html><html><head><title>t</title></head><body><main><h1>a</h1><h3>b</h3><img src='x.png'>"
        "<p style='color:#999;background:#fff'>pale words</p><table><tr><td>a</td><td>b</td></tr></table>"
        "<a href='#a' style='display:block;width:9px;height:9px;overflow:hidden'>x</a>"
        "<a href='#b' style='display:block;width:9px;height:9px;overflow:hidden'>y</a></main></body></html>"
    )
    tab.emulate_media(color_scheme="light", forced_colors="none")
    tab.goto(page_.as_uri())
    found = {
        line.split(":")[0] for rules_ in (every_rule(), only(*CONTRAST, *LAYOUT)) for line in broken(tab, **rules_)
    }
    assert found >= {"html-has-lang", "heading-order", "image-alt", "color-contrast", "target-size"}


@pytest.mark.browser
def test_an_open_meaning_passes_too(tab: Any, files: dict[str, Path]) -> None:
    tab.emulate_media(color_scheme="light", forced_colors="none")
    tab.set_viewport_size(browser.WIDE)
    tab.goto(files["sample"].as_uri())
    tab.locator("button.term").first.click()
    assert tab.locator(".means:popover-open").count() == 1
    assert broken(tab, **every_rule()) == []


@pytest.mark.browser
def test_every_page_opens_from_disk_within_a_second(chromium: Any, files: dict[str, Path]) -> None:
    """Load event, best of three: the machine may be busy, the page may not."""
    context = chromium.new_context(viewport=browser.WIDE)
    tab, took = context.new_page(), {}
    for name, path in files.items():
        for _ in range(3):
            tab.goto(path.as_uri())
            ready = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
            took[name] = min(ready, took.get(name, ready))
            if took[name] < 500:
                break
    context.close()
    worst = max(took, key=lambda name: took[name])
    assert took[worst] < 1000, f"{worst}: {took[worst]:.0f} ms"


@pytest.mark.parametrize("name", NAMES)
def test_no_page_is_larger_than_allowed(files: dict[str, Path], name: str) -> None:
    assert rules.LARGEST_PAGE == 1_500_000
    assert files[name].stat().st_size <= rules.LARGEST_PAGE


@pytest.mark.parametrize("name", NAMES)
def test_every_link_says_where_it_leads(soups: dict[str, BeautifulSoup], name: str) -> None:
    """A name is there; on a report the same name leads to the same place (the catalogue repeats dates, in lists)."""
    seen: dict[str, str] = {}
    for link in soups[name].find_all("a", href=True):
        words = link.get_text(" ", strip=True)
        assert words, link
        if name != "catalogue":
            assert seen.setdefault(words, link["href"]) == link["href"], words


@pytest.mark.parametrize("name", LATEST)
def test_every_figure_has_its_numbers_and_every_download_is_whole_and_safe(
    soups: dict[str, BeautifulSoup], name: str
) -> None:
    soup = soups[name]
    for figure in soup.select("figure:has(figcaption)"):
        assert figure.select_one("details.data table td"), figure.figcaption.get_text()[:80]
        assert figure.select_one("a[download]"), figure.figcaption.get_text()[:80]
    for link in soup.select("a[download]"):
        head, _, body = link["href"].partition(",")
        assert head == "data:text/csv;charset=utf-8" and re.fullmatch(r"[\w-]+\.csv", link["download"])
        rows = list(csv.reader(io.StringIO(unquote(body, errors="strict"), newline="")))
        assert len(rows) >= 2 and len({len(row) for row in rows}) == 1, link["download"]
        risky = [cell for row in rows for cell in row if markup._defused(cell) != cell]
        assert not risky, risky[:3]
    for image in soup.find_all("img"):
        assert _is_png(image["src"])


def _is_png(address: str) -> bool:
    head, _, body = address.partition(",")
    try:
        return head == "data:image/png;base64" and base64.b64decode(body, validate=True)[1:4] == b"PNG"
    except binascii.Error:
        return False
