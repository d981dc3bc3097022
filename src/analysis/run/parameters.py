"""A parameter file, fully checked before anything runs: its place, its names, its values, its columns."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis import paths, strict_yaml
from analysis.data import catalog
from analysis.refusal import Refusal
from analysis.run import source_notebook
from analysis.study import Study, did_you_mean, unknown_parameter

IDENTITY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
# What people may name: two hyphens in a row are kept for variants.
OWN = re.compile(r"[a-z0-9](?:[a-z0-9_]|-(?!-)){0,63}")
# Folders of params/ whose files are no studies.
APART = frozenset({"sweeps"})
_OPERATOR = re.compile(r"\s*(?:==|!=|<=|>=|<|>|=|\bnot\s+in\b|\bin\b)\s*")


@dataclass(frozen=True)
class Parameters:
    """A checked parameter file.

    `values` holds every parameter of the notebook in the notebook's order, the file's values over the defaults;
    `file` is the path as people know it; `source` is the declaration of the study's dataset, `further` those of other
    datasets that it names, or that are joined to one of these.
    """

    notebook: str
    study_name: str
    values: Mapping[str, Any]
    file: str
    study: Study
    source: catalog.Source
    further: tuple[catalog.Source, ...] = ()

    @property
    def sources(self) -> tuple[catalog.Source, ...]:
        """The declarations of every dataset that is read."""
        return (self.source, *self.further)

    @property
    def notebook_path(self) -> Path:
        """The notebook that these parameters belong to."""
        return paths.NOTEBOOKS / f"{self.notebook}.ipynb"


def load(path: Path) -> Parameters:
    """The parameters in `path`, which must be `params/<notebook>/<study>.yml` of this project.

    Raises Refusal, naming file, field and fix: R301 unknown name, R302 type or range, R303 place or name, R304 YAML,
    D401/D406 the dataset's declaration, D402 a column that the dataset does not declare.
    """
    path = path.resolve()
    file = paths.shown(path)
    notebook, study_name = _identity(path, file)
    source_notebook.path_of(notebook, file)
    if not path.is_file():
        known = [p.stem for p in path.parent.glob("*.yml")]
        raise Refusal("R303", file, "there is no such parameter file", did_you_mean(study_name, known))
    return checked(strict_yaml.read(path, file), notebook, study_name, file)


def checked(given: Mapping[str, Any], notebook: str, study_name: str, file: str) -> Parameters:
    """`load` for the values of a file that may not be written yet; `file` is its path as people know it."""
    declared = source_notebook.defaults(source_notebook.path_of(notebook, file))
    for name, value in given.items():
        _check_entry(file, name, value, declared)
    values = {name: given.get(name, default) for name, default in declared.items()}
    study = Study.read(values, file)
    _refuse_missing(study, given, file)
    source = _declared_columns(study, file)
    named = [_declared(name, f"{file}:{field}") for field, name in study.further()]
    joined = dict.fromkeys(name for one in (source, *named) for name in one.joined)
    known = {source.dataset, *(one.dataset for one in named)}
    further = (*named, *(catalog.read(name) for name in joined if name not in known))
    return Parameters(notebook, study_name, values, file, study, source, further)


def find(study: str) -> Path:
    """The parameter file of `study`, whichever notebook it belongs to. Raises Refusal R303: none, or several."""
    if not IDENTITY.fullmatch(study):
        raise bad_name(f"STUDY={study}", study)
    found = [path for path in every() if path.stem == study]
    if not found:
        fix = did_you_mean(study, {path.stem for path in every()})
        raise Refusal("R303", f"STUDY={study}", f"there is no study {study!r} in params/", fix)
    if len(found) > 1:
        listed = " or ".join(f"PARAMS={paths.shown(path)}" for path in found)
        raise Refusal("R303", f"STUDY={study}", "several notebooks have a study of this name", f"say which: {listed}")
    return found[0]


def every() -> list[Path]:
    """All parameter files of single studies, sorted by notebook and study."""
    return sorted(path for path in paths.PARAMS.glob("*/*.yml") if path.parent.name not in APART)


def _identity(path: Path, file: str) -> tuple[str, str]:
    if path.parent.parent != paths.PARAMS or path.suffix != ".yml":
        raise Refusal(
            "R303", file, "a parameter file lives at params/<notebook>/<study>.yml", "move or rename the file"
        )
    for name in (path.parent.name, path.stem):
        if not OWN.fullmatch(name):
            raise bad_name(file, name)
    return path.parent.name, path.stem


def bad_name(where: str, name: str) -> Refusal:
    """The refusal of a name that cannot be a file's."""
    fix = "use lower-case letters, digits, - and _ (at most 64, a letter or digit first, -- is kept for variants)"
    return Refusal("R303", where, f"{name!r} cannot name a study or notebook", fix)


def _check_entry(file: str, name: str, value: Any, declared: Mapping[str, Any]) -> None:
    if not name.isidentifier() or keyword.iskeyword(name):
        # Papermill would paste the name into a code cell and execute it.
        raise Refusal("R301", f"{file}:{name!r}", "a parameter's name is a plain identifier", "remove or rename it")
    if name not in declared:
        raise unknown_parameter(file, name, declared)
    entries = value if isinstance(value, list) else [value]
    if any(isinstance(entry, (list, dict)) for entry in entries):
        fix = f"write `{name}: value` or `{name}: [value, value]`"
        raise Refusal("R302", f"{file}:{name}", "a parameter is one value or a flat list of values", fix)


def _refuse_missing(study: Study, given: Mapping[str, Any], file: str) -> None:
    """A parameter without a default of its own is not taken from the notebook's example."""
    for name, field in type(study).model_fields.items():
        if field.is_required() and name not in given:
            raise Refusal("R302", f"{file}:{name}", "the parameter is missing", f"add a line `{name}: ...`")


def _declared(dataset: str, where: str) -> catalog.Source:
    try:
        return catalog.read(dataset)
    except Refusal as refusal:
        if refusal.code != "D406":
            raise
        raise Refusal(refusal.code, where, refusal.problem, refusal.fix) from None


def _declared_columns(study: Study, file: str) -> catalog.Source:
    source = _declared(study.dataset, f"{file}:dataset")
    for field, name in _columns(study):
        try:
            (catalog.column if field in (*study.ANYTHING, "where") else catalog.numbers)(source, name)
        except Refusal as refusal:
            problem = f"{refusal.problem} in {source.declaration}"
            raise Refusal(refusal.code, f"{file}:{field}", problem, refusal.fix) from None
    if source.columns[study.outcome].unit in ("share", "log") and study.worthwhile >= 1:
        unit = source.columns[study.outcome].unit
        problem = f"{study.worthwhile:g} is more than everything for an outcome in unit {unit}"
        raise Refusal("R302", f"{file}:worthwhile", problem, "write 0.03 for 3 per cent")
    return source


def _columns(study: Study) -> list[tuple[str, str]]:
    filtered = [("where", _OPERATOR.split(condition, maxsplit=1)[0].strip()) for condition in study.where]
    return [*study.columns(), *filtered]
