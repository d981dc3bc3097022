"""From an effect to a recommendation: chances, strength of evidence, what could overturn the answer."""

from analysis.decide.decision import Decision, decide

__all__ = ["Decision", "decide"]
