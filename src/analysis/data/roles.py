"""The study's table in its roles: filtered, cut to its periods, and made a Panel, a Sample or Rows."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analysis.data import catalog, observations, panels, samples, table
from analysis.panel import Dropped, Labels
from analysis.refusal import Refusal
from analysis.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from analysis.result import AnyData

COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
PUBLIC = ("places", "organisations", "periods")  # units that a page may name
SWITCHES = ("treatment", "dose", "eligible")
CONDITION = re.compile(r"\s*([A-Za-z_][\w. -]*?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*")


def study_data(study: Study) -> AnyData:
    """The data behind `study`: Rows where its family takes them; else units with a declared unit column make a Panel,
    rows without one a Sample."""
    source, frame, labels, dropped = chosen_rows(study)
    with _in_file(source):
        built = _built(study, frame, labels)
    return replace(built, dropped=(*dropped, *built.dropped))


def chosen_rows(study: Study) -> tuple[catalog.Source, pd.DataFrame, Labels, list[Dropped]]:
    """The rows that `where`, `since` and `until` keep, before any is left out for a missing value; what they left out.

    Also the declaration and the column of each role. Raises Refusal as `table.load` and `labels_of` do.
    """
    source = catalog.read(study.dataset)
    frame = table.load(study.dataset)
    labels = labels_of(study, source)
    frame, dropped = _kept(frame, study, labels, source)
    return source, frame, labels, dropped


def _built(study: Study, frame: pd.DataFrame, labels: Labels) -> AnyData:
    rows = study.SHAPE == "rows"
    apart = ("outcome", "weight", "cluster") if rows else ("outcome", "weight", "cluster", *SWITCHES)
    carried = list(dict.fromkeys(name for field, name in study.columns() if field not in apart))
    if rows:
        gaps = {name for field, name in study.columns() if field in study.GAPS}
        return observations.rows_from_frame(frame, labels, columns=carried, unobserved=study.UNOBSERVED, gaps=gaps)
    if not labels.unit:
        return samples.sample_from_frame(frame, labels, covariates=carried)
    unbalanced = _given(study, "unbalanced") or "refuse"
    return panels.panel_from_frame(frame, labels, covariates=carried, unbalanced=unbalanced, sparse=study.SPARSE)


def _given(study: Study, field: str) -> str:
    """The study's choice for a field that only some families have; empty where it has none."""
    return (getattr(study, field) or "") if field in type(study).model_fields else ""


def check(study: Study, file: str) -> None:
    """What the declaration alone can tell: roles and filter conditions. Raises Refusal naming the parameter `file`."""
    source = catalog.read(study.dataset)
    labels_of(study, source)
    for text in study.where:
        try:
            condition(text, source)
        except Refusal as refusal:
            raise refusal if "/" in refusal.where else refusal.at(file) from None


def labels_of(study: Study, source: catalog.Source) -> Labels:
    """The column behind each role: the study's own choice, else the one the declaration gives that role."""
    for field, name in study.columns():
        (catalog.column if field in study.ANYTHING else catalog.numbers)(source, name)

    said, public = {name: column.label for name, column in source.columns.items()}, source.units in PUBLIC

    def only(role: catalog.Role) -> str:
        return next(iter(catalog.by_role(source, role)), "")

    if study.SHAPE == "rows":
        cluster = study.cluster or only("cluster")
        keys = {"time": only("time"), "unit": only("unit"), "cluster": cluster}
        return Labels(study.outcome, weight=study.weight or "", said=said, public=public, **keys)
    treatment = _given(study, "treatment") or ("" if only("first_treated") else only("treated"))
    if not only("time") or not (only("first_treated") or treatment):
        raise Refusal(
            "D401",
            f"{source.declaration}:columns",
            "the table needs one row per unit and period, with a column for each of the roles time and first_treated",
            "below the column of the first period under the policy (empty where it never came) add the line `role: "
            "first_treated`, below that of the period `role: time` (and `role: unit`, where units are followed)",
        )
    return Labels(
        outcome=study.outcome,
        time=only("time"),
        unit=only("unit"),
        first_treated="" if treatment else only("first_treated"),
        weight=study.weight or "",
        cluster=study.cluster or (only("cluster") if only("unit") else ""),
        treatment=treatment,
        dose=_given(study, "dose"),
        eligible=_given(study, "eligible"),
        said=said,
        public=public,
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
    if not labels.time and not (study.since is None and study.until is None):
        problem = "the table has no column with the role time"
        raise Refusal("R302", "since" if study.since is not None else "until", problem, "use `where`, or declare one")
    if study.since is not None:
        conditions.append((labels.time, ">=", study.since))
    if study.until is not None:
        conditions.append((labels.time, "<=", study.until))
    dropped: list[Dropped] = []
    for name, sign, value in conditions:
        missing = frame[name].isna().to_numpy()
        keep = COMPARE[sign](frame[name], value).fillna(False).to_numpy(dtype=bool)
        for out, reason in ((missing, "is missing"), (~keep & ~missing, opposite(sign, value))):
            if out.any():
                units = frame[labels.unit][out].nunique() if labels.unit else int(out.sum())
                dropped.append(Dropped(f"{labels.word(name)} {reason}", int(units), int(out.sum())))
        frame = frame[keep & ~missing]
    return frame, dropped


def opposite(sign: str, value: Any) -> str:
    """What is true of the rows that a condition leaves out, in words: `year >= 1990` leaves out `below 1990`."""
    if isinstance(value, bool):
        return "is not true" if value == (sign == "==") else "is true"
    shown = f"{value:.10g}" if isinstance(value, float) else str(value)
    words = {"==": "is not {}", "!=": "is {}", "<=": "is above {}", ">=": "is below {}"}
    words |= {"<": "is {} or above", ">": "is {} or below"}
    return words[sign].format(shown)


@contextmanager
def _in_file(source: catalog.Source) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        raise refusal.at(f"data/raw/{source.dataset}/{source.file}") from None
