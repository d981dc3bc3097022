"""Described situations lead to the design that fits them; every answer leads somewhere that exists."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from analysis import chooser, paths
from analysis.refusal import Refusal
from analysis.study import families, model, modules

SITUATIONS = [
    ("Fictitious applications got names by a coin; did call-backs differ?", "lottery full", "difference_in_means"),
    ("A training lottery; a third of the winners never came", "lottery partial", "complier_effect"),
    ("A grant for households below a poverty score", "score all", "local_linear"),
    ("Born after a date made service, and so a loan, likelier", "score partly", "fuzzy_discontinuity"),
    ("States raised their minimum wage in different years", "dates same many stays nobody", "group_time"),
    ("One state raised its tobacco tax; forty did not", "dates same few", "synthetic_did"),
    ("House sales before and after an incinerator, near and far", "dates different one", "two_by_two"),
    ("A parental leave law for mothers, in some regions", "dates same many stays group", "triple_difference"),
    ("Towns that switch a car-free day on and off again", "dates same many switches", "switching"),
    ("A seat-belt law for the whole country, monthly accidents", "everyone alone", "segmented_regression"),
    ("States change their beer tax by different amounts", "amounts same", "fixed_effects"),
    ("Who went to college; some grew up next door to one", "choice push", "two_stage_least_squares"),
    ("People who stopped smoking, and those who did not", "choice none", "augmented_weighting"),
    ("A law for drivers; passengers in the back are untouched", "everyone control", "controlled_series"),
]


@pytest.mark.parametrize(("situation", "answers", "design"), SITUATIONS, ids=[s[2] + " " + s[1] for s in SITUATIONS])
def test_a_situation_leads_to_its_design(situation: str, answers: str, design: str) -> None:
    found = chooser.choose(answers.split())
    assert found.design == design
    assert (paths.ROOT / found.notebook).is_file() and (paths.ROOT / found.parameters).is_file()
    assert found.notebook == f"notebooks/{families('designs', design)[0]}.ipynb"
    assert found.parameters.startswith(f"params/{model(design).FAMILY}/")
    shown = "\n".join(found.lines())
    assert design in shown and "Assumes: " in shown and found.parameters in shown


def test_every_answer_leads_to_one_question_or_one_design_and_all_are_reached() -> None:
    tree = chooser.chooser()
    every = [answer for question in tree.questions.values() for answer in question.answers.values()]
    assert all((answer.then is None) != (answer.use is None) for answer in every)
    assert {answer.then for answer in every if answer.then} | {"start"} == set(tree.questions)
    assert {answer.use for answer in every if answer.use} == set(tree.designs) <= set(modules("designs"))


def test_every_family_can_be_reached() -> None:
    reached = {families("designs", design)[0] for design in chooser.chooser().designs}
    assert reached == {path.stem for path in paths.NOTEBOOKS.glob("*.ipynb")} - {"specification_curve"}


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (["lotery"], "'lotery' does not answer: Who or what decided who got the policy. Fix: did you mean 'lottery'"),
        (["lottery"], "an answer is missing to: Did everyone who was drawn take part, and nobody else"),
        (["lottery", "full", "same"], "nothing is asked any more after difference_in_means. Fix: remove same"),
    ],
)
def test_answers_that_do_not_fit_are_refused_in_one_line(answers: list[str], message: str) -> None:
    with pytest.raises(Refusal) as caught:
        chooser.choose(answers)
    assert message in str(caught.value).replace("?", "") and "\n" not in str(caught.value)


def test_the_command_asks_again_and_then_answers(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from analysis import cli

    monkeypatch.setattr(sys, "stdin", io.StringIO("what\ndates\ndifferent\none\n"))
    assert cli.main(["choose"]) == 0
    shown = capsys.readouterr().out
    assert "Type one of: lottery, score" in shown and "design: two_by_two" in shown
    monkeypatch.setattr(sys, "stdin", io.StringIO("dates\n"))
    assert cli.main(["choose"]) == 2


def test_make_choose_takes_answers() -> None:
    command = [sys.executable, "-m", "analysis.cli", "choose", "score", "all"]
    done = subprocess.run(command, cwd=paths.ROOT / "src", capture_output=True, text=True, check=True)
    assert "notebooks/regression_discontinuity.ipynb" in done.stdout
