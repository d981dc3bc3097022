"""Are the instruments related to the outcome at all? What they do not touch, the treatment cannot have changed.

Reference: Angrist and Pischke, Mostly Harmless Econometrics, section 4.6.4; Chernozhukov and Hansen (2008).
"""

from __future__ import annotations

from analysis.checks._common import ALPHA
from analysis.fits.instrumental_variable import instrumented, p_value_of, problem_of
from analysis.inference import instruments
from analysis.report.display import level_words, p_words
from analysis.result import Check, Effects, t_interval
from analysis.rows import Rows

FAMILIES = ("instrumental_variable",)
ASSUMPTION = "The instruments move the outcome, as they must if they move the treatment and the treatment matters."


def run(data: Rows, effects: Effects, path: Effects | None, *, intervention: str, level: float) -> Check:
    """The outcome on the instruments, least squares: unbiased where the instruments are as good as random."""
    problem = problem_of(effects)
    p_value, line = p_value_of(effects, 0.0), instruments.on_index(problem)
    row = effects.table.iloc[0]
    _, _, usual = t_interval(float(row["estimate"]), float(row["std_error"]), effects.df, level)
    found = "No relation is clear" if p_value > ALPHA else "A relation is clear"
    low, high = sorted(problem.change * end for end in t_interval(line.value, line.error, line.df, level)[:2])
    few = instrumented(effects).rule == "bootstrap"
    hollow = p_value > ALPHA >= usual and not few
    between = "" if few else f" ({level_words(level)} {{low_number}} to {{high}})"
    return Check(
        "reduced_form",
        "E123",
        ASSUMPTION,
        f"{found} between {data.labels.outcome} and the instruments (p = {p_words(p_value)}): as much of them as "
        f"brings {intervention} goes with {{value}}{between}.",
        "The t interval looks clear only because it hides how uncertain the first stage is; the relation itself is not."
        if hollow
        else "This regression needs neither a strong first stage nor the exclusion; it shows what the answer rests on.",
        "warn" if hollow else "note",
        problem.change * line.value,
        p_value,
        amounts={"value": problem.change * line.value, "low": low, "high": high},
    )
