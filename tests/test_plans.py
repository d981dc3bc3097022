"""Plans: frozen once, versioned by rule, guarded against editing, and held against what was done."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from project_copy import PARAMETER_FILE, PARAMETERS, STUDY, Project, make

from analysis import cli, paths, strict_yaml
from analysis.refusal import Refusal
from analysis.report import planned
from analysis.run import parameters, plans, plans_fields, plans_text, state, variant, versions

PLAN = f"reports/{STUDY}/plans/1.0.yml"
REASONS = f"params/small/deviations/{STUDY}.yml"
RESULTS: dict[str, Any] = {"checks": [{"name": "placebo"}]}
WHY = ("--reason", "The ministry asked for another one.")


class Office:
    """A project in which commands run in this process."""

    def __init__(self, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
        self.project, self.root, self._capsys = project, project.root, capsys

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = cli.main([*arguments])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def plan(self, *more: str) -> plans.Plan:
        code, _, err = self.run("plan", STUDY, *more)
        assert code == 0, err
        return plans.of(STUDY)[-1]

    def choose(self, **values: str) -> None:
        """Write the parameter file anew with these lines in place of its own."""
        text = PARAMETERS
        for name, value in values.items():
            line = f"{name}: {value}"
            text, found = re.subn(rf"^{name}: .*$", line, text, flags=re.M)
            text += "" if found else f"{line}\n"
        self.project.write(PARAMETER_FILE, text)

    def checked(self) -> parameters.Parameters:
        return parameters.load(self.root / PARAMETER_FILE)

    def done(self) -> dict[str, Any]:
        told = plans.deviations(self.checked(), RESULTS)
        assert told is not None and json.loads(json.dumps(told)) == told
        return told

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.root / f"reports/{STUDY}/plans").glob("*"))


def settle(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"ROOT": "", "NOTEBOOKS": "notebooks", "PARAMS": "params", "RAW": "data/raw", "REPORTS": "reports"}
    places |= {"SOURCE": "src/analysis", "LOCK": "requirements.lock"}
    for name, inside in places.items():
        monkeypatch.setattr(paths, name, project.root / inside)
    monkeypatch.setattr(state, "STATE", project.root / "reports/.state")
    monkeypatch.setattr(state, "_VERIFIED", project.root / "reports/.state/verified.json")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    """A project in which nothing is published."""
    project = make(tmp_path / "project")
    second = "  score2: {type: number, label: Second score, unit: points, role: outcome, missing: allow}\n"
    source = project.root / "data/raw/small/source.yml"
    table = project.root / "data/raw/small/small.csv"
    lines = table.read_text().splitlines()
    project.write_table("\n".join([lines[0] + ",score2", *(line + ",1" for line in lines[1:])]) + "\n")
    source.write_text(source.read_text() + second)
    settle(project, monkeypatch)
    return Office(project, capsys)


def test_a_plan_holds_what_was_decided(office: Office) -> None:
    code, out, err = office.run("plan", STUDY)
    assert code == 0, err
    assert out.splitlines()[-1] == PLAN and "plan 1.0 is registered (sha256 " in out
    plan = plans.of(STUDY)[0]
    held = plan.fields.flat()
    assert held["outcome"] == "score" and held["dataset"] == "small" and held["where"] == []
    assert held["design"] == "group_time" and held["estimators"] == [] and held["level"] == 0.95
    assert held["question"] == "Did the small policy raise the score?" and held["worthwhile"] == 0.5
    assert held["effect_meant"].startswith("ATT(g, t), the average effect in period t")
    assert held["needed_checks"] == ["pretrends", "parallel_trends", "few_treated"]
    assert held["strongest_evidence"] == "strong" and "at least 80 % likely" in held["decision_rule"]
    assert held["checksums"] == {"small": office.checked().source.sha256}
    assert held["smallest_effect_found"] is None and "masked" not in held
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", plan.registered)
    assert plan.public == () and plan.reason is None and plan.changes == ()
    written = strict_yaml.read(office.root / PLAN, PLAN)
    assert written["sha256"] == plan.sha256 and len(plan.sha256) == 64 and set(written["commit"]) == {"head", "dirty"}
    assert versions.of(STUDY) == []


def test_a_plan_is_read_only_and_written_once(office: Office) -> None:
    office.plan()
    assert (office.root / PLAN).stat().st_mode & 0o222 == 0
    before = (office.root / PLAN).read_bytes()
    code, out, _ = office.run("plan", STUDY)
    assert code == 0 and "says the same; nothing was written" in out
    assert office.files() == ["1.0.yml"] and (office.root / PLAN).read_bytes() == before


def test_two_at_once_do_not_overwrite_each_other(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.plan()
    before = (office.root / PLAN).read_bytes()
    monkeypatch.setattr(plans, "of", lambda study: [])
    with pytest.raises(FileExistsError):
        plans.register(office.checked(), None)
    assert (office.root / PLAN).read_bytes() == before and office.files() == ["1.0.yml"]


@pytest.mark.parametrize(
    ("change", "version"),
    [
        ({"outcome": "score2"}, "2.0"),
        ({"where": '["region == north"]'}, "2.0"),
        ({"design": "imputation"}, "2.0"),
        ({"estimators": "[imputation]"}, "2.0"),
        ({"worthwhile": "0.7"}, "2.0"),
        ({"better": "lower"}, "2.0"),
        ({"level": "0.9"}, "1.1"),
        ({"question": "Did the small policy lift the score?"}, "1.1"),
        ({"seed": "7"}, "1.1"),
        ({"level": "0.9", "outcome": "score2"}, "2.0"),
    ],
)
def test_major_and_minor_versions(office: Office, change: dict[str, str], version: str) -> None:
    office.plan()
    office.choose(**change)
    plan = office.plan(*WHY)
    assert plan.version == version and office.files() == ["1.0.yml", f"{version}.yml"]
    assert {one["field"] for one in plan.changes} >= set(change)
    assert plan.reason == WHY[1]


def test_a_version_records_what_changed_from_what_to_what(office: Office) -> None:
    office.plan()
    office.choose(outcome="score2", level="0.9")
    changes = office.plan(*WHY).changes
    assert [(one["field"], one["before"], one["after"]) for one in changes] == [
        ("outcome", "score", "score2"),
        ("level", 0.95, 0.9),
    ]
    office.choose(outcome="score2", level="0.8")
    assert office.plan(*WHY).version == "2.1"
    office.choose(outcome="score", level="0.8")
    assert office.plan(*WHY).version == "3.0"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ((), "the plan changes (outcome) and no reason is given"),
        (("--reason", "   "), "the reason is empty"),
        (("--reason", "one\ntwo"), "holds signs that cannot be printed"),
        (("--reason", "x" * 301), "longer than a line"),
    ],
)
def test_a_change_needs_a_reason_of_one_line(office: Office, reason: tuple[str, ...], said: str) -> None:
    office.plan()
    office.choose(outcome="score2")
    code, _, err = office.run("plan", STUDY, *reason)
    assert code == 2 and len(err.splitlines()) == 1 and said in err and err.startswith("R302 STOP REASON")
    assert office.files() == ["1.0.yml"]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"worthwhile": "2"}, {"worthwhile": "2.0"}),
        ({"where": '["region == north", "year > 2001"]'}, {"where": '["year>2001", "region  ==  north"]'}),
        ({"estimators": "[imputation, sun_abraham]"}, {"estimators": "[sun_abraham, imputation]"}),
        ({"covariates": "[]"}, {"cluster": "null"}),
    ],
)
def test_equal_values_written_differently_are_equal(office: Office, first: Any, then: Any) -> None:
    office.choose(**first)
    office.plan()
    office.choose(**then)
    assert "says the same" in office.run("plan", STUDY)[1]
    assert office.done()["deviations"] == [] and office.done()["badge"] is None


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_every_edited_line_of_a_plan_is_found(office: Office) -> None:
    office.choose(estimators="[imputation, sun_abraham]", where='["region == north"]')
    office.plan()
    path = office.root / PLAN
    original = lines_of(path)
    os.chmod(path, 0o644)
    tried = 0
    for place, line in enumerate(original):
        value = re.fullmatch(r"(\s+|)([\w.\"]+): (.+)|(\s+- )(.+)", line)
        if not value or (value[2] or "").strip('"') == "checksums":
            continue
        other = "changed" if value[2] else f"{value[4]}changed"
        edited = f"{value[1]}{value[2]}: changed" if value[2] else other
        path.write_text("\n".join([*original[:place], edited, *original[place + 1 :]]) + "\n")
        with pytest.raises(Refusal) as refused:
            plans.of(STUDY)
        assert refused.value.code == "R305" and refused.value.where.startswith(PLAN), line
        assert "git checkout" in refused.value.fix or "put it back" in refused.value.fix
        tried += 1
    assert tried > 60
    path.write_text("\n".join(original) + "\n")
    assert len(plans.of(STUDY)) == 1


def test_an_edited_plan_is_refused_by_name_and_line(office: Office) -> None:
    office.plan()
    path = office.root / PLAN
    os.chmod(path, 0o644)
    original = lines_of(path)
    place = next(i for i, line in enumerate(original) if line.strip() == "worthwhile: 0.5")
    for edited, said in (
        ([*original[:place], "    worthwhile: 0.2", *original[place + 1 :]], "worthwhile is not what was registered"),
        ([*original[:place], *original[place + 1 :]], "worthwhile was taken away"),
        ([*original[: place + 1], "    extra: 1", *original[place + 1 :]], "extra was added after"),
    ):
        path.write_text("\n".join(edited) + "\n")
        code, _, err = office.run("plan", STUDY)
        assert code == 2 and len(err.splitlines()) == 1 and said in err
        line = place + 2 if "extra" in said else place if "away" in said else place + 1
        assert abs(int(re.search(r"1\.0\.yml line (\d+)", err)[1]) - line) <= 3  # type: ignore[index]
        assert f"restore it: git checkout -- {PLAN}" in err
        with pytest.raises(Refusal):
            plans.deviations(office.checked(), RESULTS)
    path.write_text("\n".join(original) + "\n")
    exact = next(i for i, line in enumerate(original) if line.strip() == "worthwhile: 0.5") + 1
    path.write_text("\n".join(original).replace("worthwhile: 0.5", "worthwhile: 0.25") + "\n")
    assert f"{PLAN} line {exact} " in office.run("plan", STUDY)[2]


def test_a_plan_that_is_taken_away_or_renamed_is_missed(office: Office) -> None:
    office.plan()
    office.choose(outcome="score2")
    office.plan(*WHY)
    (office.root / PLAN).rename(office.root / PLAN.replace("1.0", "1.9"))
    assert "under another name" in office.run("plan", STUDY)[2]
    (office.root / PLAN.replace("1.0", "1.9")).unlink()
    code, _, err = office.run("plan", STUDY)
    assert code == 2 and "it replaces plan 1.0, which is missing" in err


def test_no_plan_no_deviations(office: Office) -> None:
    assert plans.deviations(office.checked(), RESULTS) is None
    said = planned.view({"plan": None})
    assert said["badge"] is None and said["sentence"].startswith("No analysis plan was registered")
    assert planned.view({"plan": None, "parameters": {"sweep": "choices"}}) == {}


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"outcome": "score2"}, ["outcome"]),
        ({"where": '["region == north"]'}, ["where"]),
        ({"design": "imputation"}, ["design"]),
        ({"outcome": "score2", "where": '["region == north"]', "design": "imputation"}, ["outcome", "where", "design"]),
    ],
)
def test_what_was_not_done_as_planned_is_listed(office: Office, change: dict[str, str], fields: list[str]) -> None:
    office.plan()
    office.choose(**change)
    told = office.done()
    listed = [one["field"] for one in told["deviations"] if one["field"] != "effect_meant"]
    assert listed == fields == told["unplanned_headline"] and told["badge"] == "exploratory"
    reasons = {one["field"]: one["reason"] for one in told["deviations"]}
    assert reasons.pop("effect_meant", "follows from the other design") == "follows from the other design"
    assert set(reasons.values()) == {None}
    for one in told["deviations"]:
        assert one["planned"] != one["done"]
    rows = planned.view({"plan": told})["rows"]
    assert [row[3] for row in rows].count("no reason recorded") == len(fields)


def test_order_and_exploratory_parts(office: Office) -> None:
    office.choose(estimators="[imputation]")
    office.plan()
    office.choose(
        estimators="[imputation, sun_abraham]", level="0.9", worthwhile="1.5", where='["year > 2001"]', outcome="score2"
    )
    told = office.done()
    assert [one["field"] for one in told["deviations"]] == ["outcome", "where", "estimators", "worthwhile", "level"]
    assert {one["kind"]: one["items"] for one in told["exploratory"]} == {
        "outcomes": ["score2"],
        "estimators": ["sun_abraham"],
        "conditions on rows": ["year > 2001"],
        "checks": ["placebo"],
    }


def test_only_another_headline_makes_the_answer_exploratory(office: Office) -> None:
    office.plan()
    office.choose(estimators="[imputation]", level="0.9", worthwhile="1.5")
    told = office.done()
    assert len(told["deviations"]) == 3 and told["badge"] is None and told["unplanned_headline"] == []


def test_reasons_are_read_where_people_write_them(office: Office) -> None:
    office.plan()
    office.choose(outcome="score2", level="0.9")
    (office.root / REASONS).parent.mkdir()
    office.project.write(REASONS, "outcome: The first score was found to be miscounted.\n")
    reasons = {one["field"]: one["reason"] for one in office.done()["deviations"]}
    assert reasons == {"outcome": "The first score was found to be miscounted.", "level": None}
    assert [path.name for path in parameters.every()] == [f"{STUDY}.yml"]
    office.project.write(REASONS, "outcom: The first score was found to be miscounted.\n")
    with pytest.raises(Refusal, match=rf"R301 STOP {REASONS}:outcom — the plan has no field 'outcom'.*'outcome'"):
        office.done()
    office.project.write(REASONS, "outcome: 3\n")
    with pytest.raises(Refusal, match=rf"R302 STOP {REASONS}:outcome — a reason is a short sentence"):
        office.done()


def test_an_amended_plan_does_not_hide_the_first(office: Office) -> None:
    office.plan()
    office.choose(outcome="score2")
    office.plan(*WHY)
    told = office.done()
    assert told["version"] == "2.0" and told["deviations"] == [] and told["reason"] == WHY[1]
    assert [one["version"] for one in told["earlier"]] == ["1.0"]
    history = planned.view({"plan": told})["history"]
    assert [one["version"] for one in history] == ["1.0", "2.0"]
    assert history[1]["changes"] == ["outcome: score became score2"]


def test_a_variant_is_held_against_the_plan_of_its_study(office: Office) -> None:
    office.plan()
    told = plans.deviations(variant.values(office.checked(), ["level=0.9", "outcome=score2"]), RESULTS)
    assert told is not None and [one["field"] for one in told["deviations"]] == ["outcome", "level"]
    assert told["badge"] == "exploratory"


def test_a_field_that_came_later_differs_only_from_its_default(office: Office) -> None:
    now = plans_fields.of(office.checked())
    before = plans_fields.Fields({g: {f: v for f, v in fields.items() if f != "seed"} for g, fields in now.items()})
    defaults = plans_fields.defaults(office.checked().study)
    assert plans_fields.differences(before, now, defaults) == []
    office.choose(seed="7")
    later = plans_fields.differences(before, plans_fields.of(office.checked()), defaults)
    assert [one["field"] for one in later] == ["seed"]


def test_every_parameter_of_every_family_has_a_place() -> None:
    """What a plan fixes covers the whole parameter file of every published study, apart from the mask."""
    for path in parameters.every():
        checked = parameters.load(path)
        held = set(plans_fields.of(checked).flat())
        assert set(checked.values) - held == {"masked"}, path.stem
        assert plans_fields.of(checked)["estimand"]["effect_meant"], path.stem


def test_a_plan_after_results_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settle(project, monkeypatch)
    office = Office(project, capsys)
    code, out, _ = office.run("plan", STUDY)
    name = versions.of(STUDY)[0].name
    assert code == 0 and f"Results were public before ({name}): the plan and every report will say so." in out
    assert plans.of(STUDY)[0].public == (name,)
    told = office.done()
    assert told["badge"] == "after_results" and told["results_public"] == [name]
    said = planned.view({"plan": told})
    assert said["badge"]["word"] == "Planned after results were seen" and "after results were seen" in said["sentence"]
    # results on the same outcome in another study have been seen as well
    project.write("params/small/other.yml", PARAMETERS)
    assert office.run("plan", "other")[0] == 0 and plans.of("other")[0].public == (name,)


def test_the_page_shows_planned_and_done(tmp_path: Path) -> None:
    """Plan, publish, change outcome, sample and estimator, publish again: both pages tell."""
    project = make(tmp_path / "project")
    assert project.run("plan", STUDY).code == 0
    assert project.report().code == 0
    page = (project.versions()[-1] / "report.html").read_text("utf-8")
    assert "Plan 1.0 was registered on" in page and "before any version of this study" in page
    assert "choices and rules of the plan were kept" in page and "Exploratory." not in page
    project.edit(
        PARAMETER_FILE, "design: group_time", "design: imputation\nwhere: [region == north]\nestimators: [stacked]"
    )
    (project.root / REASONS).parent.mkdir()
    project.write(REASONS, "where: <b>The south</b> was flooded.\n")
    run = project.report()
    assert run.code == 0
    manifest = project.manifest()["plan"]
    assert [one["field"] for one in manifest["deviations"]][:3] == ["where", "design", "estimators"]
    page = (project.versions()[-1] / "report.html").read_text("utf-8")
    section = page[page.index('<section id="s-plan">') :]
    section = section[: section.index("</section>")]
    for words in (
        "Exploratory.",
        "region == north",
        "imputation",
        "no reason recorded",
        "stacked",
        "Not done as planned",
    ):
        assert words in section, words
    assert f"A reason is recorded in {REASONS}, one line for each choice: <code>design: why</code>" in section
    assert f"Write one line for each in {REASONS}: `design: why`" in run.out
    assert "no reason is recorded: design (and " in run.out and run.last.endswith("report.html")
    assert "`design: why`" in project.report().out
    assert "&lt;b&gt;The south&lt;/b&gt; was flooded." in section and "<b>The south" not in page
    assert len(project.versions()) == 2
    # A plan that a report was held against can be neither taken away nor written anew.
    path = project.root / PLAN
    held = path.read_text("utf-8")
    path.unlink()
    for again in (False, True):
        if again:
            content = {**plans_text.read(copy_of(held, project)), "registered": "2020-01-01T00:00:00Z"}
            path.write_text(plans_text.render({n: v for n, v in content.items() if n != "sha256"}), "utf-8")
        run = project.run("plan", STUDY, "--reason", "For a test.")
        assert run.code == 2 and f"R305 STOP {PLAN}" in run.err and "was held against another plan 1.0" in run.err
    path.write_text(held, "utf-8")
    assert project.run("plan", STUDY, "--reason", "For a test.").code == 0


def copy_of(text: str, project: Project) -> Path:
    project.write("copy.yml", text)
    return project.root / "copy.yml"
