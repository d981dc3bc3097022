"""One file per command: `add(commands)` declares its arguments, its functions do the work and return the exit code.

A command file imports nothing heavy at its top: every start of the command line reads all of them.
"""

from __future__ import annotations

import argparse
import pkgutil
import sys
from importlib import import_module
from typing import Any, TypeAlias

from analysis.refusal import Refusal
from analysis.run.failure import Failed

Commands: TypeAlias = "argparse._SubParsersAction[Any]"


def declare(commands: Commands) -> None:
    """Let every file of this folder declare its commands."""
    for module in sorted(found.name for found in pkgutil.iter_modules(__path__)):
        import_module(f"analysis.commands.{module}").add(commands)


def say(problem: Refusal | Failed) -> int:
    """Print one line about what was refused or failed; the exit code that goes with it."""
    print(problem, file=sys.stderr, flush=True)
    return problem.code if isinstance(problem, Failed) else 2
