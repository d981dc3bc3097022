"""What this machine knows for itself (never committed): which keys it has run or verified, and who is running now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from analysis import paths
from analysis.refusal import Refusal
from analysis.run import files, progress
from analysis.run.versions import Version

if TYPE_CHECKING:
    from filelock import FileLock

STATE = paths.REPORTS / ".state"
_VERIFIED = STATE / "verified.json"


def verified_here(version: Version, key: str) -> bool:
    """Whether this machine has itself run `key` and seen the numbers of `version`."""
    return key in _read().get(version.name, [])


def remember(version: Version, key: str) -> None:
    """Record that this machine has run `key` and seen the numbers of `version`."""
    with lock("verified"):
        known = _read()
        known[version.name] = sorted({*known.get(version.name, []), key})
        files.replace(_VERIFIED, files.as_json(known))


def _read() -> dict[str, list[str]]:
    if not _VERIFIED.is_file():
        return {}
    try:
        known: dict[str, list[str]] = json.loads(_VERIFIED.read_text(encoding="utf-8"))
    except ValueError:
        raise Refusal("R305", paths.shown(_VERIFIED), "not readable", "delete it; it is only a memory") from None
    return known


def lock(name: str) -> FileLock:
    """A lock between processes of this machine; the system frees it when a process dies, however it dies."""
    from filelock import FileLock

    STATE.mkdir(parents=True, exist_ok=True)
    return FileLock(STATE / f"{name}.lock")


@contextmanager
def only_run_of(study: str) -> Iterator[bool]:
    """Hold the lock of `study`; wait for another run of it first. Yields whether it had to wait."""
    from filelock import Timeout

    held = lock(f"study.{study}")
    waited = False
    try:
        held.acquire(timeout=0)
    except Timeout:
        waited = True
        progress.say(f"{study}: another run of this study is going on here; waiting for it ...")
        held.acquire()
    try:
        yield waited
    finally:
        held.release()
