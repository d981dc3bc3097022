"""The README's commands and map are true, and the two lists of dependencies are one."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
import yaml

from analysis import paths
from analysis.run import parameters
from analysis.study import modules

README = (paths.ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
VERBS = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, re.M))


def test_every_command_named_exists_and_every_verb_is_named() -> None:
    named = set(re.findall(r"`make ([a-z]+)", README)) | set(re.findall(r"^make ([a-z]+)", README, re.M))
    assert named <= VERBS
    assert VERBS - named <= {"setup"}


def test_help_lists_every_verb_with_one_line() -> None:
    shown = subprocess.run(["make", "help"], cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  make ([a-z]+) +\S", shown, re.M)) == VERBS


def test_the_default_verb_is_help() -> None:
    assert ".DEFAULT_GOAL := help" in MAKEFILE


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_lead_somewhere(path: str) -> None:
    assert (paths.ROOT / path).exists()


def test_the_map_is_true() -> None:
    block = README.split("## Map")[1].split("```")[1]
    for line in block.strip().splitlines():
        for name in re.split(r" +by people| +generated", line)[0].split():
            assert list(paths.ROOT.glob(re.sub(r"<[a-z]+>", "*", name).rstrip("/"))), name
    for name in re.findall(r"^\| ((?:`[a-z_/.]+` ?)+)\|", README.split("## Map")[1].split("## How")[0], re.M):
        for part in re.findall(r"`([^`]+)`", name):
            assert (paths.SOURCE / part).exists(), part


def test_every_study_is_in_the_table() -> None:
    studies = {path.stem for path in parameters.every()}
    assert set(re.findall(r"^\| `([a-z-]+)` \|", README, re.M)) == studies


def test_every_study_is_published() -> None:
    for path in [*parameters.every(), *sorted((paths.PARAMS / "sweeps").glob("*.yml"))]:
        assert list((paths.REPORTS / path.stem).glob("*/results.json")), path.stem


def test_designs_and_checks_have_tests() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (paths.ROOT / "tests").glob("test_*.py"))
    assert all(name in text for folder in ("designs", "checks") for name in modules(folder))


def test_conda_and_pip_install_the_same() -> None:
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    conda = yaml.safe_load((paths.ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    from_pip = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    own = {"python" + project["requires-python"], "pip", "-e ."}
    assert {e for e in conda if isinstance(e, str)} | set(from_pip) == set(project["dependencies"]) | own


def test_core_packages_and_caps() -> None:
    named = set(tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"])
    bare = {re.split(r"[<>=]", entry)[0] for entry in named}
    assert {"jupyterlab", "papermill", "pandas", "statsmodels", "linearmodels", "seaborn", "nbval", "pytest"} <= bare
    assert any("pandas" in e and "<4" in e for e in named) and any("matplotlib" in e and "<3.13" in e for e in named)
    assert "nbconvert>=7.17.1" in named


def test_the_lock_holds_every_dependency_with_hashes_and_no_address() -> None:
    lock = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", lock, re.M))
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {re.split(r"[<>=]", entry)[0] for entry in project["dependencies"]} <= pinned
    assert "://" not in lock and lock.count("--hash=sha256:") > len(pinned)
    entries = re.split(r"\n(?=[a-z0-9])", lock.strip())
    assert all("--hash=sha256:" in entry for entry in entries)


def test_imports_of_a_run_leave_out_what_costs_and_brings_nothing() -> None:
    import sys

    script = "import papermill, sys; print('rfc3987_syntax' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert shown.strip().endswith("False")
