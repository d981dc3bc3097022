"""The decision rule and its sentences: causal words, chances and recommendations follow the evidence."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from scipy import stats
from test_designs import study

from analysis.data.catalog import Column
from analysis.decide import Decision
from analysis.decide import decision as rule
from analysis.decide.decision import chances, drift, recommend
from analysis.decide.difference_in_differences import GROUNDS
from analysis.decide.grounds import Grounds
from analysis.decide.instrumental_variable import GROUNDS as INSTRUMENTS
from analysis.report import answer
from analysis.report.display import Unit
from analysis.result import Check, Effects, Estimate, t_interval

OUTCOME = Column(type="number", label="Share of adults insured", unit="share", role="outcome")


def estimate(value: float, error: float | None = 0.01, df: float = 45) -> Estimate:
    low, high, p_value = t_interval(value, error or 0.05, df, 0.95)
    return Estimate(value, error, low, high, 0.95, p_value, df if error else None, 552, 46, 30, "e", "m", "i")


def check(severity: str, finding: str = "Found.") -> Check:
    return Check("pretrends", "E110", "Assumed.", finding, "Do.", severity)


def decision(value: float = 0.05, step: int = 3, small: bool = False, **changes: object) -> Decision:
    gain, harm = chances(estimate(value), 1, 0.02)
    fields = {
        "gain": gain,
        "harm": harm,
        "step": step,
        "reason": "r",
        "drift": 0.01,
        "shock": False,
        "detectable": 0.03,
    }
    fields |= changes
    found = estimate(value).excludes(0.0)
    action = recommend(fields["gain"], fields["harm"], step, found=found, small=small)
    return Decision(action=action, **fields)


def effects(baseline: float = 0.6) -> Effects:
    from dataclasses import replace

    from samples import organ

    from analysis.designs import two_by_two

    return replace(two_by_two.estimate(organ()), baseline=baseline)


def sentence(value: float, made: Decision, error: float | None = 0.01) -> str:
    return answer.sentence(study(), OUTCOME, effects(), estimate(value, error), made)


def test_chances_by_hand() -> None:
    """P(theta > .02) when theta is .05 with error .01 and 45 df: the t beyond -3."""
    gain, harm = chances(estimate(0.05), 1, 0.02)
    assert gain == pytest.approx(stats.t.sf(-3, 45)) and harm == pytest.approx(stats.t.cdf(-7, 45))
    assert chances(estimate(0.05), -1, 0.02) == pytest.approx((harm, gain))
    assert chances(estimate(0.05, None), 1, 0.02) == (None, None)


@pytest.mark.parametrize(
    ("gain", "harm", "step", "action"),
    [
        (0.9, 0.0, 3, "extend"),
        (0.9, 0.0, 1, "not_on_this"),
        (0.9, 0.0, 0, "withhold"),
        (0.0, 0.85, 2, "stop"),
        (0.2, 0.2, 3, "collect"),
        (0.5, 0.1, 2, "collect"),
        (None, None, 3, "not_on_this"),
    ],
)
def test_the_rule(gain: float | None, harm: float | None, step: int, action: str) -> None:
    assert recommend(gain, harm, step, found=True, small=False) == action
    if action in ("extend", "stop"):
        assert recommend(gain, harm, step, found=False, small=False) == "collect"
    if step > 1 and gain is not None:
        assert recommend(gain, harm, step, found=True, small=True) == "immaterial"


NEEDED = [replace(check("note"), name=name) for name in ("pretrends", "parallel_trends", "few_treated")]


def strength(checks: list, *, bounded: bool, grounds: Grounds = GROUNDS) -> tuple[int, str]:
    return rule.strength(checks, grounds, "group_time", bounded=bounded)


def named(*names: str, code: str = "E110") -> list[Check]:
    return [replace(check("warn"), name=name, code=code) for name in names]


def test_strength_falls_with_every_kind_of_caution() -> None:
    assert strength(NEEDED, bounded=True) == (3, "none of 3 checks gave cause for caution")
    assert strength([*NEEDED, *named("leave_one_out")], bounded=True) == (
        2,
        "1 of 4 checks caution, about choices of method",
    )
    assert strength([*NEEDED, *named("leave_one_out", "agreement")], bounded=True)[0] == 2
    two = strength([*NEEDED, *named("leave_one_out", "bad_controls")], bounded=True)
    assert two == (1, "2 of 5 checks caution, about choices of method and the assumption of parallel trends")
    assert strength([check("stop")], bounded=True)[0] == 0


def test_what_two_way_fixed_effects_would_do_wrong_does_not_count() -> None:
    assert strength([*NEEDED, *named("comparisons", "negative_weights")], bounded=True)[0] == 3


def test_strong_needs_the_checks_that_matter_and_an_error() -> None:
    assert strength(NEEDED[:2], bounded=True) == (2, "not checked: few_treated")
    assert (
        strength([], bounded=True)[0] == 1
        and "not checked: pretrends, parallel_trends" in strength([], bounded=True)[1]
    )
    assert strength(NEEDED, bounded=False) == (1, "too few clusters for a standard error")
    for name in ("pretrends", "placebo", "anticipation"):
        diverged = named(name, code="E111")
        assert strength([*NEEDED, *diverged], bounded=True) == (1, "the groups differed before the policy")
    fragile = named("parallel_trends", code="E111")
    assert strength([*NEEDED, *fragile], bounded=True)[0] == 2


def test_instruments_that_contradict_each_other_leave_the_evidence_weak() -> None:
    clean = [replace(check("note"), name=name) for name in INSTRUMENTS.needed]
    rejected = named("overidentification")

    def reached(checks: list[Check]) -> tuple[int, str]:
        return rule.strength(checks, INSTRUMENTS, "two_stage_least_squares", bounded=True)

    assert reached(clean)[0] == 2
    assert reached([*clean, *rejected]) == (1, "the instruments contradict each other by more than chance explains")
    assert reached([*clean, *named("weak_instrument", code="E123")]) == (1, "the instruments are weak")
    assert recommend(0.99, 0.0, 1, found=True, small=False) == "not_on_this"
    assert reached([*clean, replace(rejected[0], severity="note")])[0] == 2


def test_recommendations_suit_questions_without_a_programme() -> None:
    for action, words in answer.ACTIONS.items():
        assert not re.search(r"the policy|programme|extend|continue|as it is", words, re.IGNORECASE), action
        assert words.endswith(".")


def test_differences_of_effects_in_per_cent_are_factors() -> None:
    """Effects of 17 and -22 % leave outcomes 1.17 / 0.78 = 1.5 times apart, neither 39 nor 50 per cent."""
    gap = math.log(1.17 / 0.78)
    said = "It is {other_number} instead of {answer}, apart by {gap} ({gap_low_number} to {gap_high})."
    amounts = {"answer": math.log(0.78), "other": math.log(1.17), "gap": gap, "gap_low": gap - 1, "gap_high": gap + 3}
    found = replace(check("note", said), amounts=amounts)
    assert answer.finding(Unit("log"), found) == (
        "It is 17 instead of \u221222\u202f%, apart by a factor of 1.50 (0.55 to 30)."
    )
    plain = replace(found, amounts={name: round(x, 2) for name, x in amounts.items()})
    assert "apart by 0.41 points (\u22120.59 to 3.4 points)" in answer.finding(Unit("points"), plain)


def test_what_could_be_found_is_a_fall_where_the_answer_is_one() -> None:
    """0.41 in logs is a rise of 51 %, or a fall of 34 %."""
    weak = replace(estimate(-0.25, 0.15), low=-0.55, high=0.05)
    said = answer.overturn(Unit("log"), weak, decision(drift=0.0, detectable=0.41))
    assert "only from 34\u202f% on" in said


def test_sizes_of_falls_in_logs_are_falls() -> None:
    found = answer.chance(study(worthwhile=0.5), Unit("log"), estimate(-0.6, 0.2), decision(-0.6, gain=0.0, harm=0.7))
    assert "a harmful fall of at least 39\u202f% is likely" in found


def test_drift_brings_the_nearest_bound_to_zero() -> None:
    found = estimate(0.05)
    assert drift(found, 2.0) == pytest.approx(found.low / 2) and drift(estimate(0.001), 2.0) == 0


def test_causal_verbs_need_evidence() -> None:
    assert sentence(0.05, decision()).startswith(
        "The policy raised the share of adults insured by 5.0 percentage points"
    )
    weak = sentence(0.05, decision(step=2))
    assert (
        "raised" not in weak
        and "After the policy, the share of adults insured stood 5.0 percentage points higher than the" in weak
    )
    assert "lowered the share" in sentence(-0.05, decision())


def test_no_effect_is_never_said() -> None:
    wide = sentence(0.01, decision(0.01))
    assert "is inconclusive" in wide and "no effect" not in wide
    small = sentence(0.001, decision(0.001, small=True, gain=0.03, harm=0.02))
    assert "too small to matter" in small


def test_few_treated_clusters_state_no_chance() -> None:
    made = decision(gain=None, harm=None, step=1)
    assert answer.chance(study(), Unit("share"), estimate(0.01, None), made).startswith("Cannot be stated")
    assert "30 of 46 clusters treated" in sentence(0.01, made, None)


def test_the_main_caveat_is_the_first_finding_in_natural_units() -> None:
    found = Check(
        "placebo", "E110", "A.", "It moves by {bias}, not {bias_number}.", "D.", "warn", amounts={"bias": 0.012}
    )
    assert answer.caveat(Unit("share"), [found]) == "It moves by 1.2 percentage points, not 1.2."


def test_what_could_overturn_speaks_of_trends_or_of_one_change() -> None:
    unit = Unit("share")
    assert "steady difference in trends of 1.0 percentage points a period" in answer.overturn(
        unit, estimate(0.05), decision()
    )
    single = answer.overturn(unit, estimate(0.05), decision(single=True))
    assert single.startswith("A change of 1.0 percentage points in the difference") and "a period " not in single
    assert "in one group alone" in answer.overturn(unit, estimate(0.05), decision(shock=True))
    assert "four times in five only from 3.0" in answer.overturn(unit, estimate(0.001), decision(drift=0.0))


def test_a_design_reaches_no_more_than_its_family_can_carry() -> None:
    capped = Grounds(needed=("overlap",), kinds={}, ceiling=2, reason="compared, not assigned")
    assert strength(named("overlap"), bounded=True, grounds=capped)[0] == 2
    clean = [replace(one, severity="note") for one in named("overlap")]
    assert strength(clean, bounded=True, grounds=capped) == (2, "compared, not assigned")
    own = replace(capped, ceilings={"group_time": (3, "")})
    assert strength(clean, bounded=True, grounds=own) == (3, "none of 1 checks gave cause for caution")


def test_a_likely_effect_that_may_be_none_is_to_be_confirmed() -> None:
    shown = answer.ACTIONS[answer._action(replace(decision(gain=0.87, harm=0.01), action="collect"))]
    assert "no effect at all cannot be excluded" in shown
    assert answer._action(replace(decision(gain=0.5, harm=0.1), action="collect")) == "collect"
