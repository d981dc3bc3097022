"""Bring declared tables into data/raw: out of a pinned archive, checked at every step, written once, read-only.

The archive is fetched by uv (name, version and sha256 from source.yml; no dependencies), the file in it is hashed
before anything opens it (a pickle runs code when it is read), and the table that results must have the declared sha256.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import lzma
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.data import catalog
from analysis.data.catalog import Distribution, Longer, Member, Source
from analysis.refusal import Refusal

if TYPE_CHECKING:
    import pandas as pd

Outcome = tuple[str, Path, str]
# What builds the archives that come as source code; pinned because a build runs it.
BUILDER = "setuptools==80.9.0 --hash=sha256:062d34222ad13e0cc312a4c02d73f059e86a4acbfbdea8f8f76b28c99f306922\n"
MISSING = "missing"
PATIENCE = 600  # seconds
_NO_NETWORK = ("error sending request", "dns error", "failed to lookup", "connect", "network", "timed out", "timeout")


def materialise(dataset: str) -> Outcome:
    """Bring one dataset into data/raw: (dataset, path, "written" or "unchanged"). Raises as `materialise_all`."""
    return _bring([catalog.read(dataset)])[0]


def materialise_all(*, fetched_only: bool = False) -> list[Outcome]:
    """Bring every declared dataset into data/raw, with at most one download; or only those with a distribution.

    A person's own file that is not there is "missing" in the outcome and keeps none of the others waiting. A file that
    is there with the declared checksum is left alone; with another checksum it is refused (R305) and never overwritten.
    Also raises Refusal D401, R304 (declaration), D406 (no network), R305 (an archive, its member or the table made from
    it has another checksum).
    """
    sources = [catalog.read(dataset) for dataset in catalog.datasets()]
    wanted = [source for source in sources if source.distribution or not fetched_only]
    gone = [source for source in wanted if not source.distribution and not source.path.is_file()]
    brought = _bring([source for source in wanted if source not in gone])
    return sorted([*brought, *((source.dataset, source.path, MISSING) for source in gone)])


def _bring(sources: list[Source]) -> list[Outcome]:
    absent = [source for source in sources if source.distribution and not source.path.exists()]
    for source in sources:
        if source not in absent:
            catalog.verify(source)
    if absent:
        with tempfile.TemporaryDirectory(prefix="materialise-") as folder:
            site = _fetch([source.distribution for source in absent if source.distribution], Path(folder))
            for source in absent:
                _write(source, _table(source, site))
    return [(source.dataset, source.path, "written" if source in absent else "unchanged") for source in sources]


def _fetch(distributions: Iterable[Distribution], folder: Path) -> Path:
    """Unpack the distributions below `folder` without their dependencies; the folder that holds them."""
    import uv

    wanted = sorted({f"{one.name}=={one.version} --hash=sha256:{one.sha256}\n" for one in distributions})
    (folder / "requirements.txt").write_text("".join(wanted), encoding="utf-8")
    (folder / "builder.txt").write_text(BUILDER, encoding="utf-8")
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", "requirements.txt"]
    command += ["--build-constraint", "builder.txt", "--python", sys.executable, "--target", "site"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise _unreachable(f"the download took longer than {PATIENCE} seconds") from None
    if done.returncode != 0:
        raise _failure(done.stderr)
    return folder / "site"


def _failure(said: str) -> Refusal:
    """What went wrong in the download, without the address of the index."""
    text = said.lower()
    if "hash mismatch" in text:
        name = next((line.split("`")[1] for line in said.splitlines() if line.count("`") >= 2), "an archive")
        problem = f"the archive of {name} is not the declared one (hash mismatch)"
        fix = "find out why; correct sha256 below `distribution` in its source.yml after review"
        return Refusal("R305", "data/raw", problem, fix)
    if any(word in text for word in _NO_NETWORK):
        return _unreachable("the package index cannot be reached")
    words = " ".join(word for word in said.split() if "://" not in word)
    return Refusal("D406", "data/raw", f"the download failed: {words[:200]}", "correct it, then run make data")


def _unreachable(problem: str) -> Refusal:
    return Refusal("D406", "data/raw", problem, "connect to a network, then run make data")


def _table(source: Source, site: Path) -> bytes:
    """The table as CSV bytes. Raises Refusal before opening a member whose checksum is not the declared one."""
    declared = source.distribution
    assert declared is not None
    found = _member(source, site, declared)
    for further in declared.stack:
        found = _stacked(source, found, _member(source, site, further))
    return found if declared.longer is None else _longer(source, found, declared.longer)


def _member(source: Source, site: Path, declared: Member) -> bytes:
    assert source.distribution is not None
    where, archive = f"{source.declaration}:distribution.member", source.distribution
    member = site / declared.member
    if not member.is_file():
        raise Refusal("D401", where, f"{archive.name} {archive.version} has no file {declared.member}", "correct it")
    data = member.read_bytes()
    actual = hashlib.sha256(data).hexdigest()
    if actual != declared.member_sha256:
        problem = f"sha256 of {declared.member} is {actual}, not the declared one; it was not opened"
        raise Refusal("R305", f"{where}_sha256", problem, "find out why; trust no copy that differs")
    return _converted(data, declared.format)


def _stacked(source: Source, first: bytes, second: bytes) -> bytes:
    """The rows of both CSV files under the header that they share."""
    (head, _, _), (other, _, rows) = first.partition(b"\n"), second.partition(b"\n")
    if head != other:
        problem = f"the files have different headers: {head.decode()} and {other.decode()}"
        raise Refusal("D401", f"{source.declaration}:distribution.stack", problem, "stack files with the same columns")
    return first + (b"" if first.endswith(b"\n") else b"\n") + rows


def _longer(source: Source, wide: bytes, how: Longer) -> bytes:
    """A wide CSV file as a long one, column after column, every field as it was written."""
    header, *rows = csv.reader(io.StringIO(wide.decode("utf-8"), newline=""))
    if how.keep not in header:
        problem = f"the file has no column {how.keep!r}"
        raise Refusal("D401", f"{source.declaration}:distribution.longer.keep", problem, f"use one of {header}")
    place = header.index(how.keep)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([how.keep, how.name, how.value])
    for column, name in enumerate(header):
        if column != place:
            writer.writerows([row[place], name, row[column]] for row in rows)
    return text.getvalue().encode("utf-8")


def _converted(data: bytes, form: str) -> bytes:
    """CSV stays as it is, byte for byte; a data frame is written by `as_csv`."""
    if form == "csv":
        return data
    if form == "csv.bz2":
        return bz2.decompress(data)
    if form == "dta":
        import pandas as pd

        return as_csv(pd.read_stata(io.BytesIO(data), convert_categoricals=False))
    return as_csv(pickle.loads((gzip if form == "pickle.gz" else lzma).decompress(data)))


def as_csv(frame: pd.DataFrame) -> bytes:
    """`frame` without its index as UTF-8 CSV whose bytes do not depend on the version of pandas.

    Numbers are written so that reading gives back the same 64-bit float (single precision is widened, exactly);
    columns of whole numbers have no decimal point; missing values are empty fields; lines end with a line feed.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(str(name) for name in frame.columns)
    writer.writerows(zip(*(_fields(frame[name]) for name in frame.columns), strict=True))
    return text.getvalue().encode("utf-8")


def _fields(column: pd.Series[Any]) -> list[str]:
    values = [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]
    floats = [value for value in values if isinstance(value, float)]
    whole = all(value.is_integer() and abs(value) < 2**53 for value in floats)
    return ["" if value is None else _field(value, whole) for value in values]


def _field(value: Any, whole: bool) -> str:
    if isinstance(value, float):
        return str(int(value)) if whole else repr(value)
    return str(value)


def _write(source: Source, data: bytes) -> None:
    """Put `data` at its place in one step, read-only, after its checksum was found to be the declared one."""
    actual = hashlib.sha256(data).hexdigest()
    if source.sha256 is not None and actual != source.sha256:
        problem = f"the table made from {source.distribution and source.distribution.member} has sha256 {actual}"
        raise Refusal("R305", f"{source.declaration}:sha256", problem, "find out why; correct sha256 after review")
    catalog.check(source, actual)
    descriptor, name = tempfile.mkstemp(dir=source.path.parent, prefix=f".{source.file}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o444)
        os.replace(name, source.path)
    except BaseException:
        os.unlink(name)
        raise
