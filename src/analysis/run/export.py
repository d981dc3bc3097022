"""From the executed notebook to the files of a version. Everything written here is the same for the same outputs."""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analysis import paths
from analysis.data.catalog import Source
from analysis.run import variant
from analysis.run.identity import PYTHON, Identity, canonical
from analysis.run.parameters import Parameters

SCHEMA = 1
INJECTED = "injected-parameters"
PACKAGES = (
    "joblib", "linearmodels", "matplotlib", "nbconvert", "numpy", "pandas", "pandera", "papermill", "pyarrow",
    "pydantic", "rddensity", "rdrobust", "scipy", "statsmodels",
)  # fmt: skip
# What changes after publication, or differs between two runs of the same content, is not shown on the page.
_NOT_ON_PAGE = ("verified", "timings", "files", "thinned")
_MOMENT = ("papermill", "execution")


def clean(notebook: Any) -> Any:
    """`notebook`, still runnable, without what depends on machine or moment: paths, times, random cell ids."""
    notebook["metadata"].pop("papermill", None)
    notebook["metadata"]["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook["metadata"].get("language_info", {}).pop("version", None)
    notebook["nbformat"], notebook["nbformat_minor"] = 4, max(5, notebook["nbformat_minor"])
    for number, cell in enumerate(notebook["cells"], start=1):
        tags = cell["metadata"].get("tags", [])
        cell["id"] = INJECTED if INJECTED in tags else f"cell-{number}"
        cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key not in _MOMENT}
        if not tags:
            cell["metadata"].pop("tags", None)
    return notebook


def as_text(notebook: Any) -> str:
    """The stored form of a notebook: the JSON that Jupyter itself writes."""
    import nbformat

    written: str = nbformat.writes(notebook, version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    return written if written.endswith("\n") else written + "\n"


def manifest(parameters: Parameters, identity: Identity, created: datetime, supersedes: str | None) -> dict[str, Any]:
    """What a version was made from and with. No absolute path, no name of a person or machine.

    `changed`, `plan`, `files`, `timings` and `verified` are completed by the publisher.
    """
    return {
        "schema": SCHEMA,
        "study": parameters.study_name,
        "notebook": parameters.notebook,
        "version": f"{created:%Y-%m-%d}-{identity.short}",
        "key": identity.key,
        "created": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "parameters": dict(parameters.values),
        "parameter_file": parameters.file,
        "data": {source.dataset: source.sha256 for source in parameters.sources},
        "tables": tables(parameters.sources),
        "modules": dict(identity.modules),
        "code": identity.parts["code"],
        "notebook_sha": identity.parts["notebook"],
        "lock": identity.parts["lock"],
        "template": identity.parts["template"],
        "parts": dict(identity.parts),
        "python": PYTHON,
        "platform": this_platform(),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "commit": commit(),
        "seed": parameters.study.seed,
        "topic": parameters.source.topic,
        "synthetic": any(source.synthetic for source in parameters.sources),
        "supersedes": supersedes,
        "variant": variant.described(parameters),
        "changed": {},
        "plan": None,
        "status": {"state": "draft"},
        "verified": [],
    }


def tables(sources: Iterable[Source]) -> dict[str, dict[str, Any]]:
    """Of each dataset's file: rows, columns (as its header names them), checksum; 12 hex digits of its declaration."""
    found = {}
    for source in sources:
        rows, columns = _shape(source.path)
        found[source.dataset] = {
            "rows": rows,
            "columns": columns,
            "sha256": source.sha256,
            "declaration": _declaration(source),
        }
    return found


def _declaration(source: Source) -> str:
    """12 hex digits that change with what source.yml says about the table's meaning, not with the table itself."""
    said = source.model_dump(mode="json", exclude_unset=True, exclude={"sha256", "rows"})
    return hashlib.sha256(canonical(said)).hexdigest()[:12]


def _shape(path: Path) -> tuple[int, list[str]]:
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import csv as arrow
    from pyarrow import parquet

    if path.suffix == ".parquet":
        with parquet.ParquetFile(path) as file:
            return file.metadata.num_rows, list(file.schema_arrow.names)
    with path.open(encoding="utf-8-sig", newline="") as text:
        header = next(csv.reader(text))
    first = arrow.ConvertOptions(include_columns=header[:1], column_types={header[0]: pa.string()})
    table = arrow.read_csv(path, parse_options=arrow.ParseOptions(newlines_in_values=True), convert_options=first)
    return table.num_rows, header


def page_context(manifest_: Mapping[str, Any]) -> dict[str, Any]:
    """What the page may say about the run: the manifest without what changes later.

    `changed` is the sentence about the version before, `changes` the same with its parts and numbers.
    """
    context = {name: value for name, value in manifest_.items() if name not in _NOT_ON_PAGE}
    return {**context, "changed": manifest_["changed"]["sentence"], "changes": manifest_["changed"]}


def now() -> datetime:
    """The moment of publication, UTC."""
    return datetime.now(UTC)


def this_platform() -> str:
    """System and processor, such as `linux-x86_64`."""
    return f"{platform.system()}-{platform.machine()}".lower()


def commit() -> dict[str, Any]:
    """HEAD and whether the inputs of a report differ from it; nulls outside a git checkout of the project."""
    inputs = [paths.shown(path) for path in (paths.SOURCE.parent, paths.NOTEBOOKS, paths.PARAMS, paths.RAW, paths.LOCK)]
    git = shutil.which("git")
    top = _said(git, "rev-parse", "--show-toplevel") if git else None
    if git is None or top is None or not paths.ROOT.samefile(top):
        return {"head": None, "dirty": None}
    return {
        "head": _said(git, "rev-parse", "--verify", "--quiet", "HEAD"),
        "dirty": bool(_said(git, "status", "--porcelain", "--", *inputs)),
    }


def _said(*command: str) -> str | None:
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
