"""Does the answer hang on one unit? The same regression without each cluster.

A change counts when it turns
the sign or exceeds half of the answer, and is also larger than half of the answer's standard error.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import UNNAMED, farthest, plain, some
from analysis.checks._panel import own
from analysis.inference.cluster_robust import leave_one_out
from analysis.inference.panel_fit import PanelFit
from analysis.panel import Array
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("panel_fixed_effects",)
ASSUMPTION = "The answer does not hang on a single unit."


def run(data: Rows, effects: Effects, path: Effects | None) -> Check:
    """The answer without each cluster."""
    found = own(effects)
    fit, error = found.regression, float(np.nan_to_num(found.table["std_error"].iloc[0]))
    values = leave_one_out(fit.regression)[:, 0]
    needed = np.flatnonzero(np.isnan(values))
    change = np.where(np.isnan(values), 0.0, values - fit.value)
    large = ((fit.value + change) * fit.value < 0) | (np.abs(change) > abs(fit.value) / 2)
    hits = np.flatnonzero(large & (np.abs(change) > error / 2))
    return _verdict(data, fit, change, hits, needed)


def _verdict(data: Rows, fit: PanelFit, change: Array, hits: Array, needed: Array) -> Check:
    hang = bool(len(hits) or len(needed))
    most = _name(data, fit, int(np.argmax(np.abs(change))))
    turned = f" It turns or changes by more than half without {_some(data, fit, hits)}." if len(hits) else ""
    lost = f" Without {_some(data, fit, needed)} there is nothing to estimate." if len(needed) else ""
    return Check(
        "leave_one_unit_out",
        "E116",
        ASSUMPTION,
        f"The answer is {{answer}}; without one of {fit.clusters:,} clusters it is {{low_number}} to {{high}}"
        f"{farthest(most)}.{turned}{lost}",
        "Look into them: an event of their own there would look like the policy."
        if hang
        else "Several units that move together could still drive it; this leaves out one at a time.",
        "warn" if hang else "note",
        float(np.abs(change).max()),
        amounts={
            "answer": fit.value,
            "low": fit.value + float(change.min()),
            "high": fit.value + float(change.max()),
        },
    )


def _some(data: Rows, fit: PanelFit, places: Array) -> str:
    return some([_name(data, fit, int(place)) for place in places])


def _name(data: Rows, fit: PanelFit, place: int) -> str:
    """What a reader would call a cluster, where it may be named: the unit in it, or one of them."""
    if data.unit is None or not data.labels.public:
        return UNNAMED
    labels, first = data.labels, int(np.flatnonzero(data.cluster == fit.codes[place])[0]) if data.clustered else None
    if first is None:
        return f"{labels.word(labels.unit)} {plain(data.units[int(fit.codes[place])])}"
    return f"the {labels.word(labels.cluster)} of {labels.word(labels.unit)} {plain(data.units[int(data.unit[first])])}"
