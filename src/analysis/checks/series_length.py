"""Is the series long enough? Periods before and after the start, and cycles of the season.

Reference: Hawley, Ali, Berrisford and others (2019) on power; Turner and others (2021) on short series; the thresholds
are this project's.
"""

from __future__ import annotations

from analysis.checks._interrupted import answer_of, choices
from analysis.result import AnyData, Check, Effects

FAMILIES = ("interrupted_time_series",)
ASSUMPTION = "The series is long enough to tell the policy from the trend and from chance."
FEWEST, ENOUGH = 8, 12


def run(data: AnyData, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """Stops below eight periods before the policy; cautions below twelve on either side, or two cycles before."""
    answer, season = answer_of(effects), choices(effects)["season"]
    before, after = answer.before, answer.after
    short = min(before, after) < ENOUGH
    cycles = before / season if season else None
    few = cycles is not None and cycles < 2
    spare = answer.n - answer.matrix.shape[1]
    return Check(
        "series_length",
        "E125" if short or few else "E110",
        ASSUMPTION,
        f"{before} periods before the policy and {after} under it, for {answer.matrix.shape[1]} coefficients"
        f"{_cycles(cycles)}.{_consequence(before, after, few)} An effect of {{detectable}} would be found four times "
        "in five.",
        "Add earlier and later periods, or finer ones (months for years)."
        if short or few
        else "Longer series of both sides would narrow the interval.",
        "stop" if before < FEWEST else "warn" if short or few or spare < ENOUGH else "note",
        float(before),
        amounts={"detectable": answer.average(level).detectable() or float("nan")},
    )


def _cycles(cycles: float | None) -> str:
    return "" if cycles is None else f"; {cycles:.1f} cycles of the season before it"


def _consequence(before: int, after: int, few: bool) -> str:
    if before < FEWEST:
        return f" Fewer than {FEWEST} periods before the policy cannot show a trend: no answer can be given."
    if min(before, after) < ENOUGH:
        return f" Fewer than {ENOUGH} on a side leave trend, chance and effect hard to tell apart."
    if few:
        return " A season seen less than twice cannot be told from the trend."
    return ""
