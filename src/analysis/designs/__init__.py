"""Estimators, one file each: `estimate(data, *, options) -> Effects`. The name in a parameter file is the file's name.

Each file opens with its method card (`Estimand`, `Assumes`, `Reference`, `Fails when`), printed in the report.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module

from analysis.inference import few_clusters
from analysis.panel import Panel
from analysis.refusal import Refusal
from analysis.result import Data, Effects, Estimate
from analysis.study import CHOICES, Study, options

TWO_WAY = ("event_study", "two_way_fixed_effects")
CARD = ("Estimand", "Assumes", "Reference", "Fails when")


@dataclass(frozen=True)
class Alternative:
    """The headline, or another way to the same number: its average, and the reason it is shown.

    comparable: it estimates what the headline does, so that a gap between them needs an explanation.
    """

    label: str
    effects: Effects
    estimate: Estimate
    reason: str
    comparable: bool = True


def estimate(study: Study, data: Data, design: str | None = None) -> Effects:
    """The effects under the study's design (or another one), with the study's choices as options.

    Raises Refusal when the design does not fit the data.
    """
    name = design or study.design
    function = import_module(f"analysis.designs.{name}").estimate
    wanted = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if design is None:
        _refuse_two_way_headline(name, data)
    effects: Effects = function(data, **{option: getattr(study, option) for option in wanted})
    return effects


def card(name: str) -> dict[str, str]:
    """The method card of a design: its four lines, from the docstring of its file."""
    text = inspect.getdoc(import_module(f"analysis.designs.{name}")) or ""
    found = {}
    for line in CARD:
        match = re.search(rf"^{line}: (.+?)(?=\n(?:{'|'.join(CARD)}): |\n\n|\Z)", text, re.M | re.S)
        if not match:
            raise ValueError(f"designs/{name}.py has no line {line!r} in its method card")
        found[line] = " ".join(match[1].split())
    return found


def alternatives(study: Study, data: Data, effects: Effects) -> list[Alternative]:
    """The headline beside the study's other estimators, and beside itself without covariates: the same average of each,
    with the inference that its clusters allow.

    With several adoption dates two-way fixed effects is always shown, and never as the headline. Raises Refusal where
    one of the estimators does not fit the data.
    """
    shown = [Alternative(study.design, effects, headline(study, data, effects), "the answer at the top")]
    for name in dict.fromkeys([*_usual(data), *study.estimators]):
        if name != study.design:
            other = estimate(study, data, name)
            shown.append(_alternative(study, data, name, other))
    if study.covariates:
        bare = study.model_copy(update={"covariates": []})
        other = estimate(bare, data)
        label, reason = f"{study.design} without covariates", "what the covariates change"
        shown.append(Alternative(label, other, headline(bare, data, other), reason))
    return shown


def comparable(shown: Sequence[Alternative]) -> dict[str, Estimate]:
    """The estimates that should agree, by name, the headline first."""
    return {one.label.replace("_", " "): one.estimate for one in shown if one.comparable}


def _usual(data: Data) -> list[str]:
    """What is shown unasked: two-way fixed effects, where the panel is staggered and it can be computed."""
    complete = isinstance(data, Panel) and data.n == data.outcome.size and data.eligible is None
    return ["two_way_fixed_effects"] if complete and data.staggered and data.treatment is None else []  # type: ignore[union-attr]


def _alternative(study: Study, data: Data, name: str, effects: Effects) -> Alternative:
    caution = name in TWO_WAY and data.staggered
    reason = (
        "for comparison only: with several adoption dates it also compares with units already treated"
        if caution
        else _idea(name)
    )
    return Alternative(name, effects, headline(study, data, effects), reason + _without(study, name), not caution)


def _idea(name: str) -> str:
    """What a design does, in the words of its file's first line."""
    first = (inspect.getdoc(import_module(f"analysis.designs.{name}")) or "").partition("\n")[0]
    return first.partition(": ")[2].rstrip(".") or first.rstrip(".")


def path(study: Study, data: Data, headline: Effects) -> Effects | None:
    """Effects by event time: the headline's own, or the two-way event study when it is a single number.

    None for repeated cross-sections, which hold no path of the same units.
    """
    if headline.kind == "cells":
        return headline.by("event_time")
    if headline.kind == "event_time":
        return headline
    if not isinstance(data, Panel):
        return None
    found = estimate(study, data, "event_study")
    return replace(found, method=f"{found.method}{_without(study, 'event_study')}")


def _refuse_two_way_headline(name: str, data: Data) -> None:
    if name in TWO_WAY and data.staggered:
        dates = ", ".join(f"{d:g}" for d in data.dates)
        raise Refusal(
            "E101",
            "design",
            f"{len(data.dates)} adoption dates ({dates}): two-way fixed effects would compare with units already "
            "treated and cannot be the headline",
            f"set `design: group_time` and list {name} under `estimators`",
        )


def _without(study: Study, name: str) -> str:
    """The study's choices that another design cannot make, in words."""
    ignored = [c for c in sorted(CHOICES - options(name)) if getattr(study, c) != Study.model_fields[c].get_default()]
    return f", without {' and '.join(c.replace('_', ' ') for c in ignored)}" if ignored else ""


def averages(study: Study, data: Data, effects: Effects) -> dict[str, Estimate]:
    """The headline, then the other averages of the same pieces, by name; without intervals that cannot be trusted."""
    found: dict[str, Estimate] = {study.average: headline(study, data, effects)}
    if effects.kind == "cells" and not few_clusters.too_few(data, effects, study.average):
        for kind in few_clusters.KINDS:
            if kind != study.average:
                other = study.model_copy(update={"average": kind})
                found[kind] = few_clusters.trusted(headline(other, data, effects))
    return found


def headline(study: Study, data: Data, effects: Effects) -> Estimate:
    """The average of `effects` that answers the study, with the inference that the treated clusters allow."""
    return few_clusters.headline(data, effects, average=study.average, level=study.level, seed=study.seed)
