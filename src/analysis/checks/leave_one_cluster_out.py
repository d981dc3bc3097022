"""Does the answer hang on one cluster, or on one row where errors take rows as independent?

With up to 60 clusters every one is left out in turn; with more, the 20 that move the answer most to first order. A
change counts when it turns the sign or exceeds half of the answer, and is also larger than half of its standard error.
Reference: Young (2022) on how often instrumental-variable results rest on one or two clusters.
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import UNNAMED, about, farthest, plain, some
from analysis.fits.instrumental_variable import problem_of
from analysis.inference import instruments
from analysis.panel import Array
from analysis.refusal import Refusal
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("instrumental_variable",)
ASSUMPTION = "The answer does not hang on a single cluster or row."
EVERY, CANDIDATES = 60, 20


def run(data: Rows, effects: Effects, path: Effects | None) -> Check:
    """The answer without each cluster, or without the most influential ones."""
    clustered = problem_of(effects).errors == "clustered"
    own = data.cluster if clustered else np.arange(data.n)
    codes, values, needed = _tried(data, effects, own, _candidates(effects))
    answer, error = float(effects.estimate[0]), float(effects.table["std_error"].iloc[0])
    if not len(values):
        finding = "Without any of the clusters that count most there is nothing to estimate."
        return about("leave_one_cluster_out", "E116", ASSUMPTION, finding, "Find more clusters.")
    large = (np.sign(values) != np.sign(answer)) | (np.abs(values - answer) > abs(answer) / 2)
    hits = [_name(data, own, c) for c in codes[large & (np.abs(values - answer) > error / 2)]] + needed
    most = _name(data, own, int(codes[int(np.argmax(np.abs(values - answer)))]))
    word = f"clusters ({data.labels.word(data.labels.cluster)})" if clustered else "rows"
    many = len(codes) + len(needed)
    which = f"one of {many} {word}" if many == own.max() + 1 else f"one of the {many} {word} that count most"
    tail = f" It turns, vanishes or changes by more than half without {some(hits)}." if hits else ""
    return Check(
        "leave_one_cluster_out",
        "E116",
        ASSUMPTION,
        f"The answer is {{answer}}; without {which} it is {{low_number}} to {{high}}{farthest(most)}.{tail}",
        "Look into them: an event of their own would look like the effect of the treatment."
        if hits
        else "Several that move together could still drive it; this leaves out one at a time.",
        "warn" if hits else "note",
        float(np.abs(values - answer).max()),
        amounts={"answer": answer, "low": float(values.min()), "high": float(values.max())},
    )


def _candidates(effects: Effects) -> Array:
    own = instruments.moved(problem_of(effects))
    if len(own) <= EVERY:
        return np.arange(len(own))
    return np.sort(np.argsort(-np.abs(own), kind="stable")[:CANDIDATES])


def _tried(data: Rows, effects: Effects, own: Array, codes: Array) -> tuple[Array, Array, list[str]]:
    """Clusters left out with the answers without them, and those without which there is none."""
    kept, values, needed = [], [], []
    for code in codes:
        try:
            values.append(float(effects.refit(data.rows(own != code)).estimate[0]))
            kept.append(int(code))
        except Refusal:
            needed.append(_name(data, own, int(code)))
    return np.array(kept, dtype=int), np.array(values), needed


def _name(data: Rows, own: Array, code: int) -> str:
    """What a reader would call the cluster or row, where it may be named."""
    if not data.labels.public:
        return UNNAMED
    rows = np.flatnonzero(own == code)
    if data.unit is not None and len(np.unique(data.unit[rows])) == 1:
        unit = f"{data.labels.word(data.labels.unit)} {plain(data.units[data.unit[rows[0]]])}"
        when = f" in {plain(data.time[rows[0]])}" if len(rows) == 1 and data.time is not None else ""
        return f"{unit}{when}"
    return UNNAMED
