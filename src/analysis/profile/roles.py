"""Which part each column plays: time, unit, adoption date, treatment, cluster, weight; each with its reason.

Names are a hint; what decides is how the columns hang together. Nothing is certain, so every role is to be confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.profile import keys
from analysis.profile.facts import Facts
from analysis.profile.guess import CODE_NAME, Guess

Role = Literal["unit", "time", "first_treated", "treated", "cluster", "weight"]
TIME = re.compile(
    r"(?i)^(year|yr|years|jahr|ann[eé]e|ano|año|anno|time|period|periodo|t|tt|month|quarter|qtr|wave|round|semester|term|week|"
    r"season|(survey|calendar|fiscal|school|data)[_ .]?year|fy|yyyymm|ym|yq|year_?month|year_?quarter)$"
)
TIME_LIKE = re.compile(r"(?i)(year|month|quarter|period|wave|date)")
STARTS = re.compile(
    r"(?i)(first_?\.?treat|treat(ed|ment)?[_.]?(year|date|time|start|period)|adopt|eff(ective)?_?(year|date)|y(ea)?r?_?exp|"
    r"cohort|^g$|gvar|gname|(law|reform|policy|implementation|intervention|exposure|start|switch|launch|entry|rollout)_?"
    r"(year|date|period|wave)|^start$|onset|year_?(of_?)?(treat|adopt|law|reform|start|entry|intro|expan|implement)|^_?nfd$)"
)
TREATED = re.compile(
    r"(?i)^(treat|treated|treatment|trt|treat_?post|post|post_?treat(ment)?|policy|law|reform|intervention|exposed|program|"
    r"programme|assigned|assignment|reserved|offer|offered|eligible|did)([_.]?[0-9]*)$|^[dz]$"
)
WEIGHT = re.compile(
    r"(?i)^(w|wt|wgt|weight|weights|[a-z]*_?(weight|wgt|wt)|[pfai]w(eight)?|pop_?w(eigh)?t|perwt|hhwt)[0-9]?$"
)
UNIT = re.compile(
    r"(?i)(^|_)(state|county|district|municipality|city|town|village|region|country|province|school|hospital|firm|store|shop|"
    r"restaurant|unit|household|hh|person|individual|pupil|student|site|plant|clinic|office|precinct|id|fips)"
)
LATER = 5
BALANCED = 0.8


@dataclass(frozen=True)
class Roles:
    """The roles found: column and reason by role (weights may be several), values of the adoption date that mean never,
    and the key of the table."""

    given: Mapping[str, tuple[Role, str]] = field(default_factory=dict)
    never: tuple[int, ...] = ()
    key: tuple[str, ...] = ()

    def column(self, role: Role) -> str:
        """The column of `role`, "" where there is none."""
        return next((name for name, (given, _) in self.given.items() if given == role), "")


@dataclass(frozen=True)
class Candidates:
    """The columns that may have a role: declared, not private, with their guesses."""

    facts: Mapping[str, Facts]
    guesses: Mapping[str, Guess]

    def integers(self) -> list[Facts]:
        """The columns of whole numbers."""
        return [facts for name, facts in self.facts.items() if self.guesses[name].type == "integer"]


def find(facts: Mapping[str, Facts], guesses: Mapping[str, Guess]) -> Roles:
    """The roles of a table's columns, as far as names and structure tell."""
    able = Candidates(facts, guesses)
    if not facts:
        return Roles()
    given: dict[str, tuple[Role, str]] = {}
    time = _time(able)
    unit, reason = _unit(able, time)
    if time:
        seen = f"{time.distinct} periods" + (f"; with {unit.name} it names every row" if unit else "")
        given[time.name] = ("time", f"whole numbers with the name of a period, {seen}")
    if unit:
        given[unit.name] = ("unit", reason)
    start, why, never = _start(able, time, unit)
    if start:
        given[start.name] = ("first_treated", why)
    treated, why = _treated(able, time, unit, start, never)
    if treated:
        given[treated.name] = ("treated", why)
    given.update(dict.fromkeys(_weights(able, given), ("weight", "positive numbers with the name of a weight")))
    steady = [time] if time and not start else []
    if found := _cluster(able, given, unit, start or treated, steady):
        given[found[0].name] = ("cluster", found[1])
    return Roles(given, never, _key(able, time, unit))


def _key(able: Candidates, time: Facts | None, unit: Facts | None) -> tuple[str, ...]:
    if time and unit and keys.groups([unit, time]) == unit.rows:
        return (unit.name, time.name)
    columns, guesses = list(able.facts.values()), list(able.guesses.values())
    if alone := keys.single(columns, guesses):
        return (alone[0],)
    if time and unit:
        return ()  # the rows that repeat a unit and period are to be settled first
    return keys.pair(columns, guesses) or ()


def calendar(values: NDArray[np.float64]) -> bool:
    """Whether whole numbers look like years (2017), months (201704) or quarters (20174)."""
    known = values[~np.isnan(values)]
    if not len(known):
        return False
    years = bool(((known >= 1800) & (known <= 2100)).all())
    months = bool(((known >= 180_001) & (known <= 210_012) & (known % 100 >= 1) & (known % 100 <= 12)).all())
    quarters = bool(((known >= 18_001) & (known <= 21_004) & (known % 10 >= 1) & (known % 10 <= 4)).all())
    return years or months or quarters


def _time(able: Candidates) -> Facts | None:
    """The column of periods: by its name, or numbers like years that make a key with another column."""
    found: list[tuple[int, Facts]] = []
    for facts in able.integers():
        if facts.distinct < 2 or facts.present < facts.rows or STARTS.search(facts.name):
            continue
        dated = calendar(facts.words.numbers)
        named = 2 if TIME.match(facts.name) else int(bool(TIME_LIKE.search(facts.name)))
        repeated = facts.distinct <= facts.rows / 2 or facts.distinct == facts.rows
        if named and (dated or named == 2) and repeated and (named == 2 or _makes_key(able, facts)):
            found.append((2 * named + dated, facts))
        elif dated and not named and repeated and facts.distinct < facts.rows and _makes_key(able, facts):
            found.append((1, facts))
    return max(found, key=lambda one: one[0])[1] if found else None


def _makes_key(able: Candidates, time: Facts) -> bool:
    return any(_is_unit(facts, able.guesses[facts.name], time) for facts in able.facts.values())


def _is_unit(facts: Facts, guess: Guess, time: Facts) -> bool:
    """Whether with `time` the column names every row, each unit being seen more than once."""
    if facts is time or guess.type not in ("integer", "text") or facts.distinct < 2 or facts.present < facts.rows:
        return False
    return facts.rows >= 1.5 * facts.distinct and facts.rows >= 0.3 * facts.distinct * time.distinct and (
        keys.groups([facts, time]) == facts.rows
    )  # fmt: skip


def _unit(able: Candidates, time: Facts | None) -> tuple[Facts | None, str]:
    if time is None:
        alone = keys.single(list(able.facts.values()), list(able.guesses.values()))
        coded = [name for name in alone if CODE_NAME.search(name)]
        return (able.facts[coded[0]], "a code that names every row once") if coded else (None, "")
    exact = [facts for facts in able.facts.values() if _is_unit(facts, able.guesses[facts.name], time)]
    if exact:
        best = max(exact, key=lambda one: (able.guesses[one.name].type == "text", bool(UNIT.search(one.name))))
        named = [one for one in exact if UNIT.search(one.name) or CODE_NAME.search(one.name)]
        twins = [one.name for one in named if one is not best and one.distinct == best.distinct]
        same = f" (as does {twins[0]}, the same units)" if twins else ""
        return best, f"with {time.name} it names every row once{same}; {best.distinct} units"
    near = _nearly_unit(able, time)
    return (
        (near, f"with {time.name} it names nearly every row, some of them twice: see the lines above")
        if near
        else (None, "")
    )


def _nearly_unit(able: Candidates, time: Facts) -> Facts | None:
    """The column that misses being a unit by a few repeated rows or empty fields: one with the name of a unit, or one
    whose values have about one row in each period, so that the repeated rows are mistakes and no further people."""
    found = []
    for facts in able.facts.values():
        if facts is time or able.guesses[facts.name].type not in ("integer", "text") or facts.distinct < 2:
            continue
        if facts.rows < 1.5 * facts.distinct or facts.present < keys.NEARLY * facts.rows or STARTS.search(facts.name):
            continue
        named = bool(UNIT.search(facts.name))
        full = facts.rows >= BALANCED * facts.distinct * time.distinct
        if (named or full) and keys.groups([facts, time]) >= keys.NEARLY * facts.present:
            found.append((named, full, facts))
    return max(found, key=lambda one: one[:2])[2] if found else None


def _start(able: Candidates, time: Facts | None, unit: Facts | None) -> tuple[Facts | None, str, tuple[int, ...]]:
    """The column of adoption dates, why, and its values that mean never."""
    if time is None:
        return None, "", ()
    found = []
    for facts in able.integers():
        if facts is time or facts is unit:
            continue
        named = bool(STARTS.search(facts.name))
        kept, never = _dates_within(facts, time)
        steady = unit is not None and keys.constant_within(facts, [unit])
        structure = steady and calendar(time.words.numbers) and bool(len(kept)) and facts.distinct < 0.9 * facts.rows
        if len(kept) and (named or (structure and _after_begin(facts, kept, time))):
            found.append((2 * named + steady, facts, never))
    if not found:
        return None, "", ()
    score, best, never = max(found, key=lambda one: one[0])
    why = [f"periods of {time.name}"]
    why += [f"the same in every row of a {unit.name}"] if unit and score % 2 else []
    gaps = best.present < best.rows or bool(never)
    why += ["empty for those that never start"] if gaps else []
    return best, ", ".join(why), never


def _dates_within(facts: Facts, time: Facts) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """The values that are periods, and those that seem to mean never; no periods where other values remain."""
    values, periods = facts.words.numbers, time.words.numbers
    values = values[~np.isnan(values)]
    low, high = float(np.nanmin(periods)), float(np.nanmax(periods))
    inside = (values >= low) & (values <= high + LATER)
    never = (values <= min(0.0, low - 1)) | (values >= 9999) | (values > high + 20)
    early = values[~inside & ~never]
    if not inside.any() or len(early) > 0.2 * len(values):
        return values[:0], ()
    return values[inside], tuple(int(value) for value in sorted(values[never & ~inside]))


def _after_begin(facts: Facts, kept: NDArray[np.float64], time: Facts) -> bool:
    """Without the name of a start: periods of the table after its first, and units that never start."""
    periods = time.words.numbers
    return bool(((kept > periods.min()) & (kept <= periods.max())).all()) and facts.present < facts.rows


def _treated(
    able: Candidates, time: Facts | None, unit: Facts | None, start: Facts | None, never: tuple[int, ...]
) -> tuple[Facts | None, str]:
    """The 0/1 column that says who is under the policy."""
    binary = [facts for facts in able.integers() if able.guesses[facts.name].values == (0, 1)]
    if start is not None and time is not None:
        share = {facts.name: agreement(facts, start, time, never) for facts in binary}
        close = [f for f in binary if share[f.name] == 1.0 or (share[f.name] >= 0.9 and TREATED.match(f.name))]
        if close:
            best = max(close, key=lambda one: share[one.name])
            same = f"in {100 * share[best.name]:.4g} % of the rows"
            return best, f"1 from {start.name} on, {same}"
    named = [facts for facts in binary if TREATED.match(facts.name)]
    named = [facts for facts in named if time is None or not keys.constant_within(facts, [time])]
    if not named:
        return None, ""
    moving = [facts for facts in named if unit and time and not keys.constant_within(facts, [unit])]
    return (moving or named)[0], "0 and 1 with the name of a treatment"


def agreement(treated: Facts, start: Facts, time: Facts, never: tuple[int, ...]) -> float:
    """The share of rows in which a 0/1 column is 1 exactly from the adoption date on."""
    return float((treated.values() == implied(start, time, never)).mean())


def implied(start: Facts, time: Facts, never: tuple[int, ...]) -> NDArray[np.float64]:
    """(rows,) 1 from the adoption date on, 0 before and for those that never start."""
    dates = start.values()
    return ((time.values() >= dates) & ~np.isin(dates, never) & ~np.isnan(dates)).astype(float)


def _weights(able: Candidates, given: Mapping[str, tuple[Role, str]]) -> Iterator[str]:
    for name, facts in able.facts.items():
        guess = able.guesses[name]
        positive = guess.numeric and guess.minimum is not None and guess.minimum > 0 and facts.distinct > 1
        if positive and WEIGHT.match(name) and name not in given:
            yield name


def _cluster(
    able: Candidates,
    given: Mapping[str, tuple[Role, str]],
    unit: Facts | None,
    policy: Facts | None,
    steady: list[Facts],
) -> tuple[Facts, str] | None:
    """The groups, larger than a unit or a row, within which the policy never differs (in one period of `steady`)."""
    if policy is None or policy.distinct < 2:
        return None
    found = []
    for facts in able.facts.values():
        named = UNIT.search(facts.name) or CODE_NAME.search(facts.name) or able.guesses[facts.name].type == "text"
        coarse = 10 <= facts.distinct < 0.8 * (unit.distinct if unit else facts.rows)
        if facts.name in given or able.guesses[facts.name].type not in ("integer", "text") or not coarse:
            continue
        if facts.present < facts.rows or (unit and not keys.constant_within(facts, [unit])):
            continue
        if (named or not unit) and keys.constant_within(policy, [facts, *steady]):
            found.append(facts)
    if not found:
        return None
    best = min(found, key=lambda one: one.distinct)
    return best, f"{best.distinct} groups within which {policy.name} never differs: the policy was decided for them"
