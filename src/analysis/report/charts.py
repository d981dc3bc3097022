"""The one look of every chart: style, palette, marks for the policy's start and for zero, and PNG bytes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.report import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analysis.report.display import Unit
    from analysis.result import Estimate

STYLE = Path(__file__).with_name("figures.mplstyle")
COLORS = 64


def canvas(height: float = 4.05) -> tuple[Figure, Axes]:
    """An empty figure in the house style, `height` inches high."""
    import matplotlib.style
    from matplotlib.figure import Figure

    matplotlib.style.use(STYLE)
    figure = Figure(figsize=(7.2, height))
    return figure, figure.subplots()


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes without metadata, so that equal figures are equal bytes.

    In a palette of COLORS colours, which two hues and their shades do not exhaust: a third of the size.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    full, small = io.BytesIO(), io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(full, format="png", pil_kwargs={"compress_level": 1})
    image = Image.open(full).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    image.save(small, "PNG", optimize=True)
    return small.getvalue()


def start_line(axes: Axes, x: float, words: str) -> None:
    """The vertical line at which the policy starts, labelled above everything drawn before."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.1 * (high - low))
    axes.axvline(x, color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"{words[:1].upper()}{words[1:]}",
        (x, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(5, -2),
        textcoords="offset points",
        va="top",
        fontsize=8.5,
        color=palette.MUTED,
    )


def zero_line(axes: Axes) -> None:
    """The line of no effect."""
    axes.axhline(0, color=palette.INK, linewidth=0.9, zorder=1)


def intervals(axes: Axes, x: Sequence[Any], values: Any, low: Any, high: Any, color: str) -> None:
    """Point estimates as dots, intervals as bars with end marks."""
    below, above = [v - a for v, a in zip(values, low, strict=True)], [b - v for v, b in zip(values, high, strict=True)]
    axes.errorbar(
        x, values, yerr=[below, above], fmt="o", color=color, ecolor=color, elinewidth=1.4, capsize=3, zorder=3
    )


def whole(axes: Axes, x: Any, low: Any, high: Any, color: str) -> None:
    """Thin bars that hold all points at once; nothing where a bound is missing."""
    axes.vlines(x, low, high, color=color, linewidth=0.8, alpha=0.7, zorder=2)


def row(axes: Axes, place: int, estimate: Estimate, unit: Unit, *, first: bool = False, hollow: bool = False) -> None:
    """One estimate as a dot on row `place` with its interval, where it has one that is bounded."""
    color = palette.ACCENT if first else palette.CONTROL
    value, low, high = (unit.shown(x) for x in (estimate.value, estimate.low, estimate.high))
    face = "white" if hollow else color
    if math.isfinite(low) and math.isfinite(high):
        axes.errorbar(
            [value], [place], xerr=[[value - low], [high - value]], fmt="none", ecolor=color, elinewidth=1.4, capsize=3
        )
    axes.plot([value], [place], "o", color=color, markerfacecolor=face, zorder=3)


def whole_periods(axes: Axes) -> None:
    """Ticks at whole periods only, at most about a dozen."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=12, integer=True))


def direct_label(axes: Axes, x: float, y: float, words: str, color: str) -> None:
    """A line's name at its end, instead of a legend."""
    axes.annotate(
        words,
        (x, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=color,
        fontsize=9,
        fontweight="bold",
        annotation_clip=False,
    )
