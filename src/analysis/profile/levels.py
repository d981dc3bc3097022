"""Groups larger than a unit within which the policy never differs: it may have been decided there, not unit by unit.

Standard errors that take units of one decision as independent are too small, so the groups are named to be settled.
"""

from __future__ import annotations

from collections.abc import Iterator

from analysis.profile import keys, roles
from analysis.profile.facts import Facts
from analysis.profile.finding import Finding
from analysis.profile.guess import CODE_NAME
from analysis.profile.panel import Played

FEWEST, MOST, MOST_SHARE, NAMED = 2, 200, 0.8, 3


def findings(played: Played) -> Iterator[Finding]:
    """The groups of a table, the largest first; none where a column has the role cluster already."""
    policy, unit, time = (
        played.role("first_treated") or played.role("treated"),
        played.role("unit"),
        played.role("time"),
    )
    if policy is None or policy.distinct + int(policy.present < policy.rows) < 2 or played.roles.column("cluster"):
        return
    steady = [] if played.role("first_treated") or time is None else [time]
    found = [facts for facts in played.facts.values() if _may_decide(played, facts, unit, policy, steady)]
    for facts in sorted(found, key=lambda one: one.distinct)[:NAMED]:
        problem = f"the policy does not differ within `{facts.name}` ({facts.distinct} groups, by {policy.name})"
        fix = f"if it was decided there, give `{facts.name}` the line `role: cluster`"
        yield Finding("caution", facts.name, problem, fix)


def _may_decide(played: Played, facts: Facts, unit: Facts | None, policy: Facts, steady: list[Facts]) -> bool:
    """Whether a column names groups of several units, each with one policy (in one period of `steady`)."""
    guess, largest = played.guesses[facts.name], MOST_SHARE * (unit.distinct if unit else facts.rows)
    if facts.name in played.roles.given or guess.type not in ("integer", "text") or facts.present < facts.rows:
        return False
    if not FEWEST <= facts.distinct <= min(MOST, largest) or not _names_groups(
        facts, policy, text=guess.type == "text"
    ):
        return False
    if unit and not keys.constant_within(facts, [unit]):
        return False
    return keys.constant_within(policy, [facts, *steady])


def _names_groups(facts: Facts, policy: Facts, *, text: bool) -> bool:
    """Whether the name or the words speak for places or organisations; words for the two arms themselves do not."""
    if roles.TREATED.match(facts.name) or roles.STARTS.search(facts.name) or roles.TIME.match(facts.name):
        return False
    return bool(roles.UNIT.search(facts.name) or CODE_NAME.search(facts.name)) or (
        text and keys.groups([facts, policy]) > keys.groups([policy])
    )
