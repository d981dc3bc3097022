"""The tables beside a specification curve: what moves the answer, chance, choices and reasons, what was left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from analysis.report import display
from analysis.report import specification_curve_words as words
from analysis.report.display import Block, Unit
from analysis.report.specification_curve_words import bare

if TYPE_CHECKING:
    from analysis.sweep.joint import Verdict
    from analysis.sweep.summary import Entry, Summary

WAYS = {
    "multipliers": "In each of {draws:,} draws every one of {blocks} independent blocks of data gets a random sign, "
    "the same in all specifications, and its contributions to the estimates count with that sign (a multiplier "
    "bootstrap of influence functions): the draws have no effect in them, the errors that are shown, and the "
    "specifications' own correlations.",
    "reassigned": "In each of {draws:,} draws the treatment is handed to other units, the same in all specifications, "
    "and everything is estimated again on {blocks} clusters that change places: the draws have no effect in them. They "
    "take it that any unit could have been treated in another's place.",
}
STATISTICS = {
    "median": "Size of the median estimate",
    "sign": "Share of estimates with the sign that most have",
    "significant": "Share of estimates with it whose interval excludes zero",
}


def levers(summary: Summary) -> Block:
    """Which choice moves the answer most: the median by value, and the change when that choice alone is made."""
    unit, sweep = Unit(summary.unit), summary.sweep
    rows, lines = [], []
    for lever in summary.levers:
        for one in lever.values:
            change = "–" if one.change is None else bare(unit, one.change)
            name, value = words.parameter(lever.name), words.value(sweep, lever.name, one.value)
            pairs = str(one.pairs) if one.pairs else "–"
            value += f" ({words.own(sweep)})" if one.value == sweep.planned[lever.name] else ""
            rows.append([name.capitalize(), value, str(one.specifications), bare(unit, one.median), change, pairs])
            lines.append([lever.name, value, one.specifications, one.median, "" if one.change is None else one.change])
    shown = f" ({unit.words})" if unit.words else ""
    header = ["Choice", "Value", "Specifications", f"Median estimate{shown}", f"Change{shown}", "Pairs"]
    note = (
        "The choice that moves the estimate most comes first. The change is the median difference to the specification "
        "that makes the study's own choice here and is the same in everything else; medians of one value also differ "
        "because not every value goes together with all others. Specifications of another estimand are left out."
    )
    csv = display.csv_text(["choice", "value", "specifications", "median", "change"], lines)
    return display.table(
        "table", header, rows, "What each choice does to the estimate", note, csv=csv, csv_name="choices"
    )


def joint(verdict: Verdict, summary: Summary) -> Block:
    """The three statistics of the whole curve against draws without any effect; a sentence where there are none."""
    if verdict.joint is None:
        return display.prose(f"Whether chance alone could have done this cannot be tested here: {verdict.reason}.")
    unit, found = Unit(summary.unit), verdict.joint
    rows = []
    for name, label in STATISTICS.items():
        one = getattr(found, name)
        cells = [bare(unit, x) if name == "median" else _share(x) for x in (one.value, one.expected, one.extreme)]
        rows.append([label + (f" ({unit.words})" if name == "median" and unit.words else ""), *cells])
        rows[-1].append(display.p_words(one.p_value))
    note = WAYS[found.way].format(draws=found.draws, blocks=f"{found.blocks:,}")
    note += " The p-value is the share of draws, the data themselves among them, that are at least as extreme."
    if verdict.left:
        note += f" {verdict.left} specifications show no standard error and are not in the test."
    header = ["Statistic of the curve", "Found", "Mean without an effect", "Exceeded by 1 draw in 20", "p-value"]
    return display.table("table", header, rows, "The curve beside curves without any effect", note)


def _share(x: float) -> str:
    """A share of specifications, which is counted and not estimated."""
    return f"{100 * x:.0f}{display.THIN}%"


def choices(summary: Summary) -> Block:
    """Every value of every choice, and why it can be defended."""
    sweep, rows = summary.sweep, []
    for name, alternatives in sweep.alternatives.items():
        for place, one in enumerate(alternatives):
            kind = words.own(sweep) if place == 0 else "alternative"
            value = words.value(sweep, name, one.value)
            rows.append([words.parameter(name).capitalize(), value, kind, one.reason])
    return display.table("table", ["Choice", "Value", "Kind", "Why"], rows, "The choices that were tried, and why")


def estimands(summary: Summary) -> Block:
    """What the specifications estimate: those that count, and those that estimate something else."""
    unit = Unit(summary.unit)
    groups: dict[str, list[Entry]] = {"The same as the study (these count)": list(summary.compared)}
    for one in summary.aside:
        groups.setdefault(f"Something else: {one.other.partition(': ')[0]}", []).append(one)
    rows = []
    for name, inside in groups.items():
        values = [one.estimate.value for one in inside]
        middle, low, high = (bare(unit, x) for x in (median(values), min(values), max(values)))
        rows.append([name, str(len(inside)), middle, low, high])
    shown = f" ({unit.words})" if unit.words else ""
    header = ["What is estimated", "Specifications", f"Median{shown}", "Lowest", "Highest"]
    note = (
        "Specifications that answer another question are drawn hollow and count in no summary: mixing specifications "
        "that are not equivalent misleads, because their spread then shows differences between questions and not doubt "
        "about one answer (Del Giudice and Gangestad 2021)."
    )
    return display.table("table", header, rows, "What the specifications estimate", note)


def not_run(summary: Summary) -> Block:
    """Combinations that were not estimated, that failed, or that gave the numbers of another one, with the reason."""
    groups: dict[str, list[str]] = {}
    for left in summary.left:
        groups.setdefault(f"Not run, {left.reason.replace('_', ' ')}", []).append(_named(summary, left.choices))
    for one, result in summary.failed:
        kind = "Not estimable" if result.status == "refused" else "Failed"
        groups.setdefault(f"{kind}: {result.reason}", []).append(_named(summary, one.choices))
    for twin in summary.twins:
        groups.setdefault("The numbers of another specification; counted once", []).append(
            _named(summary, twin.specification.choices)
        )
    if not groups:
        return display.prose("Every combination of the choices was estimated.")
    rows = [[reason, str(len(names)), names[0]] for reason, names in groups.items()]
    total = sum(len(names) for names in groups.values())
    caption = f"Combinations that are not on the curve: {total}"
    return display.table(
        "table", ["Reason", "Combinations", "For example"], rows, caption, csv=_csv(groups), csv_name="not-run"
    )


def _named(summary: Summary, choices: Mapping[str, object]) -> str:
    return words.choices(summary.sweep, choices)


def _csv(groups: Mapping[str, Sequence[str]]) -> str:
    return display.csv_text(
        ["reason", "combination"], [[reason, name] for reason, names in groups.items() for name in names]
    )
