"""A sweep as the flat parameters of a notebook, one line of text for each fact, and back.

`comparison = "never_treated": States that passed no law ...` is an alternative; `, another estimand` or
`, the same estimand` may follow the value, and `, called "..."` its short words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from analysis.refusal import Refusal
from analysis.run import parameters
from analysis.study import model
from analysis.sweep.plan import Alternative, Exclusion, Sweep

ESTIMANDS = {"other": ", another estimand", "same": ", the same estimand"}
CALLED = ', called "'
AND = " and "


def of(sweep: Sweep) -> dict[str, Any]:
    """The parameters of the notebook that write out the whole of `sweep`, in the notebook's order."""
    return {
        "sweep": sweep.name,
        "question": sweep.question,
        "study": sweep.base.study_name,
        "planned": [f"{name} = {written(value)}" for name, value in sweep.base.values.items()],
        "reason": sweep.reason,
        "registered": sweep.registered,
        "alternatives": [_alternative(name, one) for name, listed in sweep.alternatives.items() for one in listed[1:]],
        "exclude": [f"{_values(one.values)}: {one.reason}" for one in sweep.exclude],
        "standardise": sweep.standardise,
        "seed": sweep.seed,
        "draws": sweep.draws,
    }


def sweep(name: str, values: Mapping[str, Any]) -> Sweep:
    """The sweep that notebook parameters write out. Raises Refusal R302 for a line that does not read."""
    planned = dict(_assigned(line, "planned")[:2] for line in values["planned"])
    family = model(str(planned.get("design")), "planned").FAMILY
    base = parameters.checked(planned, family, values["study"], "planned")
    found: dict[str, list[Alternative]] = {}
    for line in values["alternatives"]:
        field, alternative = _read(line)
        own = Alternative(getattr(base.study, field), values["reason"])
        found.setdefault(field, [own]).append(alternative)
    made = Sweep(
        name=name,
        question=values["question"],
        base=base,
        reason=values["reason"],
        alternatives={field: tuple(listed) for field, listed in found.items()},
        exclude=tuple(_exclusion(line) for line in values["exclude"]),
        standardise=values["standardise"],
        seed=values["seed"],
        draws=values["draws"],
        file="alternatives",
        registered=values["registered"],
    )
    made.check()
    return made


def written(value: Any) -> str:
    """A value as JSON."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _alternative(name: str, one: Alternative) -> str:
    called = f'{CALLED}{one.label}"' if one.label else ""
    return f"{name} = {written(one.value)}{ESTIMANDS.get(one.estimand or '', '')}{called}: {one.reason}"


def _values(values: Mapping[str, Any]) -> str:
    return AND.join(f"{name} = {written(value)}" for name, value in values.items())


def _assigned(line: str, where: str) -> tuple[str, Any, str]:
    """Name, value and the rest of `name = value...`."""
    name, equals, text = line.partition(" = ")
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        equals = ""
    if not equals or not name.isidentifier():
        raise Refusal("R302", where, f"{line[:60]!r} is not `name = value`", "leave it empty to read the sweep's file")
    return name, value, text[end:]


def _read(line: str) -> tuple[str, Alternative]:
    name, value, rest = _assigned(line, "alternatives")
    facts, _, reason = rest.partition(": ")
    label = facts.partition(CALLED)[2].rstrip('"')
    estimand = next((kind for kind, words in ESTIMANDS.items() if facts.startswith(words)), None)
    return name, Alternative(value, reason, estimand, label)  # type: ignore[arg-type]


def _exclusion(line: str) -> Exclusion:
    values: dict[str, Any] = {}
    rest = line
    while True:
        name, values[name], rest = _assigned(rest, "exclude")
        if not rest.startswith(AND):
            return Exclusion(values, rest.removeprefix(": "))
        rest = rest.removeprefix(AND)
