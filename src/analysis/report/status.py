"""Where a version stands between draft and release, as the line under its title."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.refusal import Refusal

if TYPE_CHECKING:
    from jinja2 import Template

WORDS = {"draft": "Draft", "in_review": "In review", "released": "Released", "withdrawn": "Withdrawn"}
DRAFT = "Nobody has reviewed this version yet."
OPEN, CLOSE = "<!--status-->", "<!--/status-->"
_TEMPLATES = Path(__file__).with_name("templates") / "evaluation"


def view(context: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says about the version's state: `state`, its `word` and a `sentence`.

    `context` is the manifest; one without a status, as versions of older releases have, is a draft.
    """
    status = context.get("status") or {"state": "draft"}
    return {
        "state": status["state"],
        "word": WORDS[status["state"]],
        "sentence": status.get("sentence") or (DRAFT if status["state"] == "draft" else ""),
    }


def fragment(status: Mapping[str, Any]) -> str:
    """The line of a page about `status`, with the two marks around it; the same bytes as the page itself renders.

    The exporter of the page reads its HTML once more at the end, which spells some characters otherwise; so does this.
    """
    from bs4 import BeautifulSoup

    return str(BeautifulSoup(_template().render(page={"status": view({"status": status})}), "html.parser"))


def again(manifest: Mapping[str, Any]) -> str:
    """The command that makes the next version of what `manifest` describes."""
    verb = "sweep SWEEP" if "sweep" in (manifest.get("parameters") or {}) else "report STUDY"
    return f"make {verb}={manifest['study']}"


def replaced(page: str, status: Mapping[str, Any], where: str, again: str) -> str:
    """`page` with the line between the two marks saying `status`, and nothing else changed.

    `where` names the page and `again` the command that makes a new one, both in messages. Raises Refusal R332 unless
    the page has exactly one such place.
    """
    before, opened, rest = page.partition(OPEN)
    old, closed, after = rest.partition(CLOSE)
    if not opened or not closed or any(mark in part for part in (old, after) for mark in (OPEN, CLOSE)):
        problem = "the page has no line for a state: it was made before reports had one"
        raise Refusal("R332", where, problem, f"publish a new version ({again}) and review that")
    return before + fragment(status) + after


@functools.cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader

    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True).get_template("status.html.j2")
