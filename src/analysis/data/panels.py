"""From a long table to a `Panel`: every structural defect is found here, before any estimate.

The common case, a table sorted by unit and period with no row missing, is recognised without sorting or hashing,
so that millions of rows cost a few passes over contiguous memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.adoption import positions, switches, upcoming
from analysis.data.grid import Grid, codes, plain
from analysis.panel import NEVER, Array, Dropped, Labels, Panel
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd

MOST_MISSING = 0.2


def panel_from_frame(
    frame: pd.DataFrame,
    labels: Labels,
    *,
    covariates: Sequence[str] = (),
    unbalanced: str = "refuse",
    sparse: bool = False,
) -> Panel:
    """The panel that `frame` (one row per unit and period) holds under the roles in `labels`.

    Args:
        frame: long table; not changed. Blank first_treated = never treated.
        labels: the column of each role; weight and cluster may be "" (equal weights; every unit its own cluster).
            A treatment column takes the place of adoption dates; dose and eligible may be "".
        covariates: columns carried along, observed in every cell.
        unbalanced: "refuse" missing unit-periods, "drop_units" that miss any, or "keep" them as missing.
        sparse: covariates may be missing in some cells.

    Raises:
        Refusal: duplicates, missing keys, non-finite outcomes, missing cells, adoption dates that vary within a unit
            or look like codes, weights or clusters that vary within a unit, no treated or no untreated observation.
    """
    index = Grid(frame, labels)
    outcome = _finite_outcome(index.matrix(labels.outcome), labels.outcome)
    adoption, ahead, treatment = _timing(index, labels)
    panel = Panel(
        outcome=outcome,
        units=index.units,
        periods=index.periods,
        adoption=adoption,
        upcoming=ahead,
        notes=_gaps(index.periods, labels.time),
        weight=_weight(index, labels),
        cluster=_cluster(index, labels),
        labels=labels,
        covariates={name: index.matrix(name) for name in covariates},
        treatment=treatment,
        dose=_dose(index, labels.dose) if labels.dose else None,
        eligible=_eligible(index, labels.eligible) if labels.eligible else None,
    )
    panel = replace(panel, dropped=_unobserved(index, panel))
    panel = _balanced(panel, unbalanced, {} if sparse else panel.covariates)
    _check_covariates(panel)
    reason = f"treated from the first period ({panel.periods[0]}) on: no period before the policy"
    panel = panel.only(np.asarray(panel.adoption != 0), reason)
    _check_contrast(panel)
    panel.outcome.flags.writeable = False
    return panel


def _unobserved(index: Grid, panel: Panel) -> tuple[Dropped, ...]:
    """The rows of the table that have no outcome: they are not analysed, whatever becomes of their units."""
    without = index.observed(panel.outcome) & np.isnan(panel.outcome)
    rows, units = int(without.sum()), int(without.any(axis=1).sum())
    return (Dropped(f"{panel.labels.word(panel.labels.outcome)} is missing", units, rows),) if rows else ()


def _timing(index: Grid, labels: Labels) -> tuple[Array, Array, Array | None]:
    """Adoption positions, periods to adoptions after the panel, and the treatment where it can switch off."""
    if not labels.treatment:
        dates = index.constant(labels.first_treated, "P003")
        places = positions(dates, index.periods, labels.first_treated)
        return places, upcoming(dates, index.periods), None
    treatment = index.matrix(labels.treatment)
    missing = int((np.isnan(treatment) & index.observed(treatment)).sum())
    if missing:
        problem = f"{missing} rows do not say whether they are treated"
        raise Refusal("P009", labels.treatment, problem, "write 0 or 1 in every row")
    adoption, absorbing = switches(treatment)
    return adoption, np.zeros(len(adoption), dtype=int), None if absorbing else treatment


def _dose(index: Grid, name: str) -> Array:
    dose = np.nan_to_num(index.constant(name, "E132"))
    if (dose < 0).any():
        raise Refusal("E132", name, "a negative dose", "write 0 for units that are never treated")
    return dose


def _eligible(index: Grid, name: str) -> Array:
    eligible = index.constant(name, "E131")
    if not np.isin(eligible, (0.0, 1.0)).all():
        raise Refusal("E131", name, "a unit is neither eligible (1) nor not (0)", "write 0 or 1 for every unit")
    return np.asarray(eligible == 1.0)


def _finite_outcome(outcome: Array, name: str) -> Array:
    count = int(np.isinf(outcome).sum())
    if count:
        raise infinite(name, count)
    low, high = (np.fmin.reduce(outcome, axis=None), np.fmax.reduce(outcome, axis=None)) if outcome.size else (0, 0)
    if not high > low:
        raise Refusal("E117", name, "the outcome never varies", "choose another outcome, or check `where`")
    return outcome


def infinite(name: str, count: int) -> Refusal:
    """The refusal of an outcome with infinite values."""
    return Refusal("E117", name, f"{count} infinite values", "correct the source")


def _balanced(panel: Panel, unbalanced: str, complete: Mapping[str, Array]) -> Panel:
    missing = ~np.isfinite(panel.outcome)
    for values in complete.values():
        missing |= ~np.isfinite(values)
    count = int(missing.sum())
    if not count:
        return panel
    if unbalanced == "keep":
        return _with_gaps(panel, missing)
    if unbalanced == "drop_units":
        kept = panel.only(np.logical_not(missing.any(axis=1)), "not observed in every period")
        if len(kept.units):
            return kept
    row = int(np.flatnonzero(missing.any(axis=1))[0])
    column = int(np.flatnonzero(missing[row])[0])
    raise Refusal(
        "P007",
        f"({panel.labels.unit},{panel.labels.time})",
        f"panel unbalanced: {count} of {missing.size} unit-periods missing, first: "
        f"{plain(panel.units[row])},{plain(panel.periods[column])}",
        "supply them, narrow `since`/`until`, or set `unbalanced: drop_units` to leave those units out and say so "
        "(`keep` for the designs that can work with gaps)",
    )


def _with_gaps(panel: Panel, missing: Array) -> Panel:
    """The panel with its gaps and a note of their share; more than a fifth missing is refused."""
    share = missing.mean()
    where = f"({panel.labels.unit},{panel.labels.time})"
    counted = f"{int(missing.sum())} of {missing.size} unit-periods missing ({100 * share:.1f} %)"
    if share > MOST_MISSING:
        raise Refusal("P007", where, f"panel unbalanced: {counted}", "narrow `since`/`until`, or find the missing rows")
    seen = panel.only(np.logical_not(missing.all(axis=1)), "not observed in any period")
    outcome = np.where(missing[~missing.all(axis=1)], np.nan, seen.outcome)
    return replace(seen, outcome=outcome, notes=(*panel.notes, f"the panel has gaps: {counted}"))


def _weight(index: Grid, labels: Labels) -> Array:
    if not labels.weight:
        return np.ones(index.shape[0])
    weight = index.constant(labels.weight, "E129")
    return positive(weight, labels.weight)


def positive(weight: Array, name: str) -> Array:
    """Weights scaled to mean one. Raises Refusal unless all are finite and positive."""
    if not (np.isfinite(weight).all() and (weight > 0).all()):
        raise Refusal("E129", name, "a weight is missing, zero or negative", "every unit needs a positive weight")
    return np.asarray(weight / weight.mean())


def _cluster(index: Grid, labels: Labels) -> Array:
    if not labels.cluster or labels.cluster == labels.unit:
        return np.arange(index.shape[0])
    column = index.frame[labels.cluster]
    if column.isna().any():
        raise Refusal("E105", labels.cluster, "a row has no cluster", "every unit needs its cluster")
    coded = index.frame.assign(**{labels.cluster: codes(column.to_numpy())})
    return codes(Grid(coded, labels).constant(labels.cluster, "E105"))


def _gaps(periods: Array, name: str) -> tuple[str, ...]:
    steps = np.diff(periods.astype(float))
    if not len(steps) or steps.max() == steps.min():
        return ()
    place = int(steps.argmax())
    jump = f"{plain(periods[place])} to {plain(periods[place + 1])}"
    return (f"{name} jumps from {jump}: time since adoption is counted in observed periods",)


def _check_covariates(panel: Panel) -> None:
    for name, values in panel.covariates.items():
        if np.nanmin(values) == np.nanmax(values):
            raise Refusal("E107", name, "the covariate never varies", "drop it from `covariates`")


def _check_contrast(panel: Panel) -> None:
    where = panel.labels.treatment or panel.labels.first_treated
    if not (panel.adoption != NEVER).any():
        raise Refusal("P005", where, "no treated units within these periods", "check the adoption dates and `until`")
    if not (~panel.treated[:, int(panel.cohorts[panel.cohorts != NEVER].min())]).any():
        raise Refusal(
            "P005", where, "no untreated observation to compare with", "add units that adopted later or never"
        )
