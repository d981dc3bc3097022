"""Where a run works before it publishes, and where a failed one is kept. Neither is committed or read as a report."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis import paths
from analysis.run import execute, export, files, versions

STAGING = paths.REPORTS / ".staging"
FAILED = paths.REPORTS / ".failed"
KEPT = 5
REASON = "reason.txt"


@contextmanager
def folder(study: str) -> Iterator[Path]:
    """A new folder on the file system of the reports, removed at the end whatever happens.

    What a killed run of `study` left behind is removed first; the caller holds the lock of `study`, so nobody uses it.
    """
    STAGING.mkdir(parents=True, exist_ok=True)
    for stale in STAGING.glob(f"{study}.*"):
        execute.remove_runtime_folder(stale)
        shutil.rmtree(stale)
    own = Path(tempfile.mkdtemp(prefix=f"{study}.", dir=STAGING))
    try:
        yield own
    finally:
        shutil.rmtree(own)


def keep_failed(study: str, notebook: str, reason: str) -> str:
    """Keep the `notebook` (its text) of a failed run with its one-line `reason`; at most KEPT per study.

    Returns the notebook's path as people know it.
    """
    own = FAILED / f"{study}-{export.now():%Y%m%dT%H%M%S%f}Z"
    own.mkdir(parents=True)
    files.write(own / versions.NOTEBOOK, notebook)
    files.write(own / REASON, reason + "\n")
    stamped = re.compile(re.escape(study) + r"-\d{8}T\d{12}Z")
    of_study = sorted(path for path in FAILED.iterdir() if stamped.fullmatch(path.name))
    for old in of_study[:-KEPT]:
        shutil.rmtree(old)
    return paths.shown(own / versions.NOTEBOOK)
