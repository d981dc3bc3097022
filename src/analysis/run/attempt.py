"""One execution on trial: run the notebook, collect its numbers, and refuse it if anything is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.refusal import Refusal
from analysis.run import execute, export, identity, results, rules, staging
from analysis.run.failure import Failed
from analysis.run.identity import Identity
from analysis.run.parameters import Parameters


@dataclass(frozen=True)
class Attempt:
    """A finished execution: the cleaned notebook (node and text), its results, and how long it took in seconds."""

    study: str
    notebook: Any
    text: str
    results: dict[str, Any]
    seconds: float

    def reject(self, problems: Sequence[str]) -> Failed:
        """The failure to raise for `problems`; the notebook is kept apart."""
        return _kept(self.study, self.text, problems)


def preflight(checked: Parameters) -> None:
    """Build the study's data once in this process, so that defective data never start a kernel.

    Raises Refusal naming the data file, the column and the fix.
    """
    from analysis import data

    try:
        data.load(checked.study)
    except Refusal as refusal:
        if "/" in refusal.where:
            raise
        raise refusal.at(checked.file if refusal.code[0] == "R" else paths.shown(checked.source.path)) from None


def make(checked: Parameters, expected: Identity, folder: Path, again: Callable[[], Parameters]) -> Attempt:
    """Execute in the staging `folder`. Raises Failed; a notebook that ran into trouble is kept apart first.

    `again` reads the parameters once more when the run is over, to see whether they are still those that ran.
    """
    study = checked.study_name
    start = time.monotonic()
    try:
        notebook = execute.execute(checked, folder)
    except execute.NotebookFailed as failed:
        raise _failed(study, checked.file, failed) from None
    seconds = time.monotonic() - start
    notebook = export.clean(notebook)
    text = export.as_text(notebook)
    problems = rules.notebook_problems(notebook)
    try:
        collected = results.collect(notebook, study, checked.notebook, checked.study.question)
    except Failed as failure:
        raise _kept(study, text, [failure.message, *problems]) from None
    if problems:
        raise _kept(study, text, problems)
    _refuse_if_moved(again(), expected)
    return Attempt(study, notebook, text, collected, seconds)


def _refuse_if_moved(checked: Parameters, expected: Identity) -> None:
    """The key must describe what ran: somebody may have saved a file in the meantime."""
    moved = identity.of(checked).moved(expected.parts)
    if moved:
        raise Failed(f"{checked.study_name}: {', '.join(moved)} changed while the report was running; run it again")


def _failed(study: str, file: str, failed: execute.NotebookFailed) -> Failed:
    kept = staging.keep_failed(study, export.as_text(failed.notebook), failed.reason)
    if failed.refusal is not None:
        head, dash, rest = failed.refusal.partition(" — ")
        code, _, where = head.rpartition(" ")
        named = failed.refusal if "/" in where else f"{code} {file}:{where}{dash}{rest}"
        return Failed(f"{named}\nThe notebook as far as it got: {kept}", code=2)
    return Failed(f"{study}: {failed.reason}\nNothing was published. The notebook as far as it got: {kept}")


def _kept(study: str, text: str, problems: Sequence[str]) -> Failed:
    kept = staging.keep_failed(study, text, "; ".join(problems))
    lines = [f"{study}: {problem}" for problem in problems[:10]]
    return Failed("\n".join([*lines, f"Nothing was published. The notebook is kept: {kept}"]))
