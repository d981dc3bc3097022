"""Finished specifications on disk, one file each, named by what they depend on; a stopped sweep goes on from here.

The folder is this machine's own (`reports/.state/sweeps/<name>/`): deleting it costs time and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analysis.panel import Array
from analysis.result import Estimate
from analysis.run import files, identity, state
from analysis.study import Study
from analysis.sweep.fit import Result
from analysis.sweep.members import Members
from analysis.sweep.plan import Specification, Sweep

SCHEMA = 1
# What a specification depends on beside its choices; neither the notebook nor the page's template.
PARTS = ("data", "code", "lock", "python")


@dataclass(frozen=True)
class Store:
    """The folder of one sweep, and the state of everything that all its specifications depend on."""

    folder: Path
    parts: Mapping[str, str]

    def key(self, study: Study) -> str:
        """The content key of a specification (64 hex digits): its choices, and data, code, lock and Python."""
        values = {"family": study.FAMILY, **study.model_dump(mode="json")}
        content = {"schema": SCHEMA, "study": values, "parts": dict(self.parts)}
        return hashlib.sha256(identity.canonical(content)).hexdigest()

    def place(self, study: Study) -> Path:
        """The file of a specification."""
        return self.folder / f"{self.key(study)}.json"

    def read(self, specification: Specification) -> Result | None:
        """The finished specification; None where it has not been run, or its file is not whole."""
        path = self.place(specification.study)
        if not path.is_file():
            return None
        try:
            return _result(specification.id, json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError):
            path.unlink()
            return None

    def write(self, study: Study, result: Result) -> None:
        """Keep `result`, unless it failed for a reason that may be gone next time."""
        if result.status != "failed":
            files.replace(self.place(study), json.dumps(_plain(result), sort_keys=True))


def of(sweep: Sweep) -> Store:
    """The store of `sweep` for data and code as they are now."""
    parts = identity.of(sweep.base).parts
    return Store(state.STATE / "sweeps" / sweep.name, {name: parts[name] for name in PARTS})


def _plain(result: Result) -> dict[str, Any]:
    members = result.members
    return {
        "status": result.status,
        "reason": result.reason,
        "estimate": None if result.estimate is None else asdict(result.estimate),
        "baseline": result.baseline,
        "other": result.other,
        "limits": result.limits,
        "spread": result.spread,
        "contributions": None if result.contributions is None else _packed(result.contributions, "<f8"),
        "members": members
        and {"atom": _packed(members.atom, "<u8"), "cluster": _packed(members.cluster, "<i8"), "rows": members.rows},
    }


def _result(name: str, kept: Mapping[str, Any]) -> Result:
    members = kept["members"]
    return Result(
        name,
        kept["status"],
        kept["reason"],
        None if kept["estimate"] is None else Estimate(**kept["estimate"]),
        float(kept["baseline"]) if kept["baseline"] is not None else math.nan,
        kept["other"],
        kept["limits"],
        float(kept["spread"]),
        None if kept["contributions"] is None else _unpacked(kept["contributions"], "<f8"),
        members and Members(_unpacked(members["atom"], "<u8"), _unpacked(members["cluster"], "<i8"), members["rows"]),
    )


def _packed(values: Array, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=kind).tobytes()).decode("ascii")


def _unpacked(text: str, kind: str) -> Array:
    return np.frombuffer(base64.b64decode(text), dtype=kind)
