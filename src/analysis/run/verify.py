"""Published notebooks run once more: do their numbers still come out?

The published notebook itself is executed (its parameters are in it), by nbval, in a kernel with the environment of a
report. nbval compares what each cell shows; the numbers in the outputs' metadata are compared with results.json within
`compare.allowed`. Nothing published is touched.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from analysis import paths
from analysis.data import catalog
from analysis.refusal import Refusal
from analysis.run import compare, execute, files, kernel, results, verify_outputs, versions
from analysis.run.failure import Failed
from analysis.run.versions import Version
from analysis.study import did_you_mean

_CODES = re.compile(r"\x1b\[[0-9;]*m")
_OPTIONS: tuple[str, ...] = (
    "--nbval",
    "--nbval-current-env",
    "-q",
    "--color=no",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:randomly",
)
_OPTIONS += ("--nbval-cell-timeout", str(execute.CELL_TIMEOUT))


@dataclass(frozen=True)
class Verdict:
    """What running a version again came to: one sentence, and what differs, one line each."""

    kind: Literal["agrees", "differs", "absent"]
    sentence: str
    lines: tuple[str, ...] = ()


def chosen(study: str | None, released: bool = False) -> list[Version]:
    """The latest version of `study` (of every study), and those that were released. Raises Refusal R303."""
    published = {version.folder.parent.name: version for version in versions.latest_of_all()}
    if study is not None and study not in published:
        fix = did_you_mean(study, published)
        raise Refusal("R303", f"STUDY={study}", "this study has no published version", fix)
    found = []
    for name in [study] if study else sorted(published):
        every = versions.of(name)
        found += [v for v in every[:-1] if released and _was_released(v)] + every[-1:]
    return found


def again(version: Version) -> Verdict:
    """Run the notebook of `version` again and compare. Raises Refusal R305 when a published file was changed."""
    version.refuse_if_changed()
    reason = _absent(version)
    if reason is not None:
        return Verdict("absent", f"{version.name}: cannot be reproduced here: {reason}")
    notebook = version.notebook()
    cells = _run(version.folder / versions.NOTEBOOK)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if len(cells) != len(code):
        return Verdict("differs", f"{version.name}: nbval ran {len(cells)} of {len(code)} cells")
    said = [f"code cell {place}: {cell['said']}" for place, cell in enumerate(cells, start=1) if cell["said"]]
    return _verdict(version, cells, [_CODES.sub("", line) for line in said])


def _was_released(version: Version) -> bool:
    return bool(version.manifest.get("status", {}).get("state") == "released")


def _absent(version: Version) -> str | None:
    """Why the version cannot be run on this machine: its notebook or its data are not here."""
    if versions.NOTEBOOK in version.manifest.get("thinned", {}):
        return "a later version replaced it, and its notebook was not kept"
    for dataset, declared in version.manifest.get("data", {}).items():
        try:
            source = catalog.read(dataset)
        except Refusal as refusal:
            return f"{refusal.where}: {refusal.problem}"
        if not source.path.is_file():
            fix = "make data" if source.distribution else f"put the file into {paths.shown(source.path.parent)}"
            return f"{paths.shown(source.path)} is missing. Fix: {fix}"
        if catalog.checksum(source.path) != declared:
            return f"it was made from other data: {paths.shown(source.path)} has changed since ({declared[:12]}…)"
    return None


def _run(notebook: Path) -> list[dict[str, Any]]:
    """Outputs and complaints of every code cell of a re-execution by nbval, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix=execute.RUNTIME_PREFIX) as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        files.write(folder / versions.NOTEBOOK, notebook.read_text(encoding="utf-8"))
        written = folder / "outputs.json"
        own = {verify_outputs.OUTPUTS: str(written), "JUPYTER_RUNTIME_DIR": str(folder), "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "pytest", *_OPTIONS, "-p", verify_outputs.__name__, versions.NOTEBOOK]
        environment = {**kernel.environment(folder), **own}
        environment.pop("PYTEST_ADDOPTS", None)
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if not written.is_file():
            last = (done.stdout + done.stderr).strip().splitlines() or ["no message"]
            raise Failed(f"{paths.shown(notebook)}: nbval did not run it: {last[-1]}")
        cells: list[dict[str, Any]] = json.loads(written.read_text(encoding="utf-8"))
        return cells


def _verdict(version: Version, cells: Sequence[Mapping[str, Any]], said: list[str]) -> Verdict:
    published = version.results()
    try:
        now = results.collect(
            {"cells": cells}, published["study"], published["notebook"], published.get("question", "")
        )
    except Failed as failure:
        count = len(published["numbers"])
        return Verdict("differs", f"{version.name}: 0 of {count} numbers agree", (*said, failure.message))
    found = compare.agreement(published, now)
    lines = [*map(str, found.numbers), *_words(published, now), *said]
    sentence = f"{version.name}: {found.agree} of {found.of} numbers agree"
    return Verdict("differs" if lines else "agrees", sentence, tuple(lines))


def _words(published: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Checks with another verdict and an answer with other words."""
    before, after = (json.dumps(side["answer"]["sentence"]) for side in (published, now))
    told = [] if before == after else [f"the answer: published {before}, here {after}"]
    severities = [[(check["name"], check["severity"]) for check in side["checks"]] for side in (published, now)]
    return told + [
        f"check {name}: no longer {severity}"
        for name, severity in severities[0]
        if (name, severity) not in severities[1]
    ]
