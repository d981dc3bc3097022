"""Did units react before the policy came? The period just before it, and the answer without relying on that period.

Reference: Callaway and Sant'Anna (2021), assumption 3 (limited anticipation); Malani and Reif (2015) on how
anticipation biases before-after comparisons. One more period of anticipation is allowed for than the study declares:
the lead is then measured against the period before it, and the answer no longer starts from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.checks._common import ALPHA, DRAWS, Gap, about, changed, compared, options
from analysis.inference.few_clusters import ENOUGH
from analysis.inference.permutation import permuted
from analysis.panel import NEVER, Panel
from analysis.refusal import Refusal
from analysis.report.display import level_words, p_words
from analysis.result import Check, Data, Effects, t_interval

ASSUMPTION = "Units did not react before the policy came."


@dataclass(frozen=True)
class _Lead:
    """The effect in the last period before adoption, with bounds (None under permutation) and p-value."""

    value: float
    low: float | None
    high: float | None
    p_value: float
    draws: int = 0


def run(
    data: Data, effects: Effects, path: Effects | None, *, average: str, level: float, seed: int, anticipation: int
) -> Check:
    """The lead just before adoption (and declared anticipation), and how the answer moves if it is not relied on."""
    if path is None:
        return _impossible("they hold no path of effects over time")
    try:
        wider = _allowing(data, path, anticipation + 1)
        lead = _lead(data, wider, -1 - anticipation, level, seed)
        gap = compared(data, effects, _allowing(data, effects, anticipation + 1), average, level)
    except Refusal as refusal:
        return _impossible(refusal.problem)
    if lead is None:
        return _impossible("there are not two periods before the policy")
    return _verdict(lead, gap, anticipation, level)


def _allowing(data: Data, effects: Effects, anticipation: int) -> Effects:
    """`effects` with so much anticipation; of a design that knows none, without the periods just before adoption."""
    if "anticipation" in options(effects):
        return changed(effects, data, anticipation=anticipation)
    if data.staggered or not isinstance(data, Panel):
        raise Refusal("E112", "anticipation", "this design cannot leave out the period before each date", "change it")
    return effects.refit(_without_last(data, anticipation))


def _without_last(panel: Panel, periods: int) -> Panel:
    """A panel with one adoption date without the `periods` periods before it."""
    start = int(panel.cohorts.max())
    if start - periods < 1:
        raise Refusal("P005", "anticipation", "there are not two periods before the policy", "widen `since`")
    keep = np.delete(np.arange(len(panel.periods)), np.arange(start - periods, start))
    return replace(
        panel,
        outcome=panel.outcome[:, keep],
        periods=panel.periods[keep],
        adoption=np.where(panel.adoption == NEVER, NEVER, start - periods),
        covariates={name: values[:, keep] for name, values in panel.covariates.items()},
        treatment=None if panel.treatment is None else panel.treatment[:, keep],
    )


def _lead(data: Data, effects: Effects, event: int, level: float, seed: int) -> _Lead | None:
    """The effect at `event`; by permutation where fewer than ten clusters stand on either side."""
    path = effects.by("event_time") if effects.kind == "cells" else effects
    row = path.table[path.table["event_time"] == event]
    if not len(row) or float(row["std_error"].iloc[0]) == 0:
        return None
    value = float(row["estimate"].iloc[0])
    behind = min(row["treated_clusters"].iloc[0], row["comparison_clusters"].iloc[0])
    if behind >= ENOUGH or not isinstance(data, Panel):
        low, high, p_value = t_interval(value, float(row["std_error"].iloc[0]), path.df, level)
        return _Lead(value, low, high, p_value)
    values, _ = permuted(data, effects, lambda found: _at(found, event), seed=seed, draws=DRAWS)
    p_value = float((np.abs(values) >= abs(value) * (1 - 1e-9)).mean())
    return _Lead(value, None, None, p_value, len(values) - 1)


def _at(effects: Effects, event: int) -> float:
    path = effects.by("event_time") if effects.kind == "cells" else effects
    found = path.table.loc[path.table["event_time"] == event, "estimate"]
    return float(found.iloc[0]) if len(found) else 0.0


def _verdict(lead: _Lead, gap: Gap, anticipation: int, level: float) -> Check:
    hit = lead.p_value <= ALPHA
    when = "the period before adoption" if not anticipation else f"the period {anticipation + 1} before adoption"
    error = (
        f"{level_words(level)} {{low_number}} to {{high}}, p = {p_words(lead.p_value)}"
        if lead.low is not None
        else f"p = {p_words(lead.p_value)} among {lead.draws} reassignments of the policy to other clusters"
    )
    found = "differed already" if hit else "differed by no more than chance explains"
    amounts = gap.amounts() | {"lead": lead.value, "low": lead.low or 0.0, "high": lead.high or 0.0}
    return Check(
        "anticipation",
        "E112" if hit else "E110",
        ASSUMPTION,
        f"In {when} the groups {found}: {{lead}} ({error}). Without relying on that period the answer is "
        f"{{other_number}} instead of {{answer}}, apart by {gap.words(level)}.",
        f"Find out whether the policy was announced; if so, set `anticipation: {anticipation + 1}`."
        if hit
        else "Ask when the policy was announced: this cannot see reactions that began earlier still.",
        "warn" if hit else "note",
        lead.value,
        lead.p_value,
        lead.low,
        lead.high,
        amounts,
    )


def _impossible(why: str) -> Check:
    finding = f"An early reaction cannot be looked for with these data: {why}."
    return about("anticipation", "E110", ASSUMPTION, finding, "Ask when the policy was announced.")
