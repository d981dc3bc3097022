"""The catalogue's three files, written together: the page, the feed, the table of all results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from analysis import paths
from analysis.refusal import Refusal
from analysis.report import catalogue, catalogue_entries, catalogue_table
from analysis.report.catalogue_entries import Standing
from analysis.run import feed, files, identity, parameters, state, variant, versions
from analysis.run.identity import Identity
from analysis.run.versions import Version


def write() -> list[Path]:
    """Write index.html, feed.xml and results.csv anew, each in one step; the same versions give the same bytes.

    Raises Refusal R312 for a damaged version; all three then stay as they were.
    """
    folder = paths.REPORTS
    with state.lock("index"):
        entries = catalogue_entries.read(folder)
        texts = {
            "index.html": catalogue.render(entries, standings()),
            catalogue.FEED: feed.text(entries),
            catalogue.TABLE: catalogue_table.text(entries, folder),
        }
        for name, text in texts.items():
            files.replace(folder / name, text)
    return [folder / name for name in texts]


def standings() -> dict[str, Standing]:
    """How the latest version of every study stands beside the files of today.

    One that cannot be read from its parameter file now (the file is gone or refused, or it is a sweep) is not in it.
    """
    known = {path.stem: path for path in parameters.every()}
    found = {}
    for version in versions.latest_of_all():
        own = _identity(version, known)
        if own is not None:
            found[version.folder.parent.name] = standing(version, own)
    return found


def _identity(version: Version, known: Mapping[str, Path]) -> Identity | None:
    """What the study of `version` would be made from now, if its file says."""
    study = version.folder.parent.name
    try:
        if version.manifest.get("variant"):
            return identity.of(variant.again(study))
        return identity.of(parameters.load(known[study])) if study in known else None
    except Refusal:
        return None


def standing(version: Version, own: Identity) -> Standing:
    """How `version` stands beside the inputs `own`: what moved, and whether its numbers were verified since."""
    verified = version.manifest["verified"]
    moved = _moved(own, version.manifest["parts"])
    covered = [line["date"] for line in verified if not _moved(own, line["parts"])]
    return Standing(tuple(moved), covered[-1] if covered else None)


def _moved(own: Identity, parts: Mapping[str, str]) -> Sequence[str]:
    return [part for part in own.moved(parts) if part != "python"]
