"""The catalogue: every study once, every version reachable, nothing damaged passed over in silence."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest
import sample_notebook
from bs4 import BeautifulSoup
from lxml import etree

from analysis.refusal import Refusal
from analysis.report import catalogue, catalogue_entries, catalogue_table, history
from analysis.report.catalogue_entries import Standing
from analysis.run import feed, index, rules, versions
from analysis.run.identity import PARTS, Identity


def publish(
    root: Path,
    study: str,
    version: str,
    created: str,
    headline: dict[str, Any] | None = None,
    question: str = "Did it help?",
    numbers: list[dict[str, Any]] | None = None,
    **manifest: Any,
) -> Path:
    """A published version as the catalogue needs it."""
    folder = root / study / version
    folder.mkdir(parents=True)
    told = {"value": 0.068, "low": 0.053, "high": 0.083, "unit": "share", "text": f"+6.8 points in {version}"} | (
        headline or {}
    )
    answer = {"question": question, "strength": {"word": "Strong", "step": 3, "reason": ""}, "headline": told}
    (folder / "report.html").write_text("<!DOCTYPE html>")
    results = {"study": study, "question": question, "answer": answer, "numbers": numbers or []}
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "manifest.json").write_text(json.dumps({"study": study, "created": created, **manifest}))
    return folder


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    root = tmp_path / "reports"
    publish(root, "wages", "2026-10-02-bbbbbbbbbbbb", "2026-10-02T09:00:00Z")
    publish(root, "wages", "2026-11-05-aaaaaaaaaaaa", "2026-11-05T18:00:00Z")
    publish(root, "wages", "2026-11-05-cccccccccccc", "2026-11-05T08:00:00Z")
    publish(root, "clinics", "2026-09-01-dddddddddddd", "2026-09-01T08:00:00Z", {"low": None, "high": None})
    (root / ".staging" / "half").mkdir(parents=True)
    (root / "wages" / ".tmp").mkdir()
    return root


def shown(root: Path) -> BeautifulSoup:
    return BeautifulSoup(catalogue.write(root).read_text("utf-8"), "html.parser")


def test_studies_by_name_and_versions_from_new_to_old(reports: Path) -> None:
    soup = shown(reports)
    assert [a["href"].split("/")[0] for a in soup.select("h2 a")] == ["clinics", "wages"]
    wages = soup.find_all("article")[1]
    assert wages.h2.a["href"] == "wages/2026-11-05-aaaaaaaaaaaa/report.html"
    assert [a["href"].split("-")[-1][0] for a in wages.select("details a")] == ["a", "c", "b"]
    assert all((reports / a["href"]).is_file() for a in soup.select("article a"))
    assert "+6.8 points in 2026-10-02-bbbbbbbbbbbb" in wages.details.get_text()


def test_the_family_of_designs_stands_beside_the_date(reports: Path) -> None:
    folder = publish(reports, "taxes", "2026-10-02-eeeeeeeeeeee", "2026-10-02T09:00:00Z")
    facts = {"study": "taxes", "created": "2026-10-02T09:00:00Z", "notebook": "synthetic_control"}
    (folder / "manifest.json").write_text(json.dumps(facts))
    assert shown(reports).find_all("article")[1].select_one(".kicker span").text == "Synthetic control, 2 October 2026"


def test_synthetic_data_are_marked(reports: Path) -> None:
    assert "synthetic data" not in shown(reports).text
    folder = publish(reports, "taxes", "2026-10-02-eeeeeeeeeeee", "2026-10-02T09:00:00Z")
    facts = {"study": "taxes", "created": "2026-10-02T09:00:00Z", "synthetic": True}
    (folder / "manifest.json").write_text(json.dumps(facts))
    assert "synthetic data" in shown(reports).find_all("article")[1].select_one(".kicker").text


def test_it_is_deterministic_and_leaves_no_temporary_file(reports: Path) -> None:
    first = catalogue.write(reports).read_bytes()
    assert catalogue.write(reports).read_bytes() == first
    assert catalogue.render(reversed(catalogue.read(reports))).encode() == first
    assert sorted(p.name for p in reports.iterdir()) == [".staging", "clinics", "index.html", "wages"]


def test_the_chart_shows_zero_interval_and_estimate(reports: Path) -> None:
    clinics, wages = shown(reports).select("svg.interval")
    assert wages["aria-label"].endswith("+6.8 points in 2026-11-05-aaaaaaaaaaaa")
    assert wages.select_one(".zero") and wages.select_one(".bar") and wages.select_one(".dot")
    assert clinics.select_one(".dot") and not clinics.select_one(".bar")
    assert float(wages.select_one(".dot")["cx"]) > float(wages.select_one(".zero")["x1"])


@pytest.mark.parametrize(
    ("value", "low", "high", "placed"),
    [
        (0.0, None, None, {"zero": 120.0, "value": 120.0}),
        (None, None, None, {"zero": 120.0}),
        (-1e300, None, None, {"zero": 120.0, "value": 10.0}),
        (1.0, -2.0, 4.0, {"zero": 120.0, "value": 147.5, "low": 65.0, "high": 230.0}),
        (1.0, float("-inf"), float("nan"), {"zero": 120.0, "value": 230.0}),
    ],
)
def test_any_headline_has_its_place_beside_zero(
    value: float | None, low: float | None, high: float | None, placed: dict[str, float]
) -> None:
    assert catalogue.interval({"value": value, "low": low, "high": high, "text": "t"}) == placed


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    publish(
        tmp_path,
        "a",
        "2026-01-01-aaaaaaaaaaaa",
        "2026-01-01T00:00:00Z",
        {"text": sample_notebook.HOSTILE},
        sample_notebook.HOSTILE,
    )
    soup = shown(tmp_path)
    assert not soup.find_all("img") and len(soup.find_all("script")) == 1
    assert soup.h2.get_text() == sample_notebook.HOSTILE
    assert not [
        tag for tag in soup.find_all(True) if "style" in tag.attrs or any(a.startswith("on") for a in tag.attrs)
    ]


def test_without_reports_it_names_the_command(tmp_path: Path) -> None:
    soup = shown(tmp_path / "reports")
    assert "No report is published yet" in soup.get_text() and "make report STUDY=" in soup.get_text()


@pytest.mark.parametrize("name", ["report.html", "results.json", "manifest.json"])
def test_a_half_written_version_is_refused(reports: Path, name: str) -> None:
    before = catalogue.write(reports).read_bytes()
    (reports / "wages" / "2026-10-02-bbbbbbbbbbbb" / name).unlink()
    with pytest.raises(Refusal, match=rf"R312 STOP .*bbbbbbbbbbbb/{name} — the file is missing"):
        catalogue.write(reports)
    assert (reports / "index.html").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("results.json", '{"study": ', "not readable as JSON"),
        ("results.json", "[]", "not a JSON object"),
        ("results.json", "{}", r"results.json:answer — missing"),
        ("results.json", '{"answer": {"strength": {"word": "x", "step": 4}}}', "no step from 1 to 3"),
        (
            "results.json",
            '{"answer": {"strength": {"word": "x", "step": 1}, "headline": {"text": "t", "value": "5"}}}',
            "value — not a number",
        ),
        ("manifest.json", '{"study": "wages"}', "manifest.json:created — missing"),
        ("manifest.json", '{"study": "wages", "created": "yesterday"}', "not a time"),
        ("manifest.json", '{"study": "other", "created": "2026-01-01T00:00:00Z"}', "names the study 'other'"),
    ],
)
def test_a_damaged_version_is_refused(reports: Path, name: str, text: str, said: str) -> None:
    (reports / "wages" / "2026-10-02-bbbbbbbbbbbb" / name).write_text(text)
    with pytest.raises(Refusal, match=said):
        catalogue.write(reports)


def test_a_folder_that_is_no_version_is_refused(reports: Path) -> None:
    (reports / "wages" / "copy of report").mkdir()
    with pytest.raises(Refusal, match="not the name of a version"):
        catalogue.write(reports)


def test_folders_that_hold_plans_and_reviews_are_no_versions(reports: Path) -> None:
    before = catalogue.write(reports).read_bytes()
    for name in ("plans", "reviews"):
        (reports / "wages" / name).mkdir()
        (reports / "wages" / name / "1.0.yml").write_text("")
    assert catalogue.write(reports).read_bytes() == before


RELEASED = {"state": "released", "sentence": "Released by Ada on 3 November 2026.", "on": "2026-11-03T10:00:00Z"}
WITHDRAWN = {"state": "withdrawn", "sentence": "Withdrawn by Ada: wrong year.", "on": "2026-11-09T10:00:00Z"}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Two studies; one has a withdrawn, a released and a draft version, a variant and a version in another unit."""
    root, number = tmp_path / "reports", {"id": "headline", "label": "Effect", "estimate": -0.5, "std_error": 0.25}
    wide = {"low": -1.0, "high": 0.0, "value": -0.5, "unit": "points"}
    made = [
        ("2026-10-01-aaaaaaaaaaaa", "2026-10-01T09:00:00Z", WITHDRAWN, {**wide, "value": -9.0, "low": -9.9, "high": 1}),
        ("2026-10-02-bbbbbbbbbbbb", "2026-10-02T09:00:00Z", RELEASED, wide),
        ("2026-10-03-cccccccccccc", "2026-10-03T09:00:00Z", {"state": "draft"}, {**wide, "unit": "%"}),
        ("2026-10-04-dddddddddddd", "2026-10-04T09:00:00Z", {"state": "in_review"}, {**wide, "value": -0.25}),
    ]
    for version, created, status, told in made:
        publish(
            root, "taxes", version, created, told, numbers=[number, {**number, "id": "alternative_1_imputation"}],
            status=status, notebook="difference_in_differences", topic="Health", key=version[-12:] * 5,
        )  # fmt: skip
    publish(root, "taxes--until-2008", "2026-10-05-eeeeeeeeeeee", "2026-10-05T09:00:00Z", numbers=[number])
    publish(root, "clinics", "2026-10-06-ffffffffffff", "2026-10-06T09:00:00Z", notebook="weighting", numbers=[number])
    return root


def test_each_version_says_its_state_and_the_released_one_stays_in_sight(shelf: Path) -> None:
    soup = shown(shelf)
    clinics, taxes = soup.find_all("article")
    assert clinics["data-state"] == "draft" and clinics.select_one(".evidence .state").get_text(strip=True) == "Draft"
    assert taxes["data-state"] == "in_review" and taxes["data-topic"] == "Health"
    words = [state.get_text(strip=True) for state in taxes.select(".history .state")]
    assert words == ["In review", "Draft", "Released", "Withdrawn"]
    assert "Withdrawn by Ada: wrong year." in taxes.select(".history li")[3].get_text()
    released = taxes.select_one(".evidence .note a")
    assert released["href"] == "taxes/2026-10-02-bbbbbbbbbbbb/report.html"


def test_the_numbers_of_a_withdrawn_version_are_struck_out(tmp_path: Path) -> None:
    publish(tmp_path, "a", "2026-01-01-aaaaaaaaaaaa", "2026-01-01T00:00:00Z", status=WITHDRAWN)
    soup = shown(tmp_path)
    struck = soup.find_all("s")
    assert [s.get_text() for s in struck] == ["+6.8 points in 2026-01-01-aaaaaaaaaaaa"] * 2
    assert all(s.find_previous_sibling("b").get_text() == "Withdrawn:" for s in struck)
    assert not soup.select(".dot") and len(soup.select(".cross")) == 2
    assert all("withdrawn" in chart["aria-label"] for chart in soup.select("svg[role=img].interval, svg.row"))


def test_variants_stand_under_their_study(shelf: Path) -> None:
    soup = shown(shelf)
    assert len(soup.find_all("article")) == 2
    (variant,) = soup.select(".variants li")
    assert variant.a["href"] == "taxes--until-2008/2026-10-05-eeeeeeeeeeee/report.html"
    assert variant.a.get_text() == "Until 2008"
    assert soup.find_all("article")[1].summary.get_text().startswith("4 versions and 1 variant")
    facts = {"parameters": {"sweep": "taxes-choices", "study": "taxes"}, "notebook": "specification_curve"}
    publish(shelf, "taxes-choices", "2026-10-05-abcabcabcabc", "2026-10-05T09:00:00Z", **facts)
    assert [a.get_text() for a in shown(shelf).select(".variants a")] == ["Until 2008", "Taxes choices"]
    publish(shelf, "orphan--x", "2026-10-05-eeeeeeeeeeee", "2026-10-05T09:00:00Z")
    assert len(shown(shelf).find_all("article")) == 3


def test_the_history_puts_all_versions_on_one_scale(shelf: Path) -> None:
    entries = [entry for entry in catalogue.read(shelf) if entry.study == "taxes"]
    rows = history.rows(sorted(entries, key=lambda entry: entry.order, reverse=True))
    assert [set(row) for row in rows] == [
        {"zero", "value", "low", "high"},
        set(),
        *[{"zero", "value", "low", "high"}] * 2,
    ]
    assert len({row["zero"] for row in rows if row}) == 1
    # Hand-checked: from -9.9 to 1 over 184 units after a margin of 8.
    assert rows[3] == {"zero": 175.1, "value": 23.2, "low": 8.0, "high": 192.0}
    assert rows[0]["value"] == pytest.approx(8 + 184 * (9.9 - 0.25) / 10.9, abs=0.05)
    charts = shown(shelf).find_all("article")[1].select(".history svg.row")
    assert len(charts) == 3 and all(chart["role"] == "img" and "points in" in chart["aria-label"] for chart in charts)
    assert [len(chart.select(mark)) for chart, mark in zip(charts, (".ring", ".dot", ".cross"), strict=True)] == [1] * 3


@pytest.mark.parametrize("numbers", [(1e308, -1e308, 1e308), (0.0, 0.0, 0.0), (float("inf"), float("nan"), 5e-324)])
def test_the_history_survives_any_number(tmp_path: Path, numbers: tuple[float, float, float]) -> None:
    told = dict(zip(("value", "low", "high"), numbers, strict=True))
    publish(tmp_path, "a", "2026-10-01-aaaaaaaaaaaa", "2026-10-01T09:00:00Z", told)
    (row,) = history.rows(catalogue.read(tmp_path))
    assert all(0 <= place <= history.WIDTH for place in row.values())


IDENTITY = Identity("k" * 64, {part: f"{part} now" for part in PARTS}, {})


def stands(made: dict[str, str], *verified: dict[str, Any]) -> Standing:
    lines = [{**line, "parts": {**IDENTITY.parts, **line["parts"]}} for line in verified]
    manifest = {"parts": {**IDENTITY.parts, **made}, "verified": lines}
    return index.standing(versions.Version(Path("x"), manifest), IDENTITY)


def test_what_is_newer_than_a_report_is_said_in_one_line() -> None:
    lead = "Inputs are newer than this version:"
    assert stands({}).line == "" and stands({"python": "3.9"}).line == ""
    assert stands({"data": "before"}).line == f"{lead} data."
    assert stands({"parameters": "before"}).line == f"{lead} choices."
    assert stands({"code": "before", "lock": "before"}).line == f"{lead} code."
    assert stands({"data": "x", "parameters": "x", "code": "x"}).line == f"{lead} data, choices, code."
    seen = stands({"code": "before"}, {"date": "2026-11-05", "parts": {"code": "between"}})
    assert seen.line == f"{lead} code."
    fine = stands({"code": "before"}, {"date": "2026-11-07", "parts": {"python": "3.9"}})
    assert fine.line == f"{lead} code; verified on 7 November 2026, every number agrees."


def test_newer_inputs_are_named_in_the_catalogue(shelf: Path) -> None:
    standings = {"taxes": stands({"data": "before", "code": "before"}), "clinics": stands({})}
    soup = BeautifulSoup(catalogue.write(shelf, standings).read_text("utf-8"), "html.parser")
    (line,) = soup.select(".standing")
    assert line.get_text() == "Inputs are newer than this version: data, code." and not line.find("b")
    assert line.find_parent("article")["data-topic"] == "Health"


ATOM = "{http://www.w3.org/2005/Atom}"


def test_the_feed_is_atom_with_one_entry_a_version(shelf: Path) -> None:
    entries = catalogue.read(shelf)
    text = feed.text(entries)
    root = etree.fromstring(text.encode())
    assert root.tag == f"{ATOM}feed" and feed.text(list(reversed(entries))) == text
    found = root.findall(f"{ATOM}entry")
    assert len(found) == len(entries) == 6
    instant = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
    for element in (root, *found):  # what RFC 4287 requires of a feed and of an entry
        (name,) = element.findall(f"{ATOM}id")
        assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", name.text)
        assert len(element.findall(f"{ATOM}title")) == 1
        (updated,) = element.findall(f"{ATOM}updated")
        assert instant.fullmatch(updated.text)
    assert root.findall(f"{ATOM}author/{ATOM}name")
    assert len({e.find(f"{ATOM}id").text for e in found}) == 6
    for entry in found:
        (link,) = entry.findall(f"{ATOM}link")
        assert link.get("rel", "alternate") == "alternate"
        assert (shelf / link.get("href")).is_file()  # relative to the feed, so it works from a disk
    # The withdrawal of the oldest version is the latest thing that happened.
    assert found[0].find(f"{ATOM}updated").text == root.find(f"{ATOM}updated").text == "2026-11-09T10:00:00+00:00"
    assert found[0].find(f"{ATOM}published").text.startswith("2026-10-01T09:00:00")
    assert found[0].find(f"{ATOM}summary").text == "Withdrawn. Withdrawn by Ada: wrong year."


def test_an_id_of_the_feed_stays_when_the_state_changes(shelf: Path) -> None:
    def ids() -> list[str]:
        root = etree.fromstring(feed.text(catalogue.read(shelf)).encode())
        return sorted(found.text for found in root.iter(f"{ATOM}id"))

    before = ids()
    file = shelf / "clinics/2026-10-06-ffffffffffff/manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "status": RELEASED}))
    assert ids() == before


def test_hostile_words_stay_words_in_the_feed(tmp_path: Path) -> None:
    words = sample_notebook.HOSTILE + "\x00\x1b]]>"
    publish(tmp_path, "a", "2026-01-01-aaaaaaaaaaaa", "2026-01-01T00:00:00Z", {"text": words}, words)
    text = feed.text(catalogue.read(tmp_path))
    root = etree.fromstring(text.encode())
    assert not root.findall(".//script") and sample_notebook.HOSTILE in root.find(f"{ATOM}entry/{ATOM}title").text
    assert feed.text([]).count("<entry") == 0 and etree.fromstring(feed.text([]).encode()) is not None


def table(root: Path) -> list[dict[str, str]]:
    text = catalogue_table.text(catalogue.read(root), root)
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_table_holds_the_latest_and_the_released_version_at_full_precision(shelf: Path) -> None:
    rows = table(shelf)
    found = [(row["study"], row["version"][-1], row["state"], row["latest"], row["id"]) for row in rows]
    assert found == [
        ("clinics", "f", "draft", "yes", "headline"),
        ("taxes", "d", "in_review", "yes", "headline"),
        ("taxes", "d", "in_review", "yes", "alternative_1_imputation"),
        ("taxes", "b", "released", "no", "headline"),
        ("taxes", "b", "released", "no", "alternative_1_imputation"),
        ("taxes--until-2008", "e", "draft", "yes", "headline"),
    ]
    assert [float(row["estimate"]) for row in rows] == [-0.5] * 6
    assert [row["headline"] for row in rows] == ["yes", "yes", "no", "yes", "no", "yes"]
    assert rows[5]["variant_of"] == "taxes" and rows[0]["variant_of"] == "" and rows[0]["p_value"] == ""
    assert {row["exploratory"] for row in rows} == {"no plan"}


def test_a_number_comes_back_from_the_table_exactly(tmp_path: Path) -> None:
    values = [0.1 + 0.2, -1e-17, 5e-324, -1.7976931348623157e308, 2 / 3, 1e22]
    numbers = [{"id": str(k), "estimate": value, "n": 10**15 + k} for k, value in enumerate(values)]
    publish(tmp_path, "a", "2026-01-01-aaaaaaaaaaaa", "2026-01-01T00:00:00Z", numbers=numbers)
    assert [float(row["estimate"]) for row in table(tmp_path)] == values
    assert [int(row["n"]) for row in table(tmp_path)] == [10**15 + k for k in range(6)]


def test_no_cell_of_the_table_is_a_formula(tmp_path: Path) -> None:
    evil = ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "＝1", 'a,"b"\r\n=2']
    numbers = [{"id": str(k), "label": words, "estimate": -1.5} for k, words in enumerate(evil)]
    publish(tmp_path, "a", "2026-01-01-aaaaaaaaaaaa", "2026-01-01T00:00:00Z", question="=2+2?", numbers=numbers)
    rows = table(tmp_path)
    assert len(rows) == len(evil) and {row["estimate"] for row in rows} == {"-1.5"}
    for row in rows:
        for cell in row.values():
            assert not re.match(r"\s*[=+@＝]|\s*-[^\d.]|-\d\+", cell), cell
    assert [row["label"].removeprefix("'") for row in rows] == evil


def test_withdrawn_versions_and_masked_outcomes_are_not_in_the_table(tmp_path: Path) -> None:
    number = [{"id": "headline", "estimate": 1.0}]
    publish(tmp_path, "a", "2026-01-01-aaaaaaaaaaaa", "2026-01-01T00:00:00Z", numbers=number, status=WITHDRAWN)
    masked = publish(tmp_path, "b", "2026-01-01-bbbbbbbbbbbb", "2026-01-01T00:00:00Z", numbers=number)
    facts = {"study": "b", "created": "2026-01-01T00:00:00Z", "parameters": {"masked": True}}
    (masked / "manifest.json").write_text(json.dumps(facts))
    assert table(tmp_path) == []
    assert "Masked outcomes: not a result." in shown(tmp_path).find_all("article")[1].get_text()
    assert "Masked outcomes: not a result." in feed.text(catalogue.read(tmp_path))


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (None, ["no plan", "no plan"]),
        ({"badge": None, "exploratory": []}, ["no", "no"]),
        ({"badge": "after_results", "exploratory": [{"kind": "estimators", "items": ["imputation"]}]}, ["no", "yes"]),
        ({"badge": "exploratory", "exploratory": []}, ["yes", "yes"]),
        ({"badge": None, "exploratory": [{"kind": "checks", "items": ["imputation"]}]}, ["no", "no"]),
    ],
)
def test_what_was_not_planned_is_exploratory(plan: dict[str, Any] | None, told: list[str]) -> None:
    ids = ("headline", "alternative_1_imputation without covariates")
    assert [catalogue_table.exploratory(plan, name) for name in ids] == told


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"state": "blessed"}, "no known state"),
        ("draft", "no known state"),
        ({"state": "draft", "on": "x"}, "not a time"),
    ],
)
def test_a_state_that_does_not_exist_is_refused(reports: Path, status: Any, said: str) -> None:
    facts = {"study": "wages", "created": "2026-01-01T00:00:00Z", "status": status}
    (reports / "wages" / "2026-10-02-bbbbbbbbbbbb" / "manifest.json").write_text(json.dumps(facts))
    with pytest.raises(Refusal, match=said):
        catalogue.write(reports)


def test_the_page_keeps_the_rules_of_pages(shelf: Path) -> None:
    html = catalogue.write(shelf).read_text("utf-8")
    assert rules.page_problems(html) == []
    soup = BeautifulSoup(html, "html.parser")
    assert soup.find("link", rel="alternate")["href"] == "feed.xml"
    assert {a["href"] for a in soup.select(".masthead a")} == {"feed.xml", "results.csv"}
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_a_filter_appears_only_where_studies_differ(shelf: Path, reports: Path) -> None:
    kinds = [(f["name"], [c[0] for c in f["choices"]]) for f in catalogue.filters(shelves(shelf))]
    assert kinds == [("design", ["difference_in_differences", "weighting"]), ("state", ["draft", "in_review"])]
    publish(shelf, "roads", "2026-10-06-ffffffffffff", "2026-10-06T09:00:00Z", topic="Transport")
    assert catalogue.filters(shelves(shelf))[0]["choices"] == [("Health", "Health"), ("Transport", "Transport")]
    assert catalogue.filters(shelves(reports / "nowhere")) == []


def shelves(root: Path) -> list[catalogue_entries.Shelf]:
    return catalogue_entries.shelves(catalogue.read(root), {})


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser.chromium() as running:
        yield running


def tab(chromium: Any, file: Path, **options: Any) -> Any:
    page = chromium.new_context(**options).new_page()
    page.noise = []
    page.on("console", lambda message: page.noise.append(message.text))
    page.on("pageerror", lambda error: page.noise.append(str(error)))
    page.goto(file.as_uri())
    return page


@pytest.mark.browser
def test_filters_work_by_keyboard_and_say_how_many_are_left(chromium: Any, shelf: Path) -> None:
    view = tab(chromium, catalogue.write(shelf))
    articles, count = view.locator("article"), view.get_by_role("status")
    assert count.inner_text() == "All 2 evaluations are shown."
    chooser = view.get_by_label("Design")
    chooser.focus()
    view.keyboard.press("W")  # Weighting
    assert [a.is_visible() for a in articles.all()] == [True, False]
    assert count.inner_text() == "1 of 2 evaluations shown."
    view.get_by_label("State").select_option("In review")
    assert count.inner_text() == "0 of 2 evaluations shown."
    view.get_by_role("button", name="Show all").focus()
    view.keyboard.press("Enter")
    assert [a.is_visible() for a in articles.all()] == [True, True]
    assert view.evaluate("document.activeElement.id") == "by-design" and view.noise == []
    view.context.close()


@pytest.mark.browser
def test_without_script_everything_is_visible_and_no_control_is(chromium: Any, shelf: Path) -> None:
    view = tab(chromium, catalogue.write(shelf), java_script_enabled=False)
    assert all(a.is_visible() for a in view.locator("article").all())
    assert not view.locator("#filters").is_visible()
    view.locator("summary").nth(1).click()
    assert view.locator(".history svg.row").nth(1).is_visible() and view.locator(".variants a").is_visible()
    view.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 390, 800, 1440])
def test_the_catalogue_never_scrolls_sideways(chromium: Any, shelf: Path, width: int) -> None:
    view = tab(chromium, catalogue.write(shelf), viewport={"width": width, "height": 800})
    for details in view.locator("details").all():
        details.locator("summary").click()
    assert view.evaluate("document.documentElement.scrollWidth") == width and view.noise == []
    view.context.close()
