"""Living in JupyterLab: the page it opens on, what its kernels import, and git that shows notebooks cell by cell."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import browser
import pytest
from project_copy import ROOT, Project

from analysis import paths
from analysis.commands import lab

README = paths.NOTEBOOKS / "README.md"


def test_the_page_it_opens_on_explains_three_doors_and_how_code_is_read_again() -> None:
    text = README.read_text("utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## You read and review",
        "## You rerun an analysis with other choices, without Python",
        "## You change an analysis",
    ]
    assert "Kernel > Restart Kernel and Run All Cells" in text and "autoreload" not in text
    for name in ("report", "params", "choose", "pdf", "notebook", "compare", "tidy", "test"):
        assert f"make {name}" in text


def test_its_links_lead_to_files_and_it_names_every_notebook() -> None:
    """JupyterLab cannot open a folder from a link."""
    links = re.findall(r"\]\(([^)]+)\)", README.read_text("utf-8"))
    assert links and all((README.parent / link).resolve().is_file() for link in links)
    families = {path.name for path in paths.NOTEBOOKS.glob("*.ipynb") if (paths.PARAMS / path.stem).is_dir()}
    assert families <= set(links)


def test_its_commands_are_verbs_of_the_makefile() -> None:
    verbs = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"make ([a-z-]+)", README.read_text("utf-8")))
    assert named <= verbs


def test_kernels_import_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    given = lab._environment()
    assert given["PYTHONPATH"] == str(paths.SOURCE.parent) and "PYTHONDONTWRITEBYTECODE" not in given
    command = lab._command(argparse.Namespace(port=0, no_browser=False))
    assert f"--ServerApp.root_dir={paths.ROOT}" in command and "--no-browser" not in command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.browser
def test_it_opens_on_that_page_in_a_running_server(project: Project, tmp_path: Path) -> None:
    browser.executable()
    shutil.copy(README, project.root / "notebooks")
    shutil.copytree(paths.NOTEBOOKS / ".lab", project.root / "notebooks/.lab")
    port, own = _free_port(), {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    token = {"JUPYTER_TOKEN": "for-this-test"}
    address = f"http://127.0.0.1:{port}"
    server = project.start("lab", "--no-browser", "--port", str(port), **own, **token)
    try:
        _wait_for(f"{address}/api?token=for-this-test")
        with browser.chromium() as running:
            tab = running.new_page()
            tab.goto(f"{address}/?token=for-this-test")
            tab.wait_for_selector(".jp-MarkdownViewer h1", timeout=60_000)
            assert tab.locator(".jp-MarkdownViewer h1").inner_text().startswith("Start here")
            assert tab.locator(".jp-MarkdownViewer table").count() == 3
            assert "/lab/tree/notebooks/README.md" in tab.url
            tab.wait_for_timeout(1000)
            assert tab.locator(".jp-Dialog, .Toastify__toast").count() == 0  # no question about news or updates
    finally:
        server.terminate()
        server.communicate(timeout=30)


def _wait_for(address: str) -> None:
    for _ in range(240):
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"nothing answers at {address}")


@pytest.fixture
def checkout(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The small project in a git checkout of its own, its notebook committed; nobody's git settings are read."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "test@example.org")
    shutil.copy(ROOT / ".gitattributes", project.root)
    git(project, "init", "-q", "-b", "main")
    git(project, "add", ".gitattributes", "notebooks")
    git(project, "commit", "-q", "-m", "first")
    return project


def git(project: Project, *arguments: str) -> str:
    # Without the folder of this environment's programs in the path, as in an ordinary terminal.
    outside = [part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != Path(sys.executable).parent]
    environment = {**os.environ, "PATH": os.pathsep.join(outside)}
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return done.stdout


def rewrite(project: Project, place: int, text: str) -> None:
    file = project.root / "notebooks/small.ipynb"
    raw = json.loads(file.read_text("utf-8"))
    raw["cells"][place]["source"] = text
    file.write_text(json.dumps(raw, indent=1), "utf-8")


def test_git_shows_and_merges_a_notebook_cell_by_cell(checkout: Project) -> None:
    run = checkout.run("notebook-diffs")
    assert run.code == 0 and "cell by cell" in run.last, run
    assert str(Path(sys.executable).parent) in git(checkout, "config", "--local", "diff.jupyternotebook.command")
    assert git(checkout, "status", "--porcelain", "--", ".gitattributes") == ""  # the committed file says it already

    git(checkout, "switch", "-q", "-c", "other")
    rewrite(checkout, 4, "small.answer(study)  # changed here")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", git(checkout, "diff"))
    assert "modified /cells/4/source" in shown and re.search(r"^\+ *small.answer\(study\)  # changed here", shown, re.M)
    assert '"cell_type"' not in shown
    git(checkout, "commit", "-q", "-am", "answer")
    git(checkout, "switch", "-q", "main")
    rewrite(checkout, 6, "small.findings(study)  # changed there")
    git(checkout, "commit", "-q", "-am", "findings")
    git(checkout, "merge", "-q", "other", "-m", "both")
    merged = json.loads((checkout.root / "notebooks/small.ipynb").read_text("utf-8"))
    sources = ["".join(cell["source"]) for cell in merged["cells"]]
    assert sources[4].endswith("# changed here") and sources[6].endswith("# changed there")

    assert checkout.run("notebook-diffs", "--off").code == 0
    rewrite(checkout, 4, "small.answer(study)  # once more")
    assert '"source"' in git(checkout, "diff")


def test_outside_a_checkout_it_is_one_line(project: Project) -> None:
    run = project.run("notebook-diffs")
    assert run.code == 2 and run.err.startswith("R373 STOP") and len(run.err.splitlines()) == 1
