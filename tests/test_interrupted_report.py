"""Figures and tables of an interrupted series: complete, rounded, and true to the estimate."""

from __future__ import annotations

import numpy as np
import pytest
from contract_interrupted_time_series import fatal, traffic
from test_interrupted_time_series import BELT, CALIFORNIA, noisy, study

from analysis import designs
from analysis.data import catalog
from analysis.inference import interruption
from analysis.report import added_up, false_starts, interrupted, series_terms
from analysis.report.display import Block, Unit

RATE = {"outcome": "prcfat", "start": 198705, "other_events": [BELT], **CALIFORNIA, "design": "structural_series"}
COUNT = {
    "outcome": "fatacc",
    "start": 198601,
    "end": 198804,
    "impact": "both",
    "lag": 2,
    "family": "poisson",
    "exposure": "totacc",
}
LOG = {"outcome": "ltotacc", "start": 198601, "impact": "ramp", "design": "prais_winsten"}


def blocks(choices: dict) -> dict[str, Block]:
    chosen = study(**choices)
    data = fatal() if chosen.outcome == "fatacc" else traffic(chosen.outcome)
    source = catalog.read("traffic2")
    measure = source.columns[chosen.outcome]
    pieces = designs.estimate(chosen, data)
    answer = designs.headline(chosen, data, pieces)
    tried = interruption.false_starts(data, pieces, chosen.level)
    return {
        "lead": interrupted.figure(pieces, chosen, measure, source),
        "gaps": interrupted.gaps(pieces, chosen, measure, source),
        "total": added_up.figure(pieces, chosen, measure, source),
        "changes": series_terms.changes(pieces, answer, chosen, measure),
        "compared": series_terms.compared(pieces, chosen),
        "errors": false_starts.errors(pieces, chosen, source),
        "false": false_starts.figure(tried, pieces, answer, chosen, measure, source),
    }


@pytest.mark.parametrize("choices", [RATE, COUNT, LOG], ids=["rate", "count", "log"])
def test_every_block_is_complete(choices: dict) -> None:
    for name, block in blocks(choices).items():
        assert "nan" not in block.text and "not shown" not in block.text, name
        if block.png:
            assert {"caption", "alt", "source", "table_html", "csv", "csv_name"} <= set(block.meta), name
            assert block.meta["alt"].endswith(".") and block.meta["caption"].endswith("."), name


def test_rates_do_not_add_up_and_counts_do() -> None:
    assert "do not add up" in blocks(RATE)["total"].text
    counted = blocks(COUNT)["total"]
    (number,) = counted.meta["numbers"]
    assert number["id"] == "total" and number["unit"] == "fatal accidents a month"


def test_stretches_name_transition_and_end() -> None:
    text = blocks(COUNT)["compared"].text
    assert "In transition, left out" in text and "January 1986" in text and "After its end" in text
    assert "April 1988" in text and "May 1988" in text


def test_added_up_logs_are_levels_saved() -> None:
    """An effect of log(1/2) in a series whose observed level is e^y: as many again were avoided as observed."""
    t = np.arange(1, 31)
    data = noisy(30).with_outcome(2 + 0.0 * t + 1e-3 * (-1.0) ** t - np.log(2) * (t >= 16))
    pieces = designs.estimate(study(outcome="y", start=16), data)
    value, error = added_up._added_up(pieces, Unit("log"))
    seen = np.exp(pieces.observed[pieces.counted]).sum()
    assert value[-1] == pytest.approx(-seen, rel=1e-2) and (error > 0).all()


def test_a_short_past_is_a_sentence() -> None:
    chosen = study(outcome="y", start=9)
    data = noisy(30, effect=2.0)
    pieces = designs.estimate(chosen, data)
    tried = interruption.false_starts(data, pieces, 0.95)
    source = catalog.read("traffic2")
    block = false_starts.figure(
        tried, pieces, designs.headline(chosen, data, pieces), chosen, source.columns["prcfat"], source
    )
    assert not block.png and "only 8 periods precede the policy" in block.text
