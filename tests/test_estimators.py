"""Several estimators at once: one table, one figure, and a finding where they disagree."""

from __future__ import annotations

import pytest
import samples
from test_designs import study

from analysis import checks, designs
from analysis.checks import agreement
from analysis.data import catalog
from analysis.report import effects as tables
from analysis.report import estimators

PIECES = designs.estimate(study(), samples.mpdta())
ANSWER = PIECES.average(0.95)


def compared(*errors: float):
    """Other estimators that lie so many standard errors above the answer (which is negative, at -3.3 of them)."""
    gaps = {f"estimator {k}": gap * ANSWER.std_error for k, gap in enumerate(errors, start=1)}
    return agreement.run(samples.mpdta(), PIECES, None, average="simple", level=0.95, gaps=gaps)


def test_agreement_within_a_standard_error_is_a_note() -> None:
    found = compared(0.4, -0.8)
    assert found.severity == "note" and found.statistic == pytest.approx(0.8)
    assert (
        "The farthest of 2 other estimators (estimator 2) differs from the answer by {gap}, 0.8 standard errors."
        in (found.finding)
    )


def test_disagreement_is_a_caution_that_names_who_and_which_way() -> None:
    found = compared(-0.2, 4.0, 1.2)
    assert found.severity == "warn" and found.statistic == pytest.approx(4.0)
    assert found.amounts == {"gap": pytest.approx(4 * ANSWER.std_error)}
    assert "2 of 3 lie more than one away (estimator 2, estimator 3)" in found.finding
    assert "It points the other way: estimator 2." in found.finding


def test_one_estimator_alone_says_so() -> None:
    assert "nothing shows whether" in compared().finding


def test_estimators_of_some_periods_are_compared_over_those() -> None:
    """Stacked looks at the first period under the policy only; there it equals the group-time path nearly."""
    chosen = study(estimators=["stacked", "imputation"])
    panel = samples.mpdta()
    pieces = designs.estimate(chosen, panel)
    shown = {one.label: one for one in designs.alternatives(chosen, panel, pieces)}
    table = shown["stacked"].effects.table.set_index("event_time")["estimate"]
    path = pieces.by("event_time").table.set_index("event_time")["estimate"]
    assert shown["stacked"].gap == pytest.approx(table[0] - path[0])
    assert "up to 0 periods after adoption" in shown["stacked"].reason
    own = shown["imputation"].effects.average(0.95).value - pieces.average(0.95).value
    assert shown["imputation"].gap == pytest.approx(own)


def test_two_way_fixed_effects_is_shown_but_not_compared_when_staggered() -> None:
    chosen = study(checks=["agreement"], estimators=["event_study"])
    panel = samples.mpdta()
    pieces = designs.estimate(chosen, panel)
    shown = designs.alternatives(chosen, panel, pieces)
    assert [one.comparable for one in shown] == [True, False, False]
    assert designs.gaps(shown) == {}
    (found,) = checks.run(chosen, panel, pieces, None, designs.gaps(shown))
    assert "No other estimator" in found.finding


def test_table_and_figure_hold_the_same_numbers() -> None:
    chosen = study(estimators=["event_study"])
    panel = samples.mpdta()
    shown = designs.alternatives(chosen, panel, designs.estimate(chosen, panel))
    source = catalog.read("mpdta")
    table = tables.comparison(shown, source.columns["lemp"])
    figure = estimators.figure(shown, chosen, source.columns["lemp"], source)
    assert figure.png[:4] == b"\x89PNG" and "3 estimators" in figure.meta["alt"]
    for line in figure.text.splitlines()[1:]:
        assert line.split("  ")[0] in table.text
    assert len(table.meta["numbers"]) == 2


def test_findings_call_columns_by_their_labels_unless_they_are_ordinary_words() -> None:
    from dataclasses import replace as changed

    from analysis.report import wording
    from analysis.result import Check

    panel = samples.mpdta()
    labels = changed(panel.labels, said={"lpop": "Population (log)", "state": "State"})
    named = changed(panel, labels=labels)
    found = Check(
        "agreement", "E101", "Assumed.", "lpop moved by {lpop}, and the state of lpop_2 did not.", "Drop lpop.", "note"
    )
    said = wording.check(found, wording.speaker(["lpop", "state"], named.labels))
    assert (
        said.finding == "Population moved by {lpop}, and the state of lpop_2 did not."
        and said.advice == "Drop population."
    )
