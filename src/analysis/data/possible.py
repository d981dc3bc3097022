"""Choices of a study held against its table: first against the declaration, then against the data themselves."""

from __future__ import annotations

from typing import Any

from analysis.data import catalog, roles
from analysis.data.declared import Column, Source
from analysis.inference import periods, trial_arms
from analysis.refusal import Refusal
from analysis.rows import Rows
from analysis.studies.interrupted_time_series import Study as Series
from analysis.studies.panel_fixed_effects import Study as Fixed
from analysis.studies.randomised_trial import Study as Trial
from analysis.studies.regression_discontinuity import Study as Discontinuity
from analysis.studies.weighting import Study as Weighting
from analysis.study import Study

NEEDED: dict[str, tuple[str, ...]] = {
    "interrupted_time_series": ("time",),
    "panel_fixed_effects": ("unit", "time"),
    "synthetic_control": ("unit", "time"),
    "difference_in_differences": ("time",),
}
MEANS = {"unit": "place, firm or person", "time": "period, as a number", "first_treated": "first period of the policy"}


def by_declaration(study: Study, file: str) -> None:
    """Refuse choices that the declaration of the table rules out, naming the parameter `file`. Reads no data.

    Raises Refusal: roles and filters as `roles.check`, D401 a role that the family needs, P008 periods that are not
    numbers, D402 dates where numbers are needed, R302 a value outside the declared range or list.
    """
    source = catalog.read(study.dataset)
    needs_roles(study.FAMILY, source)
    roles.check(study, file)
    labels = roles.labels_of(study, source)
    if labels.time and source.columns[labels.time].type not in ("integer", "number"):
        problem = f"the role time is on a column of type {source.columns[labels.time].type}"
        fix = "number the periods (2014, 201403 for March, 20141 for a first quarter) and declare `type: integer`"
        raise Refusal("P008", f"{source.declaration}:columns.{labels.time}", problem, fix)
    for field, name in study.columns():
        if source.columns[name].type == "date" and field != "cluster":
            fix = "name another column, or give the file one of whole numbers"
            raise Refusal("D402", f"{file}:{field}", f"{name} holds dates, where numbers are needed", fix)
    for field, column, value in _values(study, labels.time):
        if column:
            _within(value, source.columns[column], column, f"{file}:{field}", strict=field == "cutoff")


def needs_roles(family: str, source: Source) -> None:
    """Raises Refusal D401 with the line to add where the table lacks a role that the `family` cannot do without."""
    for role in NEEDED.get(family, ()):
        if not catalog.by_role(source, role):  # type: ignore[arg-type]
            where = f"{source.declaration}:columns"
            fix = f"below the column of the {MEANS[role]}, add the line `role: {role}`"
            raise Refusal("D401", where, f"no column has the role {role}, which {family.replace('_', ' ')} needs", fix)


def by_data(study: Study) -> None:
    """Refuse choices that the table itself rules out. Builds the study's data.

    Raises Refusal: whatever `data.load` does, P005 an arm that is not there, a start or a cut-off outside the data, a
    column of who was treated that is not 0 and 1.
    """
    from analysis import data

    found = data.load(study)
    if not isinstance(found, Rows):
        return
    if isinstance(study, Trial):
        trial_arms.arms(found, study.treatment, study.control_arm, study.arm)
        if study.received:
            found.binary(study.received)
    if isinstance(study, Weighting):
        found.binary(study.treatment)
    if isinstance(study, Fixed) and found.column(study.treatment).min() == found.column(study.treatment).max():
        raise Refusal("P005", "treatment", f"{study.treatment} never varies", "name another column, or check `where`")
    if isinstance(study, Discontinuity):
        _both_sides(found, study)
    if isinstance(study, Series) and found.time is not None:
        _before_and_after(found, study)


def _values(study: Study, time: str) -> list[tuple[str, str, Any]]:
    """(field, column, value) for every value that must occur in a column."""
    found: list[tuple[str, str, Any]] = [("since", time, study.since), ("until", time, study.until)]
    if isinstance(study, Trial):
        found += [("control_arm", study.treatment, study.control_arm), ("arm", study.treatment, study.arm)]
    if isinstance(study, Discontinuity):
        found.append(("cutoff", study.running, study.cutoff))
    if isinstance(study, Series):
        found += [("start", time, study.start), ("end", time, study.end)]
    return [entry for entry in found if entry[2] is not None]


def _within(value: Any, declared: Column, column: str, where: str, *, strict: bool) -> None:
    """Raises Refusal R302 unless the declaration of `column` allows `value` (or, `strict`, values on both sides)."""
    if declared.type == "text":
        if declared.values is not None and str(value) not in [str(known) for known in declared.values]:
            listed = ", ".join(str(known) for known in declared.values[:12])
            raise Refusal("R302", where, f"{column} has no value {value!r}", f"write one of {listed}")
        return
    if isinstance(value, str):
        raise Refusal("R302", where, f"{column} holds numbers, not {value!r}", "write one of the numbers in the column")
    for limit, word, out in (
        (declared.minimum, "minimum", declared.minimum is not None and value < declared.minimum),
        (declared.maximum, "maximum", declared.maximum is not None and value > declared.maximum),
    ):
        if out or (strict and value == limit):
            side = "below" if word == "minimum" else "above"
            problem = f"{value:g} is {'at' if not out else side} the {word} of {column}, {limit:g}"
            raise Refusal("R302", where, problem, f"write a value inside the range of {column}")


def _both_sides(rows: Rows, study: Discontinuity) -> None:
    score = rows.column(study.running)
    above = score >= study.cutoff
    if above.all() or not above.any():
        problem = f"{study.cutoff:g} leaves no row {'below' if above.all() else 'above'} it: "
        problem += f"{study.running} runs from {score.min():g} to {score.max():g}"
        raise Refusal("P005", "cutoff", problem, f"write a value inside the range of {study.running}")


def _before_and_after(rows: Rows, study: Series) -> None:
    assert rows.time is not None
    periods.places(rows.time, rows.labels.time)
    first, last = float(rows.time.min()), float(rows.time.max())
    if not first < study.start <= last:
        kind = periods.calendar(rows.time)
        span = f"the data run from {periods.words(first, kind)} to {periods.words(last, kind)}"
        side = "before" if study.start <= first else "under"
        raise Refusal("P005", "start", f"no period {side} the policy: {span}", "correct it")
    for field, value in (("start", study.start), ("end", study.end)):
        if value is not None:
            periods.belongs(value, rows.time, field)
