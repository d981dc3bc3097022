"""The published versions of a study, read from their manifests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.refusal import Refusal
from analysis.run import files
from analysis.run.identity import Identity

REPORT, NOTEBOOK, RESULTS, MANIFEST = "report.html", "report.ipynb", "results.json", "manifest.json"
CONTENT = (REPORT, NOTEBOOK, RESULTS)
# A study, or a variant of one, whose name is longer.
STUDY = re.compile(r"[a-z0-9][a-z0-9_-]*")
FORM = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{12}")
_NEEDED = {"key", "created", "parts", "files", "verified"}
_THINNED = {NOTEBOOK}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_KEY = re.compile(r"[0-9a-f]{4,64}")


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
        try:
            loaded = json.loads((self.folder / RESULTS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            loaded = None
        if not isinstance(loaded, dict):
            path = self.folder / RESULTS
            raise Refusal("R305", paths.shown(path), "missing or not readable", _restore(path))
        return loaded

    def notebook(self) -> Any:
        """The executed notebook (nbformat node); None where a successor made it needless (`thin`)."""
        import nbformat

        if NOTEBOOK in self.manifest.get("thinned", {}):
            return None
        return nbformat.read(self.folder / NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]

    def refuse_if_changed(self) -> None:
        """Raise Refusal R305 when a published file is no longer the one that was published."""
        for name, declared in self.manifest["files"].items():
            path = self.folder / name
            if not path.is_file() or files.sha256(path) != declared:
                problem = "the file is not the one that was published"
                raise Refusal("R305", paths.shown(path), problem, _restore(self.folder))


def of(study: str, folder: Path | None = None) -> list[Version]:
    """The versions of `study` in `folder` (the published reports), oldest first; other folders are left alone."""
    manifests = ((folder or paths.REPORTS) / study).glob(f"*/{MANIFEST}")
    found = [_read(path) for path in manifests if FORM.fullmatch(path.parent.name)]
    return sorted(found, key=lambda version: (version.manifest["created"], version.folder.name))


def latest_of_all() -> list[Version]:
    """The latest version of every study that has one, sorted by study."""
    studies = sorted(p.name for p in paths.REPORTS.glob("[!.]*") if p.is_dir())
    return [published[-1] for study in studies if (published := of(study))]


def covering(published: list[Version], own: Identity) -> Version | None:
    """The most recent of the `published` versions that already answers these inputs."""
    return next((version for version in reversed(published) if version.covers(own)), None)


def named(published: Sequence[Version], name: str) -> Version:
    """Which of the `published` versions of one study `name` means.

    `latest`; `released`, the last that was released; a folder's name; a date, the last version of that day; the
    beginning of a content key (four digits or more). Raises Refusal R303 when none, or several, are meant.
    """
    meant = list(_meant(published, name))
    if len(meant) == 1:
        return meant[0]
    study = published[0].folder.parent.name
    problem = f"{len(meant) or 'no'} version{'s' * (len(meant) != 1)} of {study} {'are' if meant else 'is'} meant by it"
    fix = f"write latest, released, or one of {', '.join(version.folder.name for version in published)}"
    raise Refusal("R303", name, problem, fix)


def _meant(published: Sequence[Version], name: str) -> Iterable[Version]:
    if name == "latest":
        return published[-1:]
    if name == "released":
        return [v for v in published if v.manifest.get("status", {}).get("state") == "released"][-1:]
    if _DATE.fullmatch(name):
        return [v for v in published if v.folder.name.startswith(name)][-1:]
    key = name.lower() if _KEY.fullmatch(name.lower()) else None
    return [v for v in published if v.folder.name == name or (key and v.manifest["key"].startswith(key))]


def thin(version: Version) -> Version:
    """`version` without its notebook, whose checksum stays in the manifest; only for drafts with a successor.

    Page, results and manifest stay. A version that was ever shown to a reviewer or released keeps everything.
    Doing it twice does nothing; a killed one is completed by the next.
    """
    manifest = dict(version.manifest)
    if manifest.get("status", {"state": "draft"})["state"] != "draft":
        return version
    held = {name: digest for name, digest in manifest["files"].items() if name in _THINNED}
    if held:
        manifest["files"] = {name: digest for name, digest in manifest["files"].items() if name not in held}
        manifest["thinned"] = {**manifest.get("thinned", {}), **held}
        files.replace(version.folder / MANIFEST, files.as_json(manifest))
    for name in manifest.get("thinned", {}):
        (version.folder / name).unlink(missing_ok=True)
    return Version(version.folder, manifest)


def _read(path: Path) -> Version:
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        complete = isinstance(manifest, dict) and set(manifest) >= _NEEDED
    except ValueError:
        complete, manifest = False, {}
    if not complete:
        raise Refusal("R305", paths.shown(path), "not a complete manifest", _restore(path))
    return Version(path.parent, manifest)


def _restore(path: Path) -> str:
    return f"restore it: git checkout -- {paths.shown(path)}"
