"""Does the answer hang on one donor? The comparison is made again without each donor that carries weight.

Reference: Abadie, Diamond and Hainmueller (2015), section 4.2. A change counts when it turns the sign or exceeds half
of the answer (this project's choice, as for clusters in a difference in differences).
"""

from __future__ import annotations

import numpy as np

from analysis.checks._common import UNNAMED, farthest, plain, some
from analysis.checks._synthetic import answer, donor_rows, point, weights
from analysis.fits.synthetic_control import Synthetic
from analysis.panel import Panel
from analysis.refusal import Refusal
from analysis.result import Check, Effects

FAMILIES = ("synthetic_control",)
ASSUMPTION = "The answer does not hang on a single donor."
CARRIES, MOST = 0.01, 20


def run(data: Panel, effects: Synthetic, path: Effects | None) -> Check:
    """The answer without each of the donors with a weight of at least one per cent (the heaviest twenty)."""
    shares, rows = np.abs(weights(effects)), donor_rows(effects, data)
    tried = [k for k in np.argsort(-shares, kind="stable")[:MOST] if shares[k] >= CARRIES]
    names, values, needed = [], [], []
    for k in tried:
        name = plain(effects.donors[k]) if data.labels.public else UNNAMED
        keep = np.arange(len(data.units)) != rows[k]
        try:
            values.append(point(effects, data.only(keep, f"{name} left out")))
            names.append(name)
        except Refusal:
            needed.append(name)
    return _verdict(answer(effects), names, np.array(values), needed, int((shares >= CARRIES).sum()))


def _verdict(found: float, names: list[str], values: np.ndarray, needed: list[str], carrying: int) -> Check:
    changes = values - found
    hits = [name for name, v, c in zip(names, values, changes, strict=True) if v * found < 0 or abs(c) > abs(found) / 2]
    amounts, said = {"answer": found}, "The answer is {answer}"
    if len(values):
        amounts |= {"low": float(values.min()), "high": float(values.max())}
        which = (
            f"one of the {len(names)} of {carrying}" if carrying > len(names) + len(needed) else f"one of {len(names)}"
        )
        far = names[int(np.argmax(np.abs(changes)))]
        said += f"; without {which} donors that carry weight it is {{low_number}} to {{high}}{farthest(far)}"
    turned = f" It turns or changes by more than half without {some(hits)}." if hits else ""
    lost = f" Without {some(needed)} there is nothing to compare with." if needed else ""
    hang = bool(hits or needed)
    return Check(
        "leave_one_donor_out",
        "E116",
        ASSUMPTION,
        f"{said}.{turned}{lost}",
        "Look into these donors: an event of their own would look like the policy."
        if hang
        else "Several donors with one shock in common could still drive it; this leaves out one at a time.",
        "warn" if hang else "note",
        float(np.abs(changes).max()) if len(values) else None,
        amounts=amounts,
    )
