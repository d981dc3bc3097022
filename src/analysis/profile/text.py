"""Text files with separated fields: their encoding and separator, and CSV in UTF-8 of them.

UTF-8 with commas is stored byte for byte. Another separator, or UTF-16 that says so, is rewritten field by field; an
encoding that would have to be guessed is named and refused.
"""

from __future__ import annotations

import codecs
import csv
import io

from analysis.profile.incoming import Incoming, as_csv, checksum
from analysis.refusal import Refusal

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# Encodings worth naming: what offices' programs write.
LIKELY = ["cp1252", "latin_1", "cp1250", "cp1251", "cp1253", "cp1254", "iso8859_2", "iso8859_15", "mac_roman", "cp850",
          "cp437", "shift_jis", "gb18030", "big5", "euc_kr"]  # fmt: skip
NAMES = {"cp1252": "Windows-1252", "latin_1": "Windows-1252", "iso8859_15": "ISO 8859-15", "mac_roman": "Mac Roman"}
# So near to Windows-1252 that a few words do not tell them apart.
SIBLINGS = {"cp1250", "cp1254", "iso8859_2", "iso8859_15"}
SAMPLE = 200


def read(data: bytes, name: str, shown: str, suffix: str) -> Incoming:
    """The text file `name` as it will be stored. `shown` is its name in messages.

    Raises Refusal D407 (encoding, open quotes, separated by blanks, no header).
    """
    converted: list[str] = []
    legible = _utf8(data, shown)
    if legible is not data:
        converted.append("written as UTF-8 instead of UTF-16")
    header = _first_line(legible, shown)
    separator = _separator(header, suffix)
    if separator != ",":
        legible = _with_commas(legible, separator, shown)
        converted.append(f"fields separated by commas instead of {SEPARATORS[separator]}")
    return Incoming(legible, "csv", name, checksum(data), "line", tuple(converted))


def _utf8(data: bytes, shown: str) -> bytes:
    """`data` itself where it is UTF-8; UTF-16 with its mark at the start is decoded."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode("utf-8")
        except UnicodeDecodeError:
            raise Refusal("D407", shown, "UTF-16 text that breaks off", "export it again, as CSV UTF-8") from None
    if b"\0" in data[:4096] or b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        problem = f"line {line}: a zero byte: UTF-16 without its mark, or not a text file"
        raise Refusal("D407", shown, problem, "export it again, as CSV UTF-8")
    if data.isascii():
        return data
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = f"line {line}: not UTF-8 (byte 0x{data[error.start]:02x}); it looks like {encoding_of(data)}"
        fix = "open it in that encoding and save it as CSV UTF-8 (Excel: Save As, CSV UTF-8), then look at the letters"
        raise Refusal("D407", shown, problem, fix) from None
    return data


def encoding_of(data: bytes) -> str:
    """The encoding that fits best, by charset-normalizer, from the lines that are not ASCII."""
    from charset_normalizer import from_bytes

    lines = [line for line in data.split(b"\n") if not line.isascii()][:SAMPLE]
    best = from_bytes(b"\n".join(lines), cp_isolation=LIKELY).best()
    if best is None:
        return "no encoding that is known"
    if str(best) == best.raw.decode("cp1252", "replace"):  # several encodings share these letters; this one is usual
        return NAMES["cp1252"]
    name = NAMES.get(best.encoding, best.encoding.replace("_", "-"))
    return f"{NAMES['cp1252']} or {name}" if best.encoding in SIBLINGS else name


def _first_line(data: bytes, shown: str) -> str:
    line = next((line for line in data[:1_000_000].decode("utf-8-sig", "ignore").splitlines() if line), "")
    if line.lower().startswith("sep=") and len(line) <= 6:
        raise Refusal("D422", shown, f"line 1: {line!r} is a note for Excel, not the header", "delete the line")
    return line


def _separator(header: str, suffix: str) -> str:
    """The separator that cuts the header into most fields; commas and the one the name promises win a tie."""
    promised = {".tsv": "\t", ".tab": "\t", ".psv": "|"}.get(suffix, ",")
    counts = {one: len(next(csv.reader([header], delimiter=one), [])) for one in SEPARATORS}
    return max(SEPARATORS, key=lambda one: (counts[one], one == promised, one == ","))


def _with_commas(data: bytes, separator: str, shown: str) -> bytes:
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(data), "utf-8-sig", newline=""), delimiter=separator, strict=True)
    try:
        header = next(reader)
        return as_csv(header, reader)
    except csv.Error as error:
        fix = "close the quotes; write a quote inside quotes twice"
        raise Refusal("D407", shown, f"line {reader.line_num}: {error}", fix) from None
