"""A version folder as the gate reads it: page, notebook if it is kept, results, manifest, and whatever else lies there.

Tables are read from the page, which every version has. What their columns count is said by the reports' own notes in
the notebook (`counts` and its neighbours in a block's metadata); where there is none, by the headers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.disclosure import page as pages
from analysis.disclosure.page import Page, Table
from analysis.refusal import Refusal

FILES = ("report.html", "report.ipynb", "results.json", "manifest.json")


@dataclass(frozen=True)
class Release:
    """One version. notebook: None where it is not kept; blocks: (caption or CSV name) -> metadata of a report block;
    others: names of files that belong to no report."""

    folder: Path
    page: Page
    notebook: Mapping[str, Any] | None
    results: Mapping[str, Any]
    manifest: Mapping[str, Any]
    blocks: Mapping[str, Mapping[str, Any]]
    others: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder's name: date and key."""
        return self.folder.name

    @property
    def numbers(self) -> list[Mapping[str, Any]]:
        """The published numbers."""
        return list(self.results.get("numbers") or [])

    def said(self, table: Table, what: str) -> Any:
        """What the report says about `table` under `what` (counts, means, extremes ...); None if nothing."""
        for key in (table.name, table.caption):
            if key and what in self.blocks.get(key, {}):
                return self.blocks[key][what]
        return None


def read(folder: Path) -> Release:
    """The version in `folder`. Raises Refusal R305 when page, results or manifest are missing or broken."""
    html = _text(folder / "report.html")
    book = folder / "report.ipynb"
    notebook = _json(book) if book.is_file() else None
    others = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name not in FILES)
    return Release(
        folder,
        pages.read(html),
        notebook,
        _json(folder / "results.json"),
        _json(folder / "manifest.json"),
        _blocks(notebook),
        tuple(others),
    )


def manifest_of(folder: Path) -> Mapping[str, Any]:
    """The manifest of the version in `folder`. Raises Refusal R305 when it is missing or broken."""
    return _json(folder / "manifest.json")


def with_notes_of(earlier: Release, later: Release) -> Release:
    """`earlier` with what `later` says about tables of the same name, where its own notebook is not kept."""
    return replace(earlier, blocks={**later.blocks, **earlier.blocks})


def outputs(notebook: Mapping[str, Any] | None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(cell number, output) for every output of the notebook."""
    for number, cell in enumerate((notebook or {}).get("cells", []), start=1):
        for output in cell.get("outputs", []):
            yield number, output


def block(output: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The metadata of a report block; None for an output that no report function made."""
    found = (output.get("metadata") or {}).get("analysis")
    return found if isinstance(found, dict) else None


def _blocks(notebook: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for _, output in outputs(notebook):
        meta = block(output)
        for key in (meta or {}).get("csv_name"), " ".join(str((meta or {}).get("caption") or "").split()):
            if meta is not None and key:
                found.setdefault(str(key), meta)
    return found


def _text(path: Path) -> str:
    if not path.is_file():
        raise Refusal("R305", paths.shown(path), "the file is missing", "examine the folder of a published version")
    return path.read_text(encoding="utf-8")


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(_text(path))
    except ValueError:
        raise Refusal("R305", paths.shown(path), "not JSON", "publish the version anew") from None
    if not isinstance(loaded, dict):
        raise Refusal("R305", paths.shown(path), "not a mapping", "publish the version anew")
    return loaded
