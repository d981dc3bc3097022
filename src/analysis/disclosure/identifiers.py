"""Names, numbers and addresses of people, and traces of who made a report on which machine."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from analysis.disclosure import page as pages
from analysis.disclosure.finding import Finding, listed, made
from analysis.disclosure.pictures import texts_in
from analysis.disclosure.release import Release
from analysis.disclosure.subjects import Identifier, Subjects


def _mod11(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    check = 11 - sum(d * w for d, w in zip(digits[:9], range(10, 1, -1), strict=True)) % 11
    return check % 11 == digits[9] and check != 10


def _dni(text: str) -> bool:
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(text[:8]) % 23] == text[-1].upper()


def _nir(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return 97 - int(digits[:13]) % 97 == int(digits[13:])


def _iban(text: str) -> bool:
    plain = re.sub(r"\s", "", text).upper()
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _any(text: str) -> bool:
    return True


PATTERNS: dict[str, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "e-mail address": (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*[A-Za-z]{2,}"), _any),
    "telephone number": (
        re.compile(
            r"(?<![\w.,])(?:\+\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]\d{2,4}){2,4}|\(0?\d{2,5}\) ?\d{3,4}[ -]?\d{3,4}|"
            r"\d{3}-\d{3}-\d{4}|07\d{3} ?\d{6})(?![\w.,]\d)"
        ),
        _any,
    ),
    "social security number (United States)": (
        re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"),
        _any,
    ),
    "National Insurance number": (
        re.compile(r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"),
        _any,
    ),
    "NHS number": (re.compile(r"(?<![\w.,-])\d{3}[ -]\d{3}[ -]\d{4}(?![\w-])"), _mod11),
    "Spanish identity number": (re.compile(r"\b\d{8}-?[A-Za-z]\b"), _dni),
    "Italian tax code": (re.compile(r"\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b"), _any),
    "French social security number": (
        re.compile(r"(?<![\w.,])[12](?: ?\d\d){3}(?: ?\d{3}){2} ?\d\d(?![\w.,])"),
        _nir,
    ),
    "bank account (IBAN)": (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b"), _iban),
}
ABSOLUTE = re.compile(
    r"(?:(?<![\w.:/@-])/(?:home|Users|root|mnt|media|var|tmp|opt|srv|private|scratch|data|work|Volumes)/[\w.@ -]*[\w@-]"
    r"|\b[A-Za-z]:\\+(?:Users|Documents|Data|Projects)\\+[\w.@ -]+|\\\\\\\\[\w.-]+\\\\[\w$.-]+|file:///[\w./-]+)"
)
UNSEEN = re.compile(r"^manifest|metadata$|inside the picture file$")
GENERIC_USERS = {
    "root",
    "user",
    "admin",
    "jovyan",
    "runner",
    "ubuntu",
    "worker",
    "nobody",
    "default",
    "analyst",
    "guest",
}


def find(release: Release, subjects: Subjects) -> Iterator[Finding]:
    """S209: identifiers in texts, tables, downloads, words in pictures and metadata; S211: paths and user names.

    One finding for each kind of identifier and each identifying column, wherever it stands.
    """
    texts = _texts(release)
    for what, (pattern, holds) in PATTERNS.items():
        hits = _where(texts, _matcher(pattern, holds))
        if hits:
            fix = "take it out, or say whose public address it is"
            yield _one("S209", hits, f"looks like a {what}", fix)
    for identifier in subjects.identifiers:
        yield from _column(release, identifier)
        hits = _where(texts, _seeker(identifier))
        if hits:
            fix = f"leave it out: {identifier.column} of {identifier.dataset} names units ({identifier.how})"
            yield _one("S209", hits, f"value of the identifying column {identifier.column}", fix)
    yield from _machine(texts)


def _matcher(pattern: re.Pattern[str], holds: Callable[[str], bool]) -> Callable[[str], list[str]]:
    return lambda text: [match[0] for match in pattern.finditer(text) if holds(match[0])]


def _where(texts: list[tuple[str, str]], seek: Callable[[str], list[str]]) -> dict[str, list[str]]:
    """Place -> what `seek` finds there, each once."""
    found: dict[str, list[str]] = {}
    for place, text in texts:
        for hit in seek(text):
            if hit not in found.setdefault(place, []):
                found[place].append(hit)
    return {place: hits for place, hits in found.items() if hits}


def _one(code: str, hits: dict[str, list[str]], what: str, fix: str, masked: bool = True) -> Finding:
    """One finding about everything that was found, named by its first place."""
    first, *others = hits
    each = list(dict.fromkeys(hit for found in hits.values() for hit in found))
    shown = listed([_masked(hit) for hit in each] if masked else each)
    also = (
        f", and in {len(others)} more places ({'; '.join(others[:3])}{' …' if len(others) > 3 else ''})"
        if others
        else ""
    )
    return made(code, first, f"{what}: {shown}{also}", fix, sorted(hits.items()))


def _texts(release: Release) -> list[tuple[str, str]]:
    found = pages.all_texts(release.page)
    found += [(f"{p.label}, inside the picture file", text) for p in release.page.pictures for text in texts_in(p)]
    for name, content in (("results.json", release.results), ("manifest.json", release.manifest)):
        found += [(f"{name}:{place}", text) for place, text in _strings(content)]
    for number, cell in enumerate((release.notebook or {}).get("cells", []), start=1):
        found += [(f"report.ipynb, cell {number}", text) for _, text in _strings({**cell, "outputs": []})]
        for output in cell.get("outputs", []):
            kept = {k: v for k, v in (output.get("data") or {}).items() if not k.startswith("image/")}
            content = {**output, "data": kept}
            found += [(f"report.ipynb, cell {number}, output", text) for _, text in _strings(content)]
    metadata = (release.notebook or {}).get("metadata") or {}
    return found + [("report.ipynb, metadata", text) for _, text in _strings(metadata)]


def _strings(content: object, place: str = "") -> Iterator[tuple[str, str]]:
    """(place, text) of every text in nested mappings and lists, the names of keys included."""
    if isinstance(content, str):
        yield place, content
    elif isinstance(content, dict):
        for name, value in content.items():
            yield place, str(name)
            yield from _strings(value, f"{place}.{name}".lstrip("."))
    elif isinstance(content, list):
        for value in content:
            yield from _strings(value, place)


def _masked(text: str) -> str:
    """Enough of an identifier to find it, not enough to spread it."""
    return f"{text[:2]}…{text[-2:]}" if len(text) > 4 else text


def _machine(texts: list[tuple[str, str]]) -> Iterator[Finding]:
    paths = _where(texts, lambda text: [match[0] for match in ABSOLUTE.finditer(text)])
    if paths:
        fix = "make the report with paths relative to the project"
        yield _one("S211", paths, "absolute path, which tells of a person or machine", fix, masked=False)
    user = next((os.environ[name] for name in ("USER", "LOGNAME", "USERNAME") if os.environ.get(name)), "")
    if len(user) > 3 and user.lower() not in GENERIC_USERS:
        unseen = [(place, text) for place, text in texts if UNSEEN.search(place)]
        named = _where(unseen, re.compile(rf"\b{re.escape(user)}\b").findall)
        if named:
            yield _one("S211", named, "the user name of this account", "take it out")


def _column(release: Release, identifier: Identifier) -> Iterator[Finding]:
    """A column of a table that bears the name of an identifying column."""
    names = {identifier.column.lower(), identifier.label.lower()}
    for table in release.page.tables:
        heads = [name for name in table.header if name.lower() in names]
        held = {row[table.header.index(name)] for name in heads for row in table.rows if len(row) == len(table.header)}
        if held & (identifier.values | identifier.short):
            found = f"the column {heads[0]!r} holds values of {identifier.column}, {identifier.how} in the dataset"
            fix = "leave the column out: a report shows groups, not units"
            yield made("S209", table.place, found, fix, heads)


def _seeker(identifier: Identifier) -> Callable[[str], list[str]]:
    """Finds values of an identifying column; short ones only after the name of the column ("Person 17")."""
    names = f"{re.escape(identifier.label)}|{re.escape(identifier.column)}"
    anchored = re.compile(rf"(?i)\b(?:{names})\b[ :=#]+(?:number )?([\w.-]*\w)")
    words = {value.lower() for value in identifier.values}
    spaced = [value for value in sorted(words) if " " in value]

    def seek(text: str) -> list[str]:
        lower = text.lower()
        hits = sorted(words & set(_pieces(lower)))
        hits += [value for value in spaced if value in lower]
        return hits + [match[1] for match in anchored.finditer(text) if match[1] in identifier.short]

    return seek


def _pieces(text: str) -> list[str]:
    """Words and numbers of a text, and words joined by hyphens."""
    return [piece.strip(".,;:()[]'\"") for piece in re.split(r"[\s,;\t|=]+", text)] + re.findall(r"[\w-]+", text)
