"""A report as a PDF for people who file paper: printed by the Chromium of this machine, tagged, with an outline.

What the paper shows (running head, page numbers, links spelled out) is said by the page's own style, so that printing
the page from a browser gives the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from analysis.refusal import Refusal

NAMES = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
)  # fmt: skip
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Google/Chrome/Application/chrome.exe",
    "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
)
FLAGS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
LONGEST = 120_000  # milliseconds for one page


def browser() -> str | None:
    """The path of a Chromium, Chrome or Edge on this machine; None where there is none. Nothing is downloaded."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or next((place for place in PLACES if Path(place).is_file()), None)


def flags() -> list[str]:
    """How the browser is started: it asks the network for nothing; root has no sandbox to run it in."""
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*FLAGS, *(["--no-sandbox"] if as_root else [])]


def write(page: Path, target: Path) -> int:
    """Print the page at `page` into the file `target`, in one step, and return the number of paper pages.

    Raises Refusal R371 where no browser is installed and R372 where it does not start; an old `target` then stays.
    """
    from pypdf import PdfReader

    path = browser()
    if path is None:
        problem = "a PDF is printed by Chromium, Chrome or Edge, and none is installed"
        fix = "install one (Debian and Ubuntu: apt install chromium), or print the page from the browser you have"
        raise Refusal("R371", page.name, problem, fix)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as folder:
        fresh = Path(folder) / target.name
        _print(path, page, fresh)
        count = len(PdfReader(fresh).pages)
        os.replace(fresh, target)
    return count


def _print(path: str, page: Path, target: Path) -> None:
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=path, args=flags())
        except Error as error:
            said = (error.message.strip().splitlines() or ["no reason given"])[0][:160]
            fix = "start it by hand to see why, or print the page from the browser you have"
            raise Refusal("R372", path, f"the browser does not start ({said})", fix) from None
        try:
            context = running.new_context(offline=True, java_script_enabled=False)
            tab = context.new_page()
            tab.set_default_timeout(LONGEST)
            tab.goto(page.as_uri())
            tab.pdf(path=target, prefer_css_page_size=True, tagged=True, outline=True)
        finally:
            running.close()
