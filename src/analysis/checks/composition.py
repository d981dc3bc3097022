"""Does the path compare like with like? Late periods rest on the cohorts that adopted early, thin cohorts on few units.

Reference: Callaway and Sant'Anna (2021), section 3.1.1: a window in which every cohort is seen throughout holds the mix
of cohorts fixed. The last event time of the earliest cohort always rests on it alone: it is a caution only when a
quarter of the answer rests on single cohorts, or on cohorts of fewer units than covariates plus five (this project's
thresholds), or when holding the mix fixed moves the average by more than chance explains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.averaging import averaged
from analysis.checks._common import Gap, about, listed, plain
from analysis.inference import few_clusters
from analysis.panel import Array, Panel
from analysis.report.display import percent
from analysis.result import Check, Data, Effects, t_interval

ASSUMPTION = "Every period since adoption speaks for the same units, and every cohort holds enough of them."
LARGEST = 0.25
UNITS = 5


@dataclass(frozen=True)
class _Mix:
    """Thin cohorts and the share of the answer on them; event times of one cohort and their share; the balanced window
    (None where no two cohorts are seen for two periods), its last event time and its cohorts."""

    thin: list[str]
    thin_share: float
    lone: list[int]
    lone_share: float
    gap: Gap | None
    last: int
    cohorts: list[str]


def run(
    data: Data, effects: Effects, path: Effects | None, *, average: str, level: float, covariates: list[str]
) -> Check:
    """Cohorts and event times behind the answer, and the average with the mix of cohorts held fixed."""
    if not data.staggered:
        finding = "All units under the policy adopt at one date, so that every period since then speaks for the same "
        return _about(f"{finding}{'units' if isinstance(data, Panel) else 'group'}.", "Nothing to do.")
    if effects.kind != "cells":
        finding = f"{effects.method[:1].upper()}{effects.method[1:]} gives no effects by cohort: which of them stand "
        return _about(f"{finding}behind which period cannot be told.", "Compare with `group_time` under `estimators`.")
    table, post = effects.table, effects.table["event_time"].to_numpy() >= 0
    weights = _weights(effects, average)
    thin = np.array([_units(data, cohort) < UNITS + len(covariates) for cohort in effects.share_cohorts])
    thin_cells = np.isin(table["cohort"], effects.share_cohorts[thin])
    seen = table[post].groupby("event_time")["cohort"].nunique()
    lone = [int(e) for e in seen.index[seen == 1]]
    last, cohorts = _window(effects)
    found = _Mix(
        thin=[plain(c) for c in effects.share_cohorts[thin]],
        thin_share=float(weights[thin_cells].sum()),
        lone=lone,
        lone_share=float(weights[np.isin(table["event_time"], lone)].sum()),
        gap=_balanced(data, effects, average, level, last, cohorts) if last > 0 else None,
        last=last,
        cohorts=[plain(c) for c in cohorts],
    )
    return _verdict(found, len(effects.share_cohorts), UNITS + len(covariates), level)


def _units(data: Data, cohort: float) -> int:
    """Units (or rows) of the cohort adopting in the period labelled `cohort`."""
    return int((data.adoption == int(np.flatnonzero(data.periods == cohort)[0])).sum())


def _weights(effects: Effects, average: str) -> Array:
    """(K,) what each cell counts in the answer."""
    table = effects.table
    post = table["event_time"].to_numpy() >= 0
    size = np.where(post, effects.share[np.searchsorted(effects.share_cohorts, table["cohort"])], 0.0)
    if average == "simple":
        return np.asarray(size / size.sum())
    groups = table[average].to_numpy()
    found = np.zeros(len(table))
    for label in np.unique(groups[post]):
        inside = post & (groups == label)
        own = size[inside] / size[inside].sum()
        found[inside] = own * (size[inside].mean() if average == "cohort" else 1.0)
    return np.asarray(found / found.sum())


def _window(effects: Effects) -> tuple[int, Array]:
    """The longest window of event times 0 to `last` in which two cohorts are seen throughout, and its cohorts."""
    post = effects.table[effects.table["event_time"] >= 0]
    lasts = np.array([_seen_until(post[post["cohort"] == c]["event_time"].to_numpy()) for c in effects.share_cohorts])
    last = int(np.sort(lasts)[-2]) if len(lasts) > 1 else -1
    return last, effects.share_cohorts[lasts >= last]


def _seen_until(events: Array) -> int:
    """The last event time up to which none is missing; -1 where the first is."""
    count = 0
    while count in events:
        count += 1
    return count - 1


def _balanced(data: Data, effects: Effects, average: str, level: float, last: int, cohorts: Array) -> Gap:
    """The mean over event times 0 to `last` of all cohorts seen then, beside that of `cohorts`, seen throughout."""
    event, cohort = effects.table["event_time"].to_numpy(), effects.table["cohort"].to_numpy()
    rows = [event == e for e in range(last + 1)] + [(event == e) & np.isin(cohort, cohorts) for e in range(last + 1)]
    member = (cohort[:, None] == effects.share_cohorts[None, :]).astype(float)
    _, values, jacobian = averaged(effects.estimate, np.array(rows, dtype=float), effects.share, member)
    mean = np.kron(np.eye(2), np.full((1, last + 1), 1 / (last + 1)))
    every, fixed = mean @ values
    step = np.array([-1.0, 1.0]) @ mean @ jacobian[: len(values)]
    error = float(np.sqrt(max(step @ effects.joint @ step, 0.0)))
    if few_clusters.too_few(data, effects, average) or error <= 1e-9 * abs(every):
        return Gap(float(every), float(fixed))
    return Gap(float(every), float(fixed), *t_interval(float(fixed - every), error, effects.df, level))


def _verdict(found: _Mix, cohorts: int, enough: int, level: float) -> Check:
    thin, lone = found.thin_share > LARGEST, found.lone_share > LARGEST
    moved = found.gap is not None and found.gap.clear
    words = [_thin_words(found, cohorts, enough), _lone_words(found), _window_words(found, level)]
    return Check(
        "composition",
        "E113" if thin and not lone else "E114",
        ASSUMPTION,
        " ".join(part for part in words if part),
        "Read the path as the experience of changing groups, and the answer as resting on those named."
        if thin or lone or moved
        else "The average is little affected; the shape of the path at its end is that of the earliest adopters.",
        "warn" if thin or lone or moved else "note",
        max(found.thin_share, found.lone_share),
        amounts=found.gap.amounts() if found.gap else {},
    )


def _thin_words(found: _Mix, cohorts: int, enough: int) -> str:
    if not found.thin:
        who = f"Each of {cohorts} cohorts" if cohorts > 1 else "The one cohort"
        return f"{who} holds at least {enough} units."
    part = percent(found.thin_share) if found.thin_share < 1 else "the whole"
    if cohorts == 1:
        return f"The one cohort ({found.thin[0]}) holds fewer than {enough} units."
    hold = "holds" if len(found.thin) == 1 else "hold"
    who = f"Of {cohorts} cohorts {len(found.thin)} ({listed(found.thin)})"
    return f"{who} {hold} fewer than {enough} units and {part} of the answer."


def _lone_words(found: _Mix) -> str:
    if not found.lone:
        return "Every period since adoption rests on two cohorts or more."
    first, last = found.lone[0], found.lone[-1]
    part = percent(found.lone_share) if found.lone_share < 1 else "the whole"
    if first == last:
        return f"Period {first} since adoption rests on a single cohort and carries {part} of the answer."
    return f"Periods {first} to {last} since adoption rest on a single cohort each and carry {part} of the answer."


def _window_words(found: _Mix, level: float) -> str:
    if found.gap is None:
        return "No two cohorts are seen for two periods, so that the mix of cohorts cannot be held fixed."
    seen = "the cohorts" if len(found.cohorts) > 4 else f"cohorts {listed(found.cohorts)}"
    return (
        f"Over periods 0 to {found.last}, the average of {seen}, seen throughout, differs from that of all cohorts by "
        f"{found.gap.words(level)}."
    )


def _about(finding: str, advice: str) -> Check:
    return about("composition", "E114", ASSUMPTION, finding, advice)
