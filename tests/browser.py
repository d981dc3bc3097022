"""Headless Chromium for tests: found on the machine, never downloaded, and told to ask the network for nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from analysis.report import pdf

WIDE, PHONE, NARROW = {"width": 1440, "height": 900}, {"width": 360, "height": 780}, {"width": 320, "height": 256}


def executable() -> str:
    """The path of a Chromium. Without one the test is skipped, or fails where CI is set."""
    found = pdf.browser()
    if found:
        return found
    reason = f"no browser installed (looked for {', '.join(pdf.NAMES)})"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def chromium() -> Iterator[Any]:
    """A running browser (playwright), closed at the end."""
    path = executable()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=pdf.flags())
        try:
            yield browser
        finally:
            browser.close()


def unfold(tab: Any) -> None:
    """Open every disclosure and show the code."""
    tab.evaluate(
        "() => { for (const part of document.querySelectorAll('details')) part.open = true;"
        " document.documentElement.classList.add('show-code'); }"
    )
