"""Variants: changes checked like a file, under a name of their own, published and made again without one."""

from __future__ import annotations

import json

import pytest
from project_copy import STUDY, Project

from analysis.refusal import Refusal
from analysis.run import variant
from analysis.run.variant import Variant


def of(text: str, study: str = "castle-doctrine") -> Variant:
    found = variant.load(study, variant.split(text))
    assert isinstance(found, Variant)
    return found


class TestNames:
    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("until=2008", "castle-doctrine--until-2008"),
            ("until=2008 design=imputation", "castle-doctrine--until-2008-design-imputation"),
            ("design=imputation until=2008", "castle-doctrine--until-2008-design-imputation"),
            ("until = 2008", None),
        ],
    )
    def test_words_in_the_order_of_the_notebook(self, text: str, name: str | None) -> None:
        if name is None:
            with pytest.raises(Refusal, match="is not name=value"):
                of(text)
        else:
            assert of(text).study_name == name

    def test_values_that_words_cannot_tell_apart_have_names_of_their_own(self) -> None:
        texts = [
            "level=0.9",
            "level=0.99",
            "covariates=[poverty]",
            "covariates=[poverty, l_police]",
            "where=['year > 2001']",
        ]
        texts += ["where=['year < 2001']", "where=['year >= 2001']", "draws=199", "draws=1999"]
        names = [of(text).study_name for text in texts]
        assert len(set(names)) == len(texts)
        assert all(
            len(name) <= variant.LONGEST and set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
            for name in names
        )

    def test_long_changes_are_cut_and_kept_apart(self) -> None:
        many = "l_police, l_income, l_prisoner, l_lagprisoner, l_exp_subsidy, l_exp_pubwelfare"
        one, other = of(f"covariates=[{many}]"), of(f"covariates=[{many}, poverty]")
        assert one.study_name != other.study_name
        assert max(len(one.study_name), len(other.study_name)) <= variant.LONGEST

    def test_the_title_and_the_mark_say_what_differs(self) -> None:
        found = of("until=2008 weight=popwt")
        assert found.study.question == (
            "Did castle-doctrine laws change the homicide rate? And if until is 2008 and weight is popwt?"
        )
        told = variant.described(found)
        assert told is not None and told["base"] == "castle-doctrine"
        assert told["changes"] == [
            {"name": "until", "before": None, "after": 2008},
            {"name": "weight", "before": None, "after": "popwt"},
        ]
        assert "until is 2008, not null; weight is popwt, not null" in told["sentence"]

    def test_a_long_title_still_fits(self) -> None:
        many = "l_police, l_income, l_prisoner, l_lagprisoner, l_exp_subsidy, l_exp_pubwelfare, poverty, unemployrt"
        many += ", blackm_15_24, whitem_15_24"
        question = of(f"until=2008 covariates=[{many}]").study.question
        assert question.endswith(" And if until is 2008 and 1 more?") and len(question) <= 200

    def test_without_changes_it_is_the_study(self) -> None:
        found = variant.load("castle-doctrine", [])
        assert not isinstance(found, Variant) and variant.described(found) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("utnil=3", "R301 STOP SET:utnil — unknown parameter 'utnil'. Fix: did you mean 'until'?"),
        (
            "until=2010.5",
            "R302 STOP SET:until — input should be a valid integer, got 2010.5. Fix: write a whole number",
        ),
        (
            "until=no",
            "R304 STOP SET:until — no is read differently by different versions of YAML. Fix: quote it ('no')",
        ),
        ("until=2008 until=2009", "R304 STOP SET:until — until is set twice. Fix: keep one of the two"),
        ("until", "R304 STOP SET:until — this is not name=value. Fix: write name=value"),
        (
            "design=group_time",
            "R302 STOP SET:design — design is group_time in castle-doctrine already. Fix: leave it out",
        ),
        ("design=imputaton", "R302 STOP SET:design — unknown name 'imputaton'. Fix: did you mean 'imputation'?"),
        ("design=matching", "R302 STOP SET:design — unknown name 'matching'"),
        (
            "outcome=l_robbery",
            "D402 STOP SET:outcome — no column 'l_robbery' in data/raw/castle/source.yml. Fix: did you",
        ),
        (
            "outcome=robbery",
            "R302 STOP SET:worthwhile — the outcome is in per 100,000 residents and worthwhile, 0.03, in log",
        ),
        ("covariates=[a", "R304 STOP SET — a bracket is opened and not closed. Fix: close it"),
        ("question='Why?", "R304 STOP SET — a quotation mark is opened and not closed"),
        ("where=[[a]]", "R302 STOP SET:where"),
        ("worthwhile=3", "R302 STOP SET:worthwhile — 3 is more than everything for an outcome in unit log"),
        ("until=!!int 3", "R304 STOP SET:until — tag"),
    ],
)
def test_what_is_refused_names_the_place(text: str, message: str) -> None:
    with pytest.raises(Refusal) as refused:
        of(text)
    said = str(refused.value)
    assert said.startswith(message) and "\n" not in said


def test_quotes_and_brackets_hold_blanks_together() -> None:
    text = """where=["year > 2001", 'poverty < 20'] question="Is it so, all in all?" until=2008"""
    assert variant.split(text) == [
        "where=[\"year > 2001\", 'poverty < 20']",
        'question="Is it so, all in all?"',
        "until=2008",
    ]
    found = of(text)
    assert found.study.where == ["year > 2001", "poverty < 20"] and found.study.question == "Is it so, all in all?"


def test_a_variant_is_published_marked_and_made_again(project: Project) -> None:
    before = project.published()
    made = project.run("report", STUDY, "--set", "worthwhile=0.75")
    assert made.code == 0 and "This is the first version" in made.out, made
    name = made.last.split("/")[1]
    assert name.startswith(f"{STUDY}--worthwhile-0-75-")
    (manifest,) = [json.loads(p.read_text()) for p in (project.root / "reports" / name).glob("*/manifest.json")]
    assert manifest["variant"]["base"] == STUDY and manifest["variant"]["changes"][0]["after"] == 0.75
    assert manifest["parameters"]["worthwhile"] == 0.75
    page = (project.root / made.last).read_text()
    assert "And if worthwhile is 0.75?" in page
    # The study itself is as it was; everything published is still listed and compared.
    assert {k: v for k, v in project.published().items() if STUDY + "/" in k} == {
        k: v for k, v in before.items() if STUDY + "/" in k
    }
    assert name in (project.root / "reports/index.html").read_text()
    assert name in project.run("latest").out
    again = project.run("report", name)
    assert again.code == 0 and "is up to date" in again.out
    everything = project.run("reports")
    assert everything.code == 0 and everything.out.count("is up to date") == 2, everything
    project.edit("params/small/small-policy.yml", "worthwhile: 0.5", "worthwhile: 0.75")
    stale = project.run("reports")
    assert stale.code == 2 and "SET:worthwhile — worthwhile is 0.75 in small-policy already" in stale.err
    unknown = project.run("report", f"{STUDY}--level-1")
    assert unknown.code == 2 and "there is no published variant of this name" in unknown.err
    both = project.run("report", name, "--set", "level=0.8")
    assert both.code == 2 and "is a variant itself" in both.err
