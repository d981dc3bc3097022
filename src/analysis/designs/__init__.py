"""Estimators, one file each: `estimate(data, *, options) -> Effects`. The name in a parameter file is the file's name.

Each file opens with its method card (`Estimand`, `Assumes`, `Reference`, `Fails when`), printed in the report.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np

from analysis.inference import bands, few_clusters
from analysis.inference.bands import Band
from analysis.panel import Panel
from analysis.refusal import Refusal
from analysis.report import wording
from analysis.result import AnyData, Data, Effects, Estimate
from analysis.rows import Rows
from analysis.studies.difference_in_differences import Study as Differences
from analysis.study import Study, options

TWO_WAY = ("event_study", "two_way_fixed_effects")
WITHOUT = "what the covariates change"
CARD = ("Estimand", "Assumes", "Reference", "Fails when")


@dataclass(frozen=True)
class Alternative:
    """The headline, or another way to the same number: its name in words, its average, and the reason it is shown.

    gap: its average less the headline's over the same periods since adoption; None where it estimates something else,
    so that a gap would need no explanation.
    """

    label: str
    title: str
    effects: Effects
    estimate: Estimate
    reason: str
    gap: float | None = 0.0

    @property
    def comparable(self) -> bool:
        """It estimates what the headline does."""
        return self.gap is not None


def estimate(study: Study, data: AnyData, design: str | None = None) -> Effects:
    """The effects under the study's design (or another one), with the study's choices as options, in words that name
    columns by their labels.

    Raises Refusal when the design does not fit the data.
    """
    name = design or study.design
    function = import_module(f"analysis.designs.{name}").estimate
    wanted = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if design is None and isinstance(study, Differences):
        _refuse_two_way_headline(name, _as_data(data))
    effects: Effects = function(data, **{option: getattr(study, option) for option in wanted})
    return wording.effects(effects, wording.speaker([name for _, name in study.columns()], data.labels))


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


def alternatives(study: Study, data: AnyData, effects: Effects) -> list[Alternative]:
    """The headline beside the study's other estimators, and beside itself without covariates: the same average of each,
    with the inference that its clusters allow.

    With several adoption dates two-way fixed effects is always shown, and never as the headline. Raises Refusal where
    one of the estimators does not fit the data.
    """
    title = _summary(study.design)[0]
    shown = [Alternative(study.design, title, effects, headline(study, data, effects), "the answer at the top")]
    for name in dict.fromkeys([*_usual(study, data), *study.estimators]):
        if name != study.design:
            shown.append(_alternative(study, data, name, effects))
    if study.covariates and "covariates" in options(study.design):
        bare = study.model_copy(update={"covariates": []})
        other = estimate(bare, data)
        label, gap = f"{study.design} without covariates", _gap(study, effects, other) if study.PRECISION else None
        shown.append(Alternative(label, f"{title}, without covariates", other, _shown(bare, data, other), WITHOUT, gap))
    return shown


def gaps(shown: Sequence[Alternative]) -> dict[str, float]:
    """How far each estimator of the same effect lies from the headline, by name."""
    return {one.label.replace("_", " "): one.gap for one in shown[1:] if one.gap is not None}


def _usual(study: Study, data: AnyData) -> list[str]:
    """What is shown unasked: two-way fixed effects, where the panel is staggered and it can be computed."""
    if not isinstance(study, Differences) or not isinstance(data, Panel):
        return []
    complete = data.n == data.outcome.size and data.eligible is None
    return ["two_way_fixed_effects"] if complete and data.staggered and data.treatment is None else []


def _alternative(study: Study, data: AnyData, name: str, answer: Effects) -> Alternative:
    other = estimate(study, data, name)
    shown = _shown(study, data, other)
    title, idea = _summary(name)
    if name in TWO_WAY and isinstance(study, Differences) and _as_data(data).staggered:
        reason = "for comparison only: with several adoption dates it also compares with units already treated"
        return Alternative(name, title, other, shown, reason + _without(study, name), None)
    if other.aside:
        return Alternative(name, title, other, shown, other.aside, None)
    reason = idea + _horizon(answer, other) + _without(study, name)
    return Alternative(name, title, other, shown, reason, None if answer.aside else _gap(study, answer, other))


def _gap(study: Study, answer: Effects, other: Effects) -> float:
    """The other's average less the answer's: over the other's own periods since adoption where it knows only those."""
    average = study.average if isinstance(study, Differences) else "simple"
    ours, theirs = (one.along(average).averaged_over() for one in (answer, other))
    if other.kind != "event_time" or answer.kind != "cells":
        return float(theirs.estimate[0] - ours.estimate[0])
    path = answer.by("event_time").table.set_index("event_time")["estimate"]
    table = other.along(average).table
    table = table[(table["weight"] > 0) & table["event_time"].isin(path.index)]
    apart = table["estimate"].to_numpy() - path[table["event_time"]].to_numpy()
    return float(np.average(apart, weights=table["weight"]))


def _horizon(answer: Effects, other: Effects) -> str:
    """The last period since adoption that the other knows, where the answer knows later ones."""
    last, longest = (int(one.table["event_time"].max()) for one in (other, answer))
    return f" (up to {last} periods after adoption)" if other.kind == "event_time" and last < longest else ""


def _summary(name: str) -> tuple[str, str]:
    """A design's name in words, and what it does, from its file's first line."""
    first = (inspect.getdoc(import_module(f"analysis.designs.{name}")) or "").partition("\n")[0]
    title, _, idea = first.rstrip(".").partition(": ")
    return title, idea


def path(study: Differences, data: Data, effects: Effects) -> Effects | None:
    """Effects by event time: the headline's own, or the two-way event study when it is a single number; with the errors
    that the answer's are computed with.

    None for repeated cross-sections, which hold no path of the same units.
    """
    if effects.kind == "cells":
        return few_clusters.path_of(data, effects, effects.by("event_time"), study.average)
    if effects.kind == "single" and not isinstance(data, Panel):
        return None
    found = effects
    if effects.kind == "single":
        found = estimate(study, data, "event_study")
        found = replace(found, method=f"{found.method}{_without(study, 'event_study')}")
    return few_clusters.path_of(data, found, found, study.average)


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


def band(study: Study, path: Effects | None) -> Band | None:
    """The band that holds the whole path at once, over the effects that rest on enough clusters; None without any."""
    firm = path.resting_on(few_clusters.ENOUGH) if path is not None else None
    if firm is None or not (firm.table["std_error"] > 0).any():
        return None
    return bands.band(firm, level=study.level, draws=study.draws, seed=study.seed)


def _without(study: Study, name: str) -> str:
    """The study's choices that another design cannot make, in words."""
    fields = type(study).model_fields
    ignored = [
        c for c in sorted(study.CHOICES - study.SHARED - options(name)) if getattr(study, c) != fields[c].get_default()
    ]
    return f", without {' and '.join(c.replace('_', ' ') for c in ignored)}" if ignored else ""


def averages(study: Differences, data: Data, effects: Effects) -> dict[str, Estimate]:
    """The headline, then the other averages of the same pieces and further estimands of the same fit, by name; without
    intervals that cannot be trusted."""
    found: dict[str, Estimate] = {study.average: headline(study, data, effects)}
    if few_clusters.too_few(data, effects, study.average):
        return found
    if effects.kind == "cells":
        for kind in few_clusters.KINDS:
            if kind != study.average:
                other = study.model_copy(update={"average": kind})
                found[kind] = few_clusters.trusted(_shown(other, data, effects))
    for name, related in effects.related.items():
        if related.kind == "event_time" or len(related.table) == 1:
            found[name] = few_clusters.trusted(_shown(study, data, related))
    return found


def _shown(study: Study, data: AnyData, effects: Effects) -> Estimate:
    """The average of another estimator, without interval where its clusters are too few and cannot be permuted."""
    try:
        return headline(study, data, effects)
    except Refusal as refusal:
        average = study.average if isinstance(study, Differences) else "simple"
        return few_clusters.without_interval(effects, average, study.level, refusal.problem)


def headline(study: Study, data: AnyData, effects: Effects) -> Estimate:
    """The average of `effects` that answers the study; in a difference in differences with the inference that the
    treated clusters allow."""
    if not isinstance(study, Differences):
        return effects.average(study.level)
    return few_clusters.headline(
        _as_data(data), effects, average=study.average, level=study.level, seed=study.seed, draws=study.draws
    )


def _as_data(data: AnyData) -> Data:
    assert not isinstance(data, Rows)
    return data
