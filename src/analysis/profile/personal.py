"""Columns that may identify people: by their name and by what stands in them. Their values are never repeated."""

from __future__ import annotations

import re

import numpy as np

from analysis.profile.facts import Facts
from analysis.profile.forms import Mask, matches

ENDS = r"(?i)(^|[_. \-/])({words})($|[_. \-/0-9])"
NAMES = {
    "names of people": "first_?name|last_?name|sur_?name|given_?name|family_?name|full_?name|middle_?name|maiden_?name|"
    "fname|lname|forename|nombres?|apellidos?|vorname|nachname|prenom|prénom|nom_de_famille|sobrenome|"
    "(owner|contact|applicant|patient|respondent|client|customer|pupil|student|teacher|employee|person|child|mother|"
    "father|guardian|head|tenant|taxpayer|holder|participant|interviewer)s?_?(full_?)?names?|owner|"
    "applicant|signature|initials",
    "e-mail addresses": "e_?mails?|e-mail|email_?addr(ess)?|correo|courriel",
    "telephone numbers": "phones?|telephone|tel|mobile|cell(_?phone)?|fax|telefono|teléfono|telefon|handy|whatsapp",
    "national numbers": "ssn|social_?security(_?(no|nr|number))?|nino|national_?id|nat_?id|cpf|curp|dni|nie|nif|"
    "aadhaar|passport(_?(no|nr|number))?|tax_?id|tin|nhs(_?(no|nr|number))?|driver'?s?_?licen[cs]e|licen[cs]e_?plate|"
    "personnummer|bsn|insurance_?(no|nr|number)|iban|bank_?account|credit_?card|medicare_?(no|number)|voter_?id",
    "dates of birth": "dob|date_?of_?birth|birth_?date|birth_?day|geburtsdatum|geburtstag|fecha_?(de_?)?nac(imiento)?|"
    "date_?naissance|born_?on",
    "addresses": "address(_?line)?|street(_?(name|address|no|number))?|addr|adresse|direccion|dirección|strasse|straße|"
    "house_?(no|nr|number)|po_?box|home_?address|location_?address",
    "places of homes": "lat|latitude|lon|lng|long|longitude|gps|coordinates|geocode",
    "device or network numbers": "ip|ip_?addr(ess)?|mac_?addr(ess)?|imei|device_?id|user_?agent|cookie",
    "free text": "comments?|remarks?|free_?text|verbatim|open_?end(ed)?|observations_?text|kommentar|bemerkung",
}  # fmt: skip
CONTENT = {
    "e-mail addresses": (r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}", 0.01),
    "national numbers": (
        r"^\s*([0-9]{3}-[0-9]{2}-[0-9]{4}|[A-CEGHJ-PR-TW-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]|"
        r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}|[0-9]{4} [0-9]{4} [0-9]{4}|[0-9XYZ][0-9]{7}-?[A-Z]|"
        r"[A-Z]{2}[0-9]{2}[ ]?[A-Z0-9]{4}[ ]?([A-Z0-9]{4}[ ]?){2,7}[A-Z0-9]{0,3}|"
        r"[A-Z]{4}[0-9]{6}[HM][A-Z]{5}[A-Z0-9]{2})\s*$",
        0.3,
    ),
    "telephone numbers": (
        r"^\s*(\+[0-9][0-9 ()\-./]{7,17}|\(0?[0-9]{2,4}\)[ \-]?[0-9]{3,4}[ \-]?[0-9]{3,5}|"
        r"[0-9]{3}[\-. ][0-9]{3}[\-. ][0-9]{4}|"
        r"0[0-9]{2,4}[ /\-][0-9][0-9 \-/]{5,10})\s*$",
        0.3,
    ),
    "addresses": (
        r"(?i)^\s*[0-9]{1,6}[a-z]?,? +([a-z.'\-]+ +){1,4}(st|street|rd|road|ave|avenue|ln|lane|dr|drive|blvd|boulevard|"
        r"ct|court|pl|place|way|pike|hwy|highway|close|crescent|terrace)\b|"
        r"(straße|strasse|str\.|weg|platz|gasse) +[0-9]+[a-z]?\b|"
        r"^\s*([0-9]+,? +)?(rue|avenue|calle|via|rua|avenida|piazza) +[a-zéèàçñ.'\- ]{3,}",
        0.3,
    ),
    "network numbers": (r"^\s*([0-9]{1,3}\.){3}[0-9]{1,3}\s*$", 0.3),
}  # fmt: skip
# Common given names: a fifth of a column beginning or ending with one of them is not a list of places.
GIVEN = (
    "james|john|robert|michael|william|david|richard|joseph|thomas|charles|mary|patricia|jennifer|linda|elizabeth|"
    "barbara|susan|jessica|sarah|karen|anna|anne|maria|marie|emma|olivia|laura|peter|paul|daniel|mark|george|james|"
    "jean|pierre|michel|jose|josé|juan|carlos|luis|ana|carmen|hans|klaus|wolfgang|ursula|petra|stefan|thomas|andreas|"
    "giovanni|marco|giulia|francesca|joao|joão|pedro|antonio|manuel|fatima|mohammed|mohamed|ahmed|ali|omar|aisha|wei|"
    "yuki|raj|priya|amit|sunita|ram|lakshmi|ivan|olga|natalia|piotr|katarzyna|lars|ingrid|erik|kevin|brian|jason|lisa|"
    "nancy|betty|helen|sandra|donna|carol|ruth|sharon|michelle|kimberly|steven|edward|kenneth|grace|alice|henry"
)
PLACES = re.compile(r"(?i)(state|county|city|town|village|region|district|country|province|municip|school|"
                    r"hospital|firm|company|store|chain|agency|depart|product|brand|office|ward|"
                    r"constituency|station|type|category)")  # fmt: skip
LONG_TEXT, NEAR_UNIQUE, SHARE_OF_NAMES, ENOUGH = 40, 0.9, 0.2, 8
OLD = 30  # years


def suspect(facts: Facts) -> str:
    """Why the column may identify people, without any value; "" where nothing speaks for it."""
    for kind, words in NAMES.items():
        if re.search(ENDS.format(words=words), _spaced(facts.name)) and _could_be(kind, facts):
            return f"{kind}, by its name"
    if not facts.is_text() or not facts.present or _plain(facts):
        return ""
    for kind, (pattern, share) in CONTENT.items():
        if facts.count(matches(facts.words.words, pattern)) >= max(1.0, share * facts.present):
            return f"{kind}, by what stands in it"
    return _people(facts) or _births(facts) or _long_text(facts)


def _plain(facts: Facts) -> bool:
    """Whether all words are numbers as numbers are written; +49301234 is not."""
    return facts.words.plain is not None and not matches(facts.words.words, r"^\+").any()


def _spaced(name: str) -> str:
    """`ownerName` as `owner_Name`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)


def _could_be(kind: str, facts: Facts) -> bool:
    """A name alone is not enough where the column holds switches or measurements."""
    if facts.distinct <= 2 and facts.present > 2:
        return False
    numeric = bool(facts.present) and not np.isnan(facts.words.numbers).all()
    if kind in ("names of people", "addresses", "free text"):
        return not numeric
    if kind == "places of homes":
        return numeric and bool((facts.words.numbers[~np.isnan(facts.words.numbers)] % 1 != 0).any())
    return numeric is False or _long_numbers(facts)


def _long_numbers(facts: Facts) -> bool:
    """Whether most numbers have six digits or more, as telephone and national numbers have."""
    numbers = facts.words.numbers
    return facts.count(np.nan_to_num(np.abs(numbers)) >= 10**5) >= facts.present / 2


def _people(facts: Facts) -> str:
    shape = r"^\s*([A-ZÀ-Ý][\w'’.\-]*,? +){1,3}[A-ZÀ-Ý][\w'’.\-]*\s*$"
    if PLACES.search(facts.name) or facts.present < ENOUGH:
        return ""
    words = facts.words.words
    given: Mask = matches(words, rf"(?i)(^\s*|, *)({GIVEN})\b") & matches(words, shape)
    return "names of people, by what stands in it" if facts.count(given) >= SHARE_OF_NAMES * facts.present else ""


def _births(facts: Facts) -> str:
    """Days in no order, spread over a generation or more and hardly repeated."""
    iso = facts.words.form("iso")
    if facts.present < ENOUGH or facts.count(iso) < facts.present or facts.distinct < facts.present / 2:
        return ""
    days = facts.words.words.to_pylist()
    years = int(max(days)[:4]) - int(min(days)[:4])
    return (
        "dates of birth, by what stands in it"
        if years >= OLD and days not in (sorted(days), sorted(days)[::-1])
        else ""
    )


def _long_text(facts: Facts) -> str:
    from pyarrow import compute  # type: ignore[import-untyped]

    if facts.present < ENOUGH or facts.distinct < NEAR_UNIQUE * facts.present:
        return ""
    length = float(compute.mean(compute.utf8_length(facts.words.words)).as_py())
    return "free text, different in nearly every row" if length >= LONG_TEXT else ""
