"""The catalogue: every study once, every version reachable, nothing damaged passed over in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sample_notebook
from bs4 import BeautifulSoup

from analysis.refusal import Refusal
from analysis.report import catalogue


def publish(
    root: Path,
    study: str,
    version: str,
    created: str,
    headline: dict[str, Any] | None = None,
    question: str = "Did it help?",
) -> Path:
    """A published version as the catalogue needs it."""
    folder = root / study / version
    folder.mkdir(parents=True)
    told = {"value": 0.068, "low": 0.053, "high": 0.083, "unit": "share", "text": f"+6.8 points in {version}"} | (
        headline or {}
    )
    answer = {"question": question, "strength": {"word": "Strong", "step": 3, "reason": ""}, "headline": told}
    (folder / "report.html").write_text("<!DOCTYPE html>")
    (folder / "results.json").write_text(json.dumps({"study": study, "question": question, "answer": answer}))
    (folder / "manifest.json").write_text(json.dumps({"study": study, "created": created}))
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
    assert not soup.find_all(["script", "img"])
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
