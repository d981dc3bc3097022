"""The published versions of a study, read from their manifests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.refusal import Refusal
from analysis.run import files
from analysis.run.identity import Identity

REPORT, NOTEBOOK, RESULTS, MANIFEST = "report.html", "report.ipynb", "results.json", "manifest.json"
CONTENT = (REPORT, NOTEBOOK, RESULTS)


@dataclass(frozen=True)
class Version:
    """One published folder `reports/<study>/<date>-<key12>/` and its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """`<study>/<date>-<key12>`: how a person refers to it."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def report(self) -> str:
        """The path of the page, relative to the project."""
        return paths.shown(self.folder / REPORT)

    def covers(self, own: Identity) -> bool:
        """Whether this version was made or later verified from exactly these inputs, on whichever Python."""
        known = [self.manifest["parts"], *(line["parts"] for line in self.manifest["verified"])]
        return any(set(own.moved(parts)) <= {"python"} for parts in known)

    def results(self) -> dict[str, Any]:
        """The published numbers, checks and answer."""
        loaded: dict[str, Any] = json.loads((self.folder / RESULTS).read_text(encoding="utf-8"))
        return loaded

    def refuse_if_changed(self) -> None:
        """Raise Refusal R305 when a published file is no longer the one that was published."""
        for name, declared in self.manifest["files"].items():
            path = self.folder / name
            if not path.is_file() or files.sha256(path) != declared:
                problem = "the file is not the one that was published"
                fix = f"restore it: git checkout -- {paths.shown(self.folder)}"
                raise Refusal("R305", paths.shown(path), problem, fix)


def of(study: str) -> list[Version]:
    """The versions of `study`, oldest first."""
    found = [_read(path) for path in (paths.REPORTS / study).glob(f"*/{MANIFEST}")]
    return sorted(found, key=lambda version: (version.manifest["created"], version.folder.name))


def latest_of_all() -> list[Version]:
    """The latest version of every study that has one, sorted by study."""
    studies = sorted(p.name for p in paths.REPORTS.glob("[!.]*") if p.is_dir())
    return [published[-1] for study in studies if (published := of(study))]


def covering(published: list[Version], own: Identity) -> Version | None:
    """The most recent of the `published` versions that already answers these inputs."""
    return next((version for version in reversed(published) if version.covers(own)), None)


def _read(path: Path) -> Version:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        complete = all(name in manifest for name in ("key", "created", "parts", "files", "verified"))
    except ValueError:
        complete = False
    if not complete:
        raise Refusal(
            "R305", paths.shown(path), "not a complete manifest", f"restore it: git checkout -- {paths.shown(path)}"
        )
    return Version(path.parent, manifest)
