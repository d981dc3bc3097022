"""What was planned before outcomes were seen, what was done, and the reason for each difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def view(context: Mapping[str, Any]) -> dict[str, Any] | None:
    """The plan behind the version as the page shows it; None where there was none."""
    plan: dict[str, Any] | None = context.get("plan")
    return plan
