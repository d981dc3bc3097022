"""The page of a sweep: its blocks, its numbers, and an answer that never claims more than the study's own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from analysis import sweep as specifications
from analysis.decide.decision import Decision
from analysis.estimate import Estimate
from analysis.inference.joint_null import Joint, Statistic
from analysis.report import specification_curve as curve
from analysis.report import specification_curve_answer as answer
from analysis.report import specification_curve_tables as tables
from analysis.report import specification_curve_words as words
from analysis.run import parameters, results, state
from analysis.sweep import verdict
from analysis.sweep.joint import Verdict
from analysis.sweep.plan import Alternative, Exclusion, Sweep
from analysis.sweep.summary import Summary

HOSTILE = "Because <script>alert(1)</script> somebody would say so."


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    """Three choices on castle-doctrine laws, eighteen combinations, with text that must not act."""
    base = parameters.load(parameters.find("castle-doctrine"))
    values = {**base.values, "checks": ["few_treated"]}
    base = replace(base, values=values, study=base.study.model_copy(update={"checks": ["few_treated"]}))
    reason = "Chosen before anything else was tried."
    return Sweep(
        name="page-test",
        question="Does it hang on choices?",
        base=base,
        reason=reason,
        alternatives={
            "design": (
                Alternative("group_time", reason),
                Alternative("sun_abraham", reason, label="Sun & <b>Abraham</b>"),
                Alternative("two_way_fixed_effects", HOSTILE),
            ),
            "comparison": (Alternative("not_yet_treated", reason), Alternative("never_treated", reason)),
            "until": (Alternative(None, reason), Alternative(2008, reason), Alternative(2009, reason)),
        },
        exclude=(Exclusion({"design": "sun_abraham", "until": 2009}, HOSTILE),),
        standardise=False,
        seed=1,
        draws=99,
        file="test",
    )


@pytest.fixture(scope="module")
def summary(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "STATE", Path(tmp_path_factory.mktemp("state")))
        return specifications.summarise(specifications.run(sweep))


@pytest.fixture(scope="module")
def blocks(sweep: Sweep, summary: Summary) -> dict[str, Any]:
    """Every block of the notebook."""
    chance, own = specifications.examine(summary), specifications.own(sweep)
    decision = specifications.graded(own, summary, chance)
    return {
        "answer": answer.block(summary, own, decision, chance),
        "figure": curve.figure(summary),
        "levers": tables.levers(summary),
        "joint": tables.joint(chance, summary),
        "estimands": tables.estimands(summary),
        "choices": tables.choices(summary),
        "not_run": tables.not_run(summary),
    }


def test_results_accept_the_page(blocks: dict[str, Any], summary: Summary) -> None:
    outputs = [{"metadata": block._repr_mimebundle_()[1]} for block in blocks.values()]
    notebook = {"cells": [{"outputs": outputs}]}
    found = results.collect(notebook, "page-test", "specification_curve", "Does it hang on choices?")
    numbers = {number["id"]: number for number in found["numbers"]}
    assert {"headline", "joint_median", "joint_sign", "joint_significant", "specification_planned"} <= set(numbers)
    assert numbers["specification_planned"]["estimate"] == pytest.approx(0.1094, abs=1e-4)
    assert "specification_until-2008" in numbers and numbers["headline"]["n"] == len(summary.compared)
    own = summary.compared
    assert numbers["headline"]["low"] == min(one.estimate.value for one in own)
    assert found["answer"]["question"] == "Does it hang on choices?"


def test_the_answer_counts_what_the_summary_counts(blocks: dict[str, Any], summary: Summary) -> None:
    said = blocks["answer"].meta["answer"]
    count = len(summary.compared)
    assert said["sentence"].startswith(f"Over {count} comparable ways to put the question to the data, the median")
    assert (
        f"{summary.same_sign} of {count} have its sign, and {summary.excluding} intervals exclude zero."
        in said["sentence"]
    )
    assert "the planned one is 11.6" in said["sentence"] and "pre-registered" not in blocks["answer"].text
    assert "a share is no probability" in said["caveat"]
    for cause in ("raised", "lowered", "caused"):
        assert cause not in said["sentence"]


def test_what_is_not_on_the_curve_is_said(blocks: dict[str, Any], summary: Summary) -> None:
    shown = blocks["not_run"].text
    assert "left out on purpose" in shown and "comparison has no effect under design two way fixed effects" in shown
    assert "The numbers of another specification; counted once" in shown
    assert (
        "multiplier bootstrap" in blocks["joint"].meta["note"]
        and "50 independent blocks" in blocks["joint"].meta["note"]
    )
    assert "not equivalent misleads" in blocks["estimands"].meta["note"]
    assert "another design (two way fixed effects)" in shown or "already treated" in blocks["estimands"].text
    assert blocks["choices"].text.count("planned") == 3


def test_every_specification_is_behind_the_figure(blocks: dict[str, Any], summary: Summary) -> None:
    figure = blocks["figure"]
    assert (
        figure.png[:4] == b"\x89PNG" and f"{len(summary.compared)} estimates with interval bars" in figure.meta["alt"]
    )
    lines = figure.meta["csv"].strip().splitlines()
    assert len(lines) == 1 + len(summary.entries) and lines[0].startswith(
        "specification,design,comparison,until,estimate"
    )
    assert figure.png == curve.figure(summary).png


def test_nothing_from_the_file_acts(blocks: dict[str, Any]) -> None:
    for block in blocks.values():
        shown = block.html + str(block.meta.get("table_html", ""))
        assert "<script" not in shown and "<b>Abraham" not in shown


def test_pre_registered_is_said_only_of_a_plan_from_before(sweep: Sweep) -> None:
    assert (words.own(sweep), words.own(replace(sweep, registered=True))) == ("planned", "pre-registered")


class TestGrading:
    """The study's own step and recommendation, less what the curve takes away."""

    def graded(self, step: int, same: int, clear: int, chance: float, low: float = 0.5) -> Decision:
        decision = Decision("extend", 0.99, 0.0, step, "no check cautions", 0.1, True, 0.2)
        estimate = Estimate(1.0, 0.2, low, 1.5, 0.95, 0.001, 40.0, 9, 9, 4, "e", "m", "i")
        one = Statistic(1.0, 0.5, 0.9, chance)
        joint = Joint(one, one, one, 20, 99, 40, "multipliers")
        summary = SimpleNamespace(
            compared=range(20),
            same_sign=same,
            excluding=clear,
            sweep=SimpleNamespace(study=SimpleNamespace(worthwhile=0.1)),
        )
        own = SimpleNamespace(decision=decision, estimate=estimate)
        return verdict.graded(own, summary, Verdict(joint, "", 0))  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("step", "same", "clear", "chance", "left", "action"),
        [
            (3, 20, 20, 0.001, 3, "extend"),
            (3, 17, 20, 0.001, 2, "extend"),
            (3, 20, 9, 0.001, 2, "extend"),
            (3, 20, 12, 0.30, 2, "extend"),
            (3, 17, 9, 0.30, 1, "not_on_this"),
            (1, 20, 20, 0.001, 1, "extend"),
            (1, 17, 9, 0.30, 1, "not_on_this"),
        ],
    )
    def test_by_hand(self, step: int, same: int, clear: int, chance: float, left: int, action: str) -> None:
        found = self.graded(step, same, clear, chance)
        assert (found.step, found.action) == (left, action) and found.step <= step

    def test_an_inconclusive_study_is_not_blamed_for_wide_intervals(self) -> None:
        assert self.graded(3, 20, 0, 0.9, low=-0.5).step == 3

    def test_the_studys_own_reason_stays(self) -> None:
        assert "as in the study's own report: no check cautions" in self.graded(3, 20, 20, 0.001).reason
        assert (
            "3 of 20 specifications have the other sign (the study's own report: strong)"
            in self.graded(3, 17, 20, 0.001).reason
        )


def test_values_are_called_as_readers_call_them(sweep: Sweep) -> None:
    assert words.value(sweep, "design", "sun_abraham") == "Sun & <b>Abraham</b>"
    assert words.value(sweep, "covariates", ["poverty", "unemployrt"]) == "poverty rate, unemployment rate"
    assert words.value(sweep, "covariates", ["a", "b", "c"]) == "3 named in the study"
    assert [words.value(sweep, "x", one) for one in (None, [], True, 0.5, "two_way")] == [
        "none",
        "none",
        "yes",
        "0.5",
        "two way",
    ]
    assert words.value(sweep, "until", None) == "to the last period" and words.value(sweep, "anticipation", 0) == "none"
    assert words.choices(sweep, sweep.planned) == "as planned" and math.isfinite(sweep.study.worthwhile)
