"""results.json: every published number of one report, validated before it is published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from analysis.run.failure import Failed

SCHEMA = 1


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class Number(_Strict):
    """One published number with its uncertainty, at full precision, in `unit`.

    The estimate is null where only an interval is published; a bound is null where the interval has no end on that
    side; `inference` says in words how the interval was made;
    `baseline` is the mean without the policy that the number is compared with.
    """

    id: str = Field(min_length=1, max_length=200)
    label: str = Field(min_length=1)
    estimate: float | None
    std_error: float | None = Field(default=None, ge=0)
    low: float | None = None
    high: float | None = None
    level: float | None = Field(default=None, gt=0, lt=1)
    n: int | None = Field(default=None, ge=0)
    clusters: int | None = Field(default=None, ge=0)
    treated_clusters: int | None = Field(default=None, ge=0)
    p_value: float | None = Field(default=None, ge=0, le=1)
    unit: str
    method: str
    inference: str = ""
    estimand: str
    baseline: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.estimate is None and self.low is None and self.high is None:
            raise ValueError("neither an estimate nor an interval")
        below = self.estimate is not None and self.low is not None and self.estimate < self.low
        above = self.estimate is not None and self.high is not None and self.estimate > self.high
        if below or above:
            raise ValueError(f"the estimate {self.estimate!r} is outside its interval {self.low!r} to {self.high!r}")
        return self


class Check(_Strict):
    """One examined threat to validity: what was found, with its uncertainty, and what to do."""

    name: str = Field(min_length=1)
    code: str | None = None
    severity: Literal["stop", "warn", "note"]
    assumption: str
    finding: str = Field(min_length=1)
    advice: str
    statistic: float | None = None
    p_value: float | None = Field(default=None, ge=0, le=1)
    low: float | None = None
    high: float | None = None


class Strength(_Strict):
    """Strength of evidence: a word, a step from 1 to 3 and why."""

    word: str = Field(min_length=1)
    step: int = Field(ge=1, le=3)
    reason: str = Field(min_length=1)


class Headline(_Strict):
    """The one number a reader takes away; `text` is the same in words."""

    value: float
    low: float | None = None
    high: float | None = None
    unit: str
    text: str = Field(min_length=1)


class Answer(_Strict):
    """The decision summary at the top of a report."""

    question: str = Field(min_length=1)
    sentence: str = Field(min_length=1)
    strength: Strength
    chance: str
    overturn: str
    recommendation: str
    caveat: str
    headline: Headline


class Results(_Strict):
    """The whole of results.json."""

    study: str
    notebook: str
    question: str
    answer: Answer
    numbers: list[Number] = Field(min_length=1)
    checks: list[Check]
    schema_: int = Field(default=SCHEMA, alias="schema")

    @field_validator("numbers")
    @classmethod
    def _distinct(cls, numbers: list[Number]) -> list[Number]:
        seen: set[str] = set()
        for number in numbers:
            if number.id in seen:
                raise ValueError(f"two numbers have the id {number.id!r}")
            seen.add(number.id)
        return numbers


def collect(notebook: Any, study: str, name: str, question: str) -> dict[str, Any]:
    """results.json of an executed `notebook`, from the `analysis` metadata of its outputs.

    The same number shown twice is published once; the same id with another content is an error.
    Raises Failed when a number is not finite, outside its interval or ambiguous, or there is not exactly one answer.
    """
    blocks = [block for cell in notebook["cells"] for block in _blocks(cell.get("outputs", []))]
    answers = [block["answer"] for block in blocks if "answer" in block]
    if len(answers) != 1:
        raise Failed(f"results: the notebook shows {len(answers)} answers; a report has exactly one")
    raw = {
        "study": study,
        "notebook": name,
        "question": question,
        "answer": answers[0],
        "numbers": _once(number for block in blocks for number in block.get("numbers", [])),
        "checks": _once(check for block in blocks for check in block.get("checks", [])),
    }
    try:
        return Results.model_validate(raw).model_dump(mode="json", by_alias=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise Failed(f"results: {_place(first['loc'], raw)}: {first['msg'].removeprefix('Value error, ')}") from None


def _blocks(outputs: Iterable[Any]) -> Iterable[Any]:
    return (output["metadata"]["analysis"] for output in outputs if "analysis" in output.get("metadata", {}))


def _once(entries: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for entry in entries:
        if entry not in kept:
            kept.append(entry)
    return kept


def _place(place: tuple[int | str, ...], raw: dict[str, Any]) -> str:
    if place[0] == "numbers" and len(place) > 1 and isinstance(place[1], int):
        name = raw["numbers"][place[1]].get("id", place[1])
        return ".".join([f"number {name}", *map(str, place[2:])])
    return ".".join(str(part) for part in place)
