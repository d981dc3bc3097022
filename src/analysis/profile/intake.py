"""Bring a person's own table into data/raw: profiled, declared, written once and read-only; never over another one."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from analysis import paths
from analysis.data import catalog, table
from analysis.profile import declaration, doors, profiled
from analysis.profile.incoming import Incoming, checksum
from analysis.profile.profiled import Profile
from analysis.refusal import Refusal

DECLARATION = "source.yml"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.(csv|parquet)")


@dataclass(frozen=True)
class Brought:
    """A dataset that is now in data/raw, and what was found in it."""

    dataset: str
    folder: Path
    file: str
    profile: Profile


def bring(file: str, *, name: str = "", sheet: str = "", table_name: str = "") -> Brought:
    """Take the table in `file` (a path, or the URL of a database) in as the dataset `name` (by default: its own name).

    Raises Refusal D420 (the name cannot be used or is taken), D421 to D423, D407: then nothing is written.
    """
    inside = _inside(file)
    dataset = name or (inside.parent.name if inside else default_name(file, table_name))
    _check_name(dataset, name)
    incoming = doors.read(file, sheet, table_name)
    stored = _stored_name(dataset, incoming, inside)
    _check_free(dataset, stored, incoming)
    found = profiled.of(incoming, file if "://" not in file else incoming.origin)
    if not found.declared():
        fix = "leave out what identifies people, or give the table with the columns that a study needs"
        raise Refusal("D423", found.table.shown, "no column is left to declare", fix)
    text = declaration.text(found, dataset, stored, checksum(incoming.content))
    folder = paths.RAW / dataset
    with _undone_if_refused(folder, alone=folder.exists()):
        _write(folder, stored, incoming.content, text)
        catalog.verify(catalog.read(dataset))
        table.load(dataset)
    return Brought(dataset, folder, stored, found)


def default_name(file: str, table_name: str = "") -> str:
    """The name of the file (or of the table of a database) in letters, digits and _."""
    words = table_name if "://" in file else Path(file).stem
    plain = re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_").lower()
    return (plain if plain[:1].isalpha() else f"data_{plain}")[:64].rstrip("_") or "data"


def _inside(file: str) -> Path | None:
    """The path, where the file stands in the folder of a dataset already."""
    path = Path(file).resolve()
    return path if "://" not in file and path.parent.parent == paths.RAW.resolve() else None


def _check_name(dataset: str, given: str) -> None:
    where = f"NAME={given}" if given else dataset
    if not _NAME.fullmatch(dataset):
        fix = "use letters, digits, _ and -, beginning with a letter"
        raise Refusal("D420", where, f"{dataset!r} cannot be the name of a dataset", fix)
    if dataset in catalog.RESERVED or (paths.SOURCE / "data" / f"{dataset}.py").is_file():
        problem = f"src/analysis/data/{dataset}.py exists and would change this table when it is read"
        raise Refusal("D420", where, problem, f"choose another name: NAME={_free(dataset)}")
    if (paths.RAW / dataset / DECLARATION).exists():
        problem = f"data/raw/{dataset} exists already; a dataset is never overwritten"
        fix = f"choose another name, NAME={_free(dataset)}, or delete that folder first if no study uses it"
        raise Refusal("D420", where, problem, fix)


def _free(dataset: str) -> str:
    """The next name with a number that nobody uses."""
    number = 2
    while (paths.RAW / f"{dataset}_{number}").exists() or (paths.SOURCE / "data" / f"{dataset}_{number}.py").exists():
        number += 1
    return f"{dataset}_{number}"


def _stored_name(dataset: str, incoming: Incoming, inside: Path | None) -> str:
    if inside is None or inside.parent.name != dataset:
        return f"{dataset}.{incoming.suffix}"
    if incoming.converted or not _FILE.fullmatch(inside.name):
        problem = "only CSV (UTF-8, commas) and Parquet can be declared where they stand"
        raise Refusal("D420", paths.shown(inside), problem, "move the file out of data/raw and name it from there")
    return inside.name


def _check_free(dataset: str, stored: str, incoming: Incoming) -> None:
    """The folder may hold the very file and nothing else: then only the declaration is missing."""
    folder = paths.RAW / dataset
    held = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    same = held == [stored] and checksum((folder / stored).read_bytes()) == checksum(incoming.content)
    if held and not same:
        problem = f"the folder holds {', '.join(held[:3])} already; nothing there is overwritten"
        raise Refusal("D420", f"data/raw/{dataset}", problem, f"choose another name: NAME={_free(dataset)}")


def _write(folder: Path, stored: str, content: bytes, text: str) -> None:
    """Both files in one step; the declaration alone where the table stands there."""
    paths.RAW.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".dataset-", dir=paths.RAW.parent))
    try:
        _put(staging / DECLARATION, text.encode("utf-8"), 0o644)
        if folder.is_dir() and any(folder.iterdir()):
            os.link(staging / DECLARATION, folder / DECLARATION)  # fails where one has appeared meanwhile
            os.chmod(folder / stored, 0o444)
            return
        _put(staging / stored, content, 0o444)
        os.chmod(staging, stat.S_IMODE(paths.RAW.stat().st_mode))
        os.rename(staging, folder)
    except OSError as error:
        if not (folder / DECLARATION).exists():
            raise
        problem = "the dataset has appeared meanwhile; nothing was overwritten"
        raise Refusal("D420", paths.shown(folder), problem, "choose another name") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _put(path: Path, content: bytes, mode: int) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(path, mode)


@contextmanager
def _undone_if_refused(folder: Path, *, alone: bool) -> Iterator[None]:
    """Take back what was written where the declaration turns out not to fit its own table."""
    declared = (folder / DECLARATION).exists()
    try:
        yield
    except Refusal:
        if not declared:
            (folder / DECLARATION).unlink(missing_ok=True)
            if not alone:
                shutil.rmtree(folder, ignore_errors=True)
        raise
