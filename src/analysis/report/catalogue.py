"""The catalogue: one page that lists every study with its latest answer, its state and all its published versions."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.report import catalogue_entries, history, markup, page, status
from analysis.report.catalogue_entries import Entry, Shelf, Standing

WIDTH, MARGIN = 240, 10
FEED, TABLE = "feed.xml", "results.csv"
read = catalogue_entries.read


def write(folder: Path | None = None, standings: Mapping[str, Standing] | None = None) -> Path:
    """Write `index.html` in `folder` (the project's reports) in one atomic step and return its path.

    `standings` says of a study how its latest version stands beside the files of today. Raises Refusal R312 for a
    version folder that is damaged or half written; the old page then stays.
    """
    folder = folder or paths.REPORTS
    text = render(read(folder), standings)
    target, fresh = folder / "index.html", folder / f".index-{os.getpid()}.html"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with fresh.open("w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
    return target


def render(entries: Iterable[Entry], standings: Mapping[str, Standing] | None = None) -> str:
    """The catalogue of `entries` as one HTML page, studies by name, each with its versions from new to old."""
    from jinja2 import Environment, FileSystemLoader

    shelves = catalogue_entries.shelves(list(entries), standings or {})
    style, script = page.stylesheet("catalogue.css", running="Policy evaluations"), page.asset("catalogue.js")
    loader = FileSystemLoader(page.TEMPLATES / page.NAME)
    template = Environment(loader=loader, autoescape=True).get_template("catalogue.html.j2")
    return template.render(
        shelves=shelves,
        filters=filters(shelves),
        style=style,
        script=script,
        policy=markup.policy(style, script),
        day=page.day,
        name=page.study_name,
        interval=interval,
        history=history.rows,
        feed=FEED,
        table=TABLE,
    )


def filters(shelves: Sequence[Shelf]) -> list[dict[str, Any]]:
    """What a reader can choose from: topic, design, state, each only where studies differ in it."""
    found = [
        ("topic", "Topic", {s.latest.topic: s.latest.topic for s in shelves if s.latest.topic}),
        (
            "design",
            "Design",
            {s.latest.notebook: page.study_name(s.latest.notebook) for s in shelves if s.latest.notebook},
        ),
        ("state", "State", {s.latest.state: status.WORDS[s.latest.state] for s in shelves}),
    ]
    return [
        {"name": name, "label": label, "choices": sorted(choices.items(), key=lambda choice: choice[1])}
        for name, label, choices in found
        if len(choices) > 1
    ]


def interval(headline: Mapping[str, Any]) -> dict[str, float]:
    """Where the small chart of a headline puts `zero`, `value`, `low` and `high`, on a scale of its own.

    In SVG units, zero always in the middle so that directions compare; a number that is missing or not finite has no
    place. Rounded so that every machine writes the same.
    """
    known = {name: float(headline[name]) for name in ("value", "low", "high") if headline.get(name) is not None}
    marks = {"zero": 0.0} | {name: number for name, number in known.items() if math.isfinite(number)}
    reach = max(abs(number) for number in marks.values()) or 1.0
    half = WIDTH / 2
    return {name: round(half + (half - MARGIN) * (number / reach), 1) for name, number in marks.items()}
