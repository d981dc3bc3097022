"""Every parameter file is one of ours: complete, commented, and loads its data."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis import data, paths
from analysis.run import parameters

FILES = sorted(paths.PARAMS.glob("*/*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_parameter_file_is_valid_short_and_commented(path: Path) -> None:
    loaded = parameters.load(path)
    text = path.read_text(encoding="utf-8").splitlines()
    assert text[0].startswith("# ") and len(text) <= 30
    assert loaded.study.question.endswith("?")
    panel = data.load(loaded.study)
    assert panel.n > 100


def test_the_six_studies_are_there() -> None:
    assert {p.stem for p in FILES} >= {
        "medicaid-expansion",
        "minimum-wage",
        "castle-doctrine",
        "incinerator",
        "workers-compensation",
        "organ-donation",
    }
