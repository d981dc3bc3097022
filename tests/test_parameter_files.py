"""Every parameter file is one of ours: complete, commented, and loads its data."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import checks, data, decide, designs, paths
from analysis.data import catalog
from analysis.refusal import Refusal
from analysis.report import answer, effects, findings
from analysis.run import parameters

FILES = parameters.every()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_parameter_file_is_valid_short_and_commented(path: Path) -> None:
    loaded = parameters.load(path)
    text = path.read_text(encoding="utf-8").splitlines()
    assert text[0].startswith("# ") and len(text) <= 45
    assert loaded.study.question.endswith("?")
    panel = data.load(loaded.study)
    assert panel.n >= 48


def test_the_six_studies_are_there() -> None:
    assert {p.stem for p in FILES} >= {
        "medicaid-expansion",
        "minimum-wage",
        "castle-doctrine",
        "incinerator",
        "workers-compensation",
        "organ-donation",
    }


def loaded(study: str, **changes: object):
    path = next(path for path in FILES if path.stem == study)
    return parameters.load(path).study.model_copy(update=changes)


@pytest.mark.parametrize("last", ["H", "Ca"])
def test_unbounded_intervals_reach_no_file(last: str) -> None:
    """California among so few states that no permutation interval exists, down to every block of the notebook."""
    study = loaded("organ-donation", where=[f"State < {last}zz"])
    measure = catalog.read(study.dataset).columns[study.outcome]
    panel = data.load(study)
    pieces = designs.estimate(study, panel)
    path = designs.path(study, panel, pieces)
    found = checks.run(study, panel, pieces, path)
    estimate = designs.headline(study, panel, pieces)
    verdict = decide.decide(study, panel, pieces, path, estimate, found)
    shown = answer.summary(study, measure, pieces, estimate, verdict, found)
    assert "unbounded" in shown.meta["answer"]["sentence"] and shown.meta["answer"]["strength"]["step"] == 1
    assert shown.meta["numbers"][0]["low"] is None and shown.meta["answer"]["headline"]["low"] is None
    assert all(check["low"] is None for check in findings.block(found, measure).meta["checks"])
    assert effects.averages(designs.averages(study, panel, pieces), pieces, study, measure).html


def test_the_declared_cluster_is_used_unless_another_is_named() -> None:
    assert data.load(loaded("minimum-wage", cluster=None)).clusters == 29
    assert data.load(loaded("minimum-wage", cluster="countyreal")).clusters == 500


def test_a_threshold_in_per_cent_is_refused_for_shares_and_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = next(path for path in FILES if path.stem == "castle-doctrine")
    folder = tmp_path / "params" / source.parent.name
    folder.mkdir(parents=True)
    copy = folder / "slip.yml"
    copy.write_text(source.read_text(encoding="utf-8").replace("worthwhile: 0.03", "worthwhile: 3"), encoding="utf-8")
    monkeypatch.setattr(paths, "PARAMS", tmp_path / "params")
    with pytest.raises(
        Refusal, match=r"slip.yml:worthwhile — 3 is more than everything .* Fix: write 0.03 for 3 per cent"
    ):
        parameters.load(copy)


def test_near_misses_of_special_units_are_refused() -> None:
    with pytest.raises(ValueError, match="write share"):
        catalog.Column(type="number", label="Rate of it", unit="Log")
