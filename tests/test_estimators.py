"""Several estimators at once: one table, one figure, and a finding where they disagree."""

from __future__ import annotations

from dataclasses import replace

import pytest
import samples
from test_designs import study

from analysis import checks, designs
from analysis.checks import agreement
from analysis.data import catalog
from analysis.report import effects as tables
from analysis.report import estimators
from analysis.result import Estimate

ONE = Estimate(1.0, 0.5, 0.0, 2.0, 0.95, 0.05, 40.0, 400, 41, 20, "e", "m", "i")


def compared(*values: float):
    others = {f"estimator {k}": replace(ONE, value=v) for k, v in enumerate(values)}
    return agreement.run(samples.mpdta(), None, None, others=others)


def test_agreement_within_a_standard_error_is_a_note() -> None:
    found = compared(1.0, 1.2, 0.6)
    assert found.severity == "note" and found.statistic == pytest.approx(0.8)
    assert "The farthest of 2 other estimators (estimator 2) lies {gap} from the answer, 0.8 standard errors." in (
        found.finding
    )


def test_disagreement_is_a_caution_that_names_who_and_which_way() -> None:
    found = compared(1.0, 0.9, -0.2, 1.6)
    assert found.severity == "warn" and found.statistic == pytest.approx(2.4)
    assert found.amounts == {"gap": pytest.approx(1.2)}
    assert "2 of 3 lie more than one away (estimator 2, estimator 3)" in found.finding
    assert "It points the other way: estimator 2." in found.finding


def test_one_estimator_alone_says_so() -> None:
    assert "nothing shows whether" in compared(1.0).finding


def test_without_an_error_of_its_own_the_headline_borrows_the_largest() -> None:
    """Under permutation inference there is no standard error: the others' largest takes its place."""
    others = {"a": replace(ONE, std_error=None), "b": replace(ONE, value=1.6), "c": replace(ONE, value=1.1)}
    assert agreement.run(samples.mpdta(), None, None, others=others).statistic == pytest.approx(1.2)


def test_two_way_fixed_effects_is_shown_but_not_compared_when_staggered() -> None:
    chosen = study(checks=["agreement"], estimators=["event_study"])
    panel = samples.mpdta()
    pieces = designs.estimate(chosen, panel)
    shown = designs.alternatives(chosen, panel, pieces)
    assert [one.comparable for one in shown] == [True, False, False]
    assert list(designs.comparable(shown)) == ["group time"]
    (found,) = checks.run(chosen, panel, pieces, None, designs.comparable(shown))
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
