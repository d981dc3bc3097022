"""What the pages of the four trials say, from their parameter files, with every block of the notebook."""

from __future__ import annotations

import functools

import pytest

from analysis import checks, data, decide, designs, paths
from analysis.data import catalog
from analysis.inference import trial_balance, trial_conventions, trial_family, trial_looks, trial_missing, trial_power
from analysis.inference.trial_arms import arms
from analysis.report import answer, effects, findings, sequential_readings, trial_arms, trial_tables
from analysis.report.display import THIN, Block
from analysis.run import parameters

STUDIES = ("job-training", "resume-audit", "class-size", "tv-outreach")


@functools.cache
def page(name: str) -> dict[str, Block]:
    study = parameters.load(paths.PARAMS / "randomised_trial" / f"{name}.yml").study.model_copy(update={"draws": 99})
    source = catalog.read(study.dataset)
    measure = source.columns[study.outcome]
    rows = data.load(study)
    who = arms(rows, study.treatment, study.control_arm, study.arm)
    pieces = designs.estimate(study, rows)
    others = designs.alternatives(study, rows, pieces)
    found = checks.run(study, rows, pieces, None, designs.gaps(others))
    estimate = designs.headline(study, rows, pieces)
    verdict = decide.decide(study, rows, pieces, None, estimate, found)
    random = {"strata": study.strata, "draws": study.draws, "seed": study.seed}
    readings = trial_looks.looks(rows, pieces, order=study.order, planned=study.planned, level=study.level)
    gone = trial_missing.missing(rows, who, strata=study.strata, level=study.level)
    tests = trial_family.family(rows, pieces, who, study.outcomes, level=study.level, **random)
    intervals = trial_conventions.conventions(rows, pieces, order=study.order, level=study.level)
    plan = trial_power.plan(pieces, study.worthwhile, study.level)
    return {
        "summary": answer.summary(study, measure, pieces, estimate, verdict, found),
        "arms": trial_arms.figure(pieces, study, measure, source),
        "missing": trial_arms.table(gone, pieces, study.level, measure),
        "balance": trial_tables.balance(trial_balance.balance(rows, who, study.before, **random), source),
        "estimators": effects.comparison(others, measure),
        "inference": effects.inference(estimate, intervals, measure),
        "tests": trial_tables.tests(tests, source.columns, study.level),
        "readings": sequential_readings.figure(readings, study, measure, source, study.order),
        "power": trial_tables.power(plan, study, measure, rows.labels.cluster),
        "findings": findings.block(found, measure),
    }


SAID = {
    "job-training": "stood 1,794 US dollars (1982) higher than in the control group (95 % interval 475 to 3,113; 4,550",
    "resume-audit": "lowered the share called back by 3.2 percentage points (95 % interval −4.7 to −1.7; 9.7 % in the",
    "class-size": "raised the score in reading and mathematics in kindergarten by 16.0 points (95 "
    "% interval 7.3 to 24.7",
    "tv-outreach": "raised the turnout of young registered voters by 3.1 percentage points (95 % "
    "interval 0.3 to 6.0; 51.6",
}


@pytest.mark.parametrize("name", STUDIES)
def test_the_first_screen(name: str) -> None:
    said = page(name)["summary"].meta["answer"]
    assert SAID[name].replace(" %", f"{THIN}%") in said["sentence"]
    assert said["strength"]["word"] == ("moderate" if name == "job-training" else "strong")


@pytest.mark.parametrize("name", STUDIES)
def test_every_block_has_text_and_charts_have_words(name: str) -> None:
    for key, block in page(name).items():
        assert block.text and "nan" not in block.text.lower().split(), key
        if block.kind == "figure":
            assert block.png and block.meta["alt"] and block.meta["caption"] and block.meta["csv"]


def test_what_the_pages_add() -> None:
    assert "Westfall-Young" in page("job-training")["tests"].text
    assert "first leaves zero out at 15" in page("resume-audit")["readings"].meta["note"]
    assert "No running order" in page("job-training")["readings"].text
    assert "Small class" in page("class-size")["missing"].text and "2,194" in page("class-size")["missing"].text
    assert "need not equal the difference" in page("class-size")["arms"].meta["note"]
    assert "need not equal" not in page("resume-audit")["arms"].meta["note"]
    assert "Clusters (schoolidk)" in page("class-size")["power"].text
