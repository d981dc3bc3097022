"""False starts: the same estimate at dates before the policy, on data from before it alone, should find nothing.

Reference: Bernal, Cummins and Gasparrini (2017); Linden (2018), "Using permutation tests to enhance causal inference in
interrupted time series"; the thresholds are this project's (they caution 7 % of simulated series of 120 periods without
any break before the policy).
"""

from __future__ import annotations

from analysis.checks._interrupted import ALPHA, answer_of, rows_of
from analysis.inference.interruption import FalseStarts, false_starts, words
from analysis.result import AnyData, Check, Effects

FAMILIES = ("interrupted_time_series",)
ASSUMPTION = "Breaks like the one at the start do not happen at dates without the policy."
MANY = 0.15
LARGE = 0.05


def run(data: AnyData, effects: Effects, path: Effects | None, *, level: float) -> Check:
    """Refits with false starts; cautions where many are significant, or some as large as the answer."""
    found = false_starts(rows_of(data), effects, level)
    if isinstance(found, str):
        finding = f"False starts cannot be tried with these data: {found}."
        return Check("placebo_breaks", "E110", ASSUMPTION, finding, "Look for earlier data.", "warn")
    return _verdict(effects, found, level)


def _verdict(effects: Effects, found: FalseStarts, level: float) -> Check:
    answer = answer_of(effects)
    tried, hits = len(found.labels), int((found.p_value <= ALPHA).sum())
    large, clear = int(found.as_large.sum()), answer.average(level).p_value <= ALPHA
    exceeded = clear and large > LARGE * tried
    many = hits > MANY * tried
    worst = int(abs(found.estimate / found.std_error).argmax())
    return Check(
        "placebo_breaks",
        "E112" if exceeded else "E110",
        ASSUMPTION,
        f"Of {tried} false starts between {words(effects, found.labels[0])} and {words(effects, found.labels[-1])}, on "
        f"data from before the policy, {_count(hits, 'shows', 'show')} an effect at 5\u202f%, and "
        f"{_count(large, 'is', 'are')} as large as the answer, each measured by its own error. The largest is "
        f"{{worst}} in {words(effects, found.labels[worst])}. Neighbouring dates share their data.",
        "Find out what happened at those dates; breaks that need no policy may also explain the one at its start."
        if exceeded or many
        else "Breaks that the series did not happen to show before the policy stay possible.",
        "warn" if exceeded or many else "note",
        large / tried,
        amounts={"worst": float(found.estimate[worst])},
    )


def _count(number: int, one: str, many: str) -> str:
    return f"{number or 'none'} {one if number == 1 else many}"
