"""The study's table in its roles: filtered, cut to its periods, and made a Panel or a Sample."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analysis.data import catalog, panels, samples, table
from analysis.panel import Dropped, Labels, Panel, Sample
from analysis.refusal import Refusal
from analysis.study import Study

if TYPE_CHECKING:
    import pandas as pd

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
CONDITION = re.compile(r"\s*([A-Za-z_][\w. -]*?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*")


def study_data(study: Study) -> Panel | Sample:
    """The data behind `study`. Units with a declared unit column make a Panel, rows without one a Sample."""
    source = catalog.read(study.dataset)
    frame = table.load(study.dataset)
    labels = labels_of(study, source)
    frame, dropped = _kept(frame, study, labels, source)
    with _in_file(source):
        carried = list(dict.fromkeys([*study.covariates, *_also(study)]))
        if labels.unit:
            built: Panel | Sample = panels.panel_from_frame(
                frame, labels, covariates=carried, unbalanced=study.unbalanced
            )
        else:
            built = samples.sample_from_frame(frame, labels, covariates=carried)
    return replace(built, dropped=(*dropped, *built.dropped))


def check(study: Study, file: str) -> None:
    """What the declaration alone can tell: roles and filter conditions. Raises Refusal naming the parameter `file`."""
    source = catalog.read(study.dataset)
    labels_of(study, source)
    for text in study.where:
        try:
            condition(text, source)
        except Refusal as refusal:
            raise refusal if "/" in refusal.where else refusal.at(file) from None


def _also(study: Study) -> list[str]:
    """Columns that checks look at, carried along beside the covariates."""
    return [name for name in (study.placebo_outcome, study.exposure) if name]


def labels_of(study: Study, source: catalog.Source) -> Labels:
    """The column behind each role: the study's own choice, else the one the declaration gives that role."""
    named = (study.weight, study.cluster, study.treatment, study.dose, study.eligible, *_also(study))
    columns = [study.outcome, *study.covariates, *(name for name in named if name)]
    for name in columns:
        known = catalog.column if name == study.cluster else catalog.numbers
        known(source, name)

    def only(role: catalog.Role) -> str:
        return next(iter(catalog.by_role(source, role)), "")

    treatment = study.treatment or ("" if only("first_treated") else only("treated"))
    if not only("time") or not (only("first_treated") or treatment):
        raise Refusal(
            "D401",
            f"{source.declaration}:columns",
            "the table needs one row per unit and period, with a column for each of the roles time and first_treated",
            "give one column each of these roles (and one the role unit, when units are followed over time)",
        )
    return Labels(
        outcome=study.outcome,
        time=only("time"),
        unit=only("unit"),
        first_treated="" if treatment else only("first_treated"),
        weight=study.weight or "",
        cluster=study.cluster or (only("cluster") if only("unit") else ""),
        treatment=treatment,
        dose=study.dose or "",
        eligible=study.eligible or "",
    )


def condition(text: str, source: catalog.Source) -> tuple[str, str, Any]:
    """`column == value` (or another comparison) as its three parts, the value in the column's type."""
    match = CONDITION.fullmatch(text)
    if not match:
        raise Refusal(
            "R302", "where", f"{text!r} is not `column == value`", "compare a column with ==, !=, <, <=, >, >="
        )
    name, sign, value = match[1], match[2], match[3].strip("'\"")
    declared = catalog.column(source, name)
    if declared.type in ("integer", "number"):
        try:
            return name, sign, float(value)
        except ValueError:
            raise Refusal("R302", "where", f"{name} holds numbers, not {value!r}", "compare it with a number") from None
    if declared.type == "boolean":
        if value not in ("true", "false"):
            raise Refusal("R302", "where", f"{name} is true or false, not {value!r}", "compare it with true or false")
        return name, sign, value == "true"
    return name, sign, value


def _kept(
    frame: pd.DataFrame, study: Study, labels: Labels, source: catalog.Source
) -> tuple[pd.DataFrame, list[Dropped]]:
    conditions = [condition(text, source) for text in study.where]
    if study.since is not None:
        conditions.append((labels.time, ">=", study.since))
    if study.until is not None:
        conditions.append((labels.time, "<=", study.until))
    dropped = []
    for name, sign, value in conditions:
        keep = COMPARE[sign](frame[name], value).fillna(False).to_numpy(dtype=bool) & frame[name].notna().to_numpy()
        if not keep.all():
            units = frame[labels.unit][~keep].nunique() if labels.unit else int((~keep).sum())
            shown = f"{value:g}" if isinstance(value, float) else value
            dropped.append(Dropped(f"outside {name} {sign} {shown}", int(units), int((~keep).sum())))
            frame = frame[keep]
    return frame, dropped


@contextmanager
def _in_file(source: catalog.Source) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        raise refusal.at(f"data/raw/{source.dataset}/{source.file}") from None
