"""Two spellings of one category: words that differ only in case, accents, blanks or punctuation."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator

from analysis.profile.finding import Finding
from analysis.profile.traps import Look

MOST = 2000
SHOWN = 3


def plain(word: str) -> str:
    """`word` without case, accents, blanks and punctuation."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    return re.sub(r"[\s_.,;:'’/()-]+", "", bare.casefold())


def findings(look: Look) -> Iterator[Finding]:
    """The categories of a text column that stand there in several spellings."""
    facts = look.facts
    repeated = facts.present >= 1.5 * facts.distinct
    if look.guess.type != "text" or facts.distinct > MOST or facts.distinct < 2 or not repeated:
        return
    if look.form("number").all():
        return
    groups: dict[str, list[int]] = defaultdict(list)
    for place in range(facts.distinct):
        if name := plain(facts.word(place)):
            groups[name].append(place)
    double = [places for places in groups.values() if len(places) > 1]
    if not double:
        return
    problem = (
        f"{len(double)} categories in several spellings" if len(double) > 1 else "one category in several spellings"
    )
    if not look.private:
        shown = "; ".join(
            " and ".join(repr(facts.word(place)) for place in places[:SHOWN]) for places in double[:SHOWN]
        )
        problem += f": {shown}"
    yield look.found("serious", problem, "they count as different groups: write one spelling in the file")
