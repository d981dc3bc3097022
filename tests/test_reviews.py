"""From draft to release: each step that is allowed, each that is not, and a record nobody edits unnoticed."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from project_copy import PARAMETER_FILE, STUDY, Project

from analysis import cli, paths, strict_yaml
from analysis.disclosure import gate
from analysis.refusal import Refusal
from analysis.report import page, status
from analysis.run import checklist, export, record_text, reviews, rules, state, versions
from analysis.study import modules

APPROVE = ("review", STUDY, "--decision", "approve", "--by", "Ada Lovelace", "--note", "The comparison is fair.")
REQUEST = ("review", STUDY, "--decision", "request_changes", "--by", "Ada Lovelace", "--note", "Say who was left out")
RELEASE = ("release", STUDY, "--by", "Grace Hopper", "--note", "the ministry's question of 3 October")
WITHDRAW = ("withdraw", STUDY, "--by", "Grace Hopper", "--note", "The table held a wrong year")
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Finding:
    """What the disclosure check would say."""

    code: str
    where: str
    finding: str
    fix: str
    id: str


SMALL = Finding("S201", "table 2", "one cell holds 4 units", "merge categories", "S201-table-2-north")


class Desk:
    """A project with one published version, and the commands of a reviewer in it."""

    def __init__(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        self.project, self.root, self._capsys = project, project.root, capsys
        self.findings: list[Finding] = []
        self.real: Callable[..., list[Any]] = gate.examine
        self.examined: list[tuple[Path, list[Path], str]] = []

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = cli.main([*arguments])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def done(self, *arguments: str) -> str:
        code, out, err = self.run(*arguments)
        assert (code, err) == (0, ""), err
        return out

    def answer_everything(self) -> None:
        """Write an answer to every question that has none."""
        text = self.record.read_text("utf-8")
        self.record.write_text(text.replace('    answer: ""', '    answer: "Looked at."'), "utf-8")

    def approve(self) -> str:
        """Answer what is open, then approve."""
        self.answer_everything()
        return self.done(*APPROVE)

    def take(self, step: tuple[str, ...]) -> str:
        """One step on the way; an approval with its answers."""
        return self.approve() if step == APPROVE else self.done(*step)

    def refused(self, *arguments: str) -> str:
        """The one line that refuses, after checking that nothing at all was written."""
        before = self.everything()
        code, out, err = self.run(*arguments)
        assert (code, out) == (2, ""), (code, out, err)
        assert len(err.splitlines()) == 1 and ". Fix: " in err, err
        assert self.everything() == before
        return err

    def everything(self) -> dict[str, bytes]:
        files = [p for p in (self.root / "reports").rglob("*") if p.is_file() and ".state" not in p.parts]
        return {p.relative_to(self.root).as_posix(): p.read_bytes() for p in files}

    @property
    def version(self) -> versions.Version:
        return versions.of(STUDY)[-1]

    @property
    def record(self) -> Path:
        return reviews.path_of(self.version)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.version.manifest["status"]
        return found

    def answer(self, **answers: str) -> None:
        """Do what a reviewer does in a text editor."""
        lines = self.record.read_text("utf-8").splitlines()
        for name, words in answers.items():
            start = lines.index(f'  - id: "{name.replace("_", "-")}"')
            place = next(i for i in range(start, len(lines)) if lines[i].lstrip().startswith("answer:"))
            lines[place] = f'    answer: "{words}"'
        self.record.write_text("\n".join(lines) + "\n", "utf-8")

    def give_reason(self, finding: Finding, words: str) -> None:
        text = self.record.read_text("utf-8")
        assert f'"{finding.id}": ""' in text
        self.record.write_text(text.replace(f'"{finding.id}": ""', f'"{finding.id}": "{words}"'), "utf-8")


@pytest.fixture
def desk(project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    places = {"ROOT": "", "NOTEBOOKS": "notebooks", "PARAMS": "params", "RAW": "data/raw", "REPORTS": "reports"}
    places |= {"SOURCE": "src/analysis", "LOCK": "requirements.lock", "PROCESSED": "data/processed"}
    for name, inside in places.items():
        monkeypatch.setattr(paths, name, project.root / inside)
    monkeypatch.setattr(state, "STATE", project.root / "reports/.state")
    monkeypatch.setattr(state, "_VERIFIED", project.root / "reports/.state/verified.json")
    monkeypatch.setattr(export, "now", lambda: NOW)
    desk = Desk(project, capsys)

    def examine(version: Path, earlier: list[Path], preset: str) -> list[Finding]:
        desk.examined.append((version, list(earlier), preset))
        return desk.findings

    desk.real = gate.examine
    monkeypatch.setattr(gate, "examine", examine)
    return desk


def test_the_way_from_draft_to_release(desk: Desk) -> None:
    before = desk.everything()
    assert reviews.status_of(desk.version) == {"state": "draft"}
    out = desk.done("review", STUDY)
    assert out.splitlines()[0].endswith(": in review")
    assert [line.rsplit(".", 1)[1] for line in out.splitlines()[1:]] == ["yml", "html", "html"]
    assert desk.status()["state"] == "in_review"
    assert "; 23 of 23 questions answered" in desk.approve() and "Not released yet." in desk.status()["sentence"]
    desk.done(*RELEASE)
    now = desk.status()
    assert now == reviews.status_of(desk.version)
    assert (now["state"], now["by"], now["on"]) == ("released", "Grace Hopper", "2026-11-23T09:30:00Z")
    assert (now["key"], now["note"]) == (desk.version.manifest["key"], "the ministry's question of 3 October")
    assert now["sentence"] == (
        "By Grace Hopper on 23 November 2026. What was asked for: the ministry's question of 3 October. "
        "Approved by Ada Lovelace on 23 November 2026: The comparison is fair. "
        "Questions of the checklist answered: 23 of 23. Which commit it was made from is not recorded."
    )
    desk.version.refuse_if_changed()
    after, folder = desk.everything(), desk.version.folder.relative_to(desk.root).as_posix()
    changed = {name for name in after if before.get(name) != after[name]}
    record = f"reports/{STUDY}/reviews/{desk.version.folder.name}"
    assert changed == {
        f"{folder}/report.html",
        f"{folder}/manifest.json",
        f"{record}.yml",
        f"{record}.html",
        *(f"reports/{name}" for name in ("index.html", "feed.xml", "results.csv")),
    }


def test_only_the_line_of_state_changes_in_the_page(desk: Desk) -> None:
    file = desk.version.folder / "report.html"
    before = file.read_text("utf-8")
    manifest = dict(desk.version.manifest)
    for step in (("review", STUDY), APPROVE, RELEASE, WITHDRAW):
        desk.take(step)
        after = file.read_text("utf-8")
        (old,), (new,) = (re.findall(r"<!--status-->.*?<!--/status-->", text, re.DOTALL) for text in (before, after))
        assert old != new and after.replace(new, old) == before
        now = dict(desk.version.manifest)
        assert {name for name in now if now[name] != manifest[name]} == {"status", "files"}
        assert {n for n in now["files"] if now["files"][n] != manifest["files"][n]} == {"report.html"}
        desk.version.refuse_if_changed()


def test_the_publisher_renders_the_same_page_from_the_manifest(desk: Desk) -> None:
    for step in (("review", STUDY), APPROVE, RELEASE):
        desk.take(step)
        context = export.page_context(desk.version.manifest)
        rendered = page.render(desk.version.notebook(), context)
        assert rendered == (desk.version.folder / "report.html").read_text("utf-8")


def test_hostile_names_and_notes_are_escaped_everywhere(desk: Desk) -> None:
    evil = "<script>alert('x')</script> & \"quotes\" <!--/status-->"
    desk.done("review", STUDY)
    desk.done("review", STUDY, "--decision", "request_changes", "--by", evil[:70], "--note", evil)
    for file in (desk.version.folder / "report.html", desk.record.with_suffix(".html"), paths.REPORTS / "index.html"):
        soup = BeautifulSoup(file.read_text("utf-8"), "html.parser")
        assert not [s for s in soup.find_all("script") if "alert('x')" in s.get_text() and "use strict" not in s.text]
        assert "alert('x')" in soup.get_text()
    assert page.render(desk.version.notebook(), export.page_context(desk.version.manifest)) == (
        desk.version.folder / "report.html"
    ).read_text("utf-8")
    desk.approve()
    assert desk.status()["state"] == "in_review"


FORBIDDEN: dict[str, tuple[list[tuple[str, ...]], tuple[str, ...], str]] = {
    "approve a draft": ([], APPROVE, "no review of it is open"),
    "request changes to a draft": ([], REQUEST, "no review of it is open"),
    "release a draft": ([], RELEASE, "no review of it is open"),
    "release without a decision": ([("review", STUDY)], RELEASE, "nobody approved it"),
    "release after a request": ([("review", STUDY), REQUEST], RELEASE, "Ada Lovelace requested changes"),
    "release by the reviewer": (
        [("review", STUDY), APPROVE],
        ("release", STUDY, "--by", "ada  LOVELACE", "--note", "x"),
        "a releaser cannot approve",
    ),
    "review a released one": ([("review", STUDY), APPROVE, RELEASE], ("review", STUDY), "it is released"),
    "approve a released one": ([("review", STUDY), APPROVE, RELEASE], APPROVE, "it is released"),
    "release twice": ([("review", STUDY), APPROVE, RELEASE], RELEASE, "it is released"),
    "review a withdrawn one": ([WITHDRAW], ("review", STUDY), "it is withdrawn"),
    "approve a withdrawn one": ([("review", STUDY), WITHDRAW], APPROVE, "it is withdrawn"),
    "release a withdrawn one": ([("review", STUDY), APPROVE, WITHDRAW], RELEASE, "it is withdrawn"),
    "withdraw twice": ([WITHDRAW], WITHDRAW, "withdrawn already"),
    "no name": ([("review", STUDY)], ("review", STUDY, "--decision", "approve", "--note", "x"), "BY — it is empty"),
    "no note": ([("review", STUDY)], ("review", STUDY, "--decision", "approve", "--by", "A"), "NOTE — it is empty"),
    "a blank name": ([], ("withdraw", STUDY, "--by", " ", "--note", "x"), "BY — it is empty"),
    "a name that turns the text": (
        [],
        ("withdraw", STUDY, "--by", "Ada\u202eecalevoL", "--note", "x"),
        "cannot be shown",
    ),
    "a name without end": ([], ("withdraw", STUDY, "--by", "A" * 81, "--note", "x"), "longer than 80"),
    "a name without a decision": ([], ("review", STUDY, "--by", "Ada"), "without a decision"),
    "an unknown study": ([], ("review", "small-polcy"), "did you mean 'small-policy'"),
    "a path": ([], ("review", "../small-policy"), "no published version"),
    "an unknown version": ([], ("review", STUDY, "--version", "2020-01-01-aaaaaaaaaaaa"), "0 versions"),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_every_forbidden_step_is_refused_in_one_line_and_touches_nothing(desk: Desk, case: str) -> None:
    steps, last, said = FORBIDDEN[case]
    for step in steps:
        desk.take(step)
    assert said in desk.refused(*last)


def test_a_request_is_lifted_by_the_same_reviewer_only(desk: Desk) -> None:
    desk.done("review", STUDY)
    desk.done(*REQUEST)
    assert "Changes requested by Ada Lovelace on 23 November 2026: Say who" in desk.status()["sentence"]
    desk.answer_everything()
    other = [word if word != "Ada Lovelace" else "Alan Turing" for word in APPROVE]
    desk.done(*other)
    assert "Ada Lovelace requested changes" in desk.refused(*RELEASE)
    desk.approve()
    desk.done(*RELEASE)
    assert desk.status()["state"] == "released"


def test_the_checklist_carries_the_findings_and_keeps_answers(desk: Desk) -> None:
    desk.findings = [SMALL]
    desk.done("review", STUDY)
    written = strict_yaml.read(desk.record, "record")
    items = {item["id"]: item for item in written["checklist"]}
    parts = list(dict.fromkeys(item["part"] for item in written["checklist"]))
    assert parts == [part["title"] for part in strict_yaml.read(checklist.QUESTIONS, "c")["parts"]]
    assert all(item["answer"] == "" for item in written["checklist"])
    assert items["question"]["found"][0] == "Question: Did the small policy raise the score?"
    assert items["decision" if "decision" in items else "question"]["found"][1].endswith(
        "keep the small policy next year"
    )
    assert any(
        "None was seen." in line and line.startswith("Note, placebo") for i in items.values() for line in i["found"]
    )
    assert items["strength" if "strength" in items else "sentence"]["found"][1] == (
        "Strength of evidence: Weak, step 1 of 3: A toy table."
    )
    assert "No plan was frozen" in items["plan"]["found"][0]
    assert "This machine has run it" in items["reproduction"]["found"][0]
    assert "one cell holds 4 units" in items["disclosure"]["found"][0]
    assert "small: 32 rows" in items["rows"]["found"][0]
    assert written["reasons"] == {SMALL.id: ""}
    hard = 'A \\"quoted\\" answer: with a colon, a #, an ümlaut'
    desk.answer(question=hard, limits="Yes, in both directions")
    desk.done("review", STUDY)
    again = {item["id"]: item["answer"] for item in strict_yaml.read(desk.record, "record")["checklist"]}
    assert again["question"] == hard.replace("\\", "") and again["limits"] == "Yes, in both directions"
    assert again["question"] in BeautifulSoup(desk.record.with_suffix(".html").read_text("utf-8"), "html.parser").text
    assert len(strict_yaml.read(desk.record, "record")["events"]) == 1


def test_the_share_of_rows_left_out_comes_from_the_page(desk: Desk) -> None:
    file = desk.version.folder / "report.ipynb"
    notebook = json.loads(file.read_text("utf-8"))
    flow = "step,units,rows\nRows in the source,,4000\nNo outcome,,3900\nAnalysed,40,3500\n"
    quality = "name,Column,Missing,Flags\na,Score,0,–\nb,Start,319 (never),–\nc,Age,12,sentinel 999\n"
    for name, text in (("who-is-in", flow), ("data-quality", quality)):
        block = {"kind": "table", "csv_name": name, "csv": text, "note": "4,000 rows."}
        notebook["cells"][-1]["outputs"].append({"output_type": "display_data", "metadata": {"analysis": block}})
    file.write_text(json.dumps(notebook), "utf-8")
    found = {i.id: i.found for i in checklist.items(desk.version, [], [], False, {})}
    assert found["rows"][1:5] == [
        "Rows in the source: 4,000 rows.",
        "No outcome: 3,900 rows.",
        "Analysed: 40 units, 3,500 rows.",
        "Left out: 500 of 4,000 rows, 12.5 per cent.",
    ]
    assert found["missing"] == ["4,000 rows.", "Start: missing 319 (never).", "Age: missing 12; sentinel 999."]


def test_a_plan_and_its_deviations_stand_in_the_checklist(desk: Desk) -> None:
    change = {"group": "outcome", "field": "outcome", "planned": "score", "done": "grade", "reason": None}
    more = {**change, "field": "estimators", "planned": [], "done": ["imputation"], "reason": "a second look."}
    last = {**change, "field": "until", "planned": None, "done": 2008}
    plan = {"version": "1.0", "registered": "2026-10-01T08:00:00Z", "results_public": ["x"]}
    plan["deviations"] = [change, more, last]
    plan["exploratory"] = [{"kind": "checks", "items": ["placebo", "density"]}]
    version = versions.Version(desk.version.folder, {**desk.version.manifest, "plan": plan})
    found = {i.id: i.found for i in checklist.items(version, [], [], False, {})}
    assert found["plan"] == [
        "Plan 1.0, registered on 1 October 2026; results on this outcome were public by then.",
        "Deviation, outcome: planned score, done grade; no reason is given.",
        "Deviation, estimators: planned none, done imputation; a second look.",
        "Deviation, until: planned none, done 2008; no reason is given.",
        "Not planned, checks: placebo, density.",
    ]


def test_the_readers_page_of_a_review_keeps_the_rules_of_pages(desk: Desk) -> None:
    desk.findings = [SMALL]
    desk.done("review", STUDY)
    html = desk.record.with_suffix(".html").read_text("utf-8")
    assert rules.page_problems(html) == []
    soup = BeautifulSoup(html, "html.parser")
    assert (desk.record.parent / soup.main.find("a")["href"]).resolve() == desk.version.folder / "report.html"
    levels = [int(head.name[1]) for head in soup.find_all(re.compile("h[1-6]"))]
    assert levels[0] == 1 and all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert str(desk.root) not in html and str(desk.root) not in desk.record.read_text("utf-8")


def test_a_stop_finding_needs_an_answer_before_approval(desk: Desk) -> None:
    results = desk.version.folder / "results.json"
    told = json.loads(results.read_text())
    told["checks"][0]["severity"] = "stop"
    tamper_consistently(desk, told)
    desk.done("review", STUDY)
    desk.answer_everything()
    desk.answer(stop_placebo="")
    assert "stop-placebo — 1 of 24 questions has no answer, the first is stop-placebo" in desk.refused(*APPROVE)
    desk.approve()
    desk.answer(stop_placebo="")
    assert "1 of 24 questions has no answer, the first is stop-placebo" in desk.refused(*RELEASE)


def test_nobody_approves_with_questions_unanswered(desk: Desk) -> None:
    desk.done("review", STUDY)
    said = desk.refused(*APPROVE)
    assert "23 of 23 questions have no answer, the first is question; an approval answers all of them" in said
    assert f"reviews/{desk.version.folder.name}.yml:question" in said and "write your answers after `answer:`" in said
    desk.done(*REQUEST)  # needs no answer
    desk.answer_everything()
    desk.answer(limits=" ")
    assert "1 of 23 questions has no answer, the first is limits" in desk.refused(*APPROVE)
    desk.answer(limits="-")
    desk.done(*APPROVE)


def test_a_question_that_came_later_is_fetched_before_an_approval(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.done("review", STUDY)
    desk.answer_everything()
    kept = checklist.items

    def more(*told: Any) -> list[reviews.Item]:
        return [
            *kept(*told),
            reviews.Item(id="new", part="Limits", ask="And?", found=[], answer=told[-1].get("new", "")),
        ]

    monkeypatch.setattr(checklist, "items", more)
    assert f"the first is new; an approval answers all of them. Fix: make review STUDY={STUDY}" in desk.refused(
        *APPROVE
    )
    desk.done("review", STUDY)
    desk.approve()


@pytest.mark.parametrize("dirty", [True, False])
def test_files_that_were_not_committed_are_not_released(desk: Desk, dirty: bool) -> None:
    told = json.loads((desk.version.folder / "results.json").read_text())
    tamper_consistently(desk, told, commit={"head": "4c1d" * 10, "dirty": dirty})
    desk.done("review", STUDY)
    desk.approve()
    if dirty:
        said = desk.refused(*RELEASE)
        assert "made from files that were not committed. Fix: commit them, remove reports/" in said
        assert f"make report STUDY={STUDY}" in said
    else:
        desk.done(*RELEASE)
        assert "not recorded" not in desk.status()["sentence"]


def test_an_unknown_decision_is_refused_with_the_two_there_are(desk: Desk) -> None:
    desk.done("review", STUDY)
    said = desk.refused("review", STUDY, "--decision", "maybe", "--by", "Ada", "--note", "x")
    assert said.startswith("R330 STOP DECISION=maybe — no such decision. Fix: write DECISION=approve or DECISION=req")


def test_a_report_of_a_withdrawn_version_says_so(desk: Desk) -> None:
    desk.done(*WITHDRAW)
    run = desk.project.report()
    assert run.code == 0 and "is up to date" not in run.out, run
    assert "is withdrawn: By Grace Hopper on 23 November 2026: The table held a wrong year. Do not use" in run.out


@pytest.mark.parametrize(
    ("better", "unit", "said"),
    [
        ("lower", "log", "A fall of at least 4.9\u202f% matters."),
        ("higher", "log", "A rise of at least 5.1\u202f% matters."),
        (None, "log", "A fall of at least 4.9\u202f%, or a rise of at least 5.1\u202f%, matters."),
        ("lower", "share", "A fall of at least 5.0 percentage points matters."),
    ],
)
def test_the_smallest_effect_that_matters_in_the_checklist(desk: Desk, better: Any, unit: str, said: str) -> None:
    told = json.loads((desk.version.folder / "results.json").read_text())
    told["numbers"][0]["unit"] = unit
    made = {**desk.version.manifest["parameters"], "worthwhile": 0.05, "better": better}
    tamper_consistently(desk, told, parameters=made)
    found = {i.id: i.found for i in checklist.items(desk.version, [], [], False, {})}
    assert found["threshold"] == [said]


def tamper_consistently(desk: Desk, results: dict[str, Any], **manifest: Any) -> None:
    """Write other results and make the manifest agree with them."""
    from analysis.run import files

    folder = desk.version.folder
    (folder / "results.json").write_text(json.dumps(results))
    now = {**desk.version.manifest, **manifest}
    now["files"] = {**now["files"], "results.json": files.sha256(folder / "results.json")}
    (folder / "manifest.json").write_text(json.dumps(now))


def test_a_decision_lapses_when_the_key_or_the_content_changes(desk: Desk) -> None:
    desk.done("review", STUDY)
    desk.approve()
    told = json.loads((desk.version.folder / "results.json").read_text())
    other = "f" * 12 + desk.version.manifest["key"][12:]
    kept = (desk.version.folder / "manifest.json").read_text()
    for results, changes in ((told, {"key": other}), ({**told, "question": "Another question?"}, {})):
        tamper_consistently(desk, results, **changes)
        assert reviews.status_of(desk.version)["state"] == "draft"
        code, _, err = desk.run(*RELEASE)
        assert code == 2 and "decided before was about another content" in err
        assert desk.status()["state"] == "draft" and "Nobody has reviewed" in desk.version.folder.joinpath(
            "report.html"
        ).read_text("utf-8")
        tamper_consistently(desk, told, **json.loads(kept))
    desk.done("review", STUDY)
    assert desk.status()["state"] == "in_review"


def test_a_new_version_starts_as_a_draft(desk: Desk) -> None:
    for step in (("review", STUDY), APPROVE, RELEASE):
        desk.take(step)
    desk.project.edit(PARAMETER_FILE, "0.95", "0.9")
    assert desk.project.report().code == 0
    first, second = versions.of(STUDY)
    assert (first.manifest["status"]["state"], second.manifest["status"]["state"]) == ("released", "draft")
    assert "no review of it is open" in desk.refused(*APPROVE)
    desk.done("review", STUDY)
    # Held against what can be read already, by the thresholds that `make disclosure` uses.
    assert desk.examined[-1] == (second.folder, [first.folder], gate.default())
    assert desk.done("withdraw", *WITHDRAW[1:], "--version", first.folder.name).startswith(first.name)
    assert desk.done("withdraw", *WITHDRAW[1:], "--version", second.manifest["key"][:12])


def test_with_two_versions_in_review_a_decision_says_which(desk: Desk) -> None:
    desk.done("review", STUDY)
    desk.project.edit(PARAMETER_FILE, "0.95", "0.9")
    assert desk.project.report().code == 0
    desk.done("review", STUDY)
    first, second = (version.folder.name for version in versions.of(STUDY))
    for step in (APPROVE, RELEASE):
        assert f"say which: VERSION={first} or VERSION={second}" in desk.refused(*step)
    earlier = desk.record.with_name(f"{first}.yml")
    earlier.write_text(earlier.read_text("utf-8").replace('answer: ""', 'answer: "x"'), "utf-8")
    desk.done(*APPROVE, "--version", first)
    assert [v.manifest["status"].get("by") for v in versions.of(STUDY)] == ["Ada Lovelace", ""]


def test_changed_files_are_refused_at_every_step(desk: Desk) -> None:
    desk.done("review", STUDY)
    file = desk.version.folder / "report.ipynb"
    file.write_text(file.read_text().replace("small", "Small", 1))
    for step in (("review", STUDY), APPROVE, RELEASE, WITHDRAW):
        assert desk.refused(*step).startswith("R305 STOP")


def test_a_page_without_a_line_for_a_state_is_refused(desk: Desk) -> None:
    from analysis.run import files

    file = desk.version.folder / "report.html"
    file.write_text(re.sub(r"<!--status-->.*?<!--/status-->", "", file.read_text("utf-8"), flags=re.DOTALL), "utf-8")
    manifest = dict(desk.version.manifest)
    manifest["files"] = {**manifest["files"], "report.html": files.sha256(file)}
    del manifest["status"]  # as versions of older releases are
    (desk.version.folder / "manifest.json").write_text(json.dumps(manifest))
    said = desk.refused("review", STUDY)
    assert said.startswith("R332 STOP") and f"publish a new version (make report STUDY={STUDY}) and review" in said
    assert reviews.status_of(desk.version) == {"state": "draft"}


def edit(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


TAMPERED: dict[str, tuple[Callable[[str], str], str]] = {
    "another name": (edit('by: "Ada Lovelace"', 'by: "Alan Turing"'), "event 2 is not the one that was written"),
    "another note": (edit("is fair.", "is fine."), "event 2 is not"),
    "another decision": (edit('what: "approved"', 'what: "changes_requested"'), "event 2 is not"),
    "another day": (edit('when: "2026-11-23', 'when: "2026-11-22'), "event 1 is not"),
    "the last event gone": (
        lambda text: text[: text.index('  - what: "approved"')],
        "events that the version's manifest knows are gone",
    ),
    "the first event gone": (
        lambda text: text[: text.index("  - what:")] + text[text.index('  - what: "approved"') :],
        "event 1 is not",
    ),
    "another version": (edit("version: ", 'version: "2020-01-01-aaaaaaaaaaaa" #'), "is about small-policy/2020"),
    "a field too many": (edit("events:", "more: 1\nevents:"), "extra inputs"),
    "an unknown state": (edit('what: "approved"', 'what: "blessed"'), "input should be"),
    "not YAML": (edit("checklist:", "checklist: ["), "R304 STOP"),
    "an answer that is a number": (edit('answer: "Looked at."', "answer: 5"), "write text between the quotes"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_record_is_refused(desk: Desk, case: str) -> None:
    desk.done("review", STUDY)
    desk.approve()
    change, said = TAMPERED[case]
    desk.record.write_text(change(desk.record.read_text("utf-8")), "utf-8")
    for step in (RELEASE, ("review", STUDY), WITHDRAW):
        assert said in desk.refused(*step)
    with pytest.raises(Refusal):
        reviews.status_of(desk.version)


def test_a_record_that_is_gone_is_noticed(desk: Desk) -> None:
    desk.done("review", STUDY)
    desk.record.unlink()
    assert "the record is gone" in desk.refused("review", STUDY)


def test_answers_changed_after_the_approval_need_a_new_one(desk: Desk) -> None:
    desk.done("review", STUDY)
    desk.answer(question="Yes")
    desk.approve()
    desk.answer(question="No")
    assert "the answers were changed after the approval" in desk.refused(*RELEASE)
    desk.approve()
    desk.done(*RELEASE)


def test_a_disclosure_finding_without_a_reason_blocks_the_release(desk: Desk) -> None:
    desk.findings = [SMALL]
    desk.done("review", STUDY)
    desk.approve()
    said = desk.refused(*RELEASE)
    assert f"no reason for disclosure finding {SMALL.id}" in said and f"reviews/{desk.version.folder.name}.yml" in said
    desk.give_reason(SMALL, "The cell is published by the statistical office")
    desk.done(*RELEASE)
    assert strict_yaml.read(desk.record, "r")["reasons"][SMALL.id].startswith("The cell is published")
    assert "# table 2: one cell holds 4 units." in desk.record.read_text("utf-8")


def test_a_finding_that_appears_after_approval_blocks_as_well(desk: Desk) -> None:
    desk.done("review", STUDY)
    desk.approve()
    desk.findings = [SMALL, *(Finding("S202", "x", "y", "z", f"S202-{n}") for n in range(4))]
    assert "S201-table-2-north, S202-0, S202-1 and 2 more" in desk.refused(*RELEASE)


def test_what_the_gate_finds_fits_the_record(desk: Desk) -> None:
    page_file = desk.version.folder / "report.html"
    page_file.write_text(page_file.read_text("utf-8").replace("</main>", "<p>ada@example.org</p></main>"), "utf-8")
    found = desk.real(desk.version.folder, gate.earlier_of(desk.version.folder), gate.default())
    assert found and all(f.id and f.where and f.finding and f.fix for f in found)
    text = record_text.text(
        {"study": "s", "version": "v", "checklist": [], "reasons": {f.id: "" for f in found}, "events": []},
        {f.id: f"{f.where}: {f.finding}" for f in found},
    )
    assert set(strict_yaml.parse(text.encode(), "r")["reasons"]) == {f.id for f in found}


def test_everything_missing_is_named_in_one_line(desk: Desk) -> None:
    desk.findings = [SMALL]
    desk.done("review", STUDY)
    desk.project.forget()
    said = desk.refused(*RELEASE)
    for part in ("nobody approved it", SMALL.id, "not reproduced on this machine", "make verify STUDY="):
        assert part in said


def test_an_approval_stays_when_only_the_facts_beside_the_answers_change(desk: Desk) -> None:
    desk.done("review", STUDY)
    desk.approve()
    desk.project.forget()  # the checklist no longer says that this machine ran it
    said = desk.refused(*RELEASE)
    assert "not reproduced on this machine. Fix: make verify" in said and "answers" not in said
    state.remember(desk.version, desk.version.manifest["key"])
    desk.findings = [Finding("S299", "x", "y", "z", "S299-x")]
    assert "no reason for disclosure finding S299-x. Fix:" in desk.refused(*RELEASE)


def test_a_masked_version_stays_a_draft(desk: Desk) -> None:
    manifest = dict(desk.version.manifest)
    manifest["parameters"] = {**manifest["parameters"], "masked": True}
    (desk.version.folder / "manifest.json").write_text(json.dumps(manifest))
    for step in (("review", STUDY), APPROVE, RELEASE, WITHDRAW):
        assert "its outcomes are masked" in desk.refused(*step)


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_step_that_was_killed_is_completed_by_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    """Files are replaced in order: record, page, manifest."""
    from analysis.run import files

    desk.done("review", STUDY)
    desk.answer_everything()
    whole, calls = files.replace, []

    def dying(path: Path, text: str) -> None:
        if len(calls) == killed_after:
            raise KeyboardInterrupt
        calls.append(path.name)
        whole(path, text)

    monkeypatch.setattr(files, "replace", dying)
    assert desk.run(*APPROVE)[0] == 130
    monkeypatch.setattr(files, "replace", whole)
    assert desk.done(*RELEASE)
    assert [e["what"] for e in strict_yaml.read(desk.record, "r")["events"]] == ["opened", "approved", "released"]
    desk.version.refuse_if_changed()
    assert status.fragment(desk.status()) in (desk.version.folder / "report.html").read_text("utf-8")


def test_the_same_review_written_twice_gives_the_same_bytes(desk: Desk) -> None:
    desk.findings = [SMALL]
    desk.done("review", STUDY)
    first = desk.everything()
    desk.done("review", STUDY)
    assert desk.everything() == first


def test_every_text_survives_the_record(tmp_path: Path) -> None:
    words = ["", "yes", "1e5", "a: b # c", "- x", "'", '"', "\\", "é\u202f%", "a\nb", "=1+1", "0" * 300, "a " * 200]
    told = {
        "study": "s",
        "version": "v",
        "checklist": [
            {"id": "i", "part": "p", "ask": record_text.plain(w), "found": [record_text.plain(w)], "severity": "stop",
             "answer": w} for w in words
        ],
        "reasons": {w: w for w in words},
        "events": [],
    }  # fmt: skip
    text = record_text.text(told, dict.fromkeys(words, "a finding\x00 with\u2028 odd marks"))
    assert strict_yaml.parse(text.encode(), "r") == told


def test_every_question_shows_facts_that_exist_and_checks_that_exist() -> None:
    asked = strict_yaml.read(checklist.QUESTIONS, "checklist.yml")
    ids = [item["id"] for part in asked["parts"] for item in part["items"]]
    ids += [item["id"] for items in asked["families"].values() for item in items]
    assert len(ids) == len(set(ids))
    told = next(part for part in asked["parts"] if part["title"] == checklist.DIAGNOSTICS)
    assert told
    families = {path.stem for path in (paths.SOURCE / "studies").glob("*.py")} - {"__init__"}
    assert set(asked["families"]) == families | {"specification_curve"}
    for family, items in asked["families"].items():
        named = [name for item in items for name in item["checks"]]
        assert set(named) <= set(modules("checks", family)) and len(named) == len(set(named))


def test_the_checklist_fits_every_published_report_and_names_each_finding_once() -> None:
    files = sorted((Path(__file__).parents[1] / "reports").glob("*/*/results.json"))
    assert files
    for file in files:
        version = versions.Version(file.parent, json.loads(file.with_name("manifest.json").read_text("utf-8")))
        items = checklist.items(version, [], [], False, {"question": "Yes"})
        assert items[0].answer == "Yes" and len({item.id for item in items}) == len(items)
        lines = [line for item in items for line in item.found]
        checks = version.results()["checks"]
        told = [line for line in lines if line.split(",")[0] in checklist.WORDS.values()]
        assert len(told) == len(checks) > 0
        for check in checks:
            assert sum(record_text.plain(check["finding"]) in line for line in told) == 1
        assert all(record_text.plain(line) == line for line in lines)
