"""What changed since the version before: causes first, then the numbers that moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def view(context: Mapping[str, Any]) -> dict[str, Any] | None:
    """The comparison with the version before as the page shows it; None for a first version."""
    return context.get("changes") if context.get("supersedes") else None
