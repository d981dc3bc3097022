"""What the designs of a regression discontinuity share: the rows that count, the sides, and one number as `Effects`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.fits.regression_discontinuity import Discontinuity, TakeUp
from analysis.inference import local_polynomial
from analysis.inference.local_polynomial import LocalFit, Options, Pair
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.rows import Rows

REPEATS = 1e-12  # smallest eigenvalue of scaled cross-products from which a column is not made of the others


@dataclass(frozen=True)
class Score:
    """The score of the rows that count: its column, distance from the cut-off, and who is on the treated side."""

    rows: Rows
    running: str
    cutoff: float
    side: int
    donut: float

    @property
    def distance(self) -> Array:
        """(rows,) score less cut-off."""
        return np.asarray(self.rows.column(self.running) - self.cutoff)

    @property
    def treated(self) -> Array:
        """(rows,) on the treated side; a row exactly at the cut-off counts as above."""
        return np.asarray((self.distance >= 0) == (self.side > 0))

    @property
    def cluster(self) -> Array | None:
        """(rows,) clusters, where rows are grouped."""
        return self.rows.cluster if self.rows.clustered else None

    @property
    def weight(self) -> Array | None:
        """(rows,) weights, where rows count differently."""
        return self.rows.weight if self.rows.weighted else None

    def covariates(self, names: list[str] | tuple[str, ...]) -> Array:
        """(rows, k) the columns. Raises Refusal E107 where one repeats others."""
        matrix, shown = self.rows.matrix(list(names))
        held = np.column_stack([np.ones(len(matrix)), matrix])
        size = np.sqrt((held**2).sum(axis=0))
        if not size.all() or np.linalg.eigvalsh((held / size).T @ (held / size))[0] < REPEATS:
            raise Refusal("E107", "covariates", f"one of {', '.join(shown)} repeats the others", "drop one")
        return matrix


def score(data: Rows, running: str, cutoff: float, treated_side: str, donut: float) -> Score:
    """The rows outside the donut. Raises Refusal P005 where the cut-off leaves no rows on one side."""
    x = data.column(running)
    kept = data.only(np.abs(x - cutoff) >= donut, f"nearer than {donut:g} to the cut-off") if donut else data
    found = Score(kept, running, cutoff, 1 if treated_side == "above" else -1, donut)
    above = int((found.distance >= 0).sum())
    if not 0 < above < kept.n:
        problem = f"all {kept.n:,} rows lie {'above' if above else 'below'} {cutoff:g}"
        raise Refusal("P005", "cutoff", problem, f"write a value inside the range of {running}")
    return found


def local(
    at: Score, options: Options, covariates: list[str] | tuple[str, ...], treatment: Array | None = None
) -> LocalFit:
    """The jump of the outcome (divided by that of the treatment). Raises Refusal P005 where it cannot be fitted."""
    if options.width is None and at.rows.n < local_polynomial.SMALLEST:
        problem = f"{at.rows.n} rows are too few to choose a bandwidth"
        raise Refusal("P005", "bandwidth", problem, "set `bandwidth`, or use `design: whole_window`")
    held = at.covariates(covariates) if covariates else None
    given = {"covariates": held, "weight": at.weight, "cluster": at.cluster}
    x = at.rows.column(at.running)
    try:
        fit = local_polynomial.jump(at.rows.outcome, x, at.cutoff, options, treatment=treatment, **given)
    except (ValueError, np.linalg.LinAlgError) as problem:
        said = str(problem).rstrip(".")
        raise Refusal("P005", "running", f"no local fit: {said}", "widen `bandwidth`, or check `cutoff`") from problem
    if held is not None and not local_polynomial.identified(x, at.cutoff, fit.width, held, options.order):
        near = f"within {max(fit.width):.4g} of the cut-off a covariate repeats others or the score"
        raise Refusal("E107", "covariates", near, "drop the covariates that vary little there, or widen `bandwidth`")
    return fit


def widths(bandwidth: float | None, given: tuple[Pair, Pair] | None) -> tuple[Pair | None, Pair | None]:
    """Width and bias width: those given, else the study's bandwidth on both sides, else none."""
    if given is not None:
        return given
    return (None, None) if bandwidth is None else ((bandwidth, bandwidth), (bandwidth, bandwidth))


def effects(
    at: Score,
    value: float,
    error: float,
    near: Array,
    *,
    lines: tuple[Array, Array],
    refit: Callable[[Any], Discontinuity],
    take_up: TakeUp | None = None,
    **said: Any,
) -> Discontinuity:
    """One jump as `Effects`. near: (rows,) with weight in it. Counts are by cluster where rows are grouped."""
    import pandas as pd

    treated = [_clusters(at, near & (at.treated == member)) for member in (True, False)]
    below, above = near & (at.distance < 0), near & (at.distance >= 0)
    x = at.rows.column(at.running)
    table = pd.DataFrame(
        {
            "cohort": [-1],
            "period": [-1],
            "event_time": [0],
            "estimate": [value],
            "std_error": [error],
            "weight": [1.0],
            "treated_clusters": [treated[0]],
            "comparison_clusters": [treated[1]],
        }
    )
    untreated = lines[0] if at.side > 0 else lines[1]
    return Discontinuity(
        table=table,
        joint=np.array([[error**2]]),
        kind="single",
        n=at.rows.n,
        clusters=_clusters(at, near),
        treated_clusters=treated[0],
        baseline=float(untreated[0]),
        compared=f"just {'below' if at.side > 0 else 'above'} the cut-off{'' if take_up else ', without the policy'}",
        refit=refit,
        running=at.running,
        cutoff=at.cutoff,
        side=at.side,
        donut=at.donut,
        rows=(int(below.sum()), int(above.sum())),
        distinct=(len(np.unique(x[below])), len(np.unique(x[above]))),
        lines=lines,
        take_up=take_up,
        **said,
    )


def _clusters(at: Score, member: Array) -> int:
    return len(np.unique(at.rows.cluster[member]))


def within(at: Score, fit: LocalFit) -> Array:
    """(rows,) with weight in the local fit."""
    return np.asarray((at.distance > -fit.width[0]) & (at.distance < fit.width[1]))


def adjusted_for(covariates: list[str] | tuple[str, ...]) -> str:
    """What was held constant, in words."""
    return f" adjusted for {', '.join(covariates)}" if covariates else ""


def bandwidth_words(fit: LocalFit, options: Options) -> str:
    """The widths in words, and where they come from."""
    low, high = fit.width
    size = f"{low:.4g}" if low == high else f"{low:.4g} below and {high:.4g} above"
    aim = "coverage error" if options.rule.startswith("cer") else "mean squared error"
    return f"bandwidth {size}, {'set' if options.width is not None else f'chosen for small {aim} ({options.rule})'}"


def shape(options: Options) -> str:
    """The polynomial and kernel in words."""
    return f"{'linear' if options.order == 1 else 'quadratic'}, {options.kernel} kernel"
