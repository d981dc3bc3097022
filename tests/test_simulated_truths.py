"""The six simulations of Baker, Larcker and Wang (2022) without noise: what each estimator makes of a known truth.

50 states of one size, 1980-2015. Effects are in standard deviations of the outcome. Simulations 1 and 2: 25 states
adopt in 1998, 25 never. 3 to 6: 17 adopt in 1989, 18 in 1998, 15 in 2007 and none never. Every expected number is
computed here in exact fractions and compared with the printed table to its last digit, then with the estimator.
"""

from __future__ import annotations

import functools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from analysis.data.panels import panel_from_frame
from analysis.designs import event_study, extended_twfe, group_time, sun_abraham, two_way_fixed_effects
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal

YEARS = range(1980, 2016)
TENTH, HUNDREDTH = Fraction(1, 10), Fraction(1, 100)
STATES = {1: {1998: 25, None: 25}, 3: {1989: 17, 1998: 18, 2007: 15}}
STATES |= {2: STATES[1], 4: STATES[3], 5: STATES[3], 6: STATES[3]}
# By cohort: what adoption adds at once, and what each year since (the first included) adds.
EFFECTS = {
    1: {1998: (5 * TENTH, 0)},
    2: {1998: (0, 5 * HUNDREDTH)},
    3: dict.fromkeys(STATES[3], (5 * TENTH, 0)),
    4: {1989: (5 * TENTH, 0), 1998: (3 * TENTH, 0), 2007: (TENTH, 0)},
    5: dict.fromkeys(STATES[3], (0, 3 * HUNDREDTH)),
    6: {1989: (0, 5 * HUNDREDTH), 1998: (0, 3 * HUNDREDTH), 2007: (0, HUNDREDTH)},
}
# Two-way fixed effects; truth by treated state-year and by state; group-time against not-yet-treated units: simple,
# event-time and cohort averages.
PRINTED = {
    1: ("0.500000", "0.5", "0.5", "0.5", "0.5", "0.5"),
    2: ("0.475000", "0.475", "0.475", "0.475", "0.475", "0.475"),
    3: ("0.500000", "0.5", "0.5", "0.5", "0.5", "0.5"),
    4: ("0.302620", "0.370588", "0.308", "0.430769", "0.448571", "0.397143"),
    5: ("0.013231", "0.332647", "0.2904", "0.238269", "0.285", "0.215571"),
    6: ("-0.078996", "0.457941", "0.3556", "0.3625", "0.449286", "0.307857"),
}
STAGGERED = [3, 4, 5, 6]
LAST_DIGIT = 5e-7  # the table prints six digits
EXACT = 1e-8


def effect(sim: int, cohort: int | None, year: int) -> Fraction:
    if cohort is None or year < cohort:
        return Fraction(0)
    level, slope = EFFECTS[sim][cohort]
    return Fraction(level) + slope * (year - cohort + 1)


@functools.cache
def panel(sim: int) -> Panel:
    """State and year effects differ, and nothing else but the policy moves the outcome."""
    rows, state = [], 0
    for cohort, states in STATES[sim].items():
        for _ in range(states):
            state += 1
            for year in YEARS:
                y = 0.3 * state + 0.01 * (year - 1990) ** 2 + float(effect(sim, cohort, year))
                rows.append((state, year, y, np.nan if cohort is None else cohort))
    return panel_from_frame(pd.DataFrame(rows, columns=["s", "t", "y", "g"]), Labels("y", "t", "s", "g"))


def two_way(sim: int) -> Fraction:
    """The slope on the treatment net of cohort and year means, cell by cell."""
    states = STATES[sim]
    total = sum(states.values())
    treated = {(g, t): Fraction(int(g is not None and t >= g)) for g in states for t in YEARS}
    by_cohort = {g: sum(treated[g, t] for t in YEARS) / len(YEARS) for g in states}
    by_year = {t: sum(n * treated[g, t] for g, n in states.items()) / total for t in YEARS}
    everywhere = sum(n * by_cohort[g] for g, n in states.items()) / total
    net = {(g, t): d - by_cohort[g] - by_year[t] + everywhere for (g, t), d in treated.items()}
    above = sum(states[g] * d * effect(sim, g, t) for (g, t), d in net.items())
    return above / sum(states[g] * d * treated[g, t] for (g, t), d in net.items())


def mean(pairs: list[tuple[int, Fraction]]) -> Fraction:
    """The mean of (weight, value) pairs."""
    return sum((w * x for w, x in pairs), Fraction(0)) / sum(w for w, _ in pairs)


def averages(sim: int, last: int) -> tuple[Fraction, Fraction, Fraction]:
    """Averages of the true effects until `last` on cohorts that adopt by then: simple, event time, cohort."""
    cohorts = {g: n for g, n in STATES[sim].items() if g is not None and g <= last}
    cells = [(g, e) for g in cohorts for e in range(last - g + 1)]
    simple = mean([(cohorts[g], effect(sim, g, g + e)) for g, e in cells])
    times = {e for _, e in cells}
    by_time = [mean([(cohorts[g], effect(sim, g, g + e)) for g, own in cells if own == e]) for e in sorted(times)]
    by_cohort = [(n, mean([(1, effect(sim, g, t)) for t in range(g, last + 1)])) for g, n in cohorts.items()]
    return simple, mean([(1, x) for x in by_time]), mean(by_cohort)


def horizon(sim: int) -> int:
    """The last year with a state that is not treated."""
    return YEARS[-1] if None in STATES[sim] else max(g for g in STATES[sim] if g is not None) - 1


@pytest.mark.parametrize("sim", PRINTED)
def test_the_fractions_are_the_printed_table(sim: int) -> None:
    whole = averages(sim, YEARS[-1])
    expected = (two_way(sim), whole[0], whole[2], *averages(sim, horizon(sim)))
    for ours, printed in zip(expected, PRINTED[sim], strict=True):
        assert abs(float(ours) - float(printed)) < LAST_DIGIT


@pytest.mark.parametrize("sim", PRINTED)
def test_two_way_fixed_effects_give_the_printed_number(sim: int) -> None:
    ours = two_way_fixed_effects.estimate(panel(sim)).average(0.95).value
    assert abs(ours - float(PRINTED[sim][0])) < LAST_DIGIT
    assert abs(ours - float(two_way(sim))) < EXACT


def test_two_way_fixed_effects_turn_a_benefit_into_harm() -> None:
    assert f"{two_way_fixed_effects.estimate(panel(6)).average(0.95).value:.6f}" == "-0.078996"
    assert f"{float(averages(6, 2015)[0]):.6f}" == "0.457941"


@pytest.mark.parametrize("design", [group_time, sun_abraham, extended_twfe])
@pytest.mark.parametrize("sim", PRINTED)
def test_averages_over_what_can_be_estimated_are_true(sim: int, design) -> None:
    effects = design.estimate(panel(sim))
    for kind, truth, printed in zip(
        ("simple", "event_time", "cohort"), averages(sim, horizon(sim)), PRINTED[sim][3:], strict=True
    ):
        ours = effects.along(kind).average(0.95).value
        assert abs(ours - float(printed)) < LAST_DIGIT
        assert abs(ours - float(truth)) < EXACT


@pytest.mark.parametrize("design", [group_time, sun_abraham, extended_twfe])
@pytest.mark.parametrize("sim", PRINTED)
def test_every_cell_is_its_truth_and_every_lead_is_zero(sim: int, design) -> None:
    table = design.estimate(panel(sim)).table
    truth = [float(effect(sim, int(g), int(t))) for g, t in zip(table["cohort"], table["period"], strict=True)]
    np.testing.assert_allclose(table["estimate"], truth, rtol=0, atol=EXACT)
    cohorts = sum(g is not None and g <= horizon(sim) for g in STATES[sim])
    treated = sum(horizon(sim) - g + 1 for g in STATES[sim] if g is not None and g <= horizon(sim))
    leads = (table["event_time"] < -1).sum()
    assert (table["event_time"] >= 0).sum() == treated
    assert (leads > 0) == (design is not extended_twfe) and table["cohort"].nunique() >= cohorts


@pytest.mark.parametrize("design", [group_time, sun_abraham, extended_twfe])
@pytest.mark.parametrize("sim", STAGGERED)
def test_what_has_no_comparison_is_said(sim: int, design) -> None:
    """No state is untreated from 2007 on: the average is over the first two cohorts before that, and says so."""
    effects = design.estimate(panel(sim))
    post = effects.table[effects.table["event_time"] >= 0]
    assert set(post["cohort"]) == {1989, 1998} and post["period"].max() == 2006
    assert set(post["event_time"]) == set(range(18))
    assert effects.estimand.endswith("only adopters of 1989, 1998, up to 2006, have a comparison")


@pytest.mark.parametrize("sim", [1, 2])
def test_with_never_treated_states_everything_is_estimated(sim: int) -> None:
    assert "only" not in sun_abraham.estimate(panel(sim)).estimand
    path = event_study.estimate(panel(sim)).table.set_index("event_time")["estimate"]
    for e, ours in path.items():
        assert abs(ours - float(effect(sim, 1998, 1998 + int(e)))) < EXACT


def deficiency(sim: int, references: tuple[int, ...]) -> int:
    """Event-time indicators less the rank they add to state-group and year indicators."""
    cells = [(g, t) for g in STATES[sim] for t in YEARS]
    dummies = [[float(g == h) for h in STATES[sim]] + [float(t == s) for s in YEARS] for g, t in cells]
    times = sorted({t - g for g, t in cells} - set(references))
    indicators = [[float(t - g == e) for e in times] for g, t in cells]
    rank = np.linalg.matrix_rank(np.hstack([dummies, indicators])) - np.linalg.matrix_rank(dummies)
    return len(times) - int(rank)


@pytest.mark.parametrize("sim", STAGGERED)
def test_an_event_study_without_never_treated_states_is_refused(sim: int) -> None:
    """Cohorts nine years apart: any pattern that repeats every nine years, and any trend, is also a year effect.

    Eight coefficients too many are left after the two reference periods that such a panel needs.
    """
    assert (deficiency(sim, (-1,)), deficiency(sim, (-1, -27))) == (9, 8)
    with pytest.raises(
        Refusal,
        match=r"E107 STOP design — two-way fixed effects cannot separate 53 coefficients \(event time -27 to event "
        r"time \+26\): 9 too many given unit and period effects, 8 even with a second reference period\. Fix: use "
        r"`design: group_time`",
    ):
        event_study.estimate(panel(sim))


def test_errors_of_a_truth_without_noise_are_zero() -> None:
    assert sun_abraham.estimate(panel(6)).table["std_error"].max() < EXACT
    assert extended_twfe.estimate(panel(6)).table["std_error"].max() < EXACT
    assert (panel(6).adoption == NEVER).sum() == 0
