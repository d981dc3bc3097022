"""From a long table to a `Sample`: repeated cross-sections of a group the policy reached and of one it did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.adoption import positions, upcoming
from analysis.data.grid import codes
from analysis.data.panels import infinite, positive
from analysis.panel import NEVER, Array, Dropped, Labels, Sample
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd


def sample_from_frame(frame: pd.DataFrame, labels: Labels, *, covariates: Sequence[str] = ()) -> Sample:
    """The repeated cross-section that `frame` holds: rows with a start date belong to the group the policy reached.

    Rows with a missing outcome or covariate are dropped and counted. Raises Refusal as `panel_from_frame` does.
    """
    outcome = frame[labels.outcome].to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(outcome).any():
        raise infinite(labels.outcome, int(np.isinf(outcome).sum()))
    columns = {name: frame[name].to_numpy(dtype=float, na_value=np.nan) for name in covariates}
    keep, dropped = _complete({labels.outcome: outcome, **columns}, labels)
    periods, period = np.unique(frame[labels.time].to_numpy()[keep], return_inverse=True)
    dates = frame[labels.first_treated].to_numpy(dtype=float, na_value=np.nan)[keep]
    adoption = positions(dates, periods, labels.first_treated)
    _check_contrast(adoption, labels.first_treated)
    if labels.cluster and frame[labels.cluster].isna().to_numpy()[keep].any():
        raise Refusal("E105", labels.cluster, "a row has no cluster", "every row needs its cluster")
    weight = _row_weight(frame, labels, keep)
    cluster = codes(frame[labels.cluster].to_numpy()[keep]) if labels.cluster else np.arange(int(keep.sum()))
    columns = {name: values[keep] for name, values in columns.items()}
    return Sample(
        outcome[keep],
        periods,
        period,
        adoption,
        weight,
        cluster,
        labels,
        columns,
        dropped,
        eligible=_eligible(frame, labels.eligible, keep) if labels.eligible else None,
        upcoming=upcoming(dates, periods),
    )


def _complete(columns: Mapping[str, Array], labels: Labels) -> tuple[Array, tuple[Dropped, ...]]:
    """Rows without a missing value, and how many each column cost."""
    missing = np.zeros(len(next(iter(columns.values()))), dtype=bool)
    dropped = []
    for name, values in columns.items():
        gone = int((np.isnan(values) & ~missing).sum())
        if gone:
            dropped.append(Dropped(f"{labels.word(name)} is missing", gone, gone))
            missing |= np.isnan(values)
    return ~missing, tuple(dropped)


def _eligible(frame: pd.DataFrame, name: str, keep: Array) -> Array:
    values = frame[name].to_numpy(dtype=float, na_value=np.nan)[keep]
    if not np.isin(values, (0.0, 1.0)).all():
        raise Refusal("E131", name, "a row is neither eligible (1) nor not (0)", "write 0 or 1 in every row")
    return np.asarray(values == 1.0)


def _check_contrast(adoption: Array, column: str) -> None:
    """Raises Refusal unless a group is reached after the first period and another is not."""
    dates = np.unique(adoption[adoption != NEVER])
    if not len(dates) or dates[0] == 0 or ((adoption != NEVER).all() and len(dates) == 1):
        raise Refusal(
            "P005",
            column,
            "the rows hold no group under the policy beside one without, before and after",
            "check the role columns and the filter `where`",
        )


def _row_weight(frame: pd.DataFrame, labels: Labels, keep: Array) -> Array:
    if not labels.weight:
        return np.ones(int(keep.sum()))
    return positive(frame[labels.weight].to_numpy(dtype=float, na_value=np.nan)[keep], labels.weight)
