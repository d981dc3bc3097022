"""The content key: what a report depends on, as one hash, with one hash per part to say which part moved.

Two runs with the same key must give the same report. The key does not depend on the order of keys in a file, on
comments, outputs, file times, the working directory, locale or PYTHONHASHSEED.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.run import source_notebook
from analysis.run.parameters import Parameters

SCHEMA = 1
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_CACHES = {"__pycache__", ".ipynb_checkpoints", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
PARTS = ("parameters", "data", "plan", "notebook", "code", "template", "lock", "python")


@dataclass(frozen=True)
class Identity:
    """The key (64 hex digits) and the hash of each part of `PARTS`.

    `python` is a version, not a hash; `plan` stands only where there is one.

    `modules`: the first 12 hex digits of the checksum of each Python file, by its path below src/analysis.
    """

    key: str
    parts: Mapping[str, str]
    modules: Mapping[str, str] = field(default_factory=dict)

    @property
    def short(self) -> str:
        """The first 12 digits, used in folder names."""
        return self.key[:12]

    def moved(self, before: Mapping[str, str]) -> list[str]:
        """The parts that differ from those recorded `before`, in the order of `PARTS`."""
        return [name for name in PARTS if self.parts.get(name) != before.get(name)]


def of(parameters: Parameters) -> Identity:
    """The identity of the report that `parameters` describe, from files alone. Reads no data."""
    python_files, templates = _source_files()
    modules = _digests(python_files)
    parts = {
        "parameters": _digest(canonical({**parameters.values, "study": parameters.study_name})),
        "data": _data(parameters),
        **_plan(parameters),
        "notebook": notebook_hash(parameters.notebook_path),
        "code": _digest(canonical(modules)),
        "template": _digest(canonical(_digests(templates))),
        "lock": _digest(paths.LOCK.read_bytes()),
        "python": PYTHON,
    }
    short = {name: digest[:12] for name, digest in modules.items()}
    return Identity(_digest(canonical({**parts, "schema": SCHEMA})), parts, short)


def canonical(values: Mapping[str, Any]) -> bytes:
    """`values` as JSON bytes that depend on nothing but their content (floats by repr). Raises ValueError for NaN."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True).encode()


def notebook_hash(path: Path) -> str:
    """Hash of the kinds and sources of the cells and of which is tagged `parameters`; never of outputs."""
    cells = [[cell.kind, cell.source, cell.parameters] for cell in source_notebook.cells(path)]
    return _digest(canonical({"cells": cells}))


def _data(parameters: Parameters) -> str:
    found = []
    for source in parameters.sources:
        declaration = _digest((paths.RAW / source.dataset / "source.yml").read_bytes())
        found.append({"dataset": source.dataset, "sha256": source.sha256, "source": declaration})
    return _digest(canonical(found[0] if len(found) == 1 else {"datasets": found}))


def _plan(parameters: Parameters) -> dict[str, str]:
    """The frozen plans of the study and the reasons for departing from them; nothing where there are none."""
    study = Path(parameters.file).stem
    reasons = paths.PARAMS / parameters.notebook / "deviations" / f"{study}.yml"
    found = [*sorted((paths.REPORTS / study / "plans").glob("*.yml")), *([reasons] if reasons.is_file() else [])]
    named = {path.name: _digest(path.read_bytes()) for path in found}
    return {"plan": _digest(canonical(named))} if named else {}


def _source_files() -> tuple[list[Path], list[Path]]:
    python_files: list[Path] = []
    others: list[Path] = []
    for path in sorted(paths.SOURCE.rglob("*")):
        inside = path.relative_to(paths.SOURCE).parts
        if path.suffix == ".pyc" or not _CACHES.isdisjoint(inside) or path.name.startswith("."):
            continue
        if path.is_file():
            (python_files if path.suffix == ".py" else others).append(path)
    return python_files, others


def _digests(files: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(paths.SOURCE).as_posix(): _digest(path.read_bytes()) for path in files}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
