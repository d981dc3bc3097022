"""What a changed notebook, or the code behind it, would do to the published numbers of a study. Publishes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.refusal import Refusal
from analysis.run import attempt as attempts
from analysis.run import differences_numbers, identity, parameters, staging, state, versions
from analysis.run.parameters import Parameters
from analysis.study import did_you_mean

SHOWN = 10


@dataclass(frozen=True)
class Movement:
    """A study run again beside its latest version `version` (None: nothing is published yet).

    `moved`: one entry per number that differs (see `differences_numbers.moved`); `of`: how many were compared.
    """

    study: str
    version: str | None
    moved: tuple[Mapping[str, Any], ...]
    of: int
    seconds: float

    def lines(self) -> list[str]:
        """The same in words: a sentence, then the numbers that would move, flips first."""
        took = f"({self.seconds:.0f} s)"
        if self.version is None:
            return [f"{self.study}: runs; {self.of} numbers, none of them published yet {took}"]
        if not self.moved:
            return [f"{self.study}: runs; all {self.of} numbers are those of {self.version} {took}"]
        head = f"{self.study}: runs; {len(self.moved)} of {self.of} numbers are not those of {self.version} {took}"
        more = len(self.moved) - SHOWN
        rest = [f"  and {more} more"] if more > 0 else []
        return [head, *(f"  {_words(entry)}" for entry in self.moved[:SHOWN]), *rest]


def studies(notebook: str, only: str = "") -> list[Path]:
    """The parameter files of `notebook`, or the one of the study `only`. Raises Refusal R303 for a study of another."""
    own = [path for path in parameters.every() if path.parent.name == notebook]
    chosen = [path for path in own if path.stem == only] if only else own
    if only and not chosen:
        problem = f"no study of this name uses the notebook {notebook!r}"
        raise Refusal("R303", f"STUDY={only}", problem, did_you_mean(only, [path.stem for path in own]))
    return chosen


def rerun(path: Path) -> Movement:
    """Run the study of the parameter file at `path` on the notebook and code as they are now, and compare.

    Raises Refusal for bad input and Failed for a run that could not be published (its notebook is kept apart).
    """
    from analysis.data import catalog

    checked = parameters.load(path)
    for source in checked.sources:
        catalog.verify(source)
    with state.only_run_of(checked.study_name):
        attempts.preflight(checked)
        with staging.folder(checked.study_name) as folder:
            done = attempts.make(checked, identity.of(checked), folder, lambda: parameters.load(path))
    return _beside_the_latest(checked, done)


def _beside_the_latest(checked: Parameters, done: attempts.Attempt) -> Movement:
    published = versions.of(checked.study_name)
    numbers = done.results["numbers"]
    if not published:
        return Movement(checked.study_name, None, (), len(numbers), done.seconds)
    before = published[-1].results()["numbers"]
    moved = differences_numbers.moved(before, numbers)
    of = len(differences_numbers.pairs(before, numbers))
    return Movement(checked.study_name, published[-1].name, tuple(moved), of, done.seconds)


def _words(entry: Mapping[str, Any]) -> str:
    """One number that would move: its name, from, to, by how much, and whether a conclusion turns."""
    name = f"{entry['id']} ({entry['label']})"
    kinds = set(entry["what"])
    if kinds & {"new", "gone"}:
        value = entry["after"] if "new" in kinds else entry["before"]
        return f"{name}: {'would be new' if 'new' in kinds else 'would be gone'} ({_figure(value)})"
    turns = [words for words, yes in (("changes sign", entry["sign_flip"]),) if yes]
    turns += ["crosses the line of significance"] if entry["significance_flip"] else []
    if "estimate" in kinds:
        steps = entry["in_std_errors"]
        size = f", {steps:+.2g} standard errors" if steps is not None else ""
        said = f"{_figure(entry['before'])} to {_figure(entry['after'])}{size}"
    else:
        said = f"the estimate stays at {_figure(entry['after'])}; moves: {', '.join(entry['what'])}"
    return "; ".join([f"{name}: {said}", *turns])


def _figure(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"
