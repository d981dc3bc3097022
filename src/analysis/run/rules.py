"""What must be true of a staged version before it is published. Each rule gives the sentences it is broken by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from analysis import paths

LARGEST_PAGE = 1_500_000  # bytes
_LOADS = {"src", "srcset", "poster", "data", "action", "formaction", "background", "href", "xlink:href", "manifest"}
_REMOTE = re.compile(r"(?i)(?:^|[\s,])(?:[a-z][a-z0-9+.-]*:)?//")
_CSS_LOAD = re.compile(r"(?i)url\(\s*['\"]?\s*(?:[a-z]+:)?//|@import")


def notebook_problems(notebook: Any) -> list[str]:
    """Errors, warnings on the error stream and code cells that did not run."""
    found = []
    for number, cell in enumerate(notebook["cells"], start=1):
        if cell["cell_type"] != "code":
            continue
        if cell["source"].strip() and cell["execution_count"] is None:
            found.append(f"cell {number} did not run")
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"cell {number} ended with {output['ename']}: {output['evalue']}")
            if output["output_type"] == "stream" and output["name"] == "stderr":
                line = (output["text"].strip().splitlines() or ["(blank)"])[0]
                found.append(f"cell {number} wrote a warning or message: {line[:200]}")
    return found


def page_problems(page: str) -> list[str]:
    """Anything that would make the page load from a network, run without a policy, or be hard to read aloud."""
    size = len(page.encode("utf-8"))
    found = [f"the page is {size:,} bytes, more than {LARGEST_PAGE:,}"] if size > LARGEST_PAGE else []
    reader = _Page()
    reader.feed(page)
    reader.close()
    if reader.titles != 1:
        found.append(f"the page has {reader.titles} h1 headings, not one")
    if not reader.policy:
        found.append("the page has no content security policy")
    return found + reader.problems


def path_problems(texts: Iterable[tuple[str, str]]) -> list[str]:
    """Names of the (name, text) pairs in which this project's absolute path occurs."""
    root = str(paths.ROOT)
    written = {root, paths.ROOT.as_posix(), json.dumps(root)[1:-1]}
    found = [name for name, text in texts if any(form in text for form in written)]
    return [f"{name} contains the absolute path of the project" for name in found]


def missing(folder: Path, names: Iterable[str]) -> list[str]:
    """Which of the files `names` are absent from `folder` or empty."""
    return [f"{name} is missing or empty" for name in names if not _has_bytes(folder / name)]


def _has_bytes(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


class _Page(HTMLParser):
    """Collects what the rules ask about while it reads the page once."""

    def __init__(self) -> None:
        super().__init__()
        self.titles, self.policy, self.problems = 0, False, list[str]()
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self.titles += tag == "h1"
        if tag == "meta" and named.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = bool(named.get("content", "").strip())
        if tag == "img" and not named.get("alt", "").strip():
            self.problems.append("a picture has no alternative text")
        for name, value in named.items():
            if name in _LOADS and not (tag == "a" and name == "href") and _REMOTE.search(value):
                self.problems.append(f"<{tag} {name}> loads {value.strip()[:80]!r} from a network")
        if _CSS_LOAD.search(named.get("style", "")):
            self.problems.append(f"the style of a <{tag}> loads from a network")

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self._in_style and _CSS_LOAD.search(data):
            self.problems.append("a <style> loads from a network")
