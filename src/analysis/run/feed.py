"""The feed of the catalogue (Atom): one entry a published version, updated when its state changes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from analysis.report import page
from analysis.report.catalogue_entries import Entry
from analysis.run.record_text import CONTROL

TITLE = "Policy evaluations"
NEVER = "1970-01-01T00:00:00+00:00"


def text(entries: Iterable[Entry]) -> str:
    """The feed of `entries`, newest first, as XML text.

    Times come from the manifests, so that the same versions give the same bytes; links are relative to the feed, so
    that they also work from a disk. An id follows from study and content key and never changes.
    """
    from feedgen.feed import FeedGenerator  # type: ignore[import-untyped]

    ordered = sorted(entries, key=lambda entry: (datetime.fromisoformat(entry.updated), entry.study, entry.version))
    feed = FeedGenerator()
    feed.id(_id("catalogue"))
    feed.title(TITLE)
    feed.subtitle("Every published version, and every change of its state.")
    feed.author(name=TITLE)
    feed.generator("")
    feed.language("en")
    feed.link(href="feed.xml", rel="self", type="application/atom+xml")
    feed.link(href="index.html", rel="alternate", type="text/html")
    feed.updated(ordered[-1].updated if ordered else NEVER)
    for entry in ordered:
        _add(feed.add_entry(order="prepend"), entry)
    written: bytes = feed.atom_str(pretty=True)
    return written.decode("utf-8")


def _add(told: Any, entry: Entry) -> None:
    told.id(_id(f"{entry.study}/{entry.key}"))
    told.title(_clean(f"{page.study_name(entry.study)}: {entry.question}"))
    told.link(href=entry.link, rel="alternate", type="text/html")
    told.published(entry.created)
    told.updated(entry.updated)
    told.summary(_clean(" ".join(_lines(entry))))
    for term in (entry.topic, entry.notebook, entry.state):
        if term:
            told.category(term=term)


def _lines(entry: Entry) -> list[str]:
    lines = [f"{entry.status['word']}. {entry.status['sentence']}"]
    if entry.masked:
        return [*lines, "Masked outcomes: not a result."]
    if entry.state == "withdrawn":
        return lines
    lines.append(f"{entry.answer.get('sentence') or entry.headline}")
    lines.append(f"Strength of evidence: {entry.answer['strength']['word']}.")
    return [*lines, "Synthetic data."] if entry.synthetic else lines


def _id(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"policy-evaluation/{name}").urn


def _clean(text: str) -> str:
    return CONTROL.sub(" ", text)
