"""Which design fits: a few questions about how the policy came to whom lead to a design, with what it assumes.

The questions stand in `chooser.yml`. A recommendation is a place to start, not a verdict: the report's own checks say
whether the design carries an answer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from analysis import designs, paths, strict_yaml
from analysis.refusal import Refusal
from analysis.study import did_you_mean, families

FILE = Path(__file__).with_suffix(".yml")
START = "start"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Answer(_Strict):
    """One answer: what it means, and the next question or the design that follows from it."""

    means: str
    then: str | None = None
    use: str | None = None


class Question(_Strict):
    """A question with its answers by the word to type."""

    asks: str
    answers: dict[str, Answer] = Field(min_length=2)


class Entry(_Strict):
    """Why a design fits, the study to start from, the lines to change in its file, what to look at first."""

    because: str
    study: str
    first: str
    lines: str = ""


class Chooser(_Strict):
    """All questions and all designs that they lead to."""

    questions: dict[str, Question]
    designs: dict[str, Entry]


@dataclass(frozen=True)
class Advice:
    """The design that fits, with its notebook, a parameter file to start from, and what it assumes."""

    design: str
    notebook: str
    parameters: str
    because: str
    first: str
    assumes: str
    fails: str
    change: str

    def lines(self) -> list[str]:
        """The advice as people read it."""
        return [
            f"Design: {self.design.replace('_', ' ')} (design: {self.design})",
            f"Why: {self.because}.",
            f"Assumes: {self.assumes}",
            f"Fails when: {self.fails}",
            f"Look first at {self.first}.",
            f"Notebook: {self.notebook}",
            f"Start from: {self.parameters}{self.change}",
        ]


@functools.cache
def chooser() -> Chooser:
    """The questions, as read from their file."""
    return Chooser.model_validate(strict_yaml.read(FILE, paths.shown(FILE)))


def choose(answers: Sequence[str]) -> Advice:
    """The design that `answers`, given in the order of the questions, lead to.

    Raises Refusal R302 for an answer that is none, one too few, or one too many.
    """
    given = iter(answers)

    def reply(question: Question, words: str) -> str:
        answer = next(given, "")
        if answer not in question.answers:
            problem = f"{answer!r} does not answer: {words}" if answer else f"an answer is missing to: {words}"
            raise Refusal("R302", "ANSWERS", problem, did_you_mean(answer, question.answers))
        return answer

    found = walk(reply)
    left = list(given)
    if left:
        raise Refusal("R302", "ANSWERS", f"nothing is asked any more after {found.design}", f"remove {', '.join(left)}")
    return found


def walk(reply: Callable[[Question, str], str]) -> Advice:
    """Ask from the first question on; `reply` gives the word of the answer to a question in words."""
    place: str | None = START
    while place is not None:
        question = chooser().questions[place]
        answer = question.answers[reply(question, question.asks)]
        if answer.use is not None:
            return _advice(answer.use)
        place = answer.then
    raise AssertionError("an answer leads nowhere")


def _advice(design: str) -> Advice:
    entry, card = chooser().designs[design], designs.card(design)
    family = families("designs", design)[0]
    (file,) = paths.PARAMS.glob(f"*/{entry.study}.yml")
    return Advice(
        design,
        paths.shown(paths.NOTEBOOKS / f"{family}.ipynb"),
        paths.shown(file),
        entry.because,
        entry.first,
        card["Assumes"],
        card["Fails when"],
        _change(design, entry, file),
    )


def _change(design: str, entry: Entry, file: Path) -> str:
    """The lines to write into the parameter file for this design."""
    named = strict_yaml.read(file, paths.shown(file)).get("design")
    lines = [] if named == design else [f"design: {design}"]
    wanted = [*lines, *([entry.lines] if entry.lines else [])]
    return f", and write {' and '.join(f'`{line}`' for line in wanted)}" if wanted else ""
