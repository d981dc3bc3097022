"""Estimators, one file each: `estimate(data, *, options) -> Effects`. The name in a parameter file is the file's name.

Each file opens with its method card (`Estimand`, `Assumes`, `Reference`, `Fails when`), printed in the report.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
from importlib import import_module

from analysis.inference import few_clusters
from analysis.panel import Panel
from analysis.refusal import Refusal
from analysis.result import Data, Effects, Estimate
from analysis.study import CHOICES, Study, options

CARD = ("Estimand", "Assumes", "Reference", "Fails when")


@dataclass(frozen=True)
class Alternative:
    """The headline, or another defensible way to the same number, with the reason it is shown."""

    label: str
    effects: Effects
    reason: str


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


def alternatives(study: Study, data: Data, headline: Effects) -> list[Alternative]:
    """The headline beside the study's other estimators, and beside itself without covariates.

    With several adoption dates two-way fixed effects is always shown, and never as the headline.
    """
    shown = [Alternative(study.design, headline, "the headline")]
    usual = ["two_way_fixed_effects"] if isinstance(data, Panel) and data.staggered else []
    for name in dict.fromkeys([*usual, *study.estimators]):
        if name == study.design:
            continue
        shown.append(Alternative(name, estimate(study, data, name), _reason(name, data) + _without(study, name)))
    if study.covariates:
        bare = study.model_copy(update={"covariates": []})
        label = f"{study.design} without covariates"
        shown.append(Alternative(label, estimate(bare, data), "what the covariates change"))
    return shown


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
    if name in ("event_study", "two_way_fixed_effects") and data.staggered:
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


def _reason(name: str, data: Data) -> str:
    if name in ("event_study", "two_way_fixed_effects") and data.staggered:
        return "for comparison only: with several adoption dates it also compares with units already treated"
    return "another estimator of the same effect"


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
