"""Does the conclusion survive the choice of inference? The same effect under every convention that applies.

Reference: MacKinnon, Nielsen and Webb (2023), "Cluster-robust inference: a guide to empirical practice", who advise to
compare several methods and to distrust an answer on which they disagree.
"""

from __future__ import annotations

import math

from analysis.inference.conventions import conventions, name_of
from analysis.inference.few_clusters import headline
from analysis.report.display import level_words, p_words
from analysis.result import Check, Data, Effects, Estimate

ASSUMPTION = "The conclusion does not hang on how uncertainty was computed."


def run(
    data: Data, effects: Effects, path: Effects | None, *, level: float, average: str, seed: int, draws: int
) -> Check:
    """Counts the conventions under which the interval excludes zero; a caution where they are not of one mind."""
    found = conventions(data, effects, average=average, level=level, seed=seed, draws=draws)
    if len(found) < 2:
        return _alone(found, effects)
    shown = headline(data, effects, average=average, level=level, seed=seed, draws=draws)
    return _verdict(found, shown, level)


def _verdict(found: list[Estimate], shown: Estimate, level: float) -> Check:
    excluding = [one for one in found if one.excludes(0.0)]
    agree = len(excluding) in (0, len(found)) and bool(excluding) == shown.excludes(0.0)
    narrow, *_, wide = sorted(found, key=lambda one: one.high - one.low)
    p_values = [one.p_value for one in found]
    finding = (
        f"With {shown.treated_clusters} treated of {shown.clusters} clusters, {_how_many(excluding, found)} (p from "
        f"{p_words(min(p_values))} to {p_words(max(p_values))}). The narrowest {level_words(level)} is "
        f"{{narrow_low_number}} to {{narrow_high}} ({name_of(narrow)}), the widest {{wide_low_number}} to "
        f"{{wide_high}} ({name_of(wide)})."
    )
    advice = (
        "The choice of inference does not decide the conclusion."
        if agree
        else "Rest no decision on the sign alone; the interval shown is the one that the number of clusters allows."
    )
    ends = {"narrow_low": narrow.low, "narrow_high": narrow.high, "wide_low": wide.low, "wide_high": wide.high}
    return Check(
        "inference_choice",
        "E103",
        ASSUMPTION,
        finding,
        advice,
        "note" if agree else "warn",
        float(len(excluding)),
        max(p_values),
        wide.low,
        wide.high,
        ends,
    )


def _how_many(excluding: list[Estimate], found: list[Estimate]) -> str:
    if len(excluding) == len(found):
        return f"all {len(found)} conventions of inference exclude zero"
    if not excluding:
        return f"none of {len(found)} conventions of inference excludes zero"
    named = ", ".join(name_of(one) for one in found if one not in excluding)
    return f"{len(excluding)} of {len(found)} conventions of inference exclude zero, and not: {named}"


def _alone(found: list[Estimate], effects: Effects) -> Check:
    """One convention or none: what that means."""
    one = found[0] if found else None
    finding = (
        f"With {effects.treated_clusters} treated of {effects.clusters} clusters or rows, only one convention of "
        f"inference applies ({name_of(one)}), and nothing shows what another would change."
        if one
        else "No convention of inference gives an interval with so few clusters and this design."
    )
    return Check(
        "inference_choice",
        "E103",
        ASSUMPTION,
        finding,
        "More clusters on both sides, or the level at which rows share a fate under `cluster`, would allow others.",
        "warn",
        None,
        None if one is None or math.isnan(one.p_value) else one.p_value,
        None if one is None else one.low,
        None if one is None else one.high,
    )
