"""A trial read along the way: the estimate and two kinds of interval against the share of the rows read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report import charts, display, palette
from analysis.report.display import Block, Unit

if TYPE_CHECKING:
    from analysis.data.catalog import Column, Source
    from analysis.inference.sequential import Looks
    from analysis.study import Study


def figure(found: Looks | None, study: Study, outcome: Column, source: Source, order: str | None) -> Block:
    """The readings in running order; a sentence where the study names no order."""
    if found is None or order is None or len(found.n) < 2:
        return display.prose(
            "No running order is named, so that the trial cannot be read along the way. With a column of dates or "
            "running numbers under `order`, this section shows what early readings would have said."
        )
    unit = Unit(outcome.unit)
    shown = [[unit.shown(float(x)) for x in values] for values in (found.estimate, found.low, found.high)]
    once = [[unit.shown(float(x)) for x in values] for values in (found.fixed_low, found.fixed_high)]
    decimals = display.decimals_for((shown[2][-1] - shown[1][-1]) / 2)
    header = ["Share read (%)", "Rows", "Effect", "Always: low", "Always: high", "Once: low", "Once: high"]
    rows = [
        [f"{100 * share:.0f}", f"{int(n):,}", *(display.fixed(x, decimals) for x in values)]
        for share, n, *values in zip(found.share, found.n, *shown, *once, strict=True)
    ]
    label = source.columns[order].label
    return Block(
        "figure",
        display.table_text(header, rows),
        png=_draw(found, shown, once, unit),
        meta={
            "caption": f"Estimated effect on the {display.lower_first(outcome.label)}, in {unit.words}, at "
            f"{len(rows)} readings in the order of: {display.lower_first(label)}. Band: "
            f"{display.level_words(study.level)} that holds at all readings together; thin lines: the interval of a "
            "single reading.",
            "alt": _alt(rows, unit),
            "source": f"Source: {source.origin}. n = {int(found.n[-1]):,} observations.",
            "note": _verdict(found, rows),
            "table_html": display.table_html(header, rows, "Effect and intervals by reading"),
            "csv": _csv(found),
            "csv_name": "readings",
        },
    )


def _csv(found: Looks) -> str:
    columns = (found.share, found.n, found.estimate, found.low, found.high, found.fixed_low, found.fixed_high)
    header = ["share", "rows", "estimate", "low", "high", "single_low", "single_high"]
    return display.csv_text(header, [[float(x) for x in line] for line in zip(*columns, strict=True)])


def _verdict(found: Looks, rows: list[list[str]]) -> str:
    always, once = found.crossed
    said = []
    for place, words in (
        (once, "The interval of a single reading"),
        (always, "The interval that holds at all readings"),
    ):
        at = (
            f"first leaves zero out at {rows[place][0]}{display.THIN}% of the rows"
            if place is not None
            else "never does"
        )
        said.append(f"{words} {at}.")
    return " ".join(said) + " Stopping at the first reading that looks good finds effects that are not there."


def _draw(found: Looks, shown: list[list[float]], once: list[list[float]], unit: Unit) -> bytes:
    drawing, axes = charts.canvas(4.3)
    share = [100 * float(x) for x in found.share]
    value, low, high = shown
    axes.fill_between(share, low, high, color=palette.ACCENT, alpha=palette.INTERVAL_ALPHA, linewidth=0)
    for bound in once:
        axes.plot(share, bound, color=palette.CONTROL, linewidth=1)
    axes.plot(share, value, "-o", color=palette.ACCENT, markersize=4)
    charts.zero_line(axes)
    span = high[-1] - low[-1]
    bottom, top = min(0.0, low[-1]) - 0.6 * span, max(0.0, high[-1]) + 0.6 * span
    axes.set_ylim(min(bottom, *value[1:]), max(top, *value[1:]))
    charts.direct_label(axes, share[-1], value[-1], "Effect", palette.ACCENT)
    charts.direct_label(axes, share[-1], once[1][-1], "Read once", palette.CONTROL)
    charts.direct_label(axes, share[-1], low[-1] - 0.05 * span, "Read always", palette.ACCENT)
    axes.set_xlim(0, 122)
    axes.set_xticks([0, 20, 40, 60, 80, 100])
    axes.set_xlabel("Share of the rows read (%)")
    axes.set_title(f"Effect ({unit.words})", loc="left", fontsize=9.5, fontweight="normal")
    return charts.png(drawing)


def _alt(rows: list[list[str]], unit: Unit) -> str:
    return (
        f"Line chart with bands. Horizontal axis: share of the rows read, {rows[0][0]} to {rows[-1][0]} per cent. "
        f"Vertical axis: effect in {unit.words}. The first reading is {rows[0][2]} (always {rows[0][3]} to "
        f"{rows[0][4]}); the last {rows[-1][2]} (always {rows[-1][3]} to {rows[-1][4]}, once {rows[-1][5]} to "
        f"{rows[-1][6]})."
    )
