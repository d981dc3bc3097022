"""`pdf`: a published report as a PDF with running heads and page numbers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analysis import paths
from analysis.commands import Commands
from analysis.refusal import Refusal

if TYPE_CHECKING:
    from analysis.run.versions import Version

FOLDER = paths.REPORTS / ".pdf"


def add(commands: Commands) -> None:
    """Declare the command."""
    printing = commands.add_parser("pdf", help="write a published report as PDF into reports/.pdf")
    printing.add_argument("study")
    printing.add_argument("--version", default="latest", help="latest, released, a date, a folder's name or a key")
    printing.set_defaults(run=_pdf)


def _pdf(chosen: argparse.Namespace) -> int:
    from analysis.report import pdf
    from analysis.run import versions

    version = _version(chosen.study, chosen.version)
    version.refuse_if_changed()
    target = FOLDER / f"{version.folder.parent.name}-{version.folder.name}.pdf"
    pages = pdf.write(version.folder / versions.REPORT, target)
    print(f"{version.name}: {pages} pages")
    print(paths.shown(target), flush=True)
    return 0


def _version(study: str, name: str) -> Version:
    """The version of `study` that `name` means (see `versions.named`)."""
    from analysis.run import parameters, versions
    from analysis.study import did_you_mean

    published = versions.of(study) if parameters.IDENTITY.fullmatch(study) else []
    if not published:
        known = [version.folder.parent.name for version in versions.latest_of_all()]
        declared = any(path.stem == study for path in parameters.every())
        fix = f"publish it first: make report STUDY={study}" if declared else did_you_mean(study, known)
        raise Refusal("R303", f"STUDY={study}", "this study has no published version", fix)
    return versions.named(published, name)
