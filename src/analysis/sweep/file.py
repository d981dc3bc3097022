"""params/sweeps/<name>.yml: which choices are varied, and why each alternative can be defended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis import paths, strict_yaml
from analysis.refusal import Refusal
from analysis.run import parameters, plans, plans_fields
from analysis.run.parameters import OWN, Parameters
from analysis.study import did_you_mean
from analysis.sweep import lines
from analysis.sweep.plan import FIXED, Alternative, Estimand, Exclusion, Sweep

FOLDER = paths.PARAMS / "sweeps"
NOTEBOOK = "specification_curve"
SENTENCE = "say in a sentence why somebody who knows the subject would choose it"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class _Alternative(_Strict):
    value: Any
    reason: str = Field(min_length=15, max_length=300)
    estimand: Estimand | None = None
    label: str = Field(default="", max_length=32, pattern=r'^[^":]*$')


class _File(_Strict):
    """A sweep file. `exclude` holds mappings of parameters to values, each with its `reason`."""

    study: str
    question: str = Field(min_length=10, max_length=200, pattern=r"\?\s*$")
    planned: str = Field(min_length=15, max_length=300)
    alternatives: dict[str, list[_Alternative]] = Field(min_length=1)
    exclude: list[dict[str, Any]] = []
    standardise: bool = False
    seed: int = Field(default=20260101, ge=0, le=2**32 - 1)
    draws: int = Field(default=999, ge=99, le=9_999)


def every() -> list[str]:
    """The names of all sweeps."""
    return sorted(path.stem for path in FOLDER.glob("*.yml"))


def read(name: str) -> Sweep:
    """The sweep in params/sweeps/<name>.yml, checked as a whole with the study that it examines.

    Raises Refusal R303 for the name, R304 for the YAML, R301/R302 naming file, field and fix, and what the study's own
    file is refused for.
    """
    where = f"SWEEP={name}"
    if not OWN.fullmatch(name):
        fix = "use lower-case letters, digits, - and _ (at most 64, a letter or digit first, -- is kept for variants)"
        raise Refusal("R303", where, f"{name!r} cannot name a sweep", fix)
    path = FOLDER / f"{name}.yml"
    if not path.is_file():
        known = every()
        fix = did_you_mean(name, known) if known else f"write {paths.shown(path)}"
        raise Refusal("R303", where, f"there is no sweep {name!r} in {paths.shown(FOLDER)}", fix)
    file = paths.shown(path)
    given = _model(strict_yaml.read(path, file), file)
    base = parameters.load(_study(given.study, file))
    sweep = Sweep(
        name=name,
        question=given.question,
        base=base,
        reason=given.planned,
        alternatives={field: _listed(field, given, base, file) for field in given.alternatives},
        exclude=tuple(_exclusion(entry, file, place) for place, entry in enumerate(given.exclude)),
        standardise=given.standardise,
        seed=given.seed,
        draws=given.draws,
        file=file,
    )
    sweep.check()
    return replace(sweep, registered=_registered(sweep))


def load(name: str) -> Parameters:
    """The sweep `name` as the parameters of its notebook, ready for the publisher. Raises Refusal as `read` does."""
    return publishable(read(name))


def publishable(sweep: Sweep) -> Parameters:
    """The parameters of the notebook that shows `sweep`: everything is written out, so that the published notebook
    does not change when the files do."""
    study = sweep.study.model_copy(update={"question": sweep.question, "seed": sweep.seed})
    return Parameters(
        NOTEBOOK, sweep.name, lines.of(sweep), sweep.file, study, sweep.base.source, further=sweep.base.further
    )


def recorded(name: str, values: Mapping[str, Any]) -> Sweep:
    """The sweep that a notebook's parameters write out, or that its file holds when they write out nothing.

    Raises Refusal as `read` does.
    """
    return lines.sweep(name, values) if values.get("study") else read(name)


def _registered(sweep: Sweep) -> bool:
    """Whether the study's own choices stand in its plan in force, which came before any published result."""
    frozen = plans.of(sweep.base.study_name)
    if not frozen or frozen[-1].public:
        return False
    planned = frozen[-1].fields.flat()
    return all(plans_fields.same(name, planned.get(name), value) for name, value in sweep.planned.items())


def _study(name: str, file: str) -> Path:
    try:
        return parameters.find(name)
    except Refusal as refusal:
        raise Refusal(refusal.code, f"{file}:study", refusal.problem, refusal.fix) from None


def _model(given: Mapping[str, Any], file: str) -> _File:
    for name in given:
        if name not in _File.model_fields:
            raise Refusal(
                "R301", f"{file}:{name}", f"a sweep has no field {name!r}", did_you_mean(name, _File.model_fields)
            )
    try:
        return _File.model_validate(dict(given))
    except ValidationError as error:
        raise _refusal(error, file) from None


def _refusal(error: ValidationError, file: str) -> Refusal:
    first = error.errors(include_url=False)[0]
    loc = [str(part) for part in first["loc"]]
    field = ".".join(part if not part.isdigit() else f"{int(part) + 1}" for part in loc)
    where, last = f"{file}:{field}", loc[-1]
    if last == "reason":
        problem = (
            "the alternative has no reason" if first["type"] == "missing" else "the reason is too short or too long"
        )
        return Refusal("R302", where, problem, SENTENCE)
    if first["type"] == "missing":
        return Refusal("R302", where, f"{last} is missing", f"add a line `{last}: ...`")
    if first["type"] == "extra_forbidden":
        known = _Alternative.model_fields
        fix = "put text that holds a comma in quotes" if first["input"] is None else did_you_mean(last, known)
        return Refusal("R301", where, f"an alternative has no field {last!r}", fix)
    if last == "question":
        return Refusal("R302", where, "not a question of 10 to 200 characters", "end it with a question mark")
    if last == "planned":
        fix = "say in a sentence when and why the study's own choices were made"
        return Refusal("R302", where, "not a sentence of 15 to 300 characters", fix)
    said = first["msg"]
    return Refusal("R302", where, f"{said[0].lower()}{said[1:]}", f"correct `{field}`")


def _listed(name: str, given: _File, base: Parameters, file: str) -> tuple[Alternative, ...]:
    """The study's own value, then the alternatives to it."""
    where, fields = f"{file}:alternatives.{name}", type(base.study).model_fields
    if name in FIXED:
        problem = f"{name} is no choice of method, or does not touch the estimate"
        raise Refusal("R302", where, problem, "vary another parameter, or make a second sweep on another study")
    if name not in fields:
        raise Refusal("R301", where, f"the study has no parameter {name!r}", did_you_mean(name, set(fields) - FIXED))
    found = [Alternative(getattr(base.study, name), given.planned)]
    for one in given.alternatives[name]:
        if any(other.value == one.value for other in found):
            own = "the study's own" if found[0].value == one.value else "listed twice"
            fix = "the study's own value is added by itself" if own != "listed twice" else "keep one of the two"
            raise Refusal("R302", where, f"{lines.written(one.value)} is {own}", fix)
        found.append(Alternative(one.value, one.reason, one.estimand, one.label))
    if len(found) == 1:
        raise Refusal("R302", where, "no alternative is listed", "add one, each with value and reason")
    return tuple(found)


def _exclusion(entry: Mapping[str, Any], file: str, place: int) -> Exclusion:
    where = f"{file}:exclude.{place + 1}"
    reason = entry.get("reason")
    if not isinstance(reason, str) or len(reason) < 15:
        raise Refusal(
            "R302", f"{where}.reason", "the exclusion has no reason", "say why the combination makes no sense"
        )
    values = {name: value for name, value in entry.items() if name != "reason"}
    if not values:
        raise Refusal("R302", where, "the exclusion names no parameter", "write `parameter: value` beside the reason")
    return Exclusion(values, reason)
