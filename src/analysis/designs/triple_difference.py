"""Triple differences: eligible against ineligible units, where the policy came against where it did not (yet).

Estimand: the average effect on eligible units of the groups that the policy reached, by cohort g and period t;
    averaged over treated cells, event times, cohorts or periods, cohorts weighted by their eligible units.
Assumes: without the policy, the gap between eligible and ineligible units (of the same covariates, where there are any)
    would have changed by as much where the policy came as in each comparison cohort; no anticipation beyond the
    declared periods; the policy leaves ineligible units alone. Covariates have their value in the earlier of the two
    periods compared, before adoption.
Reference: Ortiz-Villavicencio and Sant'Anna (2025), "Better Understanding Triple Differences Estimators"; R package
    triplediff (there, cohorts weigh as much as all their units, here as their eligible ones).
Fails when: ineligible units are touched by the policy, the gap was changing before, or one of the four groups is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from analysis.designs import _common
from analysis.designs._group_cells import (
    ADJUSTED,
    SPARE,
    Cell,
    Covariates,
    Members,
    Pieces,
    Problem,
    carried,
    change,
    few_never_treated,
    limits,
    nothing_left,
    omission,
    pieces,
    wanted,
)
from analysis.inference import doubly_robust
from analysis.panel import NEVER, Array, Panel, Sample
from analysis.refusal import Refusal
from analysis.result import Effects

AVERAGES = ("simple", "event_time", "cohort", "period")


@dataclass(frozen=True, eq=False)
class _Setting:
    """What every triple difference needs. eligible: (units,) bool. code: (units,) rows of the cohorts."""

    panel: Panel
    eligible: Array
    code: Array
    covariates: Covariates
    adjustment: str


@dataclass(frozen=True, eq=False)
class _Triple:
    """One comparison cohort's answer for a cell: its value, and contributions of units, the treated cohort's first."""

    value: float
    units: Array
    parts: Array


def estimate(
    data: Panel | Sample,
    *,
    comparison: str = "not_yet_treated",
    base_period: str = "universal",
    anticipation: int = 0,
    covariates: Sequence[str] = (),
    adjustment: str = "doubly_robust",
) -> Effects:
    """All group-time effects on eligible units with their joint covariance and that of the cohort shares.

    Each is the (adjusted) difference in differences of the cohort's eligible units against its ineligible ones, plus
    the one against a comparison cohort's eligible units, minus the one against its ineligible units. Comparison cohorts
    are never pooled, which would be biased where they differ in their share of eligible units; they are combined with
    the weights that give the smallest variance (of units taken as independent). A not-yet-treated cohort with too few
    units on either side is not compared with while another is.

    Args:
        data: a Panel without gaps that says who is `eligible`; its adoption dates are those of the surroundings.
        comparison: "never_treated" or "not_yet_treated" (never-treated cohort included).
        base_period, anticipation, covariates, adjustment: as in `group_time`.

    Raises:
        Refusal: eligible missing, or one of the four groups empty (E131); no never-treated group (P006), or fewer units
            in it on one side than the covariates need (E113); rows observed once (E130); gaps (P007); a switching
            treatment (P002); no estimable cell (P005, E107, E126).
    """
    names = list(covariates)
    panel = _common.panel_of(data, name="triple_difference", eligible=True).without_early_reactions(anticipation)
    eligible = _eligible(panel, comparison, len(names))
    cells = wanted(panel.cohorts, _seen(panel, eligible), comparison, base_period, anticipation)
    found = _estimated(panel, eligible, cells, names, adjustment)
    adoption = panel.cohorts[found.row]
    post = found.period >= adoption
    if not post.any():
        raise nothing_left(found, panel.periods, panel.cohorts, names)
    meant = panel.only(eligible, "the policy is not meant for it")
    facts = _common.facts(panel, anticipation)
    facts["baseline"] = _common.baseline(meant, anticipation, np.unique(adoption[post]))
    return Effects(
        **carried(meant, found, panel.cohorts, _behind(panel, eligible, found.cells)),
        **facts,
        reference=-1 - anticipation if base_period == "universal" else None,
        anticipation=anticipation,
        estimand="average effect on eligible units where the policy came, every unit and period counting the same"
        + limits(panel, adoption[post], found.period[post]),
        method=_method(panel, found, comparison, names, adjustment),
        inference=(
            f"standard errors from influence functions summed by {_common.cluster_word(panel)} ({panel.clusters} "
            f"clusters), including the estimated cohort shares, no small-sample factor; t distribution with "
            f"{panel.clusters - 1} degrees of freedom"
        ),
        refit=partial(
            estimate,
            comparison=comparison,
            base_period=base_period,
            anticipation=anticipation,
            covariates=tuple(names),
            adjustment=adjustment,
        ),
    )


def _eligible(panel: Panel, comparison: str, covariates: int) -> Array:
    """Who is eligible. Raises Refusal where nobody says so, or one of the four groups is empty or too small."""
    if panel.eligible is None:
        problem = "triple differences need to know which units the policy is meant for"
        raise Refusal("E131", "eligible", problem, "name the column under `eligible`")
    never = panel.adoption == NEVER
    if comparison == "never_treated" and not never.any():
        raise Refusal("P006", "comparison", "no never-treated group", "set `comparison: not_yet_treated`")
    others = never if comparison == "never_treated" else panel.adoption != panel.cohorts[panel.cohorts != NEVER].min()
    for where, words in ((~never, "where the policy came"), (others, "where it did not come (yet)")):
        for who, kind in ((panel.eligible, "eligible"), (~panel.eligible, "ineligible")):
            if not (where & who).any():
                fix = "check the column, or use `design: group_time` without `eligible`"
                raise Refusal("E131", "eligible", f"no {kind} unit {words}", fix)
    fewest = min((never & panel.eligible).sum(), (never & ~panel.eligible).sum())
    if comparison == "never_treated" and covariates and fewest < covariates + SPARE:
        raise few_never_treated(fewest, covariates)
    return panel.eligible


def _seen(panel: Panel, eligible: Array) -> Array:
    """(G, T) whether a cohort has both eligible and ineligible units in a period."""
    observed = np.isfinite(panel.outcome)
    return np.stack(
        [
            observed[(panel.adoption == cohort) & eligible].any(axis=0)
            & observed[(panel.adoption == cohort) & ~eligible].any(axis=0)
            for cohort in panel.cohorts
        ]
    )


def _estimated(panel: Panel, eligible: Array, cells: list[Cell], names: list[str], adjustment: str) -> Pieces:
    """Every cell: one triple difference per comparison cohort, combined."""
    code = np.searchsorted(panel.cohorts, panel.adoption)
    covariates = Covariates([panel.covariates[name] for name in names])
    setting = _Setting(panel, eligible, code, covariates, adjustment)
    fewest = np.array([np.bincount(eligible[code == row], minlength=2).min() for row in range(len(panel.cohorts))])
    cells = [_with_large_enough(cell, fewest >= SPARE + len(names)) for cell in cells]
    values, contributions = np.zeros(len(cells)), np.zeros((len(cells), panel.clusters))
    problems: dict[int, Problem] = {}
    for row in sorted({cell.row for cell in cells}):
        own = {k: cell for k, cell in enumerate(cells) if cell.row == row and cell.period != cell.base}
        answers, failed = _of_cohort(setting, row, own)
        problems.update({k: failed[k] for k in own if k not in answers})
        for k, triples in answers.items():
            weights = _smallest_variance(triples, int((code == row).sum()))
            values[k] = weights @ [one.value for one in triples]
            for weight, one in zip(weights, triples, strict=True):
                contributions[k] += np.bincount(panel.cluster[one.units], weight * one.parts, panel.clusters)
    weight = panel.weight[eligible] / panel.weight[eligible].mean()
    members = Members(code[eligible], weight, panel.cluster[eligible], panel.clusters)
    return pieces(cells, values, contributions, problems, members)


def _with_large_enough(cell: Cell, large: Array) -> Cell:
    """The cell with those comparison cohorts that are `large` (G,) enough on both sides, or with all where none is."""
    return replace(cell, controls=tuple(c for c in cell.controls if large[c]) or cell.controls)


def _of_cohort(
    setting: _Setting, row: int, cells: dict[int, Cell]
) -> tuple[dict[int, list[_Triple]], dict[int, Problem]]:
    """The triple differences of one cohort's cells, from each comparison cohort that can give one."""
    answers: dict[int, list[_Triple]] = {}
    problems: dict[int, Problem] = {}
    place = {k: setting.covariates.place(cell.earlier) for k, cell in cells.items()}
    for control, when in sorted({(c, place[k]) for k, cell in cells.items() for c in cell.controls}):
        ks = [k for k, cell in cells.items() if control in cell.controls and place[k] == when]
        found = _triples(setting, row, control, when, [cells[k] for k in ks])
        if isinstance(found, Problem):
            problems.update(dict.fromkeys(ks, found))
            continue
        for k, triple in zip(ks, found, strict=True):
            answers.setdefault(k, []).append(triple)
    return answers, problems


def _triples(setting: _Setting, row: int, control: int, place: int, cells: list[Cell]) -> list[_Triple] | Problem:
    """Triple differences of cohort `row` against cohort `control`, or why there are none.

    The eligible units of the cohort against three groups: its ineligible ones, and the other cohort's eligible (added)
    and ineligible ones (subtracted).
    """
    panel, code = setting.panel, setting.code
    units = np.concatenate([np.flatnonzero(code == row), np.flatnonzero(code == control)])
    here, eligible = code[units] == row, setting.eligible[units]
    design, moved = setting.covariates.at(units, place), change(panel, units, cells)
    values, parts = np.zeros(len(cells)), np.zeros_like(moved)
    for sign, others in ((1, here & ~eligible), (1, ~here & eligible), (-1, ~here & ~eligible)):
        pair = (here & eligible) | others
        treated, weight = here[pair] & eligible[pair], panel.weight[units[pair]]
        groups = doubly_robust.compared(treated, design[pair], weight, setting.adjustment)
        if groups.problem:
            return Problem(groups.problem, groups.column)
        value, part = doubly_robust.changes(groups, moved[pair])
        values += sign * value
        parts[pair] += sign * part
    return [_Triple(float(values[k]), units, parts[:, k]) for k in range(len(cells))]


def _smallest_variance(triples: list[_Triple], own: int) -> Array:
    """Weights, adding up to one, of the combination with the smallest variance; equal ones where it is not defined.

    The answers share the treated cohort's `own` units, which come first in each.
    """
    equal = np.full(len(triples), 1 / len(triples))
    shared = np.stack([one.parts[:own] for one in triples])
    variance = shared @ shared.T + np.diag([float(one.parts[own:] @ one.parts[own:]) for one in triples])
    size = np.sqrt(np.diag(variance))
    if not size.all() or np.linalg.eigvalsh(variance / np.outer(size, size))[0] < doubly_robust.RANK:
        return equal
    weights = np.linalg.solve(variance, equal)
    return np.asarray(weights / weights.sum())


def _behind(panel: Panel, eligible: Array, cells: list[Cell]) -> Array:
    """(K,) clusters in the smallest of each cell's three comparison groups."""
    code = np.searchsorted(panel.cohorts, panel.adoption)
    counts: dict[tuple[int, ...], int] = {}
    for cell in cells:
        key = (cell.row, *cell.controls)
        if key not in counts:
            elsewhere = np.isin(code, cell.controls)
            groups = ((code == cell.row) & ~eligible, elsewhere & eligible, elsewhere & ~eligible)
            counts[key] = min(len(np.unique(panel.cluster[group])) for group in groups)
    return np.array([counts[(cell.row, *cell.controls)] for cell in cells], dtype=int)


def _method(panel: Panel, found: Pieces, comparison: str, names: list[str], adjustment: str) -> str:
    adjusted = f", adjusted for {', '.join(names)} ({ADJUSTED[adjustment]})" if names else ""
    combined = "; comparison cohorts combined for the smallest variance" if comparison == "not_yet_treated" else ""
    left = omission(found, panel.periods, panel.cohorts)
    return (
        f"triple differences against {comparison.replace('_', '-')} cohorts{adjusted}{combined}; "
        f"{_common.weight_words(panel)}" + (f"; left out: {left}" if left else "")
    )
