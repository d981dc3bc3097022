"""The text of source.yml: a declaration that holds as it stands, every guess in it marked CONFIRM with its reason."""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Iterator

from analysis.profile.facts import Facts
from analysis.profile.finding import Finding
from analysis.profile.guess import Guess
from analysis.profile.profiled import Profile
from analysis.profile.yaml_text import comment, listed, scalar

HEAD = """\
What this table is: written by make dataset, to be finished by a person.
CONFIRM marks what was guessed or found: settle it, then delete the mark. Nothing was changed in the table.
Labels marked "from the name" wait for plain words that fit after "the" (Share of adults insured), and for a unit
such as US dollars (1978); share (0 to 1) and log are special: reports show them in per cent. Ranges are those
observed, rounded outwards: widen them to what is possible. Columns that no study needs may be deleted here.
"""
ROW = "  "
KEY = "    "
UNITS = {
    "places": re.compile(r"(?i)state|county|district|municip|city|town|village|region|country|province|fips|precinct"),
    "organisations": re.compile(r"(?i)school|hospital|firm|store|shop|restaurant|plant|clinic|office|company|agency"),
}


def text(found: Profile, dataset: str, file: str, sha256: str) -> str:
    """The declaration of the dataset `dataset`, whose stored file is `file` with the checksum `sha256`."""
    lines = [line for part in HEAD.splitlines() for line in comment(part)]
    lines += [line for finding in found.findings if not finding.column for line in _mark(finding, "")]
    lines += _about(found, dataset)
    lines += [f"file: {scalar(file)}", f'sha256: "{sha256}"', f"rows: {found.table.rows}"]
    lines += ["# CONFIRM: true only if the table was made up, for example for a test.", "synthetic: false"]
    lines += [*_keyed(found), "columns:"]
    for name, facts in found.facts.items():
        lines += _column(found, name, facts)
    return "\n".join(lines) + "\n"


def _keyed(found: Profile) -> Iterator[str]:
    """What names a row, ready to be switched on, so that later versions of the file are held to it."""
    key, unit = found.roles.key, found.roles.column("unit")
    if not key:
        yield "# No column, and no pair of columns that was tried, names every row once."
        return
    said = f"{' and '.join(key)} {'names' if len(key) == 1 else 'together name'} every row once."
    yield from comment(f"{said} Take away the # to hold later versions of the file to it.")
    yield f"# key: [{', '.join(scalar(name) for name in key)}]"
    if unit:
        kind = next((kind for kind, names in UNITS.items() if names.search(unit)), "people")
        yield "# What one unit is (people, places, organisations or periods); people are never named on a page."
        yield f"# units: {kind}"


def _about(found: Profile, dataset: str) -> Iterator[str]:
    incoming = found.incoming
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    written = f"; {'; '.join(incoming.converted)}" if incoming.converted else "; stored as it was, byte for byte"
    original = f" (its sha256: {incoming.sha256})" if incoming.sha256 and incoming.converted else ""
    yield "# CONFIRM: title, origin (who collected it, and how), citation and licence are shown in every report."
    yield f"title: {scalar(label(dataset))}"
    yield f"origin: {scalar('Not stated; the file was ' + incoming.origin)}"
    yield "citation: Not stated"
    yield "licence: Not stated"
    yield f"obtained: {scalar(f'Taken in on {today} from {incoming.origin}{original}{written}')}"


def label(name: str) -> str:
    """Words from the name of a column: `yearOfBirth` and `year_of_birth` become `Year of birth`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.sub(r"[\s_.]+", " ", spaced).strip()
    words = words if words.isupper() else words[:1].upper() + words[1:]
    return words if len(words) >= 3 else f"Column {words}"


def _mark(finding: Finding, indent: str) -> list[str]:
    fix = f" {finding.fix[:1].upper()}{finding.fix[1:]}." if finding.fix else ""
    word = "Note" if finding.severity == "note" else "CONFIRM"
    return comment(f"{word}: {finding.problem}.{fix}", indent)


def _column(found: Profile, name: str, facts: Facts) -> list[str]:
    guess = found.guesses[name]
    if not name.strip():
        return []
    if not guess.type:
        return comment(f"{name}: left out: {guess.reason}.", ROW)
    marks = [line for one in found.findings if one.column == name for line in _mark(one, KEY)]
    if name in found.private:
        why = f"CONFIRM: {name} is left out: it may identify people ({found.private[name]}). Take away the marks # in "
        head = comment(f"{why}front of the lines below only if a study needs it and the rules on data allow it.", ROW)
        body = [f"{ROW}{scalar(name)}:", *_keys(found, name, facts, guess, private=True)]
        return [*head, *(f"{ROW}# {line[2:]}" for line in body)]
    return [f"{ROW}{scalar(name)}:", *marks, *_keys(found, name, facts, guess)]


def _keys(found: Profile, name: str, facts: Facts, guess: Guess, *, private: bool = False) -> list[str]:
    lines = comment(f"CONFIRM type: {guess.reason}.", KEY) if guess.reason and not private else []
    lines.append(f"{KEY}type: {guess.type}")
    given = found.incoming.labels.get(name, "")
    mark = "" if len(given) >= 3 else "  # from the name"
    lines.append(f"{KEY}label: {scalar(given if len(given) >= 3 else label(name))}{mark}")
    if guess.numeric and not guess.values and name not in found.roles.given:
        lines.append(f'{KEY}unit: ""{_unit_hint(found, name, facts, guess)}')
    lines += [] if private else _range(found, name, guess)
    lines += _missing(guess, private)
    if name in found.roles.given:
        role, reason = found.roles.given[name]
        lines += [*comment(f"CONFIRM role: {reason}.", KEY), f"{KEY}role: {role}"]
    return lines


def _unit_hint(found: Profile, name: str, facts: Facts, guess: Guess) -> str:
    """A suggestion for the unit, where the numbers speak for one."""
    inside = guess.minimum is not None and guess.minimum >= 0 and guess.maximum is not None and guess.maximum <= 1
    if guess.type == "number" and inside and name not in found.roles.given:
        return "  # share? all values lie between 0 and 1"
    match = re.match(r"(?i)(l|ln|log)_?(.+)", name)
    if guess.type == "number" and match and match[2] in found.facts and _is_log(facts, found.facts[match[2]]):
        return f"  # log? it is the logarithm of {match[2]}"
    return ""


def _is_log(one: Facts, other: Facts) -> bool:
    import numpy as np

    values, logs = other.values(), one.values()
    known = np.isfinite(values) & np.isfinite(logs) & (values > 0)
    return bool(known.sum() > 2 and np.allclose(np.log(values[known]), logs[known], atol=1e-4))


def _range(found: Profile, name: str, guess: Guess) -> list[str]:
    meanings = found.incoming.meanings.get(name, {})
    lines = []
    if meanings:
        lines += comment("Codes: " + ", ".join(f"{code} = {word}" for code, word in meanings.items()), KEY)
    if guess.values:
        return [*lines, *listed("values", guess.values, KEY)]
    if guess.minimum is not None and guess.maximum is not None:
        low, high = _rounded(guess.minimum, decimal.ROUND_FLOOR), _rounded(guess.maximum, decimal.ROUND_CEILING)
        lines += [f"{KEY}minimum: {scalar(low)}", f"{KEY}maximum: {scalar(high)}"]
    return lines


def _rounded(value: int | float, way: str) -> int | float:
    """A limit with a fraction, to six digits and outwards."""
    if isinstance(value, int):
        return value
    exact = decimal.Decimal(value)
    return float(exact.quantize(decimal.Decimal(1).scaleb(exact.adjusted() - 5), rounding=way))


def _missing(guess: Guess, private: bool) -> list[str]:
    lines = [f"{KEY}missing: allow"] if guess.missing else []
    if guess.codes and not private:
        lines += [f"{KEY}# CONFIRM: these values seem to mean missing; they are read as missing.",
                  *listed("missing_codes", guess.codes, KEY)]  # fmt: skip
    return lines
