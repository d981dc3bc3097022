"""Both pages in a real browser: inert, silent on the network, usable by keyboard, on a phone and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest
import sample_notebook
from playwright import sync_api
from test_catalogue import publish

from analysis.report import catalogue, page

pytestmark = pytest.mark.browser
PAGES = ("report", "catalogue")


def unfold(view: Any) -> None:
    for details in view.locator("details").all():
        details.evaluate("node => { node.open = true }")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    browser.executable()
    root = tmp_path_factory.mktemp("reports")
    study, version = "medicaid-expansion", "2026-11-22-aaaaaaaaaaaa"
    folder = publish(
        root, study, version, "2026-11-22T10:00:00Z", {"text": sample_notebook.HOSTILE}, sample_notebook.HOSTILE
    )
    html = page.render(sample_notebook.build(hostile=True), sample_notebook.context(hostile=True))
    (folder / "report.html").write_text(html, "utf-8")
    return {"report": folder / "report.html", "catalogue": catalogue.write(root)}


@pytest.fixture(scope="module")
def chromium(files: dict[str, Path]) -> Iterator[Any]:
    with browser.chromium() as running:
        yield running


@pytest.fixture
def view(chromium: Any) -> Iterator[Any]:
    """A page that records every request, console message, error and dialog in `.noise`."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    tab, noise = context.new_page(), []

    def judge(route: Any) -> None:
        address = route.request.url
        if not address.startswith(("file:", "data:")):
            noise.append(f"request {address}")
        route.continue_()

    context.route("**/*", judge)
    tab.on("console", lambda message: noise.append(f"console {message.text}"))
    tab.on("pageerror", lambda error: noise.append(f"error {error}"))
    tab.on("dialog", lambda dialog: (noise.append(f"dialog {dialog.message}"), dialog.dismiss()))
    tab.noise = noise
    yield tab
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_hostile_text_is_inert_and_no_request_leaves(view: Any, files: dict[str, Path], name: str) -> None:
    view.goto(files[name].as_uri())
    unfold(view)
    view.wait_for_timeout(300)
    assert view.noise == []
    assert view.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 390, 720, 1440])
def test_the_page_never_scrolls_sideways(view: Any, files: dict[str, Path], name: str, width: int) -> None:
    view.set_viewport_size({"width": width, "height": 800})
    view.goto(files[name].as_uri())
    unfold(view)
    assert view.evaluate("document.documentElement.scrollWidth") == width


def test_code_appears_by_keyboard_and_goes_again(view: Any, files: dict[str, Path]) -> None:
    view.goto(files["report"].as_uri())
    button, code = view.get_by_role("button", name="Show code"), view.locator(".code").first
    assert not code.is_visible()
    button.focus()
    view.keyboard.press("Enter")
    assert code.is_visible() and button.get_attribute("aria-pressed") == "true"
    view.keyboard.press("Space")
    assert not code.is_visible() and button.get_attribute("aria-pressed") == "false"
    assert view.noise == []


def test_contents_work_by_keyboard_and_mark_where_the_reader_is(view: Any, files: dict[str, Path]) -> None:
    view.emulate_media(reduced_motion="reduce")
    view.goto(files["report"].as_uri())
    rail = view.locator(".beside")
    link = rail.get_by_role("link", name="What do the checks say?")
    link.focus()
    view.keyboard.press("Enter")
    # Playwright's wait_for_function would evaluate a string in the page, which the page's policy forbids.
    sync_api.expect(rail.locator("[aria-current]")).to_have_text("What do the checks say?")
    assert view.url.endswith("#s-what-do-the-checks-say")
    assert rail.locator("[aria-current]").count() == 1
    top = view.locator("#s-what-do-the-checks-say").bounding_box()["y"]
    assert 0 <= top < 200


def test_on_a_phone_the_contents_unfold(view: Any, files: dict[str, Path]) -> None:
    view.set_viewport_size({"width": 390, "height": 844})
    view.goto(files["report"].as_uri())
    assert not view.locator(".beside").is_visible()
    view.locator(".folded > summary").focus()
    view.keyboard.press("Enter")
    link = view.locator(".folded").get_by_role("link", name="Glossary")
    assert link.is_visible()
    link.click()
    assert not link.is_visible() and view.url.endswith("#s-glossary")


def test_the_keyboard_reaches_the_answer_first_and_sees_its_focus(view: Any, files: dict[str, Path]) -> None:
    view.goto(files["report"].as_uri())
    view.keyboard.press("Tab")
    focused = "getComputedStyle(document.activeElement)"
    assert view.evaluate("document.activeElement.textContent") == "Skip to the answer"
    assert view.evaluate(f"{focused}.outlineStyle") == "solid"
    assert view.evaluate("document.activeElement.getBoundingClientRect().left") >= 0


def test_a_term_explains_itself_where_it_stands(view: Any, files: dict[str, Path]) -> None:
    view.goto(files["report"].as_uri())
    term, means = view.locator("button.term", has_text="parallel trends"), view.locator("#here-term-parallel-trends")
    term.scroll_into_view_if_needed()
    place = view.evaluate("scrollY"), view.url
    term.hover()
    sync_api.expect(means).to_be_visible()
    means.hover()  # the meaning stays while the pointer is on it
    view.wait_for_timeout(400)
    assert means.is_visible() and "without the policy" in means.inner_text()
    view.mouse.move(2, 2)
    sync_api.expect(means).not_to_be_visible()
    term.click()
    view.mouse.move(2, 2)
    view.wait_for_timeout(400)
    assert means.is_visible()  # clicked, it stays until it is dismissed
    view.keyboard.press("Escape")
    assert not means.is_visible() and (view.evaluate("scrollY"), view.url) == place
    assert view.noise == []


def test_a_term_opens_by_keyboard_and_leads_on_to_the_glossary(view: Any, files: dict[str, Path]) -> None:
    view.emulate_media(reduced_motion="reduce")
    view.goto(files["report"].as_uri())
    term, means = view.locator("button.term").first, view.locator(".means").first
    term.focus()
    view.keyboard.press("Shift+Tab")
    view.keyboard.press("Tab")
    assert means.is_visible()
    view.keyboard.press("Tab")
    assert view.evaluate("document.activeElement.textContent") == "All terms of this page"
    view.keyboard.press("Escape")
    assert not means.is_visible() and view.evaluate("document.activeElement.className") == "term"
    view.keyboard.press("Enter")
    assert means.is_visible()
    view.keyboard.press("Tab")
    view.keyboard.press("Enter")
    assert view.url.endswith("#s-glossary")


@pytest.mark.parametrize("width", [360, 1440])
def test_without_script_a_term_opens_too_and_stays_on_the_screen(
    chromium: Any, files: dict[str, Path], width: int
) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": width, "height": 700})
    tab = context.new_page()
    tab.goto(files["report"].as_uri())
    for term in tab.locator("button.term").all():
        term.click()
        box = tab.locator(".means:popover-open").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] >= 0 and box["y"] + box["height"] <= 700
        tab.keyboard.press("Escape")
    context.close()


def test_the_skip_link_leads_past_the_head(view: Any, files: dict[str, Path]) -> None:
    view.goto(files["report"].as_uri())
    view.keyboard.press("Tab")
    view.keyboard.press("Enter")
    view.keyboard.press("Tab")
    assert view.url.endswith("#answer")
    assert not view.evaluate("document.activeElement.closest('.masthead')")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 1440])
def test_focus_is_always_seen_and_never_covered(view: Any, files: dict[str, Path], name: str, width: int) -> None:
    """Tab through the whole page: each stop has an outline and is the top thing at its place."""
    view.emulate_media(reduced_motion="reduce")
    view.set_viewport_size({"width": width, "height": 600})
    view.goto(files[name].as_uri())
    unfold(view)
    state = """async () => { for (let frame = 0; frame < 6; frame++) await new Promise(requestAnimationFrame);
      const node = document.activeElement, style = getComputedStyle(node);
      const box = [...node.getClientRects()].find((r) => r.width && r.height);
      const x = box && box.left + Math.min(box.width / 2, 20);
      const at = box && document.elementFromPoint(x, Math.max(box.top, 0) + Math.min(box.height / 2, 9));
      return { what: node.outerHTML.slice(0, 90), end: node === document.body, seen: style.outlineStyle !== 'none' &&
        parseFloat(style.outlineWidth) >= 2, clear: Boolean(at) && (node.contains(at) || at.contains(node)) }; }"""
    stops = 0
    for _ in range(400):
        view.keyboard.press("Tab")
        now = view.evaluate(state)
        if now["end"]:
            break
        stops += 1
        assert now["seen"] and now["clear"], now
    assert stops > (20 if name == "report" else 5)


def test_a_wide_table_scrolls_by_keyboard_and_a_narrow_one_is_no_stop(view: Any, files: dict[str, Path]) -> None:
    view.emulate_media(reduced_motion="reduce")
    view.set_viewport_size({"width": 360, "height": 700})
    view.goto(files["report"].as_uri())
    table = view.locator(".tabular > .scroll").first
    sync_api.expect(table).to_have_attribute("tabindex", "0")
    table.focus()
    view.keyboard.press("ArrowRight")
    view.wait_for_timeout(300)
    assert table.evaluate("node => node.scrollLeft") > 0
    table.blur()
    view.set_viewport_size({"width": 1440, "height": 900})
    sync_api.expect(view.locator(".canvas").first).not_to_have_attribute("tabindex", "0")
    stops = "[...document.querySelectorAll('.scroll[tabindex], .canvas[tabindex]')]"
    assert view.evaluate(f"{stops}.filter(n => n.scrollWidth <= n.clientWidth).length") == 0


def test_numbers_unfold_by_keyboard(view: Any, files: dict[str, Path]) -> None:
    view.goto(files["report"].as_uri())
    summary = view.locator(".data > summary").first
    summary.focus()
    view.keyboard.press("Enter")
    assert view.locator(".data table").first.is_visible()
    view.keyboard.press("Space")
    assert not view.locator(".data table").first.is_visible()


def test_on_a_phone_a_chart_keeps_its_letters_and_scrolls_in_its_own_frame(view: Any, files: dict[str, Path]) -> None:
    view.set_viewport_size({"width": 360, "height": 780})
    view.goto(files["report"].as_uri())
    picture = view.locator(".canvas img").first
    # Charts are drawn 7.2 inches wide with letters of 8.5 points and more: 9 CSS pixels need 7.2 * 72 * 9 / 8.5.
    assert picture.bounding_box()["width"] >= 7.2 * 72 * 9 / 8.5
    assert view.locator(".canvas").first.evaluate("node => node.scrollWidth > node.clientWidth")
    assert view.evaluate("document.documentElement.scrollWidth") == 360
    view.set_viewport_size({"width": 1440, "height": 900})
    frame = view.locator(".canvas").first.bounding_box()
    assert abs(picture.bounding_box()["width"] - frame["width"]) < 1


@pytest.mark.parametrize(("motion", "behaviour"), [("reduce", "auto"), ("no-preference", "smooth")])
def test_nothing_moves_for_readers_who_ask_for_that(
    view: Any, files: dict[str, Path], motion: str, behaviour: str
) -> None:
    view.emulate_media(reduced_motion=motion)
    view.goto(files["report"].as_uri())
    assert view.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behaviour
    styles = "[...document.querySelectorAll('*')].map(n => getComputedStyle(n))"
    assert view.evaluate(f"{styles}.every(s => s.animationName === 'none' && s.transitionDuration === '0s')")


def test_numbers_download_as_csv(view: Any, files: dict[str, Path]) -> None:
    view.goto(files["report"].as_uri())
    view.get_by_text("Numbers behind this figure").last.click()
    with view.expect_download() as started:
        view.get_by_role("link", name="Download figure 2 as CSV").click()
    assert started.value.suggested_filename == "effects.csv"
    assert Path(started.value.path()).read_text("utf-8").startswith("Years since adoption,")
    assert view.noise == []


def test_without_script_everything_but_code_is_there(chromium: Any, files: dict[str, Path]) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    tab.goto(files["report"].as_uri())
    assert tab.locator(".beside a").count() > 5 and tab.locator("#answer h1").is_visible()
    assert not tab.locator("#show-code").is_visible() and not tab.locator(".code").first.is_visible()
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_dark_mode_changes_the_ground(view: Any, files: dict[str, Path], name: str) -> None:
    view.emulate_media(color_scheme="dark")
    view.goto(files[name].as_uri())
    assert view.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 28)"
    assert view.noise == []


def test_print_leaves_out_controls_code_and_folded_numbers(view: Any, files: dict[str, Path]) -> None:
    view.emulate_media(media="print", color_scheme="dark")
    view.goto(files["report"].as_uri())
    for chosen in (".rail", ".code >> nth=0", ".data >> nth=0", ".download >> nth=0", ".skip", ".means >> nth=0"):
        assert not view.locator(chosen).first.is_visible()
    assert view.evaluate("getComputedStyle(document.body).color") == "rgb(21, 25, 29)"
    outside = "getComputedStyle(document.querySelector('a[href*=census]'), '::after').content"
    assert "https://www.census.gov" in view.evaluate(outside)
    paper = view.pdf(prefer_css_page_size=True)
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 30


def test_printed_pages_carry_numbers_and_a_running_head(view: Any, files: dict[str, Path]) -> None:
    view.goto(files["report"].as_uri())
    margins = view.evaluate(
        "[...document.styleSheets[0].cssRules].filter(r => r instanceof CSSPageRule).map(r => r.cssText).join(' ')"
    )
    assert "counter(page)" in margins
    assert "Medicaid expansion, version 2026-11-22-3f9a1c72be04" in margins
