"""Text and other passengers inside picture files: PNG chunks, EXIF, bytes after the end."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from analysis.disclosure.page import Picture

PNG = b"\x89PNG\r\n\x1a\n"
PLAIN = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"bKGD", b"sBIT", b"hIST"}
TEXT = {b"tEXt", b"zTXt", b"iTXt"}
SOFTWARE = re.compile(r"(?i)^software\W+(matplotlib|pillow|python)")


def texts_in(picture: Picture) -> list[str]:
    """The words kept inside a picture file."""
    return [text for _, text in _chunks(picture.data) if text]


def passengers(picture: Picture) -> list[str]:
    """What a picture file carries beside the picture, in words; empty for a plain one."""
    if picture.data[:8] != PNG:
        return _jpeg(picture.data)
    found = []
    for kind, text in _chunks(picture.data):
        if kind in TEXT and not SOFTWARE.match(text):
            found.append(f"text ({text[:40]!r})")
        elif kind == b"after":
            found.append(text)
        elif kind not in PLAIN | TEXT:
            found.append(f"a block of type {kind.decode('latin-1')}")
    return found


def _jpeg(data: bytes) -> list[str]:
    found = ["camera data (EXIF)"] if b"Exif\x00" in data[:65536] else []
    return found + (["description (XMP)"] if b"http://ns.adobe.com/xap" in data[:65536] else [])


def _chunks(data: bytes) -> Iterator[tuple[bytes, str]]:
    """(type, text) of every chunk of a PNG; what follows its end as type `after`."""
    place = 8
    while data[:8] == PNG and place + 12 <= len(data):
        size, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + size]
        yield kind, _text(kind, body)
        place += size + 12
        if kind == b"IEND":
            if place < len(data):
                yield b"after", f"{len(data) - place:,} bytes after the end of the picture"
            return


def _text(kind: bytes, body: bytes) -> str:
    if kind not in TEXT and kind != b"eXIf":
        return ""
    name, _, rest = body.partition(b"\0")
    if kind == b"zTXt":
        rest = _inflated(rest[1:])
    elif kind == b"iTXt":
        packed, (_, _, rest) = rest[:1] == b"\1", _three(rest[2:])
        rest = _inflated(rest) if packed else rest
    return f"{name.decode('latin-1')}: {rest.decode('utf-8', 'replace')}"


def _three(rest: bytes) -> tuple[bytes, bytes, bytes]:
    language, _, rest = rest.partition(b"\0")
    translated, _, text = rest.partition(b"\0")
    return language, translated, text


def _inflated(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return b"(cannot be read)"
