"""What a person sees while cells run: which cell of how many, under which heading, for how long."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)


class Progress(Protocol):
    """Told when a cell starts."""

    def cell(self, index: int) -> None:
        """Cell `index` (from 0) starts."""


def say(line: str) -> None:
    """Tell the person at the terminal at once, even through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def headings(cells: Sequence[tuple[str, str]]) -> list[str]:
    """For each (kind, source) cell, the last heading at or above it, "" where there is none."""
    current, found = "", []
    for kind, source in cells:
        titles = _HEADING.findall(source) if kind == "markdown" else []
        current = titles[-1] if titles else current
        found.append(current)
    return found


@contextmanager
def shown(study: str, titles: Sequence[str]) -> Iterator[Progress]:
    """Progress over cells under `titles`: one live line on a terminal, one plain line per section elsewhere."""
    if not sys.stdout.isatty():
        yield _Plain(study, titles)
        return
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    text = TextColumn("{task.description}", markup=False)
    with Bar(SpinnerColumn(), text, TimeElapsedColumn(), transient=True) as bar:
        yield _Live(study, titles, bar, bar.add_task(f"{study}: starting", total=len(titles)))


class _Plain:
    def __init__(self, study: str, titles: Sequence[str]) -> None:
        self._study, self._titles, self._last = study, titles, ""
        self._start = time.monotonic()

    def cell(self, index: int) -> None:
        title = self._titles[index]
        if title == self._last:
            return
        self._last = title
        seconds = time.monotonic() - self._start
        say(f"{self._study}: cell {index + 1} of {len(self._titles)}, {seconds:.0f} s: {title}")


class _Live:
    def __init__(self, study: str, titles: Sequence[str], bar: object, task: object) -> None:
        self._study, self._titles, self._bar, self._task = study, titles, bar, task

    def cell(self, index: int) -> None:
        text = f"{self._study}: cell {index + 1} of {len(self._titles)}: {self._titles[index]}"
        self._bar.update(self._task, description=text, completed=index)  # type: ignore[attr-defined]
