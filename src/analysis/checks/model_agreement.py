"""Do other ways to model the series agree? Trends and errors that cannot be told apart may give other answers.

Reference: Turner and others (2021) compare such estimators; the thresholds are this project's.
"""

from __future__ import annotations

from collections.abc import Mapping

from analysis.checks._common import listed
from analysis.checks._interrupted import error, number
from analysis.result import AnyData, Check, Effects

FAMILIES = ("interrupted_time_series",)
ASSUMPTION = "The answer does not hang on one model of trend and errors."


def run(data: AnyData, effects: Effects, path: Effects | None, *, gaps: Mapping[str, float], level: float) -> Check:
    """Compares the other estimators of the study with the answer: further than its standard error, or of other sign."""
    if not gaps:
        finding = "No other estimator of the same effect was asked for, so that nothing shows what hangs on the model."
        return Check("model_agreement", "E110", ASSUMPTION, finding, "Name some under `estimators`.", "warn")
    answer, spread = number(effects), error(effects)
    clear = effects.average(level).excludes(0.0)
    far = [name for name, gap in gaps.items() if abs(gap) > spread or (clear and answer * (answer + gap) < 0)]
    widest = max(gaps, key=lambda name: abs(gaps[name]))
    amounts = {"other": answer + gaps[widest], "answer": answer, "spread": spread}
    return Check(
        "model_agreement",
        "E110",
        ASSUMPTION,
        f"{len(far) or 'None'} of {len(gaps)} other estimators lie more than one standard error ({{spread}}) from the "
        f"answer, {{answer}}{': ' + listed(far) if far else ''}. The furthest is {widest}, {{other}}. All see the "
        "same series and share its confounders.",
        "Report the range of the estimators rather than one of them."
        if far
        else "Agreement of models fitted to one series is no evidence against a common cause of the break.",
        "warn" if far else "note",
        max(abs(gap) for gap in gaps.values()) / spread if spread else None,
        amounts=amounts,
    )
