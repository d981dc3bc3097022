"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import deviations
import pytest
from project_copy import Project, copy, make


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project whose one study is published; take a `copy` to change anything."""
    project = make(tmp_path_factory.mktemp("published") / "project")
    run = project.report()
    assert run.code == 0, run
    assert len(project.versions()) == 1
    return project


@pytest.fixture
def project(published: Project, tmp_path: Path) -> Project:
    """A copy of the published project for one test."""
    return copy(published, tmp_path / "project")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--deviations", action="store_true", help="print the worst deviation from each reference")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.getoption("--deviations"):
        for line in deviations.table():
            terminalreporter.write_line(line)
