"""A project with tables of its own in a temporary folder, for tests of declarations, joins and parameter files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from analysis import paths

TEXTS = dict.fromkeys(["title", "origin", "citation", "licence", "obtained"], "A text")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project: no table, no parameter file; notebooks and code are the checkout's."""
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "RAW", tmp_path / "data" / "raw")
    monkeypatch.setattr(paths, "PARAMS", tmp_path / "params")
    paths.RAW.mkdir(parents=True)
    return tmp_path


def put(name: str, text: str, columns: dict[str, Any], **changes: Any) -> None:
    """The dataset `name` with this CSV text and declaration."""
    folder = paths.RAW / name
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    values = {**TEXTS, "file": f"{name}.csv", "sha256": digest, "synthetic": True, "columns": columns, **changes}
    (folder / "source.yml").write_text(json.dumps(values), encoding="utf-8")


def column(kind: str = "integer", **more: Any) -> dict[str, Any]:
    """The declaration of one column."""
    return {"type": kind, "label": "A column", **more}


def parameters(name: str, family: str, **values: Any) -> Path:
    """A parameter file of `family` with these values."""
    path = paths.PARAMS / family / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# A study\n" + "".join(f"{k}: {json.dumps(v)}\n" for k, v in values.items()), encoding="utf-8")
    return path
