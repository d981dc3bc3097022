"""Tables of estimates: the answer's averages, and the answer beside other estimators."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from analysis.inference.few_clusters import EFFECTIVE
from analysis.report import display, readings
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column
    from analysis.designs import Alternative
    from analysis.result import Effects, Estimate
    from analysis.studies.difference_in_differences import Study

RANKS = ("placebo", "permutation", "reassign")  # words of conventions that rank
AVERAGES = {
    "simple": "Every treated unit and period counts the same",
    "event_time": "Every period since adoption counts the same",
    "cohort": "Each cohort's own average, by size",
    "period": "Every calendar period counts the same",
    "slope": "Change of the effect per unit of dose",
    "per_unit_of_treatment": "Effect per unit of treatment received",
    "variance_weighted": "Cohorts weighted as least squares weights them",
}


def averages(found: Mapping[str, Estimate], effects: Effects, study: Study, outcome: Column) -> Block:
    """The headline beside the other ways to average the same pieces, with the effect as a share of the level before."""
    unit, answer = Unit(outcome.unit), found[study.average]
    labels = {kind: "The answer" if kind == study.average else AVERAGES[kind] for kind in found}
    rows = [
        [labels[kind], *estimate_cells(e, unit), unit.relative(e.value, effects.baseline)] for kind, e in found.items()
    ]
    thin = any(e.inference.startswith("none shown") for e in found.values())
    note = f"{answer.inference[:1].upper()}{answer.inference[1:]}."
    if thin:
        note += f" No interval where the average is worth fewer than {EFFECTIVE} equally weighted treated clusters."
    note += ranked(found.values())
    others = {kind: e for kind, e in found.items() if kind != study.average}
    return display.table(
        "table",
        ["Average", *estimate_header(unit), "As share of level before"],
        rows,
        "The effect, averaged in different ways",
        note,
        reading=readings.estimate(next(iter(found.values())), unit),
        numbers=[display.number(f"average_{k}", AVERAGES[k], e, outcome.unit) for k, e in others.items()],
        csv=_csv([(kind, labels[kind], e) for kind, e in found.items()]),
        csv_name="averages",
    )


def comparison(shown: Sequence[Alternative], outcome: Column) -> Block:
    """The headline beside other estimators, each with the reason why it is shown."""
    unit = Unit(outcome.unit)
    rows, numbers, entries = [], [], []
    for place, other in enumerate(shown):
        rows.append([other.title, *estimate_cells(other.estimate, unit), other.reason])
        name = "headline" if place == 0 else f"alternative_{place}_{other.label}"
        entries.append((name, other.title, other.estimate))
        if place:
            numbers.append(display.number(name, f"{other.title}: {other.reason}", other.estimate, outcome.unit))
    header = ["Estimator", *estimate_header(unit), "How it works"]
    if len(rows) == 1:
        return display.prose("No other estimator was asked for: name one under `estimators` in the parameter file.")
    note = f"{_agreement(shown, unit)} Intervals follow each estimator's own convention, named in the CSV file."
    note += ranked([other.estimate for other in shown])
    return display.table(
        "table",
        header,
        rows,
        "The answer beside other estimators",
        note,
        reading=readings.estimators(
            [one.estimate.value for one in shown if one.comparable],
            [(one.estimate.low, one.estimate.high) for one in shown if one.comparable],
            unit,
        ),
        numbers=numbers,
        csv=_csv(entries),
        csv_name="estimators",
    )


def inference(answer: Estimate, others: Sequence[Estimate], outcome: Column) -> Block:
    """The same effect under every convention of inference that applies, the one at the top first."""
    unit = Unit(outcome.unit)
    same = (answer.low, answer.high, answer.p_value)
    shown = [answer, *(other for other in others if (other.low, other.high, other.p_value) != same)]
    decimals = _decimals(shown, unit)
    rows = [
        [
            _sentence(one.inference),
            *(display.fixed(unit.shown(end), decimals) for end in (one.low, one.high)),
            display.p_words(one.p_value),
        ]
        for one in shown
    ]
    header = ["Convention", *estimate_header(unit)[1:]]
    out = sum(not one.excludes(0.0) for one in shown)
    verdict = f"{_together(len(shown), out)}{ranked(shown)}"
    numbers = [
        display.number(f"inference_{place}", f"Headline effect: {one.inference}", one, outcome.unit)
        for place, one in enumerate(shown[1:], start=1)
    ]
    return display.table(
        "table",
        header,
        rows,
        "The same effect under other conventions of inference",
        verdict,
        reading=readings.inference(shown),
        numbers=numbers,
        csv=_csv([(f"inference_{place}", one.inference, one) for place, one in enumerate(shown)]),
        csv_name="inference",
    )


def _decimals(shown: Sequence[Estimate], unit: Unit) -> int:
    """Decimals of all bounds: those of the narrowest interval, more where an end would be shown as zero."""
    ends = [unit.shown(end) for one in shown for end in (one.low, one.high) if math.isfinite(end) and end]
    widths = [unit.shown(one.high) - unit.shown(one.low) for one in shown if math.isfinite(one.high - one.low)]
    nearest = min((abs(end) for end in ends), default=math.inf)
    needed = 0 if math.isinf(nearest) else min(6, max(0, -math.floor(math.log10(nearest))))
    return max(max((display.decimals_for(width / 2) for width in widths), default=1), needed)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"


def ranked(found: Iterable[Estimate]) -> str:
    """How intervals and p-values from ranks go together, where there are any; else nothing."""
    if not any(word in one.inference for one in found for word in RANKS):
        return ""
    return (
        " Where placebos or reassignments are ranked, the p-value counts how many are as large as the estimate and the "
        "interval reaches about as far as the largest of them, so that it may run far past zero beside a p-value near "
        "0.05."
    )


def estimate_header(unit: Unit) -> list[str]:
    """Column heads of an estimate: value, low, high, standard error, p-value."""
    words = f" ({unit.words})" if unit.words else ""
    return [f"Effect{words}", "Low", "High", "p-value"]


def estimate_cells(estimate: Estimate, unit: Unit) -> list[str]:
    """The cells under `estimate_header`, one rounding for value and bounds."""
    return [*display.interval_numbers(estimate, unit), display.p_words(estimate.p_value)]


def _together(many: int, out: int) -> str:
    """How many of several intervals include zero."""
    if many == 1:
        return f"One convention applies here; its interval {'includes zero' if out else 'leaves zero out'}."
    every = "Both" if many == 2 else f"All {many}"
    if out in (0, many):
        return f"{every} intervals {'include zero' if out else 'leave zero out'}."
    return (
        f"{out} of {many} intervals {'includes' if out == 1 else 'include'} zero: the answer depends on the convention."
    )


def _agreement(shown: Sequence[Alternative], unit: Unit) -> str:
    """Whether the comparable estimators point the same way as the answer, and whether their intervals hold zero."""
    answer, *others = [other.estimate for other in shown if other.comparable]
    if not others:
        return "No other estimator of the same effect was asked for."
    against = sum(other.value * answer.value < 0 for other in others)
    unsure = sum(not other.excludes(0.0) for other in others)
    if len(others) == 1:
        way = "the other way" if against else "the same way"
        return f"The other points {way}; its interval {'includes' if unsure else 'excludes'} zero."
    many = f"{len(others)} other estimators of the same effect"
    every = "Both other estimators of the same effect" if len(others) == 2 else f"All {many}"
    way = f"{against} of {many} point the other way" if against else f"{every} point the same way"
    return (
        f"{way}{'' if against else _range(answer, others, unit)}; {unsure or 'none'} of their intervals "
        f"{'include' if unsure != 1 else 'includes'} zero."
    )


def _range(answer: Estimate, others: Sequence[Estimate], unit: Unit) -> str:
    """From where to where other estimators run, where the smallest is less than half of the answer."""
    sizes = [math.copysign(1, answer.value) * unit.shown(other.value) for other in others]
    if min(sizes) >= abs(unit.shown(answer.value)) / 2:
        return ""
    first, *_, last = sorted((one.value for one in others), key=lambda x: abs(unit.shown(x)))
    low = unit.amount(first).removesuffix(unit.words).strip()
    return f", from {low} to {unit.amount(last)} (the smallest is less than half of the answer)"


def _csv(entries: Sequence[tuple[str, str, Estimate]]) -> str:
    header = ["id", "label", "estimate", "std_error", "low", "high", "p_value", "method", "inference"]
    rows = [
        [
            name,
            label,
            e.value,
            "" if e.std_error is None else e.std_error,
            e.low,
            e.high,
            e.p_value,
            e.method,
            e.inference,
        ]
        for name, label, e in entries
    ]
    return display.csv_text(header, rows)
