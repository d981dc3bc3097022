"""The command line behind `make`: reads arguments, prints one line per event, returns the exit code.

0 done; 1 a run failed or did not reproduce; 2 input was refused; 130 and 143 interrupted.
Nothing heavy is imported here.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from analysis import commands
from analysis.refusal import Refusal
from analysis.run.failure import Failed


class _Terminated(KeyboardInterrupt):
    """SIGTERM, handled like Ctrl-C so that the kernel is shut down and staging removed."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; see `--help`. Returns the exit code."""
    chosen = _parser().parse_args(arguments)
    # Imports make objects that stay; looking for garbage among them costs a tenth of a run's CPU time.
    gc.set_threshold(100_000, 50, 50)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code: int = chosen.run(chosen)
        return code
    except (Refusal, Failed) as problem:
        return commands.say(problem)
    except BrokenPipeError:
        # The reader of our output has gone (`... | head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except _Terminated:
        print("Stopped. Every published version is whole.", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print("Interrupted. Every published version is whole.", file=sys.stderr)
        return 130


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"R302 STOP {self.prog} — {message}. Fix: see `python -m {self.prog} --help`, or `make help`\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="analysis", description=__doc__.splitlines()[0])
    commands.declare(parser.add_subparsers(required=True, metavar="command"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
