"""What a person sees while specifications run: how many are done, and how long the rest will take."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from analysis.run import progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from analysis.sweep.fit import Result

EVERY = 10.0  # seconds between plain lines
LONGEST = 160


class Progress:
    """One live bar on a terminal, a plain line every ten seconds elsewhere; each specification that could not be
    estimated is said at once."""

    def __init__(self, name: str, total: int, missing: int) -> None:
        self._name, self._total, self._missing, self._done = name, total, missing, 0
        self._start = self._told = time.monotonic()
        self._bar = _bar() if sys.stdout.isatty() else None
        self._task = self._bar.add_task(name, total=missing) if self._bar else None

    def __enter__(self) -> Self:
        kept = self._total - self._missing
        progress.say(f"{self._name}: {self._missing} of {self._total} specifications to run" + _kept(kept))
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def done(self, result: Result) -> None:
        """One more specification has ended."""
        self._done += 1
        if result.status != "done":
            progress.say(f"{self._name}: {result.id} {result.status}: {result.reason}"[:LONGEST])
        if self._bar and self._task is not None:
            self._bar.update(self._task, completed=self._done)
            return
        now = time.monotonic()
        if now - self._told >= EVERY or self._done == self._missing:
            self._told = now
            spent = now - self._start
            left = spent / self._done * (self._missing - self._done)
            ends = f", about {left:.0f} s left" if self._done < self._missing else ""
            progress.say(f"{self._name}: {self._done} of {self._missing} run, {spent:.0f} s{ends}")


def _kept(kept: int) -> str:
    return f"; {kept} are finished from before" if kept else ""


def _bar() -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    return Bar(*columns, transient=True)
