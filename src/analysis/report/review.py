"""The checklist of a review as a page to read beside the report; answers are written in the record, a text file."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from analysis.report import markup, page, status

if TYPE_CHECKING:
    from analysis.run.reviews import Record

DID = {
    "opened": "Opened for review",
    "changes_requested": "Requested changes",
    "approved": "Approved",
    "released": "Released",
    "withdrawn": "Withdrew",
}


def render(
    record: Record, manifest: Mapping[str, Any], results: Mapping[str, Any], file: str, notes: Mapping[str, str]
) -> str:
    """The review of one version as a page complete in itself.

    `file` is the path of the record as people know it, `notes` the disclosure findings by id. The same input gives
    the same bytes.
    """
    from jinja2 import Environment, FileSystemLoader

    style = page.stylesheet("review.css", running=f"Review of {page.study_name(record.study)}, {record.version}")
    loader = FileSystemLoader(page.TEMPLATES / page.NAME)
    template = Environment(loader=loader, autoescape=True).get_template("review.html.j2")
    parts = [(title, list(items)) for title, items in groupby(record.checklist, key=lambda item: item.part)]
    return template.render(
        style=style,
        policy=markup.policy(style),
        record=record,
        parts=parts,
        answered=sum(bool(item.answer) for item in record.checklist),
        status=status.view(manifest),
        key=manifest["key"],
        question=results["question"],
        name=page.study_name(record.study),
        file=file,
        notes=notes,
        events=[(page.day(e.when), e.by, DID[e.what], e.note, e.key[:12]) for e in record.events],
    )
