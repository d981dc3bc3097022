"""What a family of designs can carry: how its checks add up to a strength of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Grounds:
    """How the checks of one family bear on the strength of evidence; each file of this folder named after a family
    holds its own as GROUNDS.

    needed: checks without which evidence is not strong, each one missing counting like a caution. kinds: which checks
    are about the same threat, so that they count once. fatal: codes of a finding, by check, that leave the evidence
    weak whatever else was found. diverged: what such a finding says, in words; because: the same of one check. aside:
    checks of something that the answer does not rest on. ceiling: the most that a design of this family can reach, with
    the reason; a design may have its own in `ceilings`. against: what an outcome was higher or lower than, in words.
    """

    needed: tuple[str, ...]
    kinds: Mapping[str, tuple[str, ...]]
    fatal: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    diverged: str = ""
    because: Mapping[str, str] = field(default_factory=dict)
    aside: tuple[str, ...] = ()
    ceiling: int = 3
    reason: str = ""
    against: str = "the comparison predicts"
    ceilings: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    def most(self, design: str) -> tuple[int, str]:
        """The highest step that `design` can reach, and why it is not higher."""
        return self.ceilings.get(design, (self.ceiling, self.reason))

    def kind(self, name: str) -> str:
        """The threat that the check `name` is about."""
        return next((kind for kind, names in self.kinds.items() if name in names), name.replace("_", " "))
