"""All defensible ways to answer one question: read the sweep, run every combination, and say what they add up to.

`recorded` reads what a notebook's parameters say, `run` estimates, `summarise` and `examine` look at the whole curve,
`own` and `graded` give the study's own answer and what the curve leaves of it.
"""

from __future__ import annotations

from analysis.sweep.file import recorded
from analysis.sweep.joint import examine
from analysis.sweep.runner import run
from analysis.sweep.summary import summarise
from analysis.sweep.verdict import graded, own

__all__ = ["examine", "graded", "own", "recorded", "run", "summarise"]
