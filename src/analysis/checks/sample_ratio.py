"""Did the arms come out as large as planned? Unequal arms say that the draw, or who was counted, went wrong.

Reference: Fabijan et al. (2019), "Diagnosing sample ratio mismatch in online controlled experiments"; the cut-offs of
one in a thousand (stop) and one in a hundred (caution) are the common ones.
"""

from __future__ import annotations

from analysis.checks._common import about
from analysis.inference.sample_ratio import chi_square
from analysis.inference.trial_arms import Arms, arms
from analysis.inference.trial_rows import everyone
from analysis.refusal import Refusal
from analysis.report.display import p_words, percent
from analysis.result import Check, Effects
from analysis.rows import Rows

FAMILIES = ("randomised_trial",)
ASSUMPTION = "Everyone who was assigned is in the data, in the arm that chance gave them."
STOP, WARN = 0.001, 0.01


def run(
    data: Rows,
    effects: Effects,
    path: Effects | None,
    *,
    treatment: str,
    control_arm: str | int | None,
    arm: str | int | None,
    strata: str | None,
    expected_share: float | list[float] | None,
) -> Check:
    """Compares the units of each arm, with and without an outcome, with the planned shares."""
    found = arms(data, treatment, control_arm, arm)
    who = everyone(data, found, strata)
    code, _, _ = who.units()
    counts = [int((code == place).sum()) for place in range(len(found.names))]
    word = f"clusters ({data.labels.word(data.labels.cluster)})" if who.clustered else "rows"
    listed = ", ".join(f"{name} {count:,}" for name, count in zip(found.shown, counts, strict=True))
    if expected_share is None:
        finding = f"{listed} {word}. No planned share is named, so that nothing shows whether this is "
        return about(
            "sample_ratio", "E124", ASSUMPTION, f"{finding}what chance was told to do.", "Name it: `expected_share`."
        )
    shares = _shares(expected_share, found)
    statistic, p_value = chi_square(counts, shares)
    planned = ", ".join(f"{name} {percent(share)}" for name, share in zip(found.shown, shares, strict=True))
    return _verdict(f"{listed} {word}", planned, statistic, p_value)


def _shares(expected: float | list[float], found: Arms) -> list[float]:
    """Planned shares in the order of the arms: control, arm of the headline, others."""
    if isinstance(expected, list):
        if len(expected) != len(found.names):
            problem = f"{len(expected)} shares for {len(found.names)} arms"
            raise Refusal("R302", "expected_share", problem, f"list one for each of {', '.join(found.names)}")
        return expected
    if len(found.names) != 2:
        problem = f"one share for {len(found.names)} arms"
        raise Refusal("R302", "expected_share", problem, f"list one for each of {', '.join(found.names)}")
    return [1 - expected, expected]


def _verdict(counts: str, planned: str, statistic: float, p_value: float) -> Check:
    off = p_value < WARN
    likely = f"{_rarely(p_value)} if all went well (chi-square {statistic:.1f}, p = {p_words(p_value)})"
    missed = "" if off else " Interference that hits all arms alike would not show."
    return Check(
        "sample_ratio",
        "E124",
        ASSUMPTION,
        f"{counts}, and planned were {planned}: a gap as large as this arises {likely}.{missed}",
        "Find out who is missing or counted twice before reading any effect."
        if off
        else "Compare the counts by day or site as well, where these are known.",
        "stop" if p_value < STOP else "warn" if off else "note",
        statistic,
        p_value,
    )


def _rarely(p_value: float) -> str:
    if p_value < STOP:
        return "less than once in a thousand draws"
    if p_value > 0.995:
        return "in every draw"
    return (
        f"{100 * p_value:.1f} times in a hundred draws"
        if p_value < 0.1
        else f"{100 * p_value:.0f} times in a hundred draws"
    )
