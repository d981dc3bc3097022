"""A plugin for pytest and nbval: what each cell of a re-executed notebook showed, and what nbval said about it.

nbval compares a notebook's outputs and forgets them; the numbers of a report travel in their metadata. At the end of
the session this plugin writes both to the file named by the environment variable `OUTPUTS`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

OUTPUTS = "ANALYSIS_NBVAL_OUTPUTS"
_said: dict[str, str] = {}


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """Keep the first line of what went wrong in a cell."""
    done = yield
    report = done.get_result()
    if report.failed:
        _said[item.nodeid] = _first_line(call.excinfo.value)


def pytest_sessionfinish(session: Any) -> None:
    """Write the outputs of every code cell, in the order of the notebook, with what failed."""
    cells = [{"outputs": item.test_outputs or [], "said": _said.get(item.nodeid)} for item in session.items]
    Path(os.environ[OUTPUTS]).write_text(json.dumps(cells), encoding="utf-8")


def _first_line(error: BaseException) -> str:
    """The message of nbval, or the last line of the traceback that it carries."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    inner = str(getattr(error, "inner_traceback", "") or "").strip().splitlines()
    raised = lines[0].startswith("Cell execution caused") and inner
    return inner[-1] if raised else lines[0]
