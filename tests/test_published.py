"""What is published is whole, and the comparison that guards it can fail."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from analysis import paths
from analysis.run import results, versions

LATEST = {version.folder.parent.name: version for version in versions.latest_of_all()}


def nbval(notebook: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--nbval",
        "--rootdir",
        str(paths.ROOT),
        "-p",
        "no:cacheprovider",
        str(notebook),
    ]
    return subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)


def test_a_changed_digit_in_a_published_output_is_found(tmp_path: Path) -> None:
    notebook = json.loads((LATEST["medicaid-expansion"].folder / "report.ipynb").read_text(encoding="utf-8"))
    shown = [
        o for c in notebook["cells"] for o in c.get("outputs", []) if "6.8 percentage points" in str(o.get("data"))
    ]
    text = shown[0]["data"]["text/plain"]
    shown[0]["data"]["text/plain"] = [
        line.replace("6.8", "6.9") for line in ([text] if isinstance(text, str) else text)
    ]
    changed = tmp_path / "report.ipynb"
    changed.write_text(json.dumps(notebook), encoding="utf-8")
    found = nbval(changed)
    assert found.returncode == 1 and "1 failed" in found.stdout
    shown_by_nbval = re.sub(r"\x1b\[[0-9;]*m", "", found.stdout)
    assert "mismatch 'text/plain'" in shown_by_nbval and "6.9" in shown_by_nbval and "6.8" in shown_by_nbval


@pytest.mark.parametrize("study", LATEST)
def test_published_results_are_complete(study: str) -> None:
    stored = json.loads((LATEST[study].folder / "results.json").read_text(encoding="utf-8"))
    assert stored["study"] == study and stored["answer"]["question"].endswith("?")
    numbers = {number["id"]: number for number in stored["numbers"]}
    assert len(numbers) == len(stored["numbers"]) and "headline" in numbers
    made = LATEST[study].manifest
    base = made["parameters"]["study"] if made["notebook"] == "specification_curve" else study.partition("--")[0]
    (parameters,) = (path for path in paths.PARAMS.glob(f"*/{base}.yml") if path.parent.name != "sweeps")
    asked = yaml.safe_load(parameters.read_text(encoding="utf-8"))["checks"]
    if made["notebook"] != "specification_curve":
        assert {check["name"] for check in stored["checks"]} == set(asked)
    family = parameters.parent.name
    grounds = import_module(f"analysis.decide.{family}").GROUNDS
    assert set(grounds.needed) <= set(asked)
    for number in numbers.values():
        few = number["treated_clusters"] is not None and number["treated_clusters"] < 10
        if family == "difference_in_differences" and few:
            assert number["std_error"] is None, "no cluster-robust error with fewer than ten treated clusters"
    assert results.Results.model_validate(stored)


def test_published_headlines_are_the_documented_ones() -> None:
    def headline(study: str) -> dict:
        stored = json.loads((LATEST[study].folder / "results.json").read_text(encoding="utf-8"))
        return next(number for number in stored["numbers"] if number["id"] == "headline")

    assert f"{headline('medicaid-expansion')['estimate']:.6f}" == "0.067983"
    assert f"{headline('minimum-wage')['estimate']:.6f}" == "-0.039951"
    assert f"{headline('incinerator')['estimate']:.2f}" == "-14177.93"
    assert f"{headline('workers-compensation')['estimate']:.6f}" == "0.190601"
    assert f"{headline('tobacco-tax')['estimate']:.1f}" == "-15.6"
    assert f"{headline('senate-incumbency')['estimate']:.3f}" == "7.414"
    assert f"{headline('gi-bill')['estimate']:.3f}" == "0.170"
    assert f"{headline('prison-capacity')['estimate'] / 0.0953:.3f}" == "-1.032"  # for a rise of ten per cent
    assert f"{headline('job-training')['estimate']:.3f}" == "1794.342"
    assert f"{headline('resume-audit')['estimate']:.4f}" == "-0.0320"
    assert f"{headline('quitting-smoking')['estimate']:.4f}" == "3.4405"
    assert f"{headline('lalonde')['estimate']:.2f}" == "1214.07"
    assert f"{headline('beer-tax')['estimate']:.2f}" == "-0.64"
    assert f"{headline('training-grants')['estimate']:.4f}" == "-0.2523"
    organ = headline("organ-donation")
    assert f"{organ['estimate']:.6f}" == "-0.022459" and organ["p_value"] == pytest.approx(5 / 27)


def test_pages_name_nothing_of_the_machine() -> None:
    for version in LATEST.values():
        for path in version.folder.iterdir():
            text = path.read_text(encoding="utf-8")
            assert str(paths.ROOT) not in text and str(Path.home()) not in text, path.name
