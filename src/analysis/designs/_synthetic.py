"""What the designs that weigh donors return in the same way: effects by event time, uncertainty, placebo units."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.designs import _common
from analysis.designs._synthetic_panel import Book, plain
from analysis.designs._synthetic_uncertainty import Approach, uncertain
from analysis.fits.synthetic_control import Placebos, Synthetic
from analysis.inference import synthetic_errors
from analysis.inference.synthetic_errors import Draws
from analysis.inference.synthetic_groups import Estimated, estimated
from analysis.panel import Array
from analysis.result import Effects

if TYPE_CHECKING:
    import pandas as pd


def synthetic(
    book: Book,
    approach: Approach,
    *,
    uncertainty: str,
    draws: int,
    seed: int,
    refit: Callable[[Any], Effects],
    aside: str = "",
) -> Synthetic:
    """The effects of the treated units of `book`, with the uncertainty asked for."""
    setting = book.setting
    own = estimated(setting, approach.weigh)
    found = uncertain(book, approach, own, uncertainty, draws, seed)
    observed = setting.along([problem.treated for problem in own.problems])
    worst = min(own.fits, key=lambda fit: fit.reached / fit.tried)
    return Synthetic(
        table=_table(book, own.path, found.joint),
        joint=found.joint,
        kind="event_time",
        estimand="average effect on the treated over all their periods since the start",
        method=approach.method,
        inference=found.words,
        df=found.df,
        n=book.panel.n,
        clusters=len(book.panel.units),
        treated_clusters=book.treated,
        baseline=_common.baseline(book.panel),
        refit=refit,
        linear=False,
        bounds=found.bounds,
        limits=found.limits,
        aside=aside,
        cohorts=book.panel.periods[setting.starts],
        cohort_units=setting.sizes,
        donors=book.donors,
        weights=np.array([fit.unit for fit in own.fits]),
        times=book.panel.periods,
        time_weights=_levels(book, own),
        observed=observed,
        predicted=observed - own.path,
        fitted=setting.fitted,
        pre_rmspe=own.rmspe,
        pre_scale=_scale(book, own),
        predictors=_predictors(book, own),
        objective=float(np.average([fit.objective for fit in own.fits], weights=setting.sizes)),
        residual=max(fit.residual for fit in own.fits),
        starts=(worst.reached, worst.tried),
        excluded=book.excluded,
        battery=cache(partial(_battery, book, approach, own, found.draws)),
    )


def _scale(book: Book, own: Estimated) -> float:
    """Standard deviation over time of the treated units' outcome in the periods fitted."""
    spread = [problem.path.var(ddof=1) for problem in own.problems]
    return float(np.sqrt(np.average(spread, weights=book.setting.sizes)))


def described(book: Book) -> str:
    """Donors, periods fitted and what was left out, in words."""
    periods, setting = book.panel.periods, book.setting
    last = periods[int(setting.starts.max()) - 1]
    left = f", without {', '.join(book.excluded)}" if book.excluded else ""
    dates = "" if book.dated else f"; {len(setting.starts)} adoption dates weighed apart, donors never treated"
    span = f"{plain(periods[setting.first])} to {plain(last)}"
    return f"{len(book.donors)} donors{left}, fitted to {span}{dates}"


def _table(book: Book, path: Array, joint: Array) -> pd.DataFrame:
    import pandas as pd

    setting = book.setting
    starts = int(setting.starts[0])
    return pd.DataFrame(
        {
            "cohort": -1,
            "period": book.panel.periods[setting.events + starts] if book.dated else -1,
            "event_time": setting.events,
            "estimate": path,
            "std_error": np.sqrt(np.diag(joint)),
            "weight": setting.weights,
            "treated_clusters": setting.counted.sum(axis=0),
            "comparison_clusters": len(book.donors),
        }
    )


def _levels(book: Book, own: Estimated) -> Array | None:
    if not own.fits[0].shifted:
        return None
    found = np.zeros((len(own.fits), len(book.panel.periods)))
    for row, fit in zip(found, own.fits, strict=True):
        row[: len(fit.level)] = fit.level
    return found


def _predictors(book: Book, own: Estimated) -> pd.DataFrame | None:
    """The predictors of the treated units, their synthetic counterpart and the donors, averaged over cohorts."""
    import pandas as pd

    if not book.features:
        return None
    columns: dict[str, Any] = {"name": list(book.features)}
    sizes = book.setting.sizes
    values: dict[str, list[Any]] = {"treated": [], "synthetic": [], "donors": [], "weight": []}
    for problem, fit in zip(own.problems, own.fits, strict=True):
        assert problem.others is not None
        values["treated"].append(problem.own)
        values["synthetic"].append(fit.unit @ problem.others)
        values["donors"].append(problem.others.mean(axis=0))
        values["weight"].append(fit.predictor)
    return pd.DataFrame(columns | {name: np.average(found, axis=0, weights=sizes) for name, found in values.items()})


def _battery(book: Book, approach: Approach, own: Estimated, draws: Draws | None) -> Placebos:
    setting = book.setting
    found = draws or synthetic_errors.one_by_one(setting, approach.again(own))
    ratio = synthetic_errors.ratios(found.paths, found.rmspe, setting.weights)
    mine = float(synthetic_errors.ratios(own.path[None], np.array([own.rmspe]), setting.weights)[0])
    return Placebos(
        donors=book.donors,
        gaps=found.paths,
        pre_rmspe=found.rmspe,
        estimate=found.paths @ setting.weights,
        ratio=ratio,
        own=mine,
        p_value=synthetic_errors.ratio_rank(mine, ratio),
    )
