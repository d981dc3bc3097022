"""Columns called by their labels, in what designs and checks wrote with the columns' names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from analysis.panel import Labels
from analysis.report.glossary import ordinary_words
from analysis.result import Check, Effects


def speaker(columns: Iterable[str], labels: Labels) -> Callable[[str], str]:
    """A function that writes the label of each of `columns` (and of those behind a role) where a text has its name.

    Names that are ordinary words, or words of one of the labels, stay: they cannot be told from prose, and read as
    well. So does what stands in backticks, which people are to type. A text in which this was done once does not
    change when it is done again. Commas and braces of a label are left out:
    names stand in lists, and in templates.
    """
    roles = (labels.outcome, labels.time, labels.unit, labels.first_treated, labels.weight, labels.cluster)
    switches = (labels.treatment, labels.dose, labels.eligible)
    named = {name for name in (*columns, *roles, *switches) if name in labels.said}
    prose = {word for name in named for word in re.findall(r"\w+", labels.word(name).lower())}
    names = sorted((n for n in named if n.lower() not in prose | ordinary_words()), key=lambda n: (-len(n), n))
    if not names:
        return str

    def word(name: str) -> str:
        return re.sub(r"[{},]", "", labels.word(name))

    pattern = re.compile(rf"`[^`]*`|(?<![\w{{])({'|'.join(map(re.escape, names))})(?![\w}}])")
    return lambda text: pattern.sub(lambda match: word(match[1]) if match[1] else match[0], text)


def effects(found: Effects, say: Callable[[str], str]) -> Effects:
    """`found`, and what is related to it, with their texts in the words of `say`."""
    return replace(
        found,
        estimand=say(found.estimand),
        method=say(found.method),
        inference=say(found.inference),
        aside=say(found.aside),
        unstated=say(found.unstated),
        related={name: effects(other, say) for name, other in found.related.items()},
    )


def check(found: Check, say: Callable[[str], str]) -> Check:
    """`found` with its sentences in the words of `say`."""
    return replace(
        found,
        finding=_sentence(say(found.finding)),
        advice=_sentence(say(found.advice)),
        overturns=_sentence(say(found.overturns)),
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
