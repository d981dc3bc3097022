"""The report page: rules that every page keeps, whatever the data say."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import itertools
import re
from typing import Any
from urllib.parse import unquote

import nbformat
import pytest
import sample_notebook
from bs4 import BeautifulSoup

from analysis.refusal import Refusal
from analysis.report import glossary, markup, page, palette, story


@pytest.fixture(scope="module")
def notebook() -> Any:
    return sample_notebook.build(hostile=True)


@pytest.fixture(scope="module")
def html(notebook: Any) -> str:
    return page.render(notebook, sample_notebook.context(hostile=True))


@pytest.fixture(scope="module")
def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def test_the_same_input_gives_the_same_bytes(notebook: Any, html: str) -> None:
    assert page.render(notebook, sample_notebook.context(hostile=True)) == html


def test_one_heading_language_and_title(soup: BeautifulSoup) -> None:
    assert soup.html is not None and soup.html["lang"] == "en"
    assert len(soup.find_all("h1")) == 1
    assert "Did expanding Medicaid" in soup.h1.get_text()
    assert soup.title.get_text().endswith("— Medicaid expansion")
    assert soup.find("meta", {"name": "description"})["content"].startswith("Coverage rose by 6.8")


def test_headings_never_skip_a_level(soup: BeautifulSoup) -> None:
    levels = [int(head.name[1]) for head in soup.find_all(re.compile(r"h[1-6]"))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_ids_are_unique_and_every_inner_link_has_its_target(soup: BeautifulSoup) -> None:
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in soup.find_all("a", href=re.compile("^#"))} <= set(ids)


def test_policy_allows_exactly_this_style_and_script(soup: BeautifulSoup) -> None:
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    for name in ("style", "script"):
        (found,) = soup.find_all(name)
        digest = base64.b64encode(hashlib.sha256(found.string.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    for rule in ("default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'"):
        assert rule in policy
    assert "unsafe" not in policy


def test_nothing_inline_acts_and_nothing_is_fetched(soup: BeautifulSoup) -> None:
    for tag in soup.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on") or name in {"style", "srcset", "action"}]
    assert all(img["src"].startswith("data:image/") for img in soup.find_all("img"))
    assert [link["href"] for link in soup.find_all("link")] == ["data:,"]
    assert not soup.find_all(["iframe", "object", "embed", "form", "video"])
    style = soup.style.string
    assert "url(" not in style and "@import" not in style


def test_hostile_text_stays_text(soup: BeautifulSoup) -> None:
    assert not soup.find_all("img", src="x")
    assert len(soup.find_all("script")) == 1
    assert soup.find(id="foreign") is None
    assert sum("alert('x')" in text for text in soup.find_all(string=True)) > 15


def test_pictures_have_alt_text_and_size(soup: BeautifulSoup) -> None:
    images = soup.find_all("img")
    assert len(images) == 2
    assert all(img["alt"].strip() and int(img["width"]) > 0 and int(img["height"]) > 0 for img in images)


def test_tables_have_caption_scopes_and_their_own_scroller(soup: BeautifulSoup) -> None:
    tables = soup.find_all("table")
    assert len(tables) >= 6
    for table in tables:
        assert table.caption.get_text().strip()
        assert all(cell.get("scope") in {"col", "row"} for cell in table.find_all("th"))
        region = table.parent
        assert (region["role"], region["tabindex"]) == ("region", "0") and region["aria-label"]


def test_numbers_are_right_aligned_with_their_heading(soup: BeautifulSoup) -> None:
    methods = next(t for t in soup.find_all("table") if "The headline beside" in t.caption.get_text())
    heads = [cell.get("class") for cell in methods.thead.find_all("th")]
    assert heads == [None, ["num"], ["num"], ["num"], ["num"]]


def test_findings_come_most_serious_first(soup: BeautifulSoup) -> None:
    words = [found.get_text(strip=True) for found in soup.select(".finding .severity")]
    assert words == ["Stop", "Caution", "Note"]
    assert len({found.find(["path", "circle"]).attrs.__str__() for found in soup.select(".finding .mark")}) == 3


def test_the_first_screen_says_everything(soup: BeautifulSoup) -> None:
    text = soup.find(id="answer").get_text(" ", strip=True)
    for part in (
        "Coverage rose by",
        "Strong",
        "Very likely",
        "twice the worst",
        "first version",
        "Keep the expansion",
        "chose",
    ):
        assert part in text
    assert soup.find(id="answer").find("svg", {"aria-label": "step 3 of 3"})
    assert soup.select_one(".lead figure img") is not None


def test_parameters_are_a_table_with_injected_values(soup: BeautifulSoup) -> None:
    table = next(t for t in soup.find_all("table") if "Parameters" in t.caption.get_text())
    rows = {row.th.get_text(): [c.get_text() for c in row.find_all("td")] for row in table.tbody.find_all("tr")}
    assert rows["dataset"] == ["medicaid", "the folder in data/raw"]
    assert rows["worthwhile"][0] == "0.02"
    assert rows["covariates"][0] == "none"


def test_code_is_highlighted_and_parameters_are_not_shown_as_code(soup: BeautifulSoup) -> None:
    blocks = [block.get_text() for block in soup.select(".code")]
    assert len(blocks) == 7 and any("Study(dataset=dataset" in block for block in blocks)
    assert not [block for block in blocks if "mpdta" in block or '"medicaid"' in block]


def test_contents_list_every_section(soup: BeautifulSoup) -> None:
    linked = [a["href"][1:] for a in soup.select(".beside a")]
    assert linked == ["answer", *(section["id"] for section in soup.select(".body > section"))]


def test_each_term_is_linked_once(soup: BeautifulSoup) -> None:
    opened = [button["popovertarget"] for button in soup.select("button.term")]
    assert len(opened) == len(set(opened)) >= 5
    assert "here-term-parallel-trends" in opened


def test_each_term_is_followed_by_its_meaning_and_listed_in_the_glossary(soup: BeautifulSoup) -> None:
    means = {entry["id"]: entry["means"] for entry in glossary.entries()}
    for button in soup.select("button.term"):
        told = button.find_next_sibling()
        assert told["id"] == button["popovertarget"] and told.has_attr("popover")
        name = told["id"].removeprefix("here-")
        assert means[name] in told.get_text() and soup.find(id=name).dd.get_text() == means[name]
    assert not soup.select("a.term")


def test_the_glossary_has_many_terms_each_once() -> None:
    assert len({entry["id"] for entry in glossary.entries()}) == len(glossary.entries()) >= 30


def _with(change: Any) -> BeautifulSoup:
    notebook = sample_notebook.build()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "analysis" in output.get("metadata", {}):
                change(output["metadata"]["analysis"])
    return BeautifulSoup(page.render(notebook, sample_notebook.context()), "html.parser")


def test_a_reading_stands_in_words_above_its_table_figure_or_findings() -> None:
    def read(meta: dict[str, Any]) -> None:
        meta["reading"] = f"Seven of ten {meta['kind']} & <b>placebo</b> tests."

    found = _with(read).select(".reading")
    assert len(found) == 5
    assert {one.b.get_text() for one in found} == {"In words:"}
    assert sum("<b>" in one.get_text() for one in found) == 5  # markup in it is text
    for one in found:
        after = one.find_next_sibling()
        assert after.name == "ol" or set(after["class"]) & {"scroll", "canvas"}
    assert len([term for one in found for term in one.select("button.term")]) == 1


@pytest.mark.parametrize("words", ["", None, "  "])
def test_without_a_reading_nothing_is_shown(words: str | None) -> None:
    assert not _with(lambda meta: meta.update(reading=words)).select(".reading")


def test_masked_outcomes_are_said_under_the_title_and_on_every_printed_page() -> None:
    context = sample_notebook.context()
    plain = page.render(sample_notebook.build(), context)
    masked = page.render(sample_notebook.build(), {**context, "parameters": {**context["parameters"], "masked": True}})
    assert "not a result" not in plain and page.MASKED not in _running(plain)
    hero = BeautifulSoup(masked, "html.parser").find(id="answer").get_text()
    assert "Masked outcomes: not a result." in hero
    assert _running(masked).startswith(page.MASKED) and "Medicaid expansion, version" in _running(masked)


def _running(html: str) -> str:
    (text,) = re.findall(r'@page\{@top-left\{content:"([^"]*)"', html)
    return re.sub(r"\\([0-9a-f]{6})", lambda found: chr(int(found.group(1), 16)), text)


@pytest.mark.parametrize("state", ["draft", "in_review", "released", "withdrawn"])
def test_the_state_changes_nothing_but_its_own_line(state: str) -> None:
    """The printed head follows the line's class, so that a change of state leaves style and policy alone."""
    context = sample_notebook.context()
    pages = [page.render(sample_notebook.build(), {**context, "status": {"state": s}}) for s in ("draft", state)]
    assert len({re.sub(r"<!--status-->.*?<!--/status-->", "", html, flags=re.DOTALL) for html in pages}) == 1
    assert f"body:has(.status.{state})" in pages[1] and f'class="status {state}"' in pages[1]


def test_numbers_are_not_parted_from_their_signs() -> None:
    assert markup.unbroken("n = 552, p = 0.3 and 95 %") == "n\u00a0=\u00a0552, p\u00a0=\u00a00.3 and 95\u00a0%"
    assert markup.unbroken("mean = fair, 5 of 9") == "mean = fair, 5 of 9"


def test_downloads_cannot_run_as_formulas(soup: BeautifulSoup) -> None:
    link = soup.find("a", download="states.csv")
    head, _, body = link["href"].partition(",")
    assert head == "data:text/csv;charset=utf-8"
    rows = list(csv.reader(io.StringIO(unquote(body))))
    assert rows[1] == ["State 01", "'" + sample_notebook.FORMULA, "-1.5"]
    assert rows[2] == ["'+cmd", "'@x", "-3e-4"]
    names = [a["download"] for a in soup.find_all("a", download=True)]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+\.csv", name) for name in names)


@pytest.mark.parametrize("cell", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", " =1", "-", "-1+1", "＝1"])
def test_text_that_starts_a_formula_gets_a_quote(cell: str) -> None:
    line = markup.safe_csv('"' + cell + '",ok\n')
    assert next(csv.reader(io.StringIO(line))) == ["'" + cell, "ok"]


@pytest.mark.parametrize("cell", ["-1", "+2.5", "-1e-9", ".5", "text", "", "a=b", "1,5"])
def test_numbers_and_plain_text_stay_as_they_are(cell: str) -> None:
    line = markup.safe_csv('"' + cell + '",ok\n')
    assert next(csv.reader(io.StringIO(line))) == [cell, "ok"]


def test_money_in_prose_is_not_a_formula_and_links_are_safe(soup: BeautifulSoup) -> None:
    prose = soup.find(id="s-who-is-compared-with-whom")
    assert "$4,000 a person and $2,000" in prose.get_text() and prose.find("em").get_text() == "already"
    outside = soup.find("a", href=re.compile("census"))
    assert outside["rel"] == ["noopener", "noreferrer"]
    assert not [a for a in soup.find_all("a", href=True) if "script" in a["href"].split(",")[0]]


@pytest.mark.parametrize(
    "html",
    [
        "<script>x</script>",
        "<svg onload=x>",
        "<p style='x' onclick=y>t</p>",
        "<a href='javascript:x'>t</a>",
        "<a href=' JaVaScRiPt:x'>t</a>",
        "<img src='http://e.org/x.png'>",
        "<iframe src=x></iframe>",
        "<!-- <p> -->",
        "<math><mtext><style><img src=x onerror=y></style></mtext></math>",
        "<p id=answer>t</p>",
    ],
)
def test_markup_that_could_act_is_taken_out(html: str) -> None:
    clean = str(markup.parsed(html))
    assert not re.search(r"script|svg|style|on\w+=|href|src|iframe|<!--|id=", clean, re.IGNORECASE)


def test_css_strings_cannot_end_early() -> None:
    assert re.fullmatch(r'"[A-Za-z0-9\\]*"', markup.css_string('x"}</style> a, b\n'))


def test_page_overhead_stays_small(html: str) -> None:
    clean = page.render(sample_notebook.build(), sample_notebook.context())
    assert len(re.sub(r'(?<=")data:[^"]*', "", clean)) < 60_000


@pytest.mark.parametrize("count", [0, 2])
def test_exactly_one_answer(count: int) -> None:
    notebook = sample_notebook.build()
    answers = [c for c in notebook.cells if c.cell_type == "code" and "report.answer" in c.source]
    if count == 0:
        notebook.cells.remove(answers[0])
    else:
        notebook.cells.append(answers[0])
    with pytest.raises(Refusal, match=rf"R311 STOP notebook — {count} cells display an answer"):
        page.render(notebook, sample_notebook.context())


def test_a_notebook_without_heading_for_its_answer_keeps_its_chart_in_front() -> None:
    notebook = sample_notebook.build()
    notebook.cells = [cell for cell in notebook.cells if cell.source != "## The answer"]
    told = story.Reader().read(notebook)
    assert told.lead.items[1]["kind"] == "figure"
    assert told.sections[0].title == "How to read this page"


def test_where_the_first_chart_has_its_own_section_the_introduction_waits_behind_it() -> None:
    notebook = sample_notebook.build()
    at = next(i for i, cell in enumerate(notebook.cells) if "report.paths.figure" in cell.source)
    notebook.cells.insert(at, nbformat.v4.new_markdown_cell("## How did the outcome move?"))
    notebook.cells.insert(at - 1, nbformat.v4.new_markdown_cell("What the summary below contains."))
    told = story.Reader().read(notebook)
    assert told.lead.items == []
    assert [section.title for section in told.sections[:2]] == [
        "How did the outcome move?",
        "How to read this page",
    ]
    assert told.sections[1].items[-2]["html"] == "<p>What the summary below contains.</p>"


def test_bare_numbers_and_picture_sizes() -> None:
    assert markup.picture_size(base64.b64encode(b"not a png at all, only text").decode()) is None
    assert page.day("2026-01-05T10:00:00Z") == "5 January 2026"
    assert page.study_name("minimum-wage") == "Minimum wage"
    assert page.study_name("gi-bill", "Did the GI Bill raise it?") == "GI Bill"
    assert page.study_name("uk-seat-belts") == "UK seat belts"


def _contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("tones", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "wash"])
@pytest.mark.parametrize("name", ["ink", "muted", "accent", "stop", "caution", "note"])
def test_text_contrast(tones: dict[str, str], ground: str, name: str) -> None:
    assert _contrast(tones[name], tones[ground]) >= 4.5
