"""What a sweep tries: the study's own choices, the alternatives to each, and every combination that makes sense."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from analysis.data import catalog
from analysis.refusal import Refusal
from analysis.run import variant
from analysis.run.parameters import Parameters
from analysis.study import Study

Estimand = Literal["same", "other"]
PLANNED = "planned"
MOST = 10_000
# Choices that do not touch the estimate, or are no choice of method.
FIXED = frozenset(
    {"question", "decision", "intervention", "dataset", "estimators", "checks", "worthwhile", "better", "level"}
    | {"draws", "seed", "masked"}
)
# Choices that say what is estimated: another value is another question, unless a sweep says otherwise.
DEFINING = frozenset(
    {"outcome", "treatment", "dose", "eligible", "estimand", "average", "arm", "control_arm", "received", "running"}
    | {"cutoff", "treated_side"}
)


@dataclass(frozen=True)
class Alternative:
    """One value of a parameter and why it can be defended. estimand: whether it estimates the same, where that is
    said; label: short words for charts."""

    value: Any
    reason: str
    estimand: Estimand | None = None
    label: str = ""


@dataclass(frozen=True)
class Exclusion:
    """A combination that makes no sense, and why."""

    values: Mapping[str, Any]
    reason: str

    def covers(self, choices: Mapping[str, Any]) -> bool:
        """Whether `choices` hold all its values."""
        return all(choices[name] == value for name, value in self.values.items())


@dataclass(frozen=True)
class Specification:
    """One combination: its name (the same whatever else is tried), its value of every parameter, the study that makes
    these choices, and why it estimates something else (empty where it does not). same: the sweep says that it estimates
    the same, whatever units a design leaves out."""

    id: str
    choices: Mapping[str, Any]
    study: Study
    other: str = ""
    same: bool = False


@dataclass(frozen=True)
class NotRun:
    """A combination that was not estimated, and why."""

    id: str
    choices: Mapping[str, Any]
    reason: str


@dataclass(frozen=True)
class Sweep:
    """A checked sweep.

    base: the parameters of the study whose answer is examined. reason: why its own choices are the pre-registered ones.
    alternatives: by parameter, the study's own value first. standardise: effects in standard deviations of the outcome.
    registered: the study's own choices stand in a plan from before any result was seen. file: where messages point.
    """

    name: str
    question: str
    base: Parameters
    reason: str
    alternatives: Mapping[str, tuple[Alternative, ...]]
    exclude: tuple[Exclusion, ...]
    standardise: bool
    seed: int
    draws: int
    file: str
    registered: bool = False

    @property
    def study(self) -> Study:
        """The study whose answer is examined."""
        return self.base.study

    @property
    def planned(self) -> dict[str, Any]:
        """The study's own value of every parameter that is varied."""
        return {name: getattr(self.study, name) for name in self.alternatives}

    def combinations(self) -> tuple[list[Specification], list[NotRun]]:
        """Every combination, the study's own first: those that can be estimated, and those that cannot with the reason.

        The order is that of the file: the last parameter varies fastest.
        """
        runs, left = [], []
        for chosen in itertools.product(*self.alternatives.values()):
            choices = {name: one.value for name, one in zip(self.alternatives, chosen, strict=True)}
            name = self.id_of(choices)
            excluded = next((one.reason for one in self.exclude if one.covers(choices)), None)
            if excluded is not None:
                left.append(NotRun(name, choices, f"left out on purpose: {excluded}"))
                continue
            try:
                study = self.with_choices(choices)
                same = any(one.estimand == "same" for one in chosen)
                runs.append(Specification(name, choices, study, self._other(choices, chosen), same))
            except Refusal as refusal:
                left.append(NotRun(name, choices, f"not possible: {refusal.problem}"))
        return runs, left

    def id_of(self, choices: Mapping[str, Any]) -> str:
        """The name of a combination: short words for what differs from the study, `planned` where nothing does."""
        differing = {name: value for name, value in choices.items() if value != getattr(self.study, name)}
        return variant.words(differing, 120) if differing else PLANNED

    def with_choices(self, choices: Mapping[str, Any]) -> Study:
        """The study with `choices` instead of its own. Raises Refusal where they do not go together."""
        study = type(self.study).read({**self.base.values, **choices}, self.file)
        for field, name in study.columns():
            (catalog.column if field in study.ANYTHING else catalog.numbers)(self.base.source, name)
        return study

    def check(self) -> None:
        """Raises Refusal for alternatives that no combination can use, exclusions of nothing or of the study's own
        choices, outcomes on different scales, and too many combinations."""
        count = 1
        for alternatives in self.alternatives.values():
            count *= len(alternatives)
        if count > MOST:
            fix = "leave out alternatives that are hardly different, or make two sweeps"
            raise Refusal("R302", f"{self.file}:alternatives", f"{count:,} combinations, more than {MOST:,}", fix)
        self._check_exclusions()
        runs, _ = self.combinations()
        for name, alternatives in self.alternatives.items():
            for alternative in alternatives[1:]:
                if not any(run.choices[name] == alternative.value for run in runs):
                    self._refuse(name, alternative)
        self._check_units()

    def _refuse(self, name: str, alternative: Alternative) -> None:
        where, shown = f"{self.file}:alternatives.{name}", variant.shown(alternative.value)
        try:
            self.with_choices({**self.planned, name: alternative.value})
        except Refusal as refusal:
            raise Refusal(refusal.code, where, f"{shown}: {refusal.problem}", refusal.fix) from None
        raise Refusal("R302", where, f"every combination with {shown} is excluded", "delete it, or exclude less")

    def _check_exclusions(self) -> None:
        for one in self.exclude:
            where = f"{self.file}:exclude"
            for name, value in one.values.items():
                if name not in self.alternatives:
                    raise Refusal(
                        "R302", f"{where}.{name}", f"{name} is not varied", "name a parameter of alternatives"
                    )
                if all(other.value != value for other in self.alternatives[name]):
                    listed = ", ".join(variant.shown(other.value) for other in self.alternatives[name])
                    problem = f"{variant.shown(value)} is not among its alternatives"
                    raise Refusal("R302", f"{where}.{name}", problem, f"use one of {listed}")
            if one.covers(self.planned):
                fix = "name the alternative that does not go together with the rest"
                raise Refusal("R302", where, "this leaves out the study's own choices", fix)

    def _check_units(self) -> None:
        outcomes = [one.value for one in self.alternatives.get("outcome", ())] or [self.study.outcome]
        units = {self.base.source.columns[name].unit for name in outcomes}
        if len(units) > 1 and not self.standardise:
            listed = ", ".join(sorted(unit or "no unit" for unit in units))
            fix = "add `standardise: true` to show effects in standard deviations, or keep to outcomes in one unit"
            raise Refusal(
                "R302", f"{self.file}:alternatives.outcome", f"outcomes in different units ({listed}) on one axis", fix
            )

    def _other(self, choices: Mapping[str, Any], chosen: tuple[Alternative, ...]) -> str:
        """Why a combination estimates something else, as far as its choices tell."""
        return next(iter(self._others(choices, chosen)), "")

    def _others(self, choices: Mapping[str, Any], chosen: tuple[Alternative, ...]) -> Iterator[str]:
        for name, alternative in zip(choices, chosen, strict=True):
            defining = name in DEFINING and alternative.value != getattr(self.study, name)
            if alternative.estimand == "other" or (defining and alternative.estimand != "same"):
                words = name.replace("_", " ")
                yield f"another {words} ({alternative.label or variant.shown(alternative.value).replace('_', ' ')})"
