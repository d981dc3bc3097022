"""Which kind of file it is, by its name and its first bytes, and who reads it."""

from __future__ import annotations

import re
from pathlib import Path

from analysis.profile.incoming import Incoming, checksum
from analysis.refusal import Refusal

TEXT = {".csv", ".tsv", ".tab", ".txt", ".psv"}
EXCEL = {".xlsx", ".xlsm"}
# Kinds that are known and not read, with the way out.
OTHER = {
    ".xls": "open it in Excel and save it as .xlsx",
    ".xlsb": "open it in Excel and save it as .xlsx",
    ".ods": "open it in LibreOffice and save it as .xlsx",
    ".sav": "open it in SPSS and save it as .dta or .csv",
    ".sas7bdat": "export it from SAS as .csv",
    ".rds": "write it from R with write.csv(x, file, row.names = FALSE, na = '')",
    ".rda": "write the table from R with write.csv(x, file, row.names = FALSE, na = '')",
    ".rdata": "write the table from R with write.csv(x, file, row.names = FALSE, na = '')",
    ".json": "write it as a table with rows and columns: .csv",
    ".zip": "unpack it and name the file in it",
    ".gz": "unpack it and name the file in it",
    ".pdf": "get the table from the office that publishes it, as .csv or .xlsx",
    ".docx": "copy the table into a workbook and save it as .xlsx",
}
MAGIC = {
    b"PK\x03\x04": ("a workbook or a zip archive", "give it the name it should have: .xlsx"),
    b"PAR1": ("a Parquet file", "give it the name it should have: .parquet"),
    b"\x1f\x8b": ("a compressed file", "unpack it first"),
    b"%PDF": ("a PDF", OTHER[".pdf"]),
    b"\xd0\xcf\x11\xe0": ("an old Excel file", OTHER[".xls"]),
    b"<": ("a web page or XML", "download the table itself: .csv or .xlsx"),
}
_URL = re.compile(r"[A-Za-z][A-Za-z0-9_+]*://")


def read(file: str, sheet: str = "", table: str = "") -> Incoming:
    """The table in `file`: a path, or the URL of a database (then `table` names the table; `sheet` one of a workbook).

    Raises Refusal D421 (which file, kind, sheet or table), D407 (not readable) or D422 (not one plain table).
    """
    if _URL.match(file):
        from analysis.profile import database

        _only("SHEET", sheet, "a workbook")
        return database.read(file, table)
    _only("TABLE", table, "the URL of a database")
    path = Path(file)
    _there(path, file)
    suffix = path.suffix.lower()
    if suffix in EXCEL:
        from analysis.profile import workbook

        return workbook.read(path, file, sheet)
    _only("SHEET", sheet, "a workbook")
    if suffix == ".dta":
        from analysis.profile import stata

        return stata.read(path, file)
    if suffix == ".parquet":
        data = path.read_bytes()
        return Incoming(data, "parquet", path.name, checksum(data), "row")
    if suffix not in TEXT:
        fix = OTHER.get(suffix, "give a .csv, .tsv, .xlsx, .parquet or .dta file")
        raise Refusal("D421", file, f"files of the kind {suffix or 'without a dot'} are not read", fix)
    return _text(path, file)


def _text(path: Path, file: str) -> Incoming:
    from analysis.profile import text

    data = path.read_bytes()
    for start, (kind, fix) in MAGIC.items():
        if data.lstrip(b" \r\n\t").startswith(start):
            raise Refusal("D407", file, f"the name says text, the content is {kind}", fix)
    return text.read(data, path.name, file, path.suffix.lower())


def _only(variable: str, value: str, kind: str) -> None:
    if value:
        raise Refusal("D421", f"{variable}={value}", f"{variable} goes with {kind} only", f"leave out {variable}")


def _there(path: Path, file: str) -> None:
    if path.is_dir():
        raise Refusal("D421", file, "this is a folder", "name the file in it: FILE=folder/file.csv")
    if not path.is_file():
        raise Refusal("D421", file, "there is no such file", "check the path; it starts from the project's top folder")
    if path.stat().st_size == 0:
        raise Refusal("D407", file, "the file is empty", "export it again")
