"""The specification curve: every defensible answer in order of size, with the choices behind each beneath it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.report import charts, display, palette
from analysis.report import specification_curve_words as words
from analysis.report.display import Block, Unit
from analysis.report.specification_curve_words import bare

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from analysis.sweep.summary import Entry, Lever, Summary

GAP = 2  # empty places between the specifications that count and the others


def figure(summary: Summary) -> Block:
    """Estimates with intervals in order of size above, the choices behind each below."""
    unit, sweep = Unit(summary.unit), summary.sweep
    ordered = _ordered(summary)
    header = ["Specification (what differs from the study)", f"Effect ({unit.words})", "Low", "High", "Counts"]
    rows = [
        [words.choices(sweep, one.specification.choices), *display.interval_numbers(one.estimate, unit), _counts(one)]
        for _, one in ordered
    ]
    label = display.lower_first(sweep.base.source.columns[sweep.study.outcome].label)
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(summary, ordered, unit),
        meta={
            "caption": f"Every specification by the size of its estimate: effect of {sweep.study.intervention} on the "
            f"{label}, in {unit.words}, with {display.level_words(sweep.study.level)}s, and the choices behind each.",
            "alt": _alt(summary, unit),
            "source": f"Source: {sweep.base.source.origin}. {len(ordered)} specifications.",
            "note": _note(summary),
            "table_html": display.table_html(header, rows, "Specifications by size of estimate"),
            "csv": _csv(summary),
            "csv_name": "specifications",
        },
    )


def _ordered(summary: Summary) -> list[tuple[float, Entry]]:
    """Places and specifications: those that count by size, then after a gap those that estimate something else."""
    compared = sorted(summary.compared, key=lambda one: one.estimate.value)
    aside = sorted(summary.aside, key=lambda one: one.estimate.value)
    places = [float(place) for place in range(len(compared))]
    places += [float(len(compared) + GAP + place) for place in range(len(aside))]
    return list(zip(places, [*compared, *aside], strict=True))


def _draw(summary: Summary, ordered: Sequence[tuple[float, Entry]], unit: Unit) -> bytes:
    levers = [lever for lever in summary.levers if len(_values(summary, lever)) > 1]
    rows = sum(1 + len(_values(summary, lever)) for lever in levers)
    drawing, axes = charts.canvas(3.0 + 0.21 * rows)
    axes.remove()
    upper, lower = drawing.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2.6, 0.21 * rows]})
    _estimates(upper, summary, ordered, unit)
    _matrix(lower, summary, levers, ordered)
    own = next(place for place, one in ordered if one.planned)
    for axis in (upper, lower):
        axis.axvline(own, color=palette.ACCENT, linewidth=7 if len(ordered) < 60 else 4, alpha=0.13, zorder=0)
        axis.set_xlim(-1.5, ordered[-1][0] + 1.5)
        axis.tick_params(axis="x", length=0, labelbottom=False)
        axis.grid(axis="x", visible=False)
    return charts.png(drawing)


def _estimates(axes: Axes, summary: Summary, ordered: Sequence[tuple[float, Entry]], unit: Unit) -> None:
    charts.zero_line(axes)
    middle = unit.shown(summary.median)
    last = max(place for place, one in ordered if one.compared)
    axes.plot([-1.5, last + 0.5], [middle, middle], color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    size = 4.2 if len(ordered) < 120 else 2.6
    for place, one in ordered:
        value, low, high = (unit.shown(x) for x in (one.estimate.value, one.estimate.low, one.estimate.high))
        clear = one.estimate.excludes(0.0)
        color = palette.ACCENT if one.planned else palette.INK if clear else palette.CONTROL
        if math.isfinite(low) and math.isfinite(high):
            axes.vlines(place, low, high, color=color, linewidth=2.0 if one.planned else 0.9, zorder=2)
        face = "white" if one.other else color
        axes.plot([place], [value], "o", color=color, markerfacecolor=face, markersize=size + 2 * one.planned, zorder=3)
    _labels(axes, summary, ordered, unit)
    axes.set_ylabel(f"Effect ({unit.words})" if unit.words else "Effect")


def _labels(axes: Axes, summary: Summary, ordered: Sequence[tuple[float, Entry]], unit: Unit) -> None:
    own = next((place, one) for place, one in ordered if one.planned)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.16 * (high - low))
    right = own[0] > ordered[-1][0] / 2
    style: dict[str, Any] = {"fontsize": 8.5, "xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    axes.annotate(
        words.own(summary.sweep).capitalize(),
        (own[0], 1.0),
        xytext=(-7 if right else 7, -2),
        ha="right" if right else "left",
        va="top",
        color=palette.ACCENT,
        fontweight="bold",
        **style,
    )
    if any(one.other for _, one in ordered):
        first = next(place for place, one in ordered if one.other)
        axes.axvline(first - (GAP + 1) / 2, color=palette.RULE, linewidth=1)
        axes.annotate(
            "Another estimand",
            (ordered[-1][0] + 1.2, 1.0),
            xytext=(0, -2),
            ha="right",
            va="top",
            color=palette.MUTED,
            **style,
        )
    axes.annotate(
        f"Median {display.significant(unit.shown(summary.median), 2)}",
        (-1.3, unit.shown(summary.median)),
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=8.5,
        color=palette.INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
    )


def _values(summary: Summary, lever: Lever) -> list[Any]:
    """The values of a choice that any specification shown makes, the study's own first."""
    used = [one.specification.choices[lever.name] for one in summary.entries if not one.twin]
    return [one.value for one in summary.sweep.alternatives[lever.name] if one.value in used]


def _matrix(axes: Axes, summary: Summary, levers: Sequence[Lever], ordered: Sequence[tuple[float, Entry]]) -> None:
    labels: list[tuple[str, bool]] = []
    for lever in levers:
        labels.append((words.parameter(lever.name).capitalize(), True))
        for value in _values(summary, lever):
            row = len(labels)
            labels.append((words.value(summary.sweep, lever.name, value), False))
            inside = [(place, one) for place, one in ordered if one.specification.choices[lever.name] == value]
            places = [place for place, one in inside if not one.planned]
            axes.plot(places, [row] * len(places), "|", color=palette.INK, markersize=6, markeredgewidth=1.1)
            own = [place for place, one in inside if one.planned]
            axes.plot(own, [row] * len(own), "|", color=palette.ACCENT, markersize=9, markeredgewidth=2.2)
    axes.set_yticks(range(len(labels)), [label for label, _ in labels], fontsize=8.5)
    for tick, (_, head) in zip(axes.get_yticklabels(), labels, strict=True):
        tick.set_fontweight("bold" if head else "normal")
    axes.set_ylim(len(labels) - 0.4, -0.7)
    axes.spines["bottom"].set_visible(False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Specifications, from the smallest to the largest estimate", fontsize=9)


def _alt(summary: Summary, unit: Unit) -> str:
    count, place = (
        len(summary.compared),
        1 + sum(one.estimate.value < summary.own.estimate.value for one in summary.compared),
    )
    strongest = summary.levers[0]
    return (
        f"Two panels. Above, {count} estimates with interval bars in order of size, from "
        f"{bare(unit, summary.low)} to {unit.amount(summary.high)}, median {unit.amount(summary.median)}; the "
        f"{words.own(summary.sweep)} one is marked and is number {place} from below. Below, marks for the choices "
        f"behind each estimate, by parameter; {words.parameter(strongest.name)} moves the estimate most."
        + (f" To the right, {len(summary.aside)} hollow estimates of something else." if summary.aside else "")
    )


def _note(summary: Summary) -> str:
    said = "Dark bars exclude zero, grey bars do not. The dashed line is the median."
    if not summary.sweep.registered:
        said += " Planned are the study's own choices, made before this sweep; no plan from before the data holds them."
    if summary.aside:
        said += " Hollow dots estimate something else and count in no summary."
    if summary.twins:
        same = "specification gives" if len(summary.twins) == 1 else "specifications give"
        said += f" {len(summary.twins)} {same} the numbers of another one and are not drawn again."
    if summary.sweep.standardise:
        said += " Effects are in standard deviations that each outcome has where the policy does not apply."
    return said


def _counts(one: Entry) -> str:
    return f"no: {one.other}" if one.other else "yes"


def _csv(summary: Summary) -> str:
    names = list(summary.sweep.alternatives)
    header = [
        "specification",
        *names,
        "estimate",
        "std_error",
        "low",
        "high",
        "n",
        "clusters",
        "estimates_something_else",
    ]
    rows = [_line(one, names) for one in sorted(summary.entries, key=lambda one: one.estimate.value)]
    return display.csv_text([*header, "same_numbers_as"], rows)


def _line(one: Entry, names: Sequence[str]) -> list[Any]:
    found = one.estimate
    chosen = [_plain(one.specification.choices[name]) for name in names]
    error = "" if found.std_error is None else found.std_error
    bounds = [x if np.isfinite(x) else "" for x in (found.low, found.high)]
    return [one.id, *chosen, found.value, error, *bounds, found.n, found.clusters, one.other, one.twin]


def _plain(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else value
