"""Where a version stands between draft and release, as the line under its title."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WORDS = {"draft": "Draft", "in_review": "In review", "released": "Released", "withdrawn": "Withdrawn"}


def view(context: Mapping[str, Any]) -> dict[str, Any]:
    """What the page says about the version's state: `state`, its `word` and a `sentence`."""
    status = context.get("status") or {"state": "draft"}
    return {"state": status["state"], "word": WORDS[status["state"]], "sentence": status.get("sentence", "")}
