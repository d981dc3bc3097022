"""From a panel to treated units and donors in canonical order, with what cannot be weighed refused."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis.inference.synthetic_groups import DONOR, Setting
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal

FEWEST = 2
PERIOD = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True, eq=False)
class Book:
    """panel: units in the order of their labels, without the donors left out by name. setting: the same as arrays.
    donors: (J,) labels. features: names of predictors."""

    panel: Panel
    setting: Setting
    donors: Array
    excluded: tuple[str, ...]
    features: tuple[str, ...]

    @property
    def treated(self) -> int:
        """Treated units."""
        return int(self.setting.sizes.sum())

    @property
    def dated(self) -> bool:
        """One adoption date."""
        return len(self.setting.starts) == 1


def book(
    data: Panel | Sample, *, name: str, fit_from: int | None, exclude: Sequence[str], predictors: Sequence[str] = ()
) -> Book:
    """The units that a design weighs.

    Raises Refusal: rows observed once (E130), a treatment that switches off (P002), clusters of several units (E105),
    gaps (P007), unknown or treated units under `exclude` (R302), fewer than two never-treated donors (P006) or two
    periods before (P005), predictors that are unknown (D402), missing (P007), or from after the start (E106).
    """
    panel = _usable(data, name.replace("_", " "))
    panel = _without(panel, exclude)
    cohorts = panel.cohorts[panel.cohorts != NEVER]
    donors = panel.adoption == NEVER
    if donors.sum() < FEWEST:
        problem = f"{int(donors.sum())} units without the policy: nothing to weigh"
        raise Refusal("P006", panel.labels.unit, problem, "add units that the policy never reached")
    cohort = np.where(donors, DONOR, np.searchsorted(cohorts, panel.adoption))
    first = _first(panel, fit_from, int(cohorts.min()))
    setting = Setting(
        outcome=panel.outcome,
        cohort=cohort,
        starts=cohorts,
        ends=_ends(panel, cohorts),
        first=first,
        features=_features(panel, predictors, cohorts, first) if predictors else None,
    )
    return Book(panel, setting, panel.units[donors], tuple(exclude), tuple(predictors))


def plain(label: Any) -> str:
    """A unit or period as people write it: 48, not 48.0."""
    return f"{label:g}" if isinstance(label, float | np.floating) else str(label)


def _usable(data: Panel | Sample, words: str) -> Panel:
    if isinstance(data, Sample):
        raise Refusal("E130", "design", f"{words} needs the same units over time", "declare the unit column")
    if data.treatment is not None:
        where = data.labels.treatment or "treatment"
        raise Refusal("P002", where, f"{words} needs a policy that stays", "recode the column as adoption dates")
    if data.clusters < len(data.units):
        problem = f"{data.clusters} clusters of {len(data.units)} units: placebo units would not be independent"
        raise Refusal("E105", data.labels.cluster, problem, "average the rows by cluster and declare it as the unit")
    order = np.argsort(data.units, kind="stable")
    return data if (order == np.arange(len(order))).all() else _ordered(data, order)


def _ordered(panel: Panel, order: Array) -> Panel:
    return replace(
        panel,
        outcome=panel.outcome[order],
        units=panel.units[order],
        adoption=panel.adoption[order],
        weight=panel.weight[order],
        cluster=np.arange(len(order)),
        upcoming=panel.upcoming[order],
        covariates={name: values[order] for name, values in panel.covariates.items()},
    )


def _without(panel: Panel, exclude: Sequence[str]) -> Panel:
    names = [plain(unit) for unit in panel.units]
    for name in exclude:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            fix = f"did you mean {near[0]!r}?" if near else f"name a value of {panel.labels.unit}"
            raise Refusal("R302", "exclude", f"no unit is called {name!r}", fix)
        if panel.adoption[names.index(name)] != NEVER:
            raise Refusal("R302", "exclude", f"{name} is treated, not a donor", "use `where` to leave it out")
    return panel.only(~np.isin(names, list(exclude)), "donor left out by name") if exclude else panel


def _first(panel: Panel, fit_from: int | None, start: int) -> int:
    first = 0 if fit_from is None else int(np.searchsorted(panel.periods, fit_from))
    if start - first < FEWEST:
        where = "fit_from" if fit_from is not None else panel.labels.first_treated
        problem = f"{max(start - first, 0)} periods before the policy: weights cannot be fitted"
        raise Refusal("P005", where, problem, "start earlier, or choose a design of difference in differences")
    return first


def _ends(panel: Panel, cohorts: Array) -> Array:
    """(C,) one past the last period in which all units of a cohort are observed. Raises Refusal P007 for other gaps."""
    seen = np.isfinite(panel.outcome)
    ends = []
    for cohort in cohorts:
        every = seen[panel.adoption == cohort].all(axis=0)
        ends.append(len(every) if every.all() else int(np.argmin(every)))
        if ends[-1] <= cohort or seen[panel.adoption == cohort, ends[-1] :].any():
            raise _gap(panel)
    if not seen[panel.adoption == NEVER].all():
        raise _gap(panel)
    return np.array(ends)


def _gap(panel: Panel) -> Refusal:
    where = f"({panel.labels.unit},{panel.labels.time})"
    fix = "set `unbalanced: drop_units`, or narrow `since` and `until`"
    return Refusal("P007", where, "weights need every unit in every period", fix)


def _features(panel: Panel, predictors: Sequence[str], cohorts: Array, first: int) -> Array:
    """(C, N, k) predictors as each cohort sees them."""
    return np.array([[_feature(panel, text, int(c), first) for text in predictors] for c in cohorts]).swapaxes(1, 2)


def _feature(panel: Panel, text: str, start: int, first: int) -> Array:
    """(N,) one predictor: the mean of a column over its periods, or over all from the first one fitted."""
    column, _, when = text.partition("@")
    values = _column(panel, column)
    inside = _inside(panel, text, when, first, start)
    late = np.flatnonzero(inside)
    if late[-1] >= start:
        problem = f"{plain(panel.periods[late[-1]])} is not before the policy ({plain(panel.periods[start])})"
        raise Refusal("E106", f"predictors:{text}", problem, "use periods before the policy only")
    seen = np.isfinite(values[:, inside])
    empty = np.flatnonzero(~seen.any(axis=1))
    if len(empty):
        problem = f"missing for {len(empty)} units, first: {plain(panel.units[empty[0]])}"
        raise Refusal("P007", f"predictors:{text}", problem, "choose other periods, or name the units under `exclude`")
    return np.asarray(np.where(seen, values[:, inside], 0.0).sum(axis=1) / seen.sum(axis=1))


def _column(panel: Panel, column: str) -> Array:
    if column == panel.labels.outcome:
        return panel.outcome
    if column not in panel.covariates:
        raise Refusal("D402", f"predictors:{column}", "the data do not hold this column", "name a column of the table")
    return panel.covariates[column]


def _inside(panel: Panel, text: str, when: str, first: int, start: int) -> Array:
    places = np.arange(len(panel.periods))
    if not when:
        return (places >= first) & (places < start)
    match = PERIOD.fullmatch(when)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    inside = (panel.periods >= low) & (panel.periods <= high)
    if not inside.any():
        problem = "no period of the data lies there"
        raise Refusal("R302", f"predictors:{text}", problem, "write column, column@1988 or column@1985-1993")
    return np.asarray(inside)
