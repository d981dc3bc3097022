"""Drafts on permuted outcomes: in every family a huge effect cannot be read off, and the analysis still runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from project_copy import ROOT, Project

from analysis import data, designs, paths
from analysis.data import catalog, masked
from analysis.panel import Panel
from analysis.refusal import Refusal
from analysis.run import parameters
from analysis.study import Study

HUGE = 100.0
BASE: dict[str, Any] = {
    "question": "Did the policy change it?",
    "decision": "Whether to keep the policy.",
    "intervention": "the policy",
    "dataset": "made",
    "outcome": "y",
    "worthwhile": 1.0,
    "better": "higher",
}
HEAD = """\
title: Made for a test
origin: made by the tests
citation: none is needed
licence: MIT
obtained: written by the tests
file: made.csv
synthetic: true
"""


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a frame as the dataset `made`, with the roles given; the study read from BASE and choices."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "RAW", tmp_path / "data" / "raw")
    folder = tmp_path / "data" / "raw" / "made"
    folder.mkdir(parents=True)

    def write(frame: pd.DataFrame, roles: dict[str, str], **choices: Any) -> Study:
        frame.to_csv(folder / "made.csv", index=False)
        lines = ["columns:"]
        for name, column in frame.items():
            kind = "text" if column.dtype == object or str(column.dtype) == "str" else "number"
            role = f", role: {roles[str(name)]}" if str(name) in roles else ""
            lines.append(f'  "{name}": {{type: {kind}, label: Column {name}, missing: allow{role}}}')
        digest = catalog.checksum(folder / "made.csv")
        (folder / "source.yml").write_text(HEAD + f'sha256: "{digest}"\n' + "\n".join(lines) + "\n")
        return Study.read({**BASE, **choices}, "test")

    return write


def hidden(study: Study, seed: int = 20260101) -> Study:
    return study.model_copy(update={"masked": True, "seed": seed})


def answer(study: Study) -> Any:
    found = data.load(study)
    return designs.headline(study, found, designs.estimate(study, found))


def hides(study: Study, shift: float = HUGE) -> None:
    """The true effect is found, and no draft shows it: its estimate is near nothing and its interval holds nothing."""
    assert answer(study).value == pytest.approx(shift, rel=0.2)
    for seed in (20260101, 7):
        draft = answer(hidden(study, seed))
        assert not draft.excludes(0.0), (seed, draft.value, draft.low, draft.high)
        assert abs(draft.value) < abs(shift) / 2, (seed, draft.value)


def panel_frame(units: int, periods: int, treated: int, start: int, **columns: Any) -> pd.DataFrame:
    draw = np.random.default_rng(1)
    unit, time = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    under = (unit < treated) & (time >= start)
    level = draw.normal(0, 3, units)[unit] + draw.normal(0, 2, periods)[time]
    frame = pd.DataFrame({"unit": unit, "time": 2000 + time, "y": level + HUGE * under + draw.normal(0, 1, len(unit))})
    frame["start"] = np.where(unit < treated, 2000.0 + start, np.nan)
    return frame.assign(**columns)


PANEL = {"unit": "unit", "time": "time", "start": "first_treated", "y": "outcome"}


def test_difference_in_differences(declare: Any) -> None:
    hides(declare(panel_frame(40, 8, 18, 4), PANEL, design="group_time"))


def test_staggered_adoption_and_gaps(declare: Any) -> None:
    frame = panel_frame(40, 8, 18, 4)
    late = (frame["unit"] < 8) & (frame["time"] < 2006)
    frame = frame.assign(
        start=frame["start"].where(frame["unit"] >= 8, 2006.0), y=frame["y"] - HUGE * (late & (frame["time"] >= 2004))
    )
    study = declare(frame.drop(index=[5, 77, 200]), PANEL, design="group_time", unbalanced="keep")
    hides(study)
    before, after = data.load(study), data.load(hidden(study))
    assert np.array_equal(np.isnan(before.outcome), np.isnan(after.outcome))


def test_one_treated_unit_is_not_recognised_by_its_path(declare: Any) -> None:
    """No unit's path breaks at the policy's date, not even the one that carries the treated unit's outcomes."""
    study = declare(panel_frame(20, 12, 1, 6), PANEL, design="synthetic_control")
    assert answer(study).value == pytest.approx(HUGE, rel=0.2)
    for seed in (20260101, 7, 8):
        found = data.load(hidden(study, seed))
        change = found.outcome[:, 6:].mean(axis=1) - found.outcome[:, :6].mean(axis=1)
        assert np.abs(change - np.median(change)).max() < HUGE / 2
        assert abs(answer(hidden(study, seed)).value) < 5


def test_repeated_cross_sections(declare: Any) -> None:
    draw = np.random.default_rng(2)
    group, time = draw.integers(0, 2, 600), draw.integers(0, 2, 600)
    y = 2.0 * group + 3.0 * time + HUGE * group * time + draw.normal(0, 1, 600)
    frame = pd.DataFrame({"y": y, "time": 2000 + time, "start": np.where(group == 1, 2001.0, np.nan)})
    study = declare(
        frame, {"y": "outcome", "time": "time", "start": "first_treated"}, design="two_by_two", errors="robust"
    )
    hides(study)
    before, after = data.load(study), data.load(hidden(study))
    for period in (0, 1):
        kept = [np.sort(one.outcome[one.period == period]) for one in (before, after)]
        assert np.array_equal(*kept)


def test_a_panel_with_intensities(declare: Any) -> None:
    frame = panel_frame(30, 6, 0, 3)
    dose = np.random.default_rng(3).uniform(0, 1, len(frame)).round(2)
    frame = frame.assign(dose=dose, y=frame["y"] + HUGE * dose).drop(columns="start")
    roles = {"unit": "unit", "time": "time", "y": "outcome"}
    hides(declare(frame, roles, design="fixed_effects", treatment="dose", cluster="unit"))


def test_an_interrupted_series(declare: Any) -> None:
    draw = np.random.default_rng(4)
    time = np.arange(96)
    period = 200001 + 100 * (time // 12) + time % 12
    season = 5 * np.sin(2 * np.pi * time / 12)
    control = season + draw.normal(0, 1, 96)
    frame = pd.DataFrame({"time": period, "y": season + HUGE * (time >= 60) + draw.normal(0, 1, 96), "other": control})
    roles = {"time": "time", "y": "outcome", "other": "outcome"}
    study = declare(frame, roles, design="segmented_regression", start=200501, control_series=["other"])
    assert answer(study).value == pytest.approx(HUGE, rel=0.2)
    before, after = data.load(study), data.load(hidden(study))
    late, early = after.outcome[60:].mean(), after.outcome[:60].mean()
    assert abs(late - early) < HUGE / 2 and not answer(hidden(study)).excludes(0.0)
    assert pairs(before.outcome, before.column("other")) == pairs(after.outcome, after.column("other"))
    month = [np.sort(one.outcome[::12]) for one in (before, after)]
    assert np.array_equal(*month)  # seasons stay where they are


def test_a_trial_with_strata_and_further_outcomes(declare: Any) -> None:
    draw = np.random.default_rng(5)
    stratum = np.repeat(np.arange(50), 4)
    arm = np.concatenate([draw.permutation([0, 0, 1, 1]) for _ in range(50)])
    y = 3.0 * stratum + HUGE * arm + draw.normal(0, 1, 200)
    frame = pd.DataFrame({"y": y, "arm": arm, "stratum": stratum, "second": y + draw.normal(0, 1, 200)})
    study = declare(
        frame, {"y": "outcome"}, design="difference_in_means", treatment="arm", strata="stratum", outcomes=["second"]
    )
    hides(study)
    before, after = data.load(study), data.load(hidden(study))
    assert pairs(before.outcome, before.column("second")) == pairs(after.outcome, after.column("second"))
    for own in (0.0, 17.0):
        same = [np.sort(one.outcome[one.column("stratum") == own]) for one in (before, after)]
        assert np.array_equal(*same)


def test_a_trial_of_clusters_and_rows_without_outcome(declare: Any) -> None:
    draw = np.random.default_rng(6)
    cluster = np.repeat(np.arange(24), 10)
    arm = draw.permutation(np.repeat([0, 1], 12))[cluster]
    y = draw.normal(0, 3, 24)[cluster] + HUGE * arm + draw.normal(0, 1, 240)
    second = y + draw.normal(0, 1, 240)
    y[::17] = np.nan
    frame = pd.DataFrame({"y": y, "arm": arm, "cluster": cluster, "second": second})
    study = declare(
        frame, {"y": "outcome"}, design="difference_in_means", treatment="arm", cluster="cluster", outcomes=["second"]
    )
    hides(study)
    aside = data.load(hidden(study)).unobserved
    original = data.load(study).unobserved
    assert aside is not None and original is not None
    assert not np.array_equal(aside.column("second"), original.column("second"))


def test_a_discontinuity(declare: Any) -> None:
    draw = np.random.default_rng(7)
    score = draw.uniform(-1, 1, 800).round(4)
    frame = pd.DataFrame({"score": score, "y": HUGE * (score >= 0) + draw.normal(0, 1, 800)})
    choices = {"running": "score", "cutoff": 0.0, "treated_side": "above"}
    hides(declare(frame, {"y": "outcome"}, design="local_linear", **choices))


def test_an_instrument(declare: Any) -> None:
    draw = np.random.default_rng(8)
    lottery = draw.integers(0, 2, 800)
    taste = draw.normal(0, 1, 800)
    took = lottery + taste + draw.normal(0, 1, 800)
    frame = pd.DataFrame({"y": HUGE * took + 50 * taste + draw.normal(0, 1, 800), "took": took, "lottery": lottery})
    reasons = {"exclusion": "it works through this alone", "monotonicity": "nobody does the opposite of it"}
    roles = {"y": "outcome"}
    choices = {"treatment": "took", "instruments": ["lottery"], **reasons}
    hides(declare(frame, roles, design="two_stage_least_squares", **choices))


def test_a_comparison_of_groups_nobody_assigned(declare: Any) -> None:
    draw = np.random.default_rng(9)
    age = draw.normal(0, 1, 600).round(3)
    took = (age + draw.normal(0, 1, 600) > 0).astype(int)
    frame = pd.DataFrame({"y": HUGE * took + 5 * age + draw.normal(0, 1, 600), "took": took, "age": age})
    frame["before"] = age + draw.normal(0, 1, 600).round(3)
    study = declare(
        frame,
        {"y": "outcome"},
        design="inverse_probability",
        treatment="took",
        covariates=["age"],
        negative_outcome="before",
    )
    hides(study)
    before, after = data.load(study), data.load(hidden(study))
    assert pairs(before.outcome, before.column("before")) == pairs(after.outcome, after.column("before"))
    for name in ("took", "age"):
        assert np.array_equal(before.column(name), after.column(name))


def pairs(first: Any, second: Any) -> set[tuple[float, float]]:
    return set(zip(first.tolist(), second.tolist(), strict=True))


def test_what_moves_and_what_stays_in_a_panel(declare: Any) -> None:
    frame = panel_frame(30, 6, 12, 3)
    frame["rate"] = frame["y"] / 2
    frame["placebo"] = frame["y"] * 3
    frame["people"] = frame["unit"] + frame["time"] / 7
    choices = {"covariates": ["rate", "people"], "placebo_outcome": "placebo"}
    study = declare(frame, {**PANEL, "rate": "outcome"}, design="group_time", **choices)
    before, after = data.load(study), data.load(hidden(study))
    assert isinstance(before, Panel) and isinstance(after, Panel)
    assert np.array_equal(np.sort(before.outcome, axis=None), np.sort(after.outcome, axis=None))
    assert {tuple(path) for path in before.outcome} == {tuple(path) for path in after.outcome}
    assert np.allclose(after.covariates["rate"], after.outcome / 2)
    assert np.allclose(after.covariates["placebo"], after.outcome * 3)
    assert np.array_equal(before.covariates["people"], after.covariates["people"])
    assert np.array_equal(before.adoption, after.adoption)
    assert masked.NOTE in after.notes and masked.NOTE not in before.notes
    assert not after.outcome.flags.writeable


def test_no_group_mean_is_shown_truthfully(declare: Any) -> None:
    study = declare(panel_frame(40, 8, 18, 4), PANEL, design="group_time")
    before, after = data.load(study), data.load(hidden(study))
    treated = before.adoption >= 0
    true = before.outcome[treated].mean(axis=0) - before.outcome[~treated].mean(axis=0)
    draft = after.outcome[treated].mean(axis=0) - after.outcome[~treated].mean(axis=0)
    assert np.abs(true[4:]).min() > HUGE / 2 > np.abs(draft).max()


def test_a_seed_gives_one_order_and_another_seed_another(declare: Any) -> None:
    study = declare(panel_frame(40, 8, 18, 4), PANEL, design="group_time")
    one, same, other = (data.load(hidden(study, seed)).outcome for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_clusters_move_together(declare: Any) -> None:
    frame = panel_frame(40, 4, 20, 2)
    frame["state"] = frame["unit"] // 4
    study = declare(frame, PANEL, design="group_time", cluster="state")
    before, after = data.load(study), data.load(hidden(study))
    home = {tuple(path): state for path, state in zip(before.outcome, before.cluster, strict=True)}
    came_from = [{home[tuple(path)] for path in after.outcome[after.cluster == state]} for state in range(10)]
    assert all(len(homes) == 1 for homes in came_from)


def test_too_few_cells_to_hide_anything_in_are_refused(declare: Any) -> None:
    study = declare(panel_frame(2, 2, 1, 1), PANEL, design="two_by_two")
    with pytest.raises(Refusal, match="R307 STOP masked — 4 observations are too few to hide the effect") as refused:
        data.load(hidden(study))
    assert "write the plan without one" in refused.value.fix


def test_nothing_is_permuted_unless_asked(declare: Any) -> None:
    frame = panel_frame(10, 4, 4, 2)
    found = data.load(declare(frame, PANEL, design="group_time"))
    assert np.array_equal(found.outcome, frame["y"].to_numpy().reshape(10, 4))


QUICK = {
    "difference_in_differences": ("organ-donation", "incinerator"),
    "synthetic_control": ("tobacco-tax",),
    "interrupted_time_series": ("seat-belt-law",),
    "panel_fixed_effects": ("training-grants",),
    "randomised_trial": ("tv-outreach",),
    "regression_discontinuity": ("drinking-age",),
    "instrumental_variable": ("cigarette-tax",),
    "weighting": ("lalonde",),
}


@pytest.mark.parametrize("name", [name for names in QUICK.values() for name in names])
def test_real_studies_are_masked(name: str) -> None:
    study = parameters.load(parameters.find(name)).study
    before, after = data.load(study), data.load(hidden(study))
    seen = np.isfinite(before.outcome)
    assert np.allclose(np.sort(before.outcome[seen]), np.sort(after.outcome[seen]))
    assert (before.outcome[seen] != after.outcome[seen]).mean() > 0.4  # strata of two leave every second row in place
    true, draft = answer(study), answer(hidden(study))
    assert np.isfinite(draft.value) and draft.value != true.value


def test_every_family_has_a_real_study_here() -> None:
    assert set(QUICK) == {path.stem for path in (paths.SOURCE / "studies").glob("[!_]*.py")}


@pytest.mark.slow
@pytest.mark.parametrize("name", [names[0] for names in QUICK.values()])
def test_whole_drafts_of_real_studies(name: str, tmp_path: Path) -> None:
    """The notebook runs to its end on permuted outcomes, and nothing that it says of the outcome is what is published
    otherwise."""
    for folder in ("src", "notebooks", "params", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    (tmp_path / "reports").mkdir()
    project = Project(tmp_path)
    run = project.run("draft", name)
    assert run.code == 0 and "no number in it means anything" in run.out, run
    draft = project.root / run.last
    numbers = json.loads((draft.parent / "results.json").read_text())["numbers"]
    shown = next(number["estimate"] for number in numbers if number["id"] == "headline")
    assert shown != pytest.approx(answer(parameters.load(parameters.find(name)).study).value, rel=1e-6)
